import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFunctionData, parseAbi, toHex } from 'viem'
import { loadBots } from '../../core/cli/loadBots.ts'
import { type ProcessName, type Supervisor, startSupervisor } from '../../core/cli/supervisor.ts'
import {
  createSignerRpc,
  encodeKeystore,
  loadActions,
  scaffoldPolicy,
} from '../../core/response/index.ts'
import { connectDatabase, type Store } from '../../core/store/index.ts'
import { type Anvil, type AnvilOptions, startAnvil } from '../../core/testing/index.ts'
import { type DemoDeployment, deployDemo } from '../../demo/contracts/index.ts'
import { startGatedNode } from './gatedNode.ts'
import { keepEnding, leftBehind } from './leftBehind.ts'
import { programArgs } from './program.ts'

/** A chain with the demo's contracts, and a folder with a watchlist, a pause policy and a keystore for it. */
export type Ground = {
  readonly folder: string
  readonly anvil: Anvil
  readonly deployment: DemoDeployment
  readonly configFile: string
  readonly dataDir: string
  /** Runs `work` while Tocsin reads nothing of the chain, where the ground is `gated`; else at once. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
  /** Lifts the pause, as the Safe that may. Mines nothing. */
  readonly unpause: () => Promise<void>
  readonly stop: () => Promise<void>
}

export type Stack = Ground & {
  readonly supervisor: Supervisor
  readonly store: Store
}

export type GroundOptions = {
  readonly anvil?: AnvilOptions
  /**
   * All bots of the catalogue. Default: false, the four that the tests of everything else speak of. Call traces stay
   * off: anvil needs seconds for those of a large block.
   */
  readonly catalogue?: boolean
  /** Tocsin reaches the chain through a gate that `alone` closes (see `startGatedNode`). Default: false. */
  readonly gated?: boolean
  readonly users?: number
  /** Edits the text of the watchlist before anything reads it. */
  readonly watchlist?: (text: string, deployment: DemoDeployment) => string
  /** Edits the text of the pause policy. */
  readonly policy?: (text: string) => string
  /** Called on the fresh chain, before anything is deployed. */
  readonly prepare?: (anvil: Anvil) => Promise<void>
  /** Called with the folder of the watchlist, before anything reads it. */
  readonly prepareFolder?: (folder: string) => Promise<void>
}

export type StackOptions = GroundOptions & {
  readonly only: readonly ProcessName[]
  /** Longest pause before a killed process is started again (ms). */
  readonly restartCapMs?: number
  readonly onLine?: (name: string, line: string) => void
  readonly onEvent?: (event: string) => void
}

const PASSWORD_VARIABLE = 'TOCSIN_BENCH_PASSWORD'

const FOUR = ['tvl-drop', 'admin-call', 'large-transfer', 'liquidity-pull']

/** Lines for the other bots of the catalogue. */
const otherBots = async (): Promise<string> =>
  (await loadBots())
    .filter(({ id }) => !FOUR.includes(id))
    .map(
      ({ id }) => `  ${id}: ${id === 'reentrancy' ? '{ parameters: { traces: never } }' : '{}'}\n`,
    )
    .join('')

const watchlistOf = (
  anvil: Anvil,
  rpcUrl: string,
  d: DemoDeployment,
  dataDir: string,
  others: string,
): string => `version: 1
name: bench
dataDir: ${dataDir}
chains:
  local:
    id: ${anvil.chainId}
    rpc: [{ http: ${rpcUrl}, ws: ${anvil.wsUrl} }]
    blockTimeMs: 1000
owners:
  team: {}
watch:
  - { name: usd, kind: token, chain: local, address: ${d.usd.address}, owner: team, symbol: dUSD, decimals: 6, deployBlock: ${d.usd.deployBlock} }
  - { name: vault, kind: vault, chain: local, address: ${d.vault.address}, owner: team, proxy: true, deployBlock: ${d.vault.deployBlock} }
  - { name: pair, kind: pool, variant: uniswap-v2, chain: local, address: ${d.pair.address}, owner: team, deployBlock: ${d.pair.deployBlock} }
  - { name: pool, kind: pool, variant: uniswap-v3, chain: local, address: ${d.pool.address}, owner: team, deployBlock: ${d.pool.deployBlock} }
  - { name: governor, kind: governor, chain: local, address: ${d.governor.address}, owner: team, deployBlock: ${d.governor.deployBlock} }
  - { name: timelock, kind: timelock, chain: local, address: ${d.timelock.address}, owner: team, deployBlock: ${d.timelock.deployBlock} }
  - { name: safe, kind: multisig, chain: local, address: ${d.safe.address}, owner: team, deployBlock: ${d.safe.deployBlock} }
bots:
  tvl-drop: {}
  admin-call: {}
  large-transfer: { parameters: { threshold: '250000' } }
  liquidity-pull: {}
${others}answers:
  - { when: { bot: [tvl-drop], thing: [vault], minSeverity: Critical }, action: pause-vault }
signer:
  rpc: { local: [${rpcUrl}] }
  keystore: keystore.json
  password: { env: ${PASSWORD_VARIABLE} }
  mode: auto
console: { port: 0 }
metrics: { basePort: 0 }
`

/** What Tocsin needs to run, without Tocsin; `stop` leaves nothing. */
export const startGround = async (options: GroundOptions): Promise<Ground> => {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-stack-'))
  // As root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755)
  const dataDir = join(folder, 'data')
  const undo: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })]
  const stop = keepEnding(async () => {
    for (const step of undo.reverse()) await step().catch(() => undefined)
  })
  try {
    const anvil = await startAnvil({ accounts: 12 + (options.users ?? 32), ...options.anvil })
    undo.push(anvil.stop)
    await options.prepare?.(anvil)
    const gate = options.gated ? await startGatedNode(anvil.url) : undefined
    if (gate) undo.push(gate.stop)
    const mines = options.anvil?.blockTimeS === undefined
    const deployment = await deployDemo({
      rpcUrl: anvil.url,
      users: options.users ?? 32,
      ...(mines ? { mine: () => anvil.rpc('evm_mine') } : {}),
    })
    await options.prepareFolder?.(folder)
    const configFile = join(folder, 'watchlist.yaml')
    const others = options.catalogue ? await otherBots() : ''
    const text = watchlistOf(anvil, gate?.url ?? anvil.url, deployment, dataDir, others)
    await writeFile(configFile, options.watchlist?.(text, deployment) ?? text)
    process.env[PASSWORD_VARIABLE] = 'bench'
    const { privateKey } = deployment.actors.pauser.getHdKey()
    if (!privateKey) throw new Error('the pauser has no private key')
    const { text: keystore } = await encodeKeystore(toHex(privateKey), 'bench', {
      n: 1_024,
      r: 8,
      p: 1,
    })
    await writeFile(join(folder, 'keystore.json'), keystore, { mode: 0o600 })
    const action = (await loadActions()).find(({ id }) => id === 'pause')
    if (!action) throw new Error('the pause action is missing')
    const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
    const policy = await scaffoldPolicy({
      rpc,
      action,
      id: 'pause-vault',
      target: deployment.vault.address,
      approvedBy: ['bench'],
      bots: ['tvl-drop'],
      thing: 'vault',
      mode: 'auto',
    })
    await mkdir(join(folder, 'actions', 'pause-vault'), { recursive: true })
    await writeFile(
      join(folder, 'actions', 'pause-vault', 'policy.yaml'),
      options.policy?.(policy) ?? policy,
    )
    await writeFile(join(folder, 'actions', 'pause-vault', 'runbook.md'), 'Bench.\n')
    const pausable = parseAbi(['function unpause()'])
    await anvil.rpc('anvil_impersonateAccount', [deployment.safe.address])
    await anvil.rpc('anvil_setBalance', [deployment.safe.address, '0x56bc75e2d63100000'])
    const unpause = async (): Promise<void> => {
      const data = encodeFunctionData({ abi: pausable, functionName: 'unpause' })
      await anvil.rpc('eth_sendTransaction', [
        { from: deployment.safe.address, to: deployment.vault.address, data, gas: '0x30d40' },
      ])
    }
    const alone = gate?.alone ?? (<T>(work: () => Promise<T>): Promise<T> => work())
    return { folder, anvil, deployment, configFile, dataDir, alone, unpause, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The whole of Tocsin on a chain of its own with the demo's contracts, in a folder of its own; `stop` leaves nothing. */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const ground = await startGround(options)
  leftBehind.delete(ground.stop)
  const undo: (() => Promise<void>)[] = [ground.stop]
  const stop = keepEnding(async () => {
    for (const step of undo.reverse()) await step().catch(() => undefined)
  })
  try {
    const supervisor = await startSupervisor({
      configFile: ground.configFile,
      dataDir: ground.dataDir,
      only: options.only,
      program: programArgs('core/cli/main'),
      onLine: options.onLine ?? (() => undefined),
      ...(options.onEvent ? { onEvent: options.onEvent } : {}),
      ...(options.restartCapMs === undefined ? {} : { restartCapMs: options.restartCapMs }),
    })
    undo.push(supervisor.stop)
    const store = await connectDatabase({ url: supervisor.databaseUrl, name: 'bench', poolSize: 3 })
    undo.push(store.stop)
    return { ...ground, supervisor, store, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
