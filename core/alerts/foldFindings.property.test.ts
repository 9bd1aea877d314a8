import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { SEV_OF } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { foldFindings } from './foldFindings.ts'
import { foldKey } from './foldKey.ts'
import { graver } from './routeFinding.ts'
import { findingOf, record, routingConfig, toldMessages } from './testSupport.ts'
import type { AlertRow, FindingRow } from './types.ts'

let store: TestDatabase
const config = routingConfig()

beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())
beforeEach(async () => {
  await store.pool.query(
    'truncate tocsin.finding, tocsin.finding_queue, tocsin.alert, tocsin.alert_finding, tocsin.incident, tocsin.outbox',
  )
})

/** Small, fast, seeded: a failing seed can be played again. */
const createRandom = (seed: number) => {
  let state = seed * 2_654_435_761 + 1
  const next = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) | 0
    return (state >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T
  return { below, pick }
}

type Opened = Record<
  string,
  Pick<AlertRow, 'status' | 'findings' | 'firstBlock' | 'lastBlock' | 'severity'>
>
type Made = ReturnType<typeof findingOf>
type Block = { readonly number: number; readonly fork: number; readonly findings: Made[] }

const makeFindings = (
  random: ReturnType<typeof createRandom>,
  chainId: number,
  number: number,
  fork: number,
): Made[] =>
  Array.from({ length: random.below(3) }, (_, at) => {
    const isCondition = random.below(3) > 0
    const condition = random.pick(['holds', 'holds', 'ended', 'ended', 'unknown'] as const)
    return findingOf({
      chainId,
      blockNumber: number,
      blockHash: `${chainId}-${number}-${fork}`,
      uniqueKey: `${at}`,
      alertId: isCondition ? 'LEVEL' : 'EVENT',
      alertKind: isCondition ? 'condition' : 'event',
      ...(isCondition ? { condition } : {}),
      thing: random.pick(['vault', 'pool']),
      severity: random.pick(['Critical', 'High', 'Medium', 'Low'] as const),
    })
  })

/** What should be open now, reckoned anew from the findings that stand, without any history. */
const expectOpen = (findings: readonly FindingRow[]): Opened => {
  const standing = findings
    .filter(({ status }) => status !== 'retracted')
    .sort((a, b) => a.blockNumber - b.blockNumber || a.seq - b.seq)
  const open: Opened = {}
  for (const key of new Set(standing.map(foldKey))) {
    const own = standing.filter((finding) => foldKey(finding) === key)
    const lastEnd = own.findLastIndex(({ condition }) => condition === 'ended')
    const since = own.slice(lastEnd + 1)
    const last = since.at(-1)
    if (!last) continue
    open[key] = {
      status: last.condition === 'unknown' ? 'unknown' : 'open',
      findings: since.length,
      lastBlock: last.blockNumber,
      firstBlock: since[0]?.blockNumber ?? 0,
      severity: since
        .map(({ severity }) => SEV_OF[severity as keyof typeof SEV_OF])
        .reduce(graver, 'SEV4'),
    }
  }
  return open
}

const seenOpen = (alerts: readonly AlertRow[]): Opened =>
  Object.fromEntries(
    alerts
      .filter(({ status }) => status === 'open' || status === 'unknown')
      .map(({ key, status, findings, lastBlock, firstBlock, severity }) => [
        key,
        { status, findings, lastBlock, firstBlock, severity },
      ]),
  )

const whole = (open: Opened): unknown => open
const essence = (open: Opened): unknown =>
  Object.fromEntries(
    Object.entries(open).map(([key, { status, lastBlock }]) => [key, { status, lastBlock }]),
  )

const checkMessages = async (alerts: readonly AlertRow[]): Promise<void> => {
  const messages = await toldMessages(store)
  expect(new Set(messages.map(({ dedupKey }) => dedupKey)).size).toBe(messages.length)
  for (const alert of alerts) {
    const own = messages.filter((message) => message.alert === alert.id)
    expect(own.map(({ ordinal }) => ordinal)).toEqual(own.map((_, at) => at + 1))
    expect(own.length).toBe(alert.changes)
    expect(['opened', 'unknown']).toContain(own[0]?.change)
    expect(own.at(-1)?.status).toBe(alert.status)
    for (const [at, message] of own.entries()) {
      const before = own[at - 1]?.status
      // Nothing is told twice: a message says something new of the status, or that it is graver.
      if (message.change !== 'raised') expect(message.status).not.toBe(before)
      else expect(message.status).toBe(before)
    }
  }
}

const SEEDS = Number(process.env['TOCSIN_SEEDS'] ?? (process.env['TOCSIN_LONG'] ? 100 : 12))
const FROM = Number(process.env['TOCSIN_SEED'] ?? 1)

test(`behavior: ${SEEDS} random histories with reorgs end as if reckoned anew`, {
  timeout: 600_000,
}, async () => {
  for (let seed = FROM; seed < FROM + SEEDS; seed++) {
    await store.pool.query(
      'truncate tocsin.finding, tocsin.finding_queue, tocsin.alert, tocsin.alert_finding, tocsin.incident, tocsin.outbox',
    )
    const random = createRandom(seed)
    const batchSize = random.pick([1, 3, 500, 500])
    const fold = () => foldFindings({ db: store.db, config, batchSize })
    const foldAll = async () => {
      while ((await fold()) > 0);
    }
    const chains = new Map<number, Block[]>([
      [1, []],
      [2, []],
    ])
    /** Branches that were left, to flip back to. */
    const left = new Map<number, Block[]>()
    for (let step = 0; step < 40; step++) {
      const chainId = random.pick([1, 2])
      const blocks = chains.get(chainId) ?? []
      const choice = random.below(10)
      if (choice < 6) {
        const number = (blocks.at(-1)?.number ?? 0) + 1
        const findings = makeFindings(random, chainId, number, step)
        blocks.push({ number, fork: step, findings })
        await record(store, ...findings)
      } else if (choice < 8 && blocks.length > 0) {
        const depth = 1 + random.below(Math.min(6, blocks.length))
        const gone = blocks.splice(blocks.length - depth)
        left.set(chainId, gone)
        // One statement, as the watcher takes a branch back.
        await store.pool.query(
          "update tocsin.finding set status = 'retracted', revision = nextval('tocsin.finding_revision_seq') where chain_id = $1 and block_number >= $2 and status <> 'retracted'",
          [chainId, gone[0]?.number],
        )
      } else {
        const branch = left.get(chainId)
        if (branch && branch[0]?.number === (blocks.at(-1)?.number ?? 0) + 1) {
          left.delete(chainId)
          for (const block of branch) {
            await record(store, ...block.findings)
            blocks.push(block)
            if (random.below(2) === 0) await fold()
          }
        }
      }
      if (random.below(3) === 0) await fold()
      if (random.below(6) === 0) await Promise.all([fold(), fold()])
    }
    await foldAll()
    const alerts = await store.db.select().from(tables.alert)
    const findings = await store.db.select().from(tables.finding)
    const context = `seed ${seed}`
    // A reorg and its undoing cut into small batches may join two episodes into one alert; what is open, and until
    // when, is the same all the same.
    const view = batchSize === 500 ? whole : essence
    const open = view(seenOpen(alerts))
    expect({ context, open }).toEqual({ context, open: view(expectOpen(findings)) })
    const seen = new Set(
      (await store.db.select().from(tables.alertFinding)).map(({ findingId }) => findingId),
    )
    const missed = findings.filter(
      ({ id, status, condition }) =>
        status !== 'retracted' && condition !== 'ended' && !seen.has(id),
    )
    expect({ context, missed }).toEqual({ context, missed: [] })
    await checkMessages(alerts)
    const incidents = await store.db.select().from(tables.incident)
    for (const incident of incidents) {
      const isLive = alerts.some(
        ({ incidentId, status }) =>
          incidentId === incident.id && (status === 'open' || status === 'unknown'),
      )
      expect(incident.status).toBe(isLive ? 'open' : 'resolved')
    }
  }
})
