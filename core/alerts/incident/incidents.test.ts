import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { incidentsSchema } from '../../config/incidentsSchema.ts'
import { tables } from '../../store/index.ts'
import { foldFindings } from '../foldFindings.ts'
import { approveSilence, createSilence } from '../silence/silences.ts'
import { findingOf, record, retracted, routingConfig, toldMessages } from '../testSupport.ts'
import type { RoutingConfig } from '../types.ts'
import { acknowledgeIncident } from './acknowledgeIncident.ts'
import { commentIncident } from './commentIncident.ts'
import { resolveIncident } from './endIncident.ts'
import { mergeIncidents, splitIncident } from './mergeIncidents.ts'
import { readIncident } from './readIncident.ts'
import { tickIncidents } from './tickIncidents.ts'

let store: TestDatabase
const config: RoutingConfig = routingConfig({ incidents: incidentsSchema.parse({}) })
/** A Saturday night. */
const START = Date.parse('2026-11-21T23:00:00Z')
let clock = START

beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())
beforeEach(async () => {
  clock = START
  await store.pool.query(
    `truncate tocsin.finding, tocsin.finding_queue, tocsin.alert, tocsin.alert_finding, tocsin.incident, tocsin.outbox,
      tocsin.incident_event, tocsin.incident_key, tocsin.held_notice, tocsin.silence, tocsin.key_value`,
  )
})

const now = (): Date => new Date(clock)
const pass = async (seconds: number, using = config): Promise<void> => {
  clock += seconds * 1_000
  await fold(using)
}
const fold = async (using = config): Promise<void> => {
  while ((await foldFindings({ db: store.db, config: using, now: now() })) > 0);
  await tickIncidents({ db: store.db, config: using, now: now() })
}
const told = async (): Promise<string[]> =>
  (await toldMessages(store)).map(({ change, severity }) => `${change} ${severity}`)
const incidents = () => store.db.select().from(tables.incident).orderBy(tables.incident.openedAt)
const firstIncident = async (): Promise<string> => (await incidents())[0]?.id ?? ''
const kinds = async (id: string): Promise<string[]> =>
  (await readIncident(store.db, { id, config })).timeline.map(({ kind }) => kind)

const at = (thing: string, facts = {}) =>
  findingOf({ thing, uniqueKey: thing, protocol: 'acme', severity: 'Medium', ...facts })
const level = (condition: 'holds' | 'ended' | 'unknown', blockNumber: number, facts = {}) =>
  findingOf({ alertKind: 'condition', condition, blockNumber, ...facts })

test('behavior: the first page leaves at once, later members come as one message', async () => {
  await record(store, at('a'))
  await fold()
  expect(await told()).toEqual(['opened SEV3'])
  await record(
    store,
    at('b', { severity: 'Low' }),
    at('c', { severity: 'Low', botId: 'correlation' }),
  )
  await pass(20)
  expect(await told()).toEqual(['opened SEV3'])
  await pass(40)
  expect(await told()).toEqual(['opened SEV3', 'digest SEV4'])
  expect((await toldMessages(store))[1]).toMatchObject({ more: { alerts: 2, incidents: 1 } })
  expect(await incidents()).toHaveLength(1)
  expect(await kinds(await firstIncident())).toEqual(
    expect.arrayContaining(['opened', 'joined', 'released', 'undelivered']),
  )
})

test('behavior: a SEV1 leaves at once in the middle of a storm, people get few messages, nothing is lost', async () => {
  const many = Array.from({ length: 300 }, (_, i) => at(`t${i}`, { protocol: `p${i}` }))
  await record(store, ...many)
  await record(store, at('sev1', { protocol: 'other', severity: 'Critical' }))
  await fold()
  await pass(61)
  const messages = await toldMessages(store)
  expect(messages.length).toBeLessThanOrEqual(10)
  expect(messages.filter(({ severity }) => severity === 'SEV1')).toHaveLength(1)
  const single = messages.filter(({ change }) => change === 'opened').length
  const inDigests = messages.reduce((sum, { more }) => sum + (more?.alerts ?? 0), 0)
  expect(single + inDigests).toBe(301)
})

test('behavior: in a storm a channel hears of three beginnings and of each SEV1, and the rest is one message', async () => {
  const severities = ['High', 'Low', 'Medium', 'Low', 'Medium']
  for (let n = 0; n < 40; n += 8) {
    const eight = Array.from({ length: 8 }, (_, i) =>
      at(`t${n + i}`, { protocol: `p${(n + i) % 3}`, severity: severities[(n + i) % 5] }),
    )
    await record(store, ...eight)
    await pass(0.1)
  }
  await pass(11)
  await record(store, at('sev1', { protocol: 'p1', severity: 'Critical' }))
  await pass(1)
  expect((await told()).toSorted()).toEqual([
    'opened SEV1',
    'opened SEV2',
    'opened SEV3',
    'opened SEV4',
  ])
  await pass(48)
  await pass(5)
  expect((await told()).slice(4)).toEqual(['digest SEV2'])
  const digest = (await toldMessages(store)).at(-1)
  expect(digest?.more).toEqual({ alerts: 37, incidents: 3 })
  // That some incidents became graver waits with the rest, and is said.
  expect(digest?.summary).toMatch(/Alerts add up, so \d? ?incident/)
  const { rows } = await store.pool.query(
    'select count(*)::int as n from tocsin.held_notice where released_at is null',
  )
  expect(rows).toEqual([{ n: 0 }])
})

test('behavior: a silence ends in the night, and what is still true is told then', async () => {
  const endsAt = new Date(START + 4 * 3_600_000)
  await createSilence(store.db, {
    matchers: { thing: ['a'] },
    reason: 'migration',
    by: 'ada',
    endsAt,
    at: now(),
  })
  const quiet = level('holds', 1, { thing: 'b', protocol: 'beta', severity: 'Medium' })
  await record(store, at('a'), at('a', { alertId: 'WORST', severity: 'Critical' }), quiet)
  await fold()
  expect(await told()).toEqual(expect.arrayContaining(['opened SEV1']))
  const before = (await told()).filter((line) => line === 'opened SEV3').length
  expect(before).toBe(1)
  await pass(4 * 3_600 - 1)
  expect((await told()).filter((line) => line === 'opened SEV3')).toHaveLength(1)
  await pass(1)
  expect((await told()).filter((line) => line === 'opened SEV3')).toHaveLength(2)
})

describe('routes of certain hours', () => {
  const routed: RoutingConfig = {
    ...config,
    incidents: incidentsSchema.parse({ businessHours: { zone: 'Europe/Berlin' } }),
    routes: [
      { match: {}, channels: ['one'], continue: true },
      { match: {}, channels: ['two'], continue: false, during: 'business' },
    ],
  }
  const heard = async (channel: string) =>
    (await toldMessages(store, channel)).map(({ change, severity }) => `${change} ${severity}`)
  /** Monday, nine in Berlin. */
  const MORNING = Date.parse('2026-11-23T08:00:00Z')
  const until = (to: number) => pass((to - clock) / 1_000, routed)

  test('behavior: what is mild waits for the morning, once, and is told elsewhere at once', async () => {
    await record(store, at('a'), at('b', { protocol: 'beta' }))
    await fold(routed)
    expect(await heard('one')).toEqual(['opened SEV3', 'opened SEV3'])
    await until(MORNING - 1_000)
    expect((await heard('one')).slice(2)).toContain('repeated SEV3')
    expect(await heard('two')).toEqual([])
    await until(MORNING)
    expect(await heard('two')).toEqual(['opened SEV3', 'opened SEV3'])
    await until(MORNING + 60_000)
    expect(await heard('two')).toHaveLength(2)
  })

  test('behavior: what ends in the night is never told to who rests; SEV1 wakes everybody', async () => {
    await record(store, level('holds', 1, { severity: 'Medium' }))
    await fold(routed)
    await record(store, level('ended', 2))
    await pass(60, routed)
    expect(await heard('one')).toEqual(['opened SEV3', 'resolved SEV3'])
    await record(store, at('x', { severity: 'Critical', protocol: 'other' }))
    await pass(60, routed)
    expect(await heard('two')).toEqual(['opened SEV1'])
    await until(MORNING)
    expect((await heard('two')).filter((line) => !line.startsWith('repeated'))).toEqual([
      'opened SEV1',
    ])
  })

  test('behavior: who heard of it by day hears of its end the next morning; a retraction goes out at once', async () => {
    clock = MORNING
    const gone = at('a', { blockHash: '0xa' })
    await record(store, level('holds', 1, { severity: 'Medium' }), gone)
    await fold(routed)
    await pass(60, routed)
    expect(await heard('two')).toEqual(['opened SEV3', 'opened SEV3'])
    await pass(12 * 3_600, routed)
    await record(store, level('ended', 2), retracted(gone))
    await pass(60, routed)
    expect(await heard('two')).toEqual(['opened SEV3', 'opened SEV3', 'retracted SEV3'])
    await until(MORNING + 24 * 3_600_000)
    expect((await heard('two')).at(-1)).toBe('resolved SEV3')
  })
})

test('behavior: maintenance holds back what is mild until its last second, and never a SEV1', async () => {
  const weekly = {
    days: ['sun' as const],
    from: '00:00',
    to: '02:00',
    zone: 'Europe/Berlin',
  }
  const using: RoutingConfig = {
    ...config,
    incidents: incidentsSchema.parse({
      maintenance: [{ reason: 'restart of the node', match: { thing: ['a'] }, weekly }],
    }),
  }
  // Midnight in Berlin.
  await record(store, at('a'), at('a', { alertId: 'WORST', severity: 'Critical', protocol: 'p' }))
  await record(store, at('b', { protocol: 'beta' }))
  await fold(using)
  expect((await told()).toSorted()).toEqual(['opened SEV1', 'opened SEV3'])
  await pass(2 * 3_600 - 1, using)
  expect((await told()).filter((line) => line === 'opened SEV3')).toHaveLength(1)
  await pass(1, using)
  expect((await told()).filter((line) => line === 'opened SEV3')).toHaveLength(2)
})

test('behavior: a silence of SEV1 wants a second person, until then it covers what is milder', async () => {
  const { id } = await createSilence(store.db, {
    matchers: { thing: ['a'], severity: ['SEV1', 'SEV3'] },
    reason: 'drill',
    by: 'ada',
    endsAt: new Date(START + 7_200_000),
    at: now(),
  })
  const page = (protocol: string) =>
    at('a', { alertId: protocol, protocol, severity: 'Critical', uniqueKey: protocol })
  await record(store, at('a'), page('p'))
  await fold()
  expect((await told()).filter((line) => line.startsWith('opened'))).not.toContain('opened SEV3')
  expect((await told()).filter((line) => line === 'opened SEV1')).toHaveLength(1)
  const approve = (by: string, role?: 'admin') =>
    approveSilence(store.db, { id, by, at: now(), ...(role ? { role } : {}) })
  await expect(approve('ada')).rejects.toMatchObject({ code: 'silence.same_person' })
  await record(store, page('q'))
  await pass(1)
  expect((await told()).filter((line) => line === 'opened SEV1')).toHaveLength(2)
  expect(await approve('bo')).toMatchObject({ approvedBy: 'bo' })
  // Who agrees second changes nothing.
  expect(await approve('cy', 'admin')).toMatchObject({ approvedBy: 'bo' })
  await record(store, page('r'))
  await pass(1)
  expect((await told()).filter((line) => line === 'opened SEV1')).toHaveLength(2)
  const said = await store.db.select().from(tables.finding)
  expect(said.map(({ alertId }) => alertId)).toContain('SILENCE-SEV1')
})

test('error: silences that are too long, too wide, without a reason or unknown', async () => {
  const make = (facts: object) =>
    createSilence(store.db, {
      matchers: { thing: ['a'] },
      reason: 'drill',
      by: 'ada',
      endsAt: new Date(START + 3_600_000),
      at: now(),
      ...facts,
    })
  const hours = (n: number) => ({ endsAt: new Date(START + n * 3_600_000) })
  const sev1 = { thing: ['a'], severity: ['SEV1'] }
  await expect(make(hours(24.01))).rejects.toMatchObject({ code: 'silence.too_long' })
  await expect(make({ ...hours(2.01), matchers: sev1 })).rejects.toMatchObject({
    code: 'silence.too_long',
  })
  await expect(make(hours(0))).rejects.toMatchObject({ code: 'silence.bad_window' })
  await expect(make({ reason: ' x' })).rejects.toMatchObject({ code: 'silence.no_reason' })
  await expect(make({ matchers: { severity: ['SEV3'] } })).rejects.toMatchObject({
    code: 'silence.too_wide',
  })
  await expect(make({ matchers: { thing: 'a' } })).rejects.toMatchObject({
    code: 'silence.bad_matchers',
  })
  await expect(approveSilence(store.db, { id: 's_x', by: 'bo' })).rejects.toMatchObject({
    code: 'silence.unknown',
  })
})

test('behavior: of several acknowledgements at once the first counts', async () => {
  await record(store, at('a', { severity: 'Critical' }))
  await fold()
  const incidentId = await firstIncident()
  const results = await Promise.all(
    ['ada', 'bob', 'cy'].map((by) =>
      acknowledgeIncident(store.db, { incidentId, by, via: 'cli', at: now() }),
    ),
  )
  const [winner, ...more] = results.filter(({ accepted }) => accepted)
  expect(more).toEqual([])
  const by = winner?.incident.acknowledgedBy
  for (const { accepted, text } of results) if (!accepted) expect(text).toContain(`${by} has had`)
  expect((await kinds(incidentId)).filter((kind) => kind === 'acknowledged')).toHaveLength(1)
})

test('behavior: what nobody takes is told again; who takes a SEV1 and says nothing loses it', async () => {
  await record(store, at('a', { severity: 'Critical' }))
  await fold()
  await pass(299)
  expect(await told()).toEqual(['opened SEV1'])
  await pass(1)
  expect(await told()).toEqual(['opened SEV1', 'repeated SEV1'])
  const incidentId = await firstIncident()
  await acknowledgeIncident(store.db, { incidentId, by: 'ada', via: 'cli', at: now() })
  await pass(1_700)
  await commentIncident(store.db, { incidentId, by: 'ada', via: 'cli', text: 'On it.', at: now() })
  await pass(1_799)
  expect((await incidents())[0]?.acknowledgedBy).toBe('ada')
  await pass(1)
  expect((await incidents())[0]?.acknowledgedBy).toBeNull()
  expect((await told()).at(-1)).toBe('repeated SEV1')
  const { targets } = await readIncident(store.db, { id: incidentId, config })
  expect(targets.acknowledged).toMatchObject({ tookS: 300, verdict: 'met' })
})

test('behavior: what a failing oracle explains is held, and told when the oracle is well and it is not', async () => {
  const leaning: RoutingConfig = {
    ...config,
    dependencies: {
      feed: { kind: 'oracle', dependsOn: [] },
      vault: { kind: 'service', dependsOn: ['feed'] },
      fund: { kind: 'service', dependsOn: ['vault'], valueUsd: 5_000_000 },
    },
  }
  const stale = { thing: 'feed', protocol: null, severity: 'High', uniqueKey: 'f' }
  const drop = { thing: 'vault', protocol: null, severity: 'Medium', uniqueKey: 'v' }
  await record(store, level('holds', 1, stale))
  await fold(leaning)
  await record(store, level('holds', 2, drop))
  await record(store, level('holds', 2, { ...drop, alertId: 'DRAINED', severity: 'Critical' }))
  await pass(5, leaning)
  expect(await told()).toEqual(['opened SEV2', 'opened SEV1'])
  const id = await firstIncident()
  const view = await readIncident(store.db, { id, config: leaning })
  expect(await incidents()).toHaveLength(1)
  expect(view.held).toMatchObject([{ reason: 'inhibited' }])
  expect(view.cause).toMatchObject({ node: 'feed' })
  expect(view.blastRadius.leaning.map(({ name }) => name)).toEqual(['fund'])
  expect(view.blastRadius).toMatchObject({ valueUsd: 5_000_000, unknownValues: 2 })
  await record(store, level('ended', 3, stale))
  await pass(5, leaning)
  expect(await told()).toEqual(['opened SEV2', 'opened SEV1', 'resolved SEV2', 'opened SEV3'])
})

test('behavior: what comes and goes is told once, and again when it is stable', async () => {
  for (let block = 1; block <= 8; block++) {
    await record(store, level(block % 2 === 1 ? 'holds' : 'ended', block, { severity: 'High' }))
    await pass(70)
  }
  const before = await told()
  expect(before.filter((line) => line.startsWith('flapping'))).toHaveLength(1)
  expect(before.slice(before.findIndex((line) => line.startsWith('flapping')) + 1)).toEqual([])
  await record(store, level('holds', 9, { severity: 'High' }))
  await pass(70)
  await pass(601)
  expect((await told()).at(-1)).toBe('opened SEV2')
})

test('behavior: cooldown holds back what returns too soon, and forgets it when it is over', async () => {
  await record(store, level('holds', 1, { severity: 'Medium' }))
  await fold()
  await record(store, level('ended', 2))
  await pass(10)
  await record(store, level('holds', 3, { severity: 'Medium' }))
  await pass(10)
  expect(await told()).toEqual(['opened SEV3', 'resolved SEV3'])
  await pass(281)
  expect(await told()).toEqual(['opened SEV3', 'resolved SEV3', 'opened SEV3'])
})

test('behavior: a page that a reorg takes back is called off in its own thread', async () => {
  const finding = at('a', { severity: 'Critical', blockHash: '0xa' })
  await record(store, finding)
  await fold()
  await record(store, retracted(finding))
  await pass(12)
  const rows = await store.db.select().from(tables.outbox).orderBy(tables.outbox.seq)
  expect(rows.map(({ lane }) => lane)).toEqual([rows[0]?.lane, rows[0]?.lane])
  expect(await told()).toEqual(['opened SEV1', 'retracted SEV1'])
  const view = await readIncident(store.db, { id: await firstIncident(), config })
  expect(view.state).toBe('retracted')
})

test('behavior: stale data makes an incident unknown, never resolved; a condition that holds is not closed by hand unasked', async () => {
  await record(store, level('holds', 1, { severity: 'Critical' }))
  await fold()
  await record(store, level('unknown', 2, { severity: 'Critical' }))
  await pass(3_600)
  const id = await firstIncident()
  expect((await readIncident(store.db, { id, config })).state).toBe('unknown')
  const act = { incidentId: id, by: 'ada', via: 'cli', config, at: now() }
  expect(await resolveIncident(store.db, act)).toMatchObject({ accepted: false })
  expect(await resolveIncident(store.db, { ...act, evenIfHolding: true })).toMatchObject({
    accepted: true,
  })
  expect((await readIncident(store.db, { id, config })).state).toBe('resolved')
})

test('behavior: one transaction or one stranger makes one incident, and three warnings add up', async () => {
  const shared = { protocol: null, txHash: '0xAA' }
  await record(store, at('x', shared))
  await record(store, at('y', { ...shared, addresses: ['0xbad'] }))
  await record(store, at('z', { protocol: null, addresses: ['0xBAD'], txHash: '0xbb' }))
  await record(store, at('w', { protocol: null, txHash: '0xcc' }))
  await fold()
  expect(await incidents()).toHaveLength(2)
  expect((await incidents()).map(({ severity }) => severity).sort()).toEqual(['SEV2', 'SEV3'])
  expect(await told()).toContain('raised SEV2')
})

test('behavior: an incident is called by the first of its gravest alerts, while that stands', async () => {
  const grave = at('b', { severity: 'Critical', name: 'Vault drained', protocol: 'acme' })
  const title = async () => (await incidents()).map((row) => row.title)
  await record(store, at('a', { name: 'A proposal', protocol: 'acme' }))
  await fold()
  expect(await title()).toEqual(['acme: A proposal'])
  await pass(60)
  await record(store, grave, at('c', { name: 'Another proposal', protocol: 'acme' }))
  await fold()
  expect(await title()).toEqual(['acme: Vault drained'])
  await record(store, retracted(grave))
  await fold()
  expect(await title()).toEqual(['acme: A proposal'])
})

test('behavior: what waited too long gives way to what is newer', async () => {
  await record(store, at('a', { severity: 'Medium' }))
  await fold()
  const [first] = await store.db.select().from(tables.outbox)
  if (!first) throw new Error('nothing was told')
  // What it does not say: a page to one person, and a digest of others.
  const { seq: _, ...row } = first
  const others = [
    { ...row, dedupKey: 'e_1.page', lane: 'e_1.page' },
    { ...row, dedupKey: `${row.alertId}.digest.9.one` },
  ]
  await store.db.insert(tables.outbox).values(others)
  await record(store, at('a', { severity: 'Critical', blockNumber: 2 }))
  await pass(61)
  const rows = await store.db.select().from(tables.outbox).orderBy(tables.outbox.seq)
  expect(rows.map(({ status, severity }) => `${status} ${severity}`)).toEqual([
    'superseded SEV3',
    'pending SEV3',
    'pending SEV3',
    'pending SEV1',
  ])
})

test('behavior: two incidents are made one by hand: alerts, messages and later news go with it, and so do answers', async () => {
  await record(store, at('a'), at('b', { protocol: 'beta', severity: 'High' }))
  await fold()
  const [first, second] = await incidents()
  if (!first || !second) throw new Error('two incidents were expected')
  const act = { by: 'ada', via: 'cli', at: now(), config }
  const both = { ...act, incidentId: first.id, otherId: second.id }
  expect(await mergeIncidents(store.db, both)).toMatchObject({
    accepted: true,
    incident: { id: first.id, severity: 'SEV2', status: 'open' },
  })
  const lanes = (await store.db.select().from(tables.outbox)).map(({ lane }) => lane)
  expect(new Set(lanes)).toEqual(new Set([first.id]))
  await record(store, at('c', { protocol: 'beta' }))
  await pass(61)
  const view = await readIncident(store.db, { id: first.id, config })
  expect(view.alerts.map(({ thing }) => thing).sort()).toEqual(['a', 'b', 'c'])
  expect(view.timeline.find(({ kind }) => kind === 'merged')).toMatchObject({ actor: 'ada' })
  expect(await kinds(second.id)).toContain('merged')
  // A button under a message of the second is one of the first now.
  const pressed = { incidentId: second.id, by: 'bob', via: 'chat', at: now() }
  expect(await acknowledgeIncident(store.db, pressed)).toMatchObject({
    accepted: true,
    incident: { id: first.id, acknowledgedBy: 'bob' },
  })
  expect(await mergeIncidents(store.db, both)).toMatchObject({ accepted: false })
})

test('behavior: alerts are taken out of an incident by hand, never all of them, and what follows joins the new one', async () => {
  await record(store, at('a'), at('b', { protocol: 'beta', txHash: '0xaa' }))
  await record(store, at('c', { protocol: 'acme', txHash: '0xaa' }))
  await fold()
  const [whole] = await incidents()
  if (!whole) throw new Error('no incident')
  await mergeIncidents(store.db, {
    incidentId: whole.id,
    otherId: (await incidents()).at(-1)?.id ?? '',
    by: 'ada',
    via: 'cli',
    config,
    at: now(),
  })
  const { alerts } = await readIncident(store.db, { id: whole.id, config })
  const idOf = (thing: string): string => alerts.find((row) => row.thing === thing)?.id ?? ''
  const act = { incidentId: whole.id, by: 'ada', via: 'cli', config, at: now() }
  const all = alerts.map(({ id }) => id)
  expect(await splitIncident(store.db, { ...act, alertIds: all })).toMatchObject({
    accepted: false,
  })
  await expect(splitIncident(store.db, { ...act, alertIds: ['a_0'] })).rejects.toMatchObject({
    code: 'alert.unknown',
  })
  const { accepted, incident } = await splitIncident(store.db, { ...act, alertIds: [idOf('b')] })
  expect({ accepted, severity: incident.severity }).toEqual({ accepted: true, severity: 'SEV3' })
  await record(store, at('d', { protocol: 'beta', alertId: 'OTHER' }))
  await pass(61)
  const taken = await readIncident(store.db, { id: incident.id, config })
  expect(taken.alerts.map(({ thing }) => thing).sort()).toEqual(['b', 'd'])
  expect(taken.state).toBe('open')
  expect(await kinds(whole.id)).toContain('split')
})
