import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { acknowledgeIncident } from '../alerts/index.ts'
import type { ChannelConfig } from '../config/types.ts'
import { tables } from '../store/index.ts'
import { escalate } from './escalate.ts'
import { readFatigue } from './fatigue.ts'
import { handOver, renderShift, reportShift } from './handover.ts'
import { closeAnswered } from './openEscalations.ts'
import { createOverride, removeOverride } from './overrides.ts'
import type { PagingConfig } from './takeStep.ts'
import { onCallConfig } from './testSupport.ts'
import { closeTicket, fileTickets, listTickets } from './tickets.ts'

let store: TestDatabase

beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())
beforeEach(async () => {
  await store.pool.query(
    `truncate tocsin.finding, tocsin.alert, tocsin.alert_finding, tocsin.incident, tocsin.outbox, tocsin.held_notice,
     tocsin.incident_event, tocsin.oncall_override, tocsin.oncall_escalation, tocsin.oncall_page,
     tocsin.oncall_handover, tocsin.ticket, tocsin.ticket_alert`,
  )
})

const consoleOf = (name: string): ChannelConfig => ({ kind: 'console', name })
const pager: ChannelConfig = {
  kind: 'pagerduty',
  name: 'pager',
  minSeverity: 'SEV2',
  routingKey: 'k',
  url: 'http://127.0.0.1:1',
  perMinute: 120,
  timeoutMs: 1_000,
}
const configWith = (changes: Record<string, unknown> = {}): PagingConfig => ({
  chains: [],
  channels: [...['ada-phone', 'cy-phone', 'di-phone', 'sms', 'team'].map(consoleOf), pager],
  onCall: onCallConfig({
    hours: { zone: 'Europe/Berlin', holidays: ['2026-01-06'] },
    ...changes,
  }),
})
const config = configWith()
const at = (iso: string): Date => new Date(iso)
/** Thursday, 11:00 in Berlin; Ada has the week, Bo comes next. */
const NOON = at('2026-01-08T10:00:00Z')
const later = (minutes: number, from = NOON): Date => new Date(+from + minutes * 60_000)

type Sev = 'SEV1' | 'SEV2' | 'SEV3' | 'SEV4'

const openIncident = async (
  id: string,
  facts: { severity?: Sev; openedAt?: Date; bot?: string; alertId?: string } = {},
): Promise<void> => {
  const { severity = 'SEV1', openedAt = NOON } = facts
  await store.db.insert(tables.incident).values({
    id,
    subject: 'vault',
    status: 'open',
    severity,
    title: 'Vault drained',
    openedAt,
    updatedAt: openedAt,
  })
  await openAlert(id, facts)
}

const openAlert = async (
  incident: string,
  facts: { severity?: Sev; openedAt?: Date; bot?: string; alertId?: string; alert?: string } = {},
): Promise<void> => {
  const id = facts.alert ?? `a_${incident}`
  await store.db.insert(tables.alert).values({
    id,
    key: id,
    kind: 'event',
    status: 'open',
    severity: facts.severity ?? 'SEV1',
    title: 'Vault drained',
    summary: 'All is gone.',
    botId: facts.bot ?? 'tvl-drop',
    alertId: facts.alertId ?? 'TVL-DROP',
    chainId: facts.bot === 'tocsin' ? 0 : 1,
    thing: 'vault',
    incidentId: incident,
    firstBlock: 1,
    lastBlock: 1,
    openedAt: facts.openedAt ?? NOON,
  })
}

const turn = (now: Date, using = config) => escalate({ db: store.db, config: using, now })

/** Whom was paged so far: `level person`. */
const paged = async (incident?: string): Promise<readonly string[]> => {
  const { rows } = await store.pool.query<{ level: string; person: string | null }>(
    `select level, person from tocsin.oncall_page
     where $1::text is null or incident_id = $1 order by seq`,
    [incident ?? null],
  )
  return rows.map(({ level, person }) => `${level} ${person ?? 'everyone'}`)
}
const findings = async (): Promise<readonly string[]> => {
  const { rows } = await store.pool.query<{ alert_id: string }>(
    `select alert_id from tocsin.finding where bot_id = 'tocsin' order by seq`,
  )
  return rows.map(({ alert_id }) => alert_id)
}
const lifeOf = async (incident: string): Promise<string> => {
  const { rows } = await store.pool.query<{ life: string }>(
    `select status || coalesce(' ' || ended_by, '') as life from tocsin.oncall_escalation
     where incident_id = $1 order by opened_at desc, id limit 1`,
    [incident],
  )
  return rows[0]?.life ?? 'none'
}

describe('escalation', () => {
  test('behavior: primary, secondary, lead, all, five minutes each, three times, then again and again', async () => {
    await openIncident('i_1')
    await turn(NOON)
    expect(await paged()).toEqual(['primary ada'])
    await turn(later(4.99))
    expect(await paged()).toHaveLength(1)
    await turn(later(5))
    await turn(later(10))
    expect(await paged()).toEqual(['primary ada', 'secondary bo', 'lead di'])
    await turn(later(15))
    const all = ['all ada', 'all bo', 'all di', 'all everyone']
    expect((await paged()).slice(3)).toEqual(all)
    for (let minute = 20; minute <= 55; minute += 5) await turn(later(minute))
    expect(await paged()).toHaveLength(3 * (3 + all.length))
    expect(await findings()).toContain('ESCALATION-UNANSWERED')
    await turn(later(84))
    expect(await paged()).toHaveLength(21)
    await turn(later(85))
    expect((await paged()).slice(21)).toEqual(all)
    await turn(later(115))
    expect((await paged()).slice(25)).toEqual(all)
  })

  test('behavior: a page goes to all contacts of the person, the address of a shared channel with it', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await turn(later(5))
    const rows = await store.db.select().from(tables.outbox).orderBy(tables.outbox.seq)
    expect(rows.map(({ channel, lane, dedupKey }) => [channel, lane === dedupKey])).toEqual([
      ['ada-phone', true],
      ['sms', true],
    ])
    expect(rows[1]?.payload).toMatchObject({
      to: '+15550002',
      incident: 'i_1',
      severity: 'SEV1',
      summary: expect.stringContaining('You are secondary on call (on-chain).'),
    })
    const events = await store.db.select().from(tables.incidentEvent)
    expect(events.map(({ kind, text }) => [kind, text])).toContainEqual([
      'paged',
      'bo is paged as secondary of on-chain by sms.',
    ])
  })

  test('behavior: after an acknowledgement nobody is paged, and what has not left stays', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await acknowledgeIncident(store.db, { incidentId: 'i_1', by: 'ada', via: 'test' })
    await turn(later(5))
    expect(await paged()).toEqual(['primary ada'])
    expect(await lifeOf('i_1')).toBe('ended acknowledged')
    expect(await store.db.select().from(tables.outbox)).toEqual([])
  })

  test('behavior: who was paged is told to stand down; who has it in hand, when it is over', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await turn(later(5))
    await store.pool.query(`update tocsin.outbox set status = 'sent'`)
    await acknowledgeIncident(store.db, { incidentId: 'i_1', by: 'bo', via: 'test' })
    await turn(later(6))
    const told = async () => {
      const { rows } = await store.pool.query<{ line: string }>(
        `select channel || ' ' || (payload->>'change') || ': ' || (payload->>'summary') as line
         from tocsin.outbox where payload->>'change' <> 'opened' order by seq`,
      )
      return rows.map(({ line }) => line)
    }
    expect(await told()).toEqual(['ada-phone answered: bo has it in hand.'])
    await store.pool.query(`update tocsin.incident set status = 'resolved'`)
    expect(await closeAnswered(store.db, config.onCall)).toBe(1)
    expect(await closeAnswered(store.db, config.onCall)).toBe(0)
    expect((await told()).slice(1).sort()).toEqual([
      'ada-phone resolved: It is over.',
      'sms resolved: It is over.',
    ])
  })

  test('behavior: an acknowledgement that is taken back begins again with who is on call then', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await acknowledgeIncident(store.db, { incidentId: 'i_1', by: 'ada', via: 'test' })
    await turn(later(5))
    await store.pool.query(
      'update tocsin.incident set acknowledged_at = null, acknowledged_by = null',
    )
    await turn(later(40))
    expect(await paged()).toEqual(['primary ada', 'primary ada'])
  })

  test('behavior: of an acknowledgement and a step at the same moment, nobody is paged after the first', async () => {
    for (let round = 0; round < 12; round++) {
      const id = `i_race_${round}`
      await openIncident(id)
      await turn(NOON)
      const [, result] = await Promise.all([
        Promise.all([turn(later(5)), turn(later(5))]),
        acknowledgeIncident(store.db, { incidentId: id, by: 'ada', via: 'test' }),
      ])
      expect(result.accepted).toBe(true)
      await turn(later(10))
      await turn(later(15))
      const { rows } = await store.pool.query<{ kind: string }>(
        'select kind from tocsin.incident_event where incident_id = $1 order by seq',
        [id],
      )
      expect(rows.at(-1)?.kind).toBe('acknowledged')
      expect((await paged(id)).length).toBeLessThanOrEqual(2)
    }
  })

  test('behavior: many notifiers at once page each person once', async () => {
    for (let index = 0; index < 5; index++) await openIncident(`i_${index}`)
    await Promise.all(Array.from({ length: 6 }, () => turn(NOON)))
    expect(await paged()).toEqual(Array.from({ length: 5 }, () => 'primary ada'))
  })

  test('behavior: a page that every channel refuses goes on at once', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await store.pool.query(`update tocsin.outbox set status = 'dead'`)
    await turn(later(0.5))
    expect(await paged()).toEqual(['primary ada', 'secondary bo'])
  })

  test('behavior: who has no contact is passed over with a finding, and never in silence', async () => {
    const people = { ada: {}, bo: {}, cy: {}, di: { contacts: ['di-phone'] } }
    await openIncident('i_1')
    await turn(NOON, configWith({ people }))
    expect(await paged()).toEqual(['lead di'])
    expect(await findings()).toEqual(['ONCALL-GAP', 'ONCALL-GAP'])
  })

  test('behavior: when nobody at all can be reached every pager rings', async () => {
    const people = { ada: {}, bo: {}, cy: {}, di: { contacts: ['gone'] } }
    await openIncident('i_1')
    await turn(NOON, configWith({ people }))
    expect(await paged()).toEqual(['all everyone'])
    const [row] = await store.db.select().from(tables.outbox)
    expect(row?.channel).toBe('pager')
  })

  test('behavior: two teams are paged for one incident, each by its own timer', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await openAlert('i_1', {
      alert: 'a_2',
      bot: 'tocsin',
      alertId: 'CHAIN-LAG',
      openedAt: later(1),
    })
    await turn(later(1))
    const { rows } = await store.pool.query(
      'select team from tocsin.oncall_escalation order by team',
    )
    expect(rows).toEqual([{ team: 'infrastructure' }, { team: 'on-chain' }])
  })

  test('behavior: who has the shift at the moment of the page is paged', async () => {
    const sunday = at('2026-01-12T07:58:00Z')
    await openIncident('i_1', { openedAt: sunday })
    await turn(sunday)
    // The week is Bo's from nine o'clock on, and Cy is next.
    await turn(later(5, sunday))
    expect(await paged()).toEqual(['primary ada', 'secondary cy'])
    await openIncident('i_2', { openedAt: later(5, sunday) })
    await turn(later(5, sunday))
    expect(await paged('i_2')).toEqual(['primary bo'])
  })

  test('behavior: an override counts from its moment on, and no longer once it is removed', async () => {
    const row = await createOverride(store.db, config.onCall, {
      team: 'on-chain',
      person: 'cy',
      startsAt: NOON,
      endsAt: later(60),
      by: 'test',
    })
    await openIncident('i_1')
    await turn(NOON)
    expect(await paged()).toEqual(['primary cy'])
    await removeOverride(store.db, row.id, 'test')
    await openIncident('i_2')
    await turn(later(1))
    expect(await paged('i_2')).toEqual(['primary ada'])
  })

  test('error: overrides of nobody, for nobody, or backwards', async () => {
    const wish = { team: 'on-chain', person: 'cy', startsAt: NOON, endsAt: later(60), by: 'test' }
    const make = (changes: Partial<typeof wish>) =>
      createOverride(store.db, config.onCall, { ...wish, ...changes })
    await expect(make({ team: 'x' })).rejects.toMatchObject({ code: 'oncall.unknown_team' })
    await expect(make({ person: 'x' })).rejects.toMatchObject({ code: 'oncall.unknown_person' })
    await expect(make({ endsAt: NOON })).rejects.toMatchObject({ code: 'oncall.bad_window' })
  })
})

describe('what is paged when', () => {
  test('behavior: SEV2 waits over night, holiday and weekend for business hours', async () => {
    // Monday evening; Tuesday is a holiday.
    const evening = at('2026-01-05T18:00:00Z')
    await openIncident('i_1', { severity: 'SEV2', openedAt: evening })
    await turn(evening)
    expect([await paged(), await lifeOf('i_1')]).toEqual([[], 'waiting'])
    await turn(at('2026-01-07T07:59:00Z'))
    expect(await paged()).toEqual([])
    await turn(at('2026-01-07T08:00:00Z'))
    expect(await paged()).toEqual(['primary ada'])
  })

  test('behavior: one that becomes SEV1 in the night waits no longer', async () => {
    const night = at('2026-01-09T23:00:00Z')
    await openIncident('i_1', { severity: 'SEV2', openedAt: night })
    await turn(night)
    await store.pool.query(`update tocsin.incident set severity = 'SEV1'`)
    await turn(later(1, night))
    expect(await paged()).toEqual(['primary ada'])
  })

  test('behavior: SEV3 and SEV4 page nobody', async () => {
    await openIncident('i_3', { severity: 'SEV3' })
    await openIncident('i_4', { severity: 'SEV4' })
    await turn(NOON)
    expect(await paged()).toEqual([])
  })

  test('behavior: what is silenced pages nobody, and does when the silence ends in the night', async () => {
    await openIncident('i_1')
    await store.db.insert(tables.heldNotice).values({
      alertId: 'a_i_1',
      incidentId: 'i_1',
      reason: 'silenced',
      change: 'opened',
      severity: 'SEV1',
      heldAt: NOON,
    })
    await turn(NOON)
    expect(await paged()).toEqual([])
    await store.pool.query('update tocsin.held_notice set released_at = now()')
    await turn(later(16 * 60))
    expect(await paged()).toEqual(['primary ada'])
  })

  test('behavior: what is silenced after its first page goes no further', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await store.db.insert(tables.heldNotice).values({
      alertId: 'a_i_1',
      incidentId: 'i_1',
      reason: 'silenced',
      change: 'opened',
      severity: 'SEV1',
      heldAt: NOON,
    })
    await turn(later(5))
    expect([await paged(), await lifeOf('i_1')]).toEqual([['primary ada'], 'ended silenced'])
  })

  test('behavior: what is over or taken back by a reorg goes no further', async () => {
    await openIncident('i_1')
    await turn(NOON)
    await store.pool.query(`update tocsin.alert set status = 'retracted'`)
    await store.pool.query(`update tocsin.incident set status = 'resolved'`)
    await turn(later(5))
    expect([await paged(), await lifeOf('i_1')]).toEqual([['primary ada'], 'ended over'])
  })
})

describe('shifts', () => {
  test('behavior: the sixth page of a shift is a finding, once', async () => {
    for (let index = 0; index < 5; index++) await openIncident(`i_${index}`)
    await turn(NOON)
    expect(await findings()).toEqual([])
    await openIncident('i_5')
    await openIncident('i_6')
    await turn(NOON)
    expect(await findings()).toEqual(['PAGER-FATIGUE'])
    const [figures] = await readFatigue(store.db, at('2026-01-01T00:00:00Z'))
    expect(figures).toMatchObject({
      person: 'ada',
      pages: 7,
      nights: 0,
      shiftSince: at('2026-01-05T08:00:00Z'),
    })
  })

  test('behavior: a page at three in the morning counts as one of the night, by the clock of the person', async () => {
    const night = at('2026-01-08T02:00:00Z')
    await openIncident('i_1', { openedAt: night })
    await turn(night)
    await turn(
      later(5, night),
      configWith({
        people: { ada: {}, bo: { zone: 'Asia/Tokyo', contacts: ['sms'] }, cy: {}, di: {} },
      }),
    )
    const [first, second] = await store.db
      .select()
      .from(tables.oncallPage)
      .orderBy(tables.oncallPage.seq)
    expect([first?.isNight, second?.isNight]).toEqual([true, false])
  })

  test('behavior: the hand-over is reported once, to the team, with what is open and who comes', async () => {
    const teams = { 'on-chain': { primary: 'chain', lead: ['di'], channel: 'team' } }
    const own = configWith({ teams })
    await openIncident('i_1')
    await turn(NOON, own)
    const monday = at('2026-01-12T08:00:00Z')
    expect(await handOver(store.db, own, new Date(+monday - 1))).toBe(0)
    const reported = await Promise.all([
      handOver(store.db, own, monday),
      handOver(store.db, own, later(1, monday)),
    ])
    expect(reported[0] + reported[1]).toBe(1)
    expect(await handOver(store.db, own, later(10, monday))).toBe(0)
    const rows = await store.db.select().from(tables.outbox)
    const report = rows.find(({ channel }) => channel === 'team')
    expect(report?.payload).toMatchObject({ alertId: 'HAND-OVER', title: 'Hand-over: ada to bo' })
    const text = renderShift(
      own.onCall,
      await reportShift(store.db, own.onCall, 'on-chain', monday),
    )
    expect(text).toContain('on-chain: ada hands over to bo; second is cy.')
    expect(text).toContain('1 pages, 0 at night')
    expect(text).toContain('SEV1 Vault drained, since Thu 8 Jan 11:00')
    expect(text).toContain('with nobody (i_1)')
  })

  test('behavior: tickets gather what is mild, one per sort, and a closed one is followed by a new one', async () => {
    const file = async (id: string, severity = 'Low') => {
      await openAlert('i_1', { alert: id, severity: 'SEV4' })
      await store.db.insert(tables.finding).values({
        id: `f_${id}`,
        botId: 'tvl-drop',
        botVersion: '1.0.0',
        alertId: 'TVL-DROP',
        alertKind: 'event',
        chainId: 1,
        blockNumber: 1,
        blockHash: '0xb1',
        blockTimestampS: 1,
        uniqueKey: id,
        name: 'n',
        description: 'd',
        severity,
        type: 'Info',
        status: 'final',
      })
      await store.db.insert(tables.alertFinding).values({ alertId: id, findingId: `f_${id}` })
    }
    await file('a_1')
    await file('a_2')
    await file('a_info', 'Info')
    const filed = await Promise.all([1, 2].map(() => fileTickets(store.db, config.onCall, NOON)))
    expect((filed[0] ?? 0) + (filed[1] ?? 0)).toBe(2)
    const [ticket] = await listTickets(store.db)
    expect(ticket).toMatchObject({ team: 'on-chain', alerts: 2, status: 'open' })
    await closeTicket(store.db, ticket?.id ?? '', 'ada')
    await expect(closeTicket(store.db, ticket?.id ?? '', 'ada')).rejects.toMatchObject({
      code: 'ticket.unknown',
    })
    await file('a_3')
    await fileTickets(store.db, config.onCall, NOON)
    expect(await listTickets(store.db)).toHaveLength(1)
    expect(await listTickets(store.db, { all: true })).toHaveLength(2)
  })
})
