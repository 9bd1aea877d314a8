import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../core/base/index.ts'
import type { Config } from '../core/config/types.ts'
import { startCrossCheck } from '../core/crosscheck/index.ts'
import { runWatcher } from '../core/engine/index.ts'
import type { RunningProcess } from '../core/telemetry/index.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { silent, testBot } from './support/engineRig.ts'
import { createIndexerRig, type IndexerRig, watchedThing } from './support/indexer.ts'
import { startTransferChain, type TransferChain } from './support/transferChain.ts'

/** Blocks above a final one. */
const DEPTH = 4
const BLIND_MS = 1_500

let database: TestDatabase
let chain: TransferChain
let rig: IndexerRig
let watcher: RunningProcess
let checks: readonly ReturnType<typeof startCrossCheck>[] = []
let schema: string

const config = (): Config =>
  ({
    chains: [
      {
        id: 31_337,
        name: 'local',
        blockTimeMs: 200,
        pollMs: 20,
        finality: { depth: DEPTH },
        transactions: 'auto',
        traces: 'none',
        rpc: [{ name: 'a', http: chain.anvil.url, ws: undefined }],
      },
    ],
    bots: { quiet: { enabled: true, parameters: {} } },
    watch: [watchedThing({ name: 'usd', kind: 'token', address: chain.token })],
    indexer: { enabled: true },
  }) as unknown as Config

const startChecks = (): void => {
  // Two, as two notifiers would run them.
  checks = [1, 2].map(() =>
    startCrossCheck({
      config: config(),
      store: database,
      log: silent,
      pauseMs: 60,
      patienceMs: 200,
      blindMs: BLIND_MS,
    }),
  )
}
const stopChecks = async (): Promise<void> => {
  for (const check of checks) await check.stop()
}
const startWatcher = (): Promise<RunningProcess> =>
  runWatcher({
    config: config(),
    store: database,
    bots: [testBot({ id: 'quiet' }).definition],
    log: silent,
  })

const rows = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await database.pool.query<T>(text, values)).rows
/** As if somebody had changed the index behind the indexer's back: its triggers do not see it. */
const tamper = async (text: string, values: unknown[] = []): Promise<void> => {
  const client = await database.pool.connect()
  try {
    await client.query('set session_replication_role = replica')
    const { rowCount } = await client.query(text, values)
    expect(rowCount).toBe(1)
  } finally {
    await client.query('set session_replication_role = default')
    client.release()
  }
}
type Told = { name: string; severity: string; metadata: Record<string, string> }
const told = (alertId = 'READERS-DISAGREE') =>
  rows<Told>(
    'select name, severity, metadata from tocsin.finding where alert_id = $1 order by seq',
    [alertId],
  )
const place = async () =>
  (
    await rows<{ checked: number; goal: number | null; differences: number; skipped: number }>(
      'select checked::int, goal::int, differences::int, skipped::int from tocsin.cross_check',
    )
  )[0]

const until = async (what: string, test: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 400; tries++) {
    if (await test()) return
    await sleep(50)
  }
  expect.fail(`never: ${what}; ${JSON.stringify([await place(), await told()])}`)
}
/** Mines until a block is final for all, slowly enough that the index is seen to move. */
const untilChecked = async (block: number): Promise<void> => {
  for (let tries = 0; tries < 120; tries++) {
    if (((await place())?.checked ?? -1) >= block) return
    await chain.mine()
    await sleep(200)
  }
  expect.fail(`block ${block} was not compared: ${JSON.stringify([await place(), await told()])}`)
}
/** One block with so many events, in both readers. */
const emit = async (transfers: number): Promise<number> => {
  const { number } = await chain.mine(transfers)
  await until('both read the block', async () => {
    const [row] = await rows<{ tallied: number; indexed: number }>(
      `select (select count(*)::int from tocsin.block_tally where block_number = $1) as tallied,
        (select count(*)::int from indexer.event where block_number = $1) as indexed`,
      [number],
    )
    return row?.tallied === 1 && row.indexed === transfers
  })
  return number
}
const eventsOf = async (block: number) =>
  rows<{ id: string; event: string }>(
    `select id, tx_hash || '#' || log_index as event from indexer.event where block_number = $1 order by log_index`,
    [block],
  )

beforeAll(async () => {
  database = await createTestDatabase()
  chain = await startTransferChain()
  await chain.mine(3)
  rig = await createIndexerRig({ anvil: chain.anvil, database, watch: config().watch })
  ;({ schema } = await rig.start())
  watcher = await startWatcher()
  await rig.untilCaughtUp()
  startChecks()
})
afterAll(async () => {
  await stopChecks()
  await watcher?.stop()
  await rig?.stop()
  await chain?.anvil.stop()
  await database?.drop()
})

test('behavior: ordinary traffic, a reorg and a watcher that was away for a while give no finding', async () => {
  for (let n = 0; n < 6; n++) await chain.mine(n)
  await emit(2)
  await chain.reorg(3, [1, 0, 4, 2])
  await watcher.stop()
  for (let n = 0; n < 8; n++) await chain.mine(n % 3)
  watcher = await startWatcher()
  const last = await emit(5)
  await untilChecked(last)
  expect(await told()).toEqual([])
  const [first] = await rows<{ from: number; shared: number }>(
    `select from_block::int as from, (select count(*)::int from indexer.event e
      where e.block_number between from_block and checked) as shared from tocsin.cross_check`,
  )
  expect(first?.shared).toBeGreaterThan(20)
  expect(await place()).toMatchObject({ differences: 0, skipped: 0 })
  expect(await rows('select 1 from tocsin.block_tally where block_number <= $1', [last])).toEqual(
    [],
  )
  expect(await checks[0]?.report()).toMatchObject({
    status: 'ok',
    detail: { local: { state: 'agrees' } },
  })
})

test('behavior: what one of the two lacks, or holds otherwise, is one finding that names it', async () => {
  const [gone, bogus, changed, lost] = [await emit(3), await emit(2), await emit(2), await emit(4)]
  const [, missing] = await eventsOf(gone)
  const [copied] = await eventsOf(bogus)
  const [, touched] = await eventsOf(changed)
  const all = await eventsOf(lost)
  await tamper(`delete from ${schema}.event where id = $1`, [missing?.id])
  const invented = `0x${'ee'.repeat(32)}`
  await tamper(
    `insert into ${schema}.event
     select (jsonb_populate_record(e, jsonb_build_object('id', 'bogus', 'tx_hash', $2::text, 'log_index', 77))).*
     from ${schema}.event e where id = $1`,
    [copied?.id, invented],
  )
  await tamper(`update ${schema}.event set data = data || '00' where id = $1`, [touched?.id])
  await tamper('delete from tocsin.block_tally where block_number = $1', [lost])
  await untilChecked(lost)
  const findings = await told()
  expect(findings.map(({ metadata }) => metadata)).toMatchObject([
    { chain: 'local', block: `${gone}`, thing: 'usd', lacks: 'index', indexLacks: missing?.event },
    { block: `${bogus}`, lacks: 'watcher', watcherLacks: `${invented}#77` },
    { block: `${changed}`, lacks: 'none' },
    { block: `${lost}`, lacks: 'watcher', watcherLacks: all.map(({ event }) => event).join(', ') },
  ])
  expect(findings.every(({ severity }) => severity === 'High')).toBe(true)
  expect(await place()).toMatchObject({ differences: 4 })
  expect(await checks[0]?.report()).toMatchObject({ detail: { local: { state: 'differed' } } })
})

test('behavior: a restart before a difference is certain tells it once; an index that stands still is told, and catches up', async () => {
  const before = await told()
  const one = await emit(2)
  const [event] = await eventsOf(one)
  await tamper(`delete from ${schema}.event where id = $1`, [event?.id])
  for (let n = 0; n < DEPTH; n++) await chain.mine()
  await until('the difference was seen', async () => (await place())?.goal !== null)
  await stopChecks()
  startChecks()
  await untilChecked(one)
  await stopChecks()
  startChecks()
  const next = await emit(3)
  const pid = rig.pid()
  if (pid === undefined) throw new Error('the indexer does not run')
  process.kill(pid, 'SIGSTOP')
  try {
    await chain.mine(2)
    for (let n = 0; n < DEPTH + 1; n++) await chain.mine()
    await until('the wait was told', async () => (await told('CROSS-CHECK-BLIND')).length > 0)
    expect((await place())?.checked).toBeLessThan(next + 2)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await untilChecked(next + 2)
  expect((await told()).length).toBe(before.length + 1)
  expect((await told('CROSS-CHECK-BLIND')).length).toBe(1)
})

// Starts the indexer again, which takes half a minute on a busy machine: `npm run test:long`.
test.runIf(process.env['TOCSIN_LONG'])(
  'behavior: an indexer that is killed, with rows that come back later, tells nothing false',
  async () => {
    const before = await told()
    for (let round = 0; round < 3; round++) {
      await emit(3)
      const pid = rig.pid()
      if (pid === undefined) throw new Error('the indexer does not run')
      process.kill(pid, 'SIGKILL')
      await rig.halt()
      await chain.mine(2)
      for (let n = 0; n < DEPTH + 1; n++) await chain.mine()
      await rig.start()
      await chain.mine(1)
    }
    await untilChecked((await chain.head()).number)
    expect(await told()).toEqual(before)
  },
  240_000,
)
