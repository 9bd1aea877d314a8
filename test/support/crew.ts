import { encodeFunctionData, type Hex, toHex } from 'viem'
import { type AlertMessage, startNotifier } from '../../core/alerts/index.ts'
import { plainIncidents } from '../../core/alerts/testSupport.ts'
import { sleep } from '../../core/base/index.ts'
import { loadBots } from '../../core/cli/loadBots.ts'
import { startWatcher } from '../../core/cli/startWatcher.ts'
import { type Config, loadConfig } from '../../core/config/index.ts'
import { startSigner } from '../../core/response/index.ts'
import type { Store } from '../../core/store/index.ts'
import { createLogger, type RunningProcess } from '../../core/telemetry/index.ts'
import type { DemoContract } from '../../demo/contracts/index.ts'
import { nameFinding, startReckoner } from './reckoner.ts'
import type { Ground } from './stack.ts'

/** Watcher, notifier and signer in this process, on a chain that mines by hand. */
export type Crew = {
  readonly config: Config
  readonly watcher: RunningProcess
  /** First block that the watcher saw. */
  readonly firstBlock: number
  /** Everything that people were told, oldest first. */
  readonly told: readonly AlertMessage[]
  readonly send: (
    from: string,
    contract: Pick<DemoContract, 'address' | 'abi'>,
    functionName: string,
    args?: readonly unknown[],
  ) => Promise<void>
  readonly mine: () => Promise<void>
  readonly head: () => Promise<{
    readonly number: Hex
    readonly hash: Hex
    readonly timestamp: Hex
  }>
  /** Dollars of the vault, in units. */
  readonly vaultAssets: () => Promise<bigint>
  /** Queues a robbery of a ninth of the vault. */
  readonly rob: () => Promise<void>
  readonly rows: <T extends Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ) => Promise<T[]>
  readonly count: (from: string) => Promise<number>
  readonly until: (what: string, isThere: () => Promise<boolean>, limitMs?: number) => Promise<void>
  /** Watcher at the head, notifier and channel with nothing left. */
  readonly quiet: () => Promise<void>
  /** No execution under way, and the effect of each on the chain as it is now; mines what lies in the pool. */
  readonly settled: () => Promise<void>
  /** The findings of the bots that stand, sorted, as `nameFinding` writes them. */
  readonly standing: () => Promise<string[]>
  /** What should stand on the chain as it is now (see `startReckoner`). */
  readonly expected: () => Promise<string[]>
  readonly stop: () => Promise<void>
}

const LIMIT_MS = 30_000

export const startCrew = async (options: {
  readonly ground: Ground
  readonly store: Store
}): Promise<Crew> => {
  const { ground, store } = options
  const { anvil, deployment } = ground
  const { usd, vault, actors } = deployment
  const log = createLogger({ service: 'test', level: process.env['TEST_LOG'] ?? 'silent' })
  const config = await loadConfig({
    file: ground.configFile,
    secrets: ['rpc', 'signer', 'channels'],
    bots: loadBots,
  })
  const told: AlertMessage[] = []
  const cleanups: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  }

  const send: Crew['send'] = async (from, contract, functionName, args = []) => {
    const data = encodeFunctionData({ abi: contract.abi, functionName, args })
    await anvil.rpc('eth_sendTransaction', [
      { from, to: contract.address, data, gas: '0xf4240', maxFeePerGas: '0x2e90edd000' },
    ])
  }
  const mine = async (): Promise<void> => {
    await ground.alone(() => anvil.rpc('evm_mine'))
  }
  const head: Crew['head'] = () => anvil.rpc('eth_getBlockByNumber', ['latest', false])
  const rows: Crew['rows'] = async <T extends Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
  ) => (await store.pool.query<T>(text, [...values])).rows
  const count: Crew['count'] = async (from) =>
    (await rows<{ n: number }>(`select count(*)::int as n from ${from}`))[0]?.n ?? 0
  const until: Crew['until'] = async (what, isThere, limitMs = LIMIT_MS) => {
    for (const began = Date.now(); !(await isThere()); await sleep(15))
      if (Date.now() - began > limitMs) throw new Error(`waited ${limitMs / 1_000} s for ${what}`)
  }
  const quiet = async (): Promise<void> => {
    const { hash } = await head()
    await until('the watcher at the head', async () => {
      const [cursor] = await rows<{ hash: string }>('select hash from tocsin.chain_cursor')
      return cursor?.hash === hash
    })
    await until('the notifier', async () => (await count('tocsin.finding_queue')) === 0)
    await until(
      'the channel',
      async () => (await count("tocsin.outbox where status = 'pending'")) === 0,
    )
  }
  const isUnderWay = async (): Promise<boolean> => {
    const open = await rows<{ status: string; number: string | null; hash: string | null }>(
      `select status, mined_block as number, mined_block_hash as hash from tocsin.execution
       where confirmed_at is null
         and status in ('requested', 'proposed', 'sending', 'sent', 'mined', 'succeeded')`,
    )
    for (const { status, number, hash } of open) {
      if (status !== 'succeeded') return true
      if (hash === null) continue
      // What was mined on a branch that is gone will be sent again.
      const now = await anvil.rpc<{ hash: Hex } | null>('eth_getBlockByNumber', [
        toHex(Number(number)),
        false,
      ])
      if (now?.hash !== hash) return true
    }
    return false
  }
  const settled = (): Promise<void> =>
    until('the signer', async () => {
      const { pending } = await anvil.rpc<{ pending: Hex }>('txpool_status')
      if (Number(pending) > 0) await mine()
      return !(await isUnderWay())
    })
  const vaultAssets = async (): Promise<bigint> => {
    const data = encodeFunctionData({
      abi: usd.abi,
      functionName: 'balanceOf',
      args: [vault.address],
    })
    return BigInt(await anvil.rpc<Hex>('eth_call', [{ to: usd.address, data }, 'latest']))
  }
  const standing = async (): Promise<string[]> => {
    const found = await rows<Parameters<typeof nameFinding>[0]>(
      `select id, bot_id as "botId", alert_id as "alertId", severity, condition,
         block_number::int as "blockNumber"
       from tocsin.finding where bot_id <> 'tocsin' and status <> 'retracted'`,
    )
    return found.map(nameFinding).sort()
  }

  try {
    // The vault's forgotten role is taken before anybody looks.
    await send(actors.attacker.address, vault, 'initializeV2', [actors.attacker.address])
    await mine()
    const input = { config, store, log }
    const channel = {
      name: 'console',
      kind: 'test',
      timeoutMs: 1_000,
      send: async (message: AlertMessage) => {
        told.push(message)
        return { kind: 'sent' } as const
      },
    }
    const watcher = await startWatcher(input)
    cleanups.push(watcher.stop)
    const tellsAll = { ...config, incidents: plainIncidents }
    const notifier = await startNotifier({
      ...input,
      config: tellsAll,
      createChannel: () => channel,
    })
    cleanups.push(notifier.stop)
    cleanups.push((await startSigner(input)).stop)
    await quiet()
    const firstBlock = Number((await head()).number)
    const reckoner = await startReckoner({ config, from: firstBlock, log })
    cleanups.push(reckoner.stop)
    return {
      config,
      watcher,
      firstBlock,
      told,
      send,
      mine,
      head,
      vaultAssets,
      rob: async () =>
        send(actors.attacker.address, vault, 'migrate', [
          actors.attacker.address,
          (await vaultAssets()) / 9n,
        ]),
      rows,
      count,
      until,
      quiet,
      settled,
      standing,
      expected: async () => [...(await reckoner.upTo(Number((await head()).number)))].sort(),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
