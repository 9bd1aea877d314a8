import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { seen, silent, testBot } from '../../test/support/engineRig.ts'
import { type Hex, sleep } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { RunningProcess } from '../telemetry/index.ts'
import { type Anvil, makeThing, startAnvil } from '../testing/index.ts'
import { runBotOnAnvil } from '../testing/runBotOnAnvil.ts'
import { runWatcher } from './runWatcher.ts'

// Emits one log with the calldata's first word as its topic: calldataload(0), then log1 of no data.
const EMITTER = '0x600b600c600039600b6000f360003560006000a100000000' as Hex

let anvil: Anvil
let database: TestDatabase
let emitter: Hex
let from: Hex
const topic = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const emit = (n: number): Promise<Hex> =>
  anvil.rpc<Hex>('eth_sendTransaction', [{ from, to: emitter, data: topic(n), gas: '0x30d40' }])
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')

beforeAll(async () => {
  anvil = await startAnvil()
  database = await createTestDatabase()
  const [first] = await anvil.rpc<Hex[]>('eth_accounts')
  from = first ?? '0x'
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [
    { from, data: EMITTER, gas: '0x7a120' },
  ])
  await mine()
  const receipt = await anvil.rpc<{ contractAddress: Hex; status: Hex }>(
    'eth_getTransactionReceipt',
    [hash],
  )
  expect(receipt.status).toBe('0x1')
  emitter = receipt.contractAddress
})
afterAll(async () => {
  await anvil?.stop()
  await database?.drop()
})

const bot = testBot({
  id: 'emitted',
  needs: ({ things }) => ({
    logs: [{ address: things.map(({ address }) => address) }],
    reads: things.map(({ address }) => ({ kind: 'balance' as const, key: 'balance', address })),
  }),
  handleTransaction: (tx, ctx) => {
    ctx.state.set('n', (ctx.state.get<number>('n') ?? 0) + 1)
    const balance = ctx.reads<bigint>('balance')
    return tx.logs.map((log) =>
      seen({
        txHash: tx.hash,
        uniqueKey: `${BigInt(log.topics[0] ?? 0)}`,
        description: `${balance.ok && balance.value} ${ctx.state.get<number>('n')}`,
      }),
    )
  },
}).definition

const config = (): Config =>
  ({
    chains: [
      {
        id: 31_337,
        name: 'local',
        blockTimeMs: 200,
        pollMs: 20,
        finality: { depth: 64 },
        transactions: 'auto',
        traces: 'auto',
        startBlock: 2,
        rpc: [{ name: 'a', http: anvil.url, ws: undefined }],
      },
    ],
    bots: { emitted: { enabled: true, parameters: {} } },
    watch: [makeThing({ kind: 'token', name: 'token', address: emitter })],
    indexer: { enabled: true },
  }) as unknown as Config

const found = async (): Promise<readonly string[]> => {
  const { rows } = await database.pool.query(
    `select unique_key, status from tocsin.finding where bot_id = 'emitted' order by seq`,
  )
  return rows.map((row) => `${row.unique_key} ${row.status}`)
}
const until = async (test: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 400; i++) {
    if (await test()) return
    await sleep(25)
  }
  throw new Error(`never: ${JSON.stringify(await found())}`)
}
const start = (): Promise<RunningProcess> =>
  runWatcher({ config: config(), store: database, bots: [bot], log: silent })

test('behavior: a chain is followed, resumed after a pause, and followed through a reorg', async () => {
  let watcher = await start()
  await emit(1)
  await mine()
  await until(async () => (await found()).length === 1)
  await watcher.stop()
  for (const n of [2, 3]) {
    await emit(n)
    await mine()
  }
  watcher = await start()
  await until(async () => (await found()).length === 3)
  const snapshot = await anvil.rpc<Hex>('evm_snapshot')
  await emit(4)
  await mine()
  await until(async () => (await found()).length === 4)
  await anvil.rpc('evm_revert', [snapshot])
  await anvil.rpc('evm_mine', [{ timestamp: Math.floor(Date.now() / 1_000) + 100 }])
  await emit(5)
  await mine()
  await until(async () => (await found()).length === 5)
  expect(await found()).toEqual([
    '1 provisional',
    '2 provisional',
    '3 provisional',
    '4 retracted',
    '5 provisional',
  ])
  await until(async () => (await watcher.report()).status === 'ok')
  const { rows } = await database.pool.query(`select health from tocsin.chain_cursor`)
  expect(rows[0].health).toMatchObject({ chainId: 31_337, name: 'local' })
  const { rows: live } = await database.pool.query(
    `select description from tocsin.finding where status = 'provisional' order by block_number`,
  )
  expect(live.map(({ description }) => description)).toEqual(['0 1', '0 2', '0 3', '0 4'])
  await watcher.stop()
})

test('behavior: a bot over a range of the same chain finds the same', async () => {
  const findings = await runBotOnAnvil(bot, anvil, {
    things: [{ kind: 'token', name: 'token', address: emitter }],
    from: 2,
  })
  expect(findings.map(({ description }) => description)).toEqual(['0 1', '0 2', '0 3', '0 4'])
})

test('error: a second watcher on the same chain is refused, and health tells of endpoints that are gone', async () => {
  const watcher = await start()
  await expect(
    runWatcher({
      config: config(),
      store: database,
      bots: [bot],
      log: silent,
      lockPatienceMs: 100,
    }),
  ).rejects.toMatchObject({ code: 'engine.locked' })
  await until(async () => (await watcher.report()).status === 'ok')
  await anvil.stop()
  await until(async () => (await watcher.report()).status === 'degraded')
  await until(async () => {
    const { rows } = await database.pool.query(
      `select health->>'status' as status from tocsin.chain_cursor`,
    )
    return rows[0].status !== 'ok'
  })
  await watcher.stop()
})
