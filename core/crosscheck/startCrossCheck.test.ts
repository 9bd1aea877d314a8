import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { silent } from '../../test/support/engineRig.ts'
import { sleep } from '../base/index.ts'
import type { ChainBlock, ChainLog } from '../chain/types.ts'
import type { Config } from '../config/types.ts'
import { createTally } from '../engine/tallyBlock.ts'
import { startCrossCheck } from './startCrossCheck.ts'
import { viewCrossCheck } from './viewCrossCheck.ts'

const CHAIN = 7
const TOKEN = `0x${'aa'.repeat(20)}` as const
const OTHER = `0x${'bb'.repeat(20)}` as const
const LATE = `0x${'cc'.repeat(20)}` as const
const hex = (n: number): `0x${string}` => `0x${n.toString(16).padStart(64, '0')}`

let database: TestDatabase
let checkpoint = 0
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())

const run = async (text: string, values: unknown[] = []): Promise<void> => {
  await database.pool.query(text, values)
}
/** An index as the indexer leaves it, as far as it is read. */
const makeIndex = async (contracts: readonly (readonly [string, number])[]): Promise<void> => {
  await run('create schema indexer')
  await run('create table indexer._ponder_meta (key text, value jsonb)')
  await run(`insert into indexer._ponder_meta values ('app', '{"is_ready": 1}')`)
  await run('create table indexer._ponder_checkpoint (chain_id bigint, latest_checkpoint text)')
  await run(`insert into indexer._ponder_checkpoint values ($1, '')`, [CHAIN])
  await run(
    'create table indexer.contract (chain_id int, address text, name text, start_block bigint)',
  )
  await run(`create table indexer.event (id text, chain_id int, block_number bigint, block_hash text,
    tx_hash text, log_index int, address text, topics text[], data text)`)
  for (const [address, start] of contracts)
    await run('insert into indexer.contract values ($1, $2, $3, $4)', [
      CHAIN,
      address,
      `thing ${address.slice(2, 4)}`,
      start,
    ])
}
beforeEach(async () => {
  await run('drop schema if exists indexer cascade')
  await run(
    'truncate tocsin.chain_cursor, tocsin.block_tally, tocsin.tally_cover, tocsin.cross_check, tocsin.finding',
  )
  await run(
    `insert into tocsin.chain_cursor (chain_id, chain_name, number, hash, genesis_hash, finalized)
     values ($1, 'local', 1000, '', '', 1000)`,
    [CHAIN],
  )
})
const cover = (address: string, from: number): Promise<void> =>
  run('insert into tocsin.tally_cover values ($1, $2, $3)', [CHAIN, address, from])
/** The indexer commits the next block: same height where none is given. */
const moveIndex = (block = 1_000): Promise<void> =>
  run('update indexer._ponder_checkpoint set latest_checkpoint = $1', [
    `${String(++checkpoint).padStart(10, '0')}${String(CHAIN).padStart(16, '0')}${String(block).padStart(16, '0')}${'0'.repeat(33)}`,
  ])

const logOf = (block: number, logIndex: number, rest: Partial<ChainLog> = {}): ChainLog => ({
  address: TOKEN,
  topics: [hex(1), hex(logIndex)],
  data: '0x',
  logIndex,
  txIndex: 0,
  txHash: hex(block * 1_000 + logIndex),
  ...rest,
})
const watcherSees = async (block: number, logs: readonly ChainLog[]): Promise<void> => {
  const rows = createTally([TOKEN, OTHER, LATE])({
    transactions: [{ logs }],
  } as unknown as ChainBlock)
  for (const { address, logs: n, digest, places } of rows ?? [])
    await run('insert into tocsin.block_tally values ($1, $2, $3, $4, $5, $6, $7)', [
      CHAIN,
      block,
      address,
      hex(block),
      n,
      digest,
      places,
    ])
}
const indexHolds = async (block: number, logs: readonly ChainLog[]): Promise<void> => {
  for (const log of logs)
    await run('insert into indexer.event values ($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
      `${block}-${log.logIndex}-${log.address}`,
      CHAIN,
      block,
      hex(block),
      log.txHash,
      log.logIndex,
      log.address,
      log.topics,
      log.data,
    ])
}
type Told = { id: string; description: string; metadata: Record<string, string> }
const told = async (alertId = 'READERS-DISAGREE'): Promise<readonly Told[]> =>
  (
    await database.pool.query<Told>(
      'select alert_id as id, description, metadata from tocsin.finding where alert_id like $1 order by seq',
      [`${alertId}%`],
    )
  ).rows
const row = async () => {
  const { rows } = await database.pool.query<{
    checked: number | null
    skipped: number
    differences: number
    goal: number | null
    reason: string
  }>(
    'select checked::int, skipped::int, differences::int, goal::int, reason from tocsin.cross_check',
  )
  return rows[0]
}
const start = (blindMs?: number) =>
  startCrossCheck({
    config: {
      chains: [{ id: CHAIN, name: 'local', blockTimeMs: 10 }],
      watch: [{ chain: 'local' }],
      indexer: { enabled: true },
    } as unknown as Config,
    store: database,
    log: silent,
    pauseMs: 5,
    patienceMs: 20,
    ...(blindMs === undefined ? {} : { blindMs }),
  })
/** Runs until it holds, with an index that moves or stands still. */
const runUntil = async (
  what: () => Promise<boolean>,
  options: { readonly still?: boolean; readonly blindMs?: number } = {},
): Promise<void> => {
  const check = start(options.blindMs)
  try {
    for (let tries = 0; tries < 400; tries++) {
      if (await what()) return
      if (!options.still) await moveIndex()
      await sleep(15)
    }
    expect.fail(`never; ${JSON.stringify([await row(), await told()])}`)
  } finally {
    await check.stop()
  }
}
const isDone = async (): Promise<boolean> => (await row())?.checked === 1_000

test('behavior: the digest of the tally is the one of the rows, whatever a log holds', async () => {
  await makeIndex([
    [TOKEN, 1],
    [OTHER, 1],
  ])
  await cover(TOKEN, 900)
  await cover(OTHER, 900)
  const logs = [
    logOf(950, 0, { topics: [], data: '0x' }),
    logOf(950, 1, { topics: [], data: `0x${'ff'.repeat(5_000)}` }),
    logOf(950, 2, { address: OTHER, topics: [hex(1), hex(2), hex(3), hex(4)] }),
    logOf(950, 3, { txHash: hex(950_001) }),
    logOf(950, 9, { data: '0x00' }),
    logOf(950, 10, { data: '0x01' }),
  ]
  await watcherSees(950, logs)
  await indexHolds(950, [...logs].reverse())
  await moveIndex()
  await runUntil(isDone)
  expect(await told()).toEqual([])
  const { rows } = await database.pool.query('select 1 from tocsin.block_tally')
  expect(rows).toEqual([])
})

test('behavior: an address is compared from the block on from which both know it', async () => {
  await makeIndex([
    [TOKEN, 1],
    [LATE, 960],
  ])
  await cover(TOKEN, 920)
  await cover(LATE, 900)
  await cover(OTHER, 900)
  // Before the tally began; before it was indexed; never indexed.
  await indexHolds(919, [logOf(919, 0)])
  await watcherSees(959, [logOf(959, 0, { address: LATE })])
  await watcherSees(980, [logOf(980, 0, { address: OTHER })])
  await indexHolds(920, [logOf(920, 0)])
  await watcherSees(960, [logOf(960, 0, { address: LATE })])
  await moveIndex()
  await runUntil(isDone)
  expect((await told()).map(({ metadata }) => metadata)).toMatchObject([
    { block: '920', lacks: 'watcher', thing: 'thing aa' },
    { block: '960', lacks: 'index', thing: 'thing cc' },
  ])
})

test('behavior: rows that are away only while the index stands still are no finding', async () => {
  await makeIndex([[TOKEN, 1]])
  await cover(TOKEN, 990)
  await watcherSees(995, [logOf(995, 0)])
  await moveIndex()
  const isDoubted = async (): Promise<boolean> => (await row())?.goal === 1_000
  await runUntil(isDoubted, { still: true })
  const check = start()
  // Many looks, and longer than the patience with a difference.
  await sleep(300)
  expect(await row()).toMatchObject({
    checked: 994,
    differences: 0,
    reason: 'A difference in block 995 is looked at again.',
  })
  // It goes on from further back, as after a crash, and reaches the block again with its rows.
  await moveIndex(970)
  await indexHolds(995, [logOf(995, 0)])
  await moveIndex(1_000)
  await check.stop()
  await runUntil(isDone, { still: true })
  expect(await row()).toMatchObject({ checked: 1_000, differences: 0, goal: null, reason: '' })
  expect(await told()).toEqual([])
})

test('behavior: where very much differs, twenty are told alone and the rest together', async () => {
  await makeIndex([[TOKEN, 1]])
  await cover(TOKEN, 900)
  for (let block = 900; block < 930; block++) await watcherSees(block, [logOf(block, 0)])
  await indexHolds(
    940,
    Array.from({ length: 25 }, (_, n) => logOf(940, n)),
  )
  await moveIndex()
  await runUntil(isDone)
  const findings = await told()
  expect(findings).toHaveLength(21)
  expect(findings.at(-1)).toMatchObject({
    id: 'READERS-DISAGREE-WIDELY',
    metadata: { block: '920' },
  })
  expect(await row()).toMatchObject({ differences: 31 })
})

test('behavior: of many missing events twenty are named and the others counted', async () => {
  await makeIndex([[TOKEN, 1]])
  await cover(TOKEN, 900)
  const logs = Array.from({ length: 25 }, (_, n) => logOf(940, n))
  await watcherSees(940, logs)
  await indexHolds(940, logs.slice(0, 2))
  await moveIndex()
  await runUntil(isDone)
  const [finding] = await told()
  const named = logs.slice(2, 22).map(({ txHash, logIndex }) => `${txHash}#${logIndex}`)
  expect(finding?.metadata['indexLacks']).toBe(`${named.join(', ')} and 3 more`)
  expect(finding?.description).toContain('The index lacks 23 events that the watcher saw')
})

test('behavior: blocks that the tally never held are counted as never compared', async () => {
  await makeIndex([[TOKEN, 1]])
  await cover(TOKEN, 900)
  await run(`update tocsin.chain_cursor set finalized = 910`)
  await moveIndex()
  await runUntil(async () => (await row())?.checked === 910)
  await run(`update tocsin.tally_cover set from_block = 951`)
  await indexHolds(930, [logOf(930, 0)])
  await run(`update tocsin.chain_cursor set finalized = 1000`)
  await runUntil(isDone)
  expect(await row()).toMatchObject({ skipped: 40, differences: 0 })
})

test('behavior: without an index, or with one that stays behind, it is unknown, and told when that lasts', async () => {
  await cover(TOKEN, 900)
  await runUntil(async () => (await row()) !== undefined, { still: true })
  // Nothing was seen that could be compared.
  expect(await row()).toMatchObject({ checked: null, goal: null, reason: '' })
  await watcherSees(950, [logOf(950, 0)])
  await runUntil(async () => (await row())?.goal === 1_000, { still: true })
  expect(await row()).toMatchObject({ reason: 'There is no complete index yet.' })
  await makeIndex([[TOKEN, 1]])
  await moveIndex(920)
  await runUntil(async () => (await row())?.checked === 920, { still: true })
  expect(await row()).toMatchObject({
    goal: 1_000,
    reason: 'The index stands at block 920, block 1000 is final.',
  })
  const blind = () => told('CROSS-CHECK-BLIND')
  await runUntil(async () => (await blind()).length > 0, { still: true, blindMs: 10 })
  // The same wait is told once, also by another process.
  const again = start(10)
  await sleep(100)
  await again.stop()
  expect(await blind()).toHaveLength(1)
  expect(await told()).toEqual([])
})

test('behavior: what is shown says unknown where nobody knows', () => {
  const now = new Date('2026-01-01T12:00:00Z')
  const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1_000)
  const well = {
    checked: 120,
    skipped: 0,
    differences: 0,
    lastDifference: null,
    compared: 4,
    known: 4,
    goalSince: null,
    reason: '',
    updatedAt: ago(1),
  }
  expect(viewCrossCheck(well, now)).toEqual({ state: 'agrees', text: 'agrees up to block 120' })
  expect(viewCrossCheck({ ...well, goalSince: ago(59), reason: 'x' }, now).state).toBe('agrees')
  expect(viewCrossCheck({ ...well, goalSince: ago(61), reason: 'It waits.' }, now)).toEqual({
    state: 'unknown',
    text: 'unknown for 1 min: It waits (agrees up to block 120)',
  })
  expect(viewCrossCheck({ ...well, updatedAt: ago(61) }, now).state).toBe('unknown')
  expect(viewCrossCheck({ ...well, checked: null }, now).state).toBe('waiting')
  expect(
    viewCrossCheck({ ...well, differences: 2, lastDifference: 99, skipped: 5, compared: 3 }, now),
  ).toEqual({
    state: 'differed',
    text: 'compared up to block 120, 2 differences, the last in block 99, 5 blocks never compared (3 of 4 addresses known to both)',
  })
})
