import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { encodeDeployData, encodeFunctionData, keccak256 } from 'viem'
import { stringify } from 'yaml'
import { type Address, type Hex, sleep, stableHash } from '../../core/base/index.ts'
import type { Answer, Config } from '../../core/config/types.ts'
import {
  loadPolicies,
  requestExecutions,
  type StartSignerOptions,
  startSigner,
} from '../../core/response/index.ts'
import { encodeKeystore } from '../../core/response/keystore.ts'
import { tables } from '../../core/store/index.ts'
import { createLogger, type RunningProcess } from '../../core/telemetry/index.ts'
import { type Anvil, startAnvil, trialPolicy } from '../../core/testing/index.ts'
import { compileContracts } from '../../demo/contracts/compile.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

/** Third account of the well-known test mnemonic. */
const PAUSER_KEY: Hex = '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
const PASSWORD = 'correct horse'
const PAUSED = '0x5c975abb'

export type ExecutionRow = typeof tables.execution.$inferSelect
export type FindingRow = typeof tables.finding.$inferSelect

export type SignerFixture = {
  readonly anvil: Anvil
  readonly database: TestDatabase
  readonly dataDir: string
  readonly actionsDir: string
  readonly keystore: string
  readonly password: string
  readonly signer: Address
  readonly admin: Address
  readonly vault: Address
  readonly config: Config
  readonly answers: readonly Answer[]
  /** Writes the policy file, with changes; returns its id. */
  readonly writePolicy: (changes?: Record<string, unknown>) => Promise<string>
  readonly mine: (blocks?: number) => Promise<void>
  /** Inserts a finding at the head (with changes) and asks for executions as the watcher does. */
  readonly find: (
    changes?: Partial<FindingRow>,
  ) => Promise<{ finding: FindingRow; executions: readonly string[] }>
  readonly start: (
    options?: Partial<StartSignerOptions> & { rpc?: readonly string[] },
  ) => Promise<RunningProcess>
  readonly row: (id: string) => Promise<ExecutionRow>
  readonly until: (
    id: string,
    test: (row: ExecutionRow) => boolean,
    timeoutMs?: number,
  ) => Promise<ExecutionRow>
  readonly events: (id: string) => Promise<readonly string[]>
  readonly isPaused: () => Promise<boolean>
  readonly asAdmin: (functionName: string, args?: readonly unknown[]) => Promise<void>
  readonly stopSigners: () => Promise<void>
  /** Stops signers, forgets executions, findings and policies, and lifts the pause. */
  readonly reset: () => Promise<void>
  readonly stop: () => Promise<void>
}

const deployVault = async (anvil: Anvil, admin: Address, pauser: Address) => {
  const { DemoVault, DemoProxy, DemoToken } = await compileContracts()
  if (!DemoVault || !DemoProxy || !DemoToken) throw new Error('contracts missing')
  const send = async (data: Hex, to?: Address): Promise<Address> => {
    const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
      { from: admin, data, ...(to ? { to } : {}), gas: '0x7a1200' },
    ])
    await anvil.rpc('evm_mine')
    const receipt = await anvil.rpc<{ status: Hex; contractAddress: Address }>(
      'eth_getTransactionReceipt',
      [hash],
    )
    if (receipt.status !== '0x1') throw new Error('a deployment failed')
    return receipt.contractAddress
  }
  const implementation = await send(DemoVault.bytecode)
  const initialize = encodeFunctionData({
    abi: DemoVault.abi,
    functionName: 'initialize',
    args: [admin, admin, pauser],
  })
  const vault = await send(
    encodeDeployData({
      abi: DemoProxy.abi,
      bytecode: DemoProxy.bytecode,
      args: [implementation, initialize],
    }),
  )
  return { vault, implementation, abi: DemoVault.abi }
}

/** A chain without mining of its own, a database, a paused-able vault behind a proxy, a keystore and a policy folder. */
export const createSignerFixture = async (): Promise<SignerFixture> => {
  const [anvil, database, folder] = await Promise.all([
    startAnvil(),
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'tocsin-signer-')),
  ])
  const actionsDir = join(folder, 'actions')
  const keystore = join(folder, 'keystore.json')
  await mkdir(actionsDir)
  const sealed = await encodeKeystore(PAUSER_KEY, PASSWORD, { n: 1024, r: 8, p: 1 })
  await writeFile(keystore, sealed.text)
  const [admin] = await anvil.rpc<Address[]>('eth_accounts')
  if (!admin) throw new Error('no accounts')
  const { vault, implementation, abi } = await deployVault(anvil, admin, sealed.address)
  const codeHash = keccak256(await anvil.rpc<Hex>('eth_getCode', [vault, 'latest']))
  const { db } = database
  const log = createLogger({ service: 'test', level: process.env['TEST_LOG'] ?? 'silent' })
  const running = new Set<RunningProcess>()

  const makeConfig = (rpc: readonly string[]): Config =>
    ({
      dataDir: folder,
      actionsDir,
      chains: [{ name: 'local', id: anvil.chainId, blockTimeMs: 200, rpc: [] }],
      signer: { rpc: { local: [...rpc] }, keystore, password: PASSWORD, mode: 'auto' },
    }) as unknown as Config
  const answers: readonly Answer[] = [
    { when: { bot: ['tvl-drop'], minSeverity: 'High' }, action: 'pause-vault' },
  ]

  const writePolicy: SignerFixture['writePolicy'] = async (changes = {}) => {
    const policy = trialPolicy({
      id: 'pause-vault',
      action: 'pause',
      approvedBy: ['Ada'],
      chain: anvil.chainId,
      target: vault,
      codeHash,
      implementation,
      calldata: '0x8456cb59',
      triggers: [
        { bot: 'tvl-drop', alertIds: ['TVL-DROP'], minSeverity: 'High', things: ['vault'] },
      ],
      mode: 'auto',
      approval: { timeoutS: 600 },
      ...changes,
    })
    await writeFile(join(actionsDir, `${policy.id}.yaml`), stringify(policy))
    return policy.id
  }
  const mine = async (blocks = 1): Promise<void> => {
    for (let i = 0; i < blocks; i++) await anvil.rpc('evm_mine')
  }
  const find: SignerFixture['find'] = async (changes = {}) => {
    const block = await anvil.rpc<{ number: Hex; hash: Hex; timestamp: Hex }>(
      'eth_getBlockByNumber',
      ['latest', false],
    )
    const values = {
      id: stableHash(randomBytes(8).toString('hex')),
      botId: 'tvl-drop',
      botVersion: '1.0.0',
      alertId: 'TVL-DROP',
      alertKind: 'event' as const,
      chainId: anvil.chainId,
      blockNumber: Number(block.number),
      blockHash: block.hash,
      blockTimestampS: Number(block.timestamp),
      uniqueKey: 'vault',
      name: 'TVL fell',
      description: 'It fell.',
      severity: 'Critical',
      type: 'Exploit',
      thing: 'vault',
      status: 'provisional' as const,
      ...changes,
    }
    const policies = await loadPolicies(actionsDir)
    return db.transaction(async (tx) => {
      const [finding] = await tx
        .insert(tables.finding)
        .values(values)
        .onConflictDoNothing()
        .returning()
      const [known] = finding
        ? [finding]
        : await tx.select().from(tables.finding).where(eq(tables.finding.id, values.id))
      if (!known) throw new Error('no finding')
      return {
        finding: known,
        executions: await requestExecutions(tx, [known], { answers, policies }),
      }
    })
  }
  const row = async (id: string): Promise<ExecutionRow> => {
    const [found] = await db.select().from(tables.execution).where(eq(tables.execution.id, id))
    if (!found) throw new Error(`no execution ${id}`)
    return found
  }
  const asAdmin: SignerFixture['asAdmin'] = async (functionName, args = []) => {
    await anvil.rpc('eth_sendTransaction', [
      {
        from: admin,
        to: vault,
        data: encodeFunctionData({ abi, functionName, args }),
        gas: '0x7a1200',
      },
    ])
    await mine()
  }
  const isPaused = async (): Promise<boolean> =>
    BigInt(await anvil.rpc<Hex>('eth_call', [{ to: vault, data: PAUSED }, 'latest'])) === 1n
  const stopSigners = async (): Promise<void> => {
    for (const signer of running) await signer.stop()
    running.clear()
  }
  return {
    anvil,
    database,
    dataDir: folder,
    actionsDir,
    keystore,
    password: PASSWORD,
    signer: sealed.address,
    admin,
    vault,
    answers,
    config: makeConfig([anvil.url]),
    writePolicy,
    mine,
    find,
    row,
    isPaused,
    asAdmin,
    stopSigners,
    start: async (options = {}) => {
      const { rpc, ...rest } = options
      const signer = await startSigner({
        config: makeConfig(rpc ?? [anvil.url]),
        store: database,
        log,
        ...rest,
      })
      running.add(signer)
      const stop = async (): Promise<void> => {
        running.delete(signer)
        await signer.stop()
      }
      return { ...signer, stop }
    },
    until: async (id, test, timeoutMs = 15_000) => {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const found = await row(id)
        if (test(found)) return found
        if (Date.now() > deadline)
          throw new Error(`execution stayed ${found.status} (${found.reason ?? ''})`)
        await sleep(20)
      }
    },
    events: async (id) => {
      const rows = await db
        .select()
        .from(tables.executionLog)
        .where(eq(tables.executionLog.executionId, id))
        .orderBy(tables.executionLog.seq)
      return rows.map(({ event }) => event)
    },
    reset: async () => {
      await stopSigners()
      await anvil.rpc('anvil_dropAllTransactions')
      await db.delete(tables.execution)
      await db.delete(tables.executionRelay)
      await db.delete(tables.finding)
      await db.delete(tables.executionLog)
      await rm(actionsDir, { recursive: true, force: true })
      await rm(join(folder, 'signer.stop'), { force: true })
      await rm(join(folder, 'signer.ledger'), { force: true })
      await rm(join(folder, 'audit.head'), { force: true })
      await db.delete(tables.executionApproval)
      await db.delete(tables.killSwitch)
      await mkdir(actionsDir)
      if (await isPaused()) await asAdmin('unpause')
    },
    stop: async () => {
      await stopSigners()
      await anvil.stop()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
