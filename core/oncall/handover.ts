import { and, desc, eq, sql } from 'drizzle-orm'
import type { AlertMessage } from '../alerts/types.ts'
import { cleanText } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../store/index.ts'
import { inZone } from './localTime.ts'
import { readOverrides } from './overrides.ts'
import { sendTo } from './pageMessages.ts'
import { layersOf, rotationAt } from './rotation.ts'
import { teamsOf } from './teamsOf.ts'
import type { OnCallConfig } from './types.ts'
import { whoIsOnCall } from './whoIsOnCall.ts'

/** A hand-over that nobody could report for longer is over. */
const LATE_MS = 6 * 3_600_000
const WEEK_MS = 7 * 86_400_000

type HandoverConfig = Pick<Config, 'channels' | 'chains'> & { readonly onCall: OnCallConfig }

/** What happened in a shift of a team, and what stands at its end. */
export type ShiftReport = {
  readonly team: string
  readonly from: Date
  readonly to: Date
  readonly gone: string | undefined
  readonly comes: string | undefined
  readonly secondary: string | undefined
  readonly open: readonly {
    readonly id: string
    readonly severity: string
    readonly title: string
    readonly since: Date
    readonly by: string | null
  }[]
  /** Incidents of the team that opened in the shift and are over. */
  readonly closed: number
  readonly pages: number
  readonly nights: number
  /** Median time to the first acknowledgement (s). */
  readonly answeredS: number | undefined
  readonly silences: readonly {
    readonly id: string
    readonly reason: string
    readonly until: Date
  }[]
  readonly tickets: number
}

type OpenRow = {
  id: string
  severity: string
  title: string
  opened_ms: number
  acknowledged_by: string | null
  status: string
  bot_id: string
  alert_id: string
  chain_id: number
  owner: string | null
  thing: string | null
  protocol: string | null
}

/** Incidents that are open, or opened in the shift, with the alert that tells whose they are. */
const readIncidents = async (
  tx: Database | DatabaseTransaction,
  config: OnCallConfig,
  shift: Pick<ShiftReport, 'team' | 'from' | 'to'>,
): Promise<readonly OpenRow[]> => {
  const { rows } = await tx.execute<OpenRow>(sql`
    select i.id, i.severity, i.title, i.status, i.acknowledged_by,
      (extract(epoch from i.opened_at) * 1000)::float8 as opened_ms,
      a.bot_id, a.alert_id, a.chain_id, a.owner, a.thing, a.protocol
    from tocsin.incident i cross join lateral (
      select * from tocsin.alert a where a.incident_id = i.id
      order by a.severity, a.opened_at limit 1) a
    where i.opened_at < ${shift.to.toISOString()}::timestamptz
      and (i.status = 'open' or i.opened_at >= ${shift.from.toISOString()}::timestamptz)
    order by i.severity, i.opened_at limit 2000`)
  return rows.filter((row) =>
    teamsOf(config, {
      botId: row.bot_id,
      alertId: row.alert_id,
      chainId: row.chain_id,
      owner: row.owner,
      thing: row.thing,
      protocol: row.protocol,
    }).includes(shift.team),
  )
}

/** The report of the shift of a team that ends at a moment. */
export const reportShift = async (
  tx: Database | DatabaseTransaction,
  config: OnCallConfig,
  team: string,
  to: Date,
): Promise<ShiftReport> => {
  const overrides = await readOverrides(tx, new Date(+to - 2 * WEEK_MS))
  const now = whoIsOnCall(config, overrides, team, to)
  const before = new Date(+to - 1)
  const rotation = config.rotations[config.teams[team]?.primary ?? '']
  const from = (rotation && rotationAt(rotation, before)?.since) ?? new Date(+to - WEEK_MS)
  const incidents = await readIncidents(tx, config, { team, from, to })
  const { rows: figures } = await tx.execute<{ pages: number; nights: number }>(sql`
    select count(*)::int as pages, count(*) filter (where is_night)::int as nights
    from tocsin.oncall_page where team = ${team} and person is not null
      and at >= ${from.toISOString()}::timestamptz and at < ${to.toISOString()}::timestamptz`)
  const { rows: answered } = await tx.execute<{ s: number | null }>(sql`
    select percentile_cont(0.5) within group
      (order by extract(epoch from i.first_acknowledged_at - i.opened_at))::float8 as s
    from tocsin.incident i where i.first_acknowledged_at is not null and exists (
      select 1 from tocsin.oncall_escalation e where e.incident_id = i.id and e.team = ${team}
        and e.opened_at >= ${from.toISOString()}::timestamptz
        and e.opened_at < ${to.toISOString()}::timestamptz)`)
  const { rows: silences } = await tx.execute<{ id: string; reason: string; ends_ms: number }>(sql`
    select id, reason, (extract(epoch from ends_at) * 1000)::float8 as ends_ms from tocsin.silence
    where starts_at <= ${to.toISOString()}::timestamptz and ends_at > ${to.toISOString()}::timestamptz
      and ended_at is null order by ends_at limit 20`)
  const { rows: tickets } = await tx.execute<{ n: number }>(sql`
    select count(*)::int as n from tocsin.ticket where team = ${team} and status = 'open'`)
  return {
    team,
    from,
    to,
    gone: whoIsOnCall(config, overrides, team, before).primary?.person,
    comes: now.primary?.person,
    secondary: now.secondary?.person,
    open: incidents
      .filter(({ status }) => status === 'open')
      .map(({ id, severity, title, opened_ms, acknowledged_by }) => ({
        id,
        severity,
        title: cleanText(title, 160),
        since: new Date(opened_ms),
        by: acknowledged_by,
      })),
    closed: incidents.filter(({ status }) => status !== 'open').length,
    pages: figures[0]?.pages ?? 0,
    nights: figures[0]?.nights ?? 0,
    answeredS: answered[0]?.s ?? undefined,
    silences: silences.map(({ id, reason, ends_ms }) => ({
      id,
      reason: cleanText(reason, 120),
      until: new Date(ends_ms),
    })),
    tickets: tickets[0]?.n ?? 0,
  }
}

const nameOf = (config: OnCallConfig, person: string | undefined): string =>
  person === undefined ? 'nobody' : (config.people[person]?.name ?? person)

/** A report in words, one fact per line. */
export const renderShift = (config: OnCallConfig, report: ShiftReport): string => {
  const { team, open, silences, answeredS } = report
  const rotation = config.rotations[config.teams[team]?.primary ?? '']
  const zone = (rotation && layersOf(rotation)[0]?.zone) ?? 'UTC'
  const clock = (at: Date): string => inZone(at, zone).toFormat('ccc d LLL HH:mm ZZZZ')
  const answer = answeredS === undefined ? '' : `, half answered within ${Math.round(answeredS)} s`
  return [
    `${team}: ${nameOf(config, report.gone)} hands over to ${nameOf(config, report.comes)}; second is ${nameOf(config, report.secondary)}.`,
    `Shift ${clock(report.from)} to ${clock(report.to)}: ${report.pages} pages, ${report.nights} at night${answer}.`,
    `${open.length} incident${open.length === 1 ? '' : 's'} open, ${report.closed} came and went, ${report.tickets} ticket${report.tickets === 1 ? ' waits' : 's wait'}.`,
    ...open.map(
      ({ id, severity, title, since, by }) =>
        `${severity} ${title}, since ${clock(since)}, ${by ? `with ${by}` : 'with nobody'} (${id})`,
    ),
    ...silences.map(({ id, reason, until }) => `Silent until ${clock(until)}: ${reason} (${id})`),
  ].join('\n')
}

const messageOf = (config: OnCallConfig, report: ShiftReport): AlertMessage => {
  const at = report.to.toISOString()
  const id = `h_${report.team}_${+report.to}`
  const [first = '', ...rest] = renderShift(config, report).split('\n')
  return {
    schema: 'tocsin.alert.v1',
    dedupKey: id,
    change: 'opened',
    ordinal: 1,
    alert: id,
    incident: null,
    status: 'open',
    kind: 'event',
    severity: 'SEV4',
    title: `Hand-over: ${nameOf(config, report.gone)} to ${nameOf(config, report.comes)}`,
    summary: cleanText([first, ...rest].join(' · '), 1_000),
    bot: 'tocsin',
    alertId: 'HAND-OVER',
    chain: { id: 0, name: 'tocsin' },
    thing: report.team,
    owner: null,
    protocol: null,
    blocks: { first: 0, last: 0 },
    transactions: [],
    addresses: [],
    evidence: Object.fromEntries(
      report.open
        .slice(0, 18)
        .map(({ id: incident, severity, title, by }) => [
          incident,
          cleanText(`${severity} ${title} (${by ?? 'nobody'})`, 200),
        ]),
    ),
    findings: 1,
    final: true,
    runbook: null,
    times: { opened: at, changed: at, closed: null },
  }
}

const handOverOne = (
  db: Database,
  config: HandoverConfig,
  team: string,
  at: Date,
): Promise<boolean> =>
  db.transaction(async (tx) => {
    const { onCall } = config
    const report = await reportShift(tx, onCall, team, at)
    const { rowCount } = await tx
      .insert(tables.oncallHandover)
      .values({
        team,
        at,
        gone: report.gone ?? null,
        comes: report.comes ?? null,
        report: renderShift(onCall, report),
      })
      .onConflictDoNothing()
    if (rowCount === 0) return false
    const channel = onCall.teams[team]?.channel
    if (channel !== undefined && config.channels.some(({ name }) => name === channel)) {
      const message = messageOf(onCall, report)
      await sendTo(tx, message, { channel }, `${message.dedupKey}.${channel}`)
      await notify(tx, 'tocsin_outbox')
    }
    return true
  })

/** Reports every hand-over that has come since the last turn, once, to the channel of its team. Answers how many. */
export const handOver = async (
  db: Database,
  config: HandoverConfig,
  now: Date,
): Promise<number> => {
  let reported = 0
  for (const [team, { primary }] of Object.entries(config.onCall.teams)) {
    const rotation = config.onCall.rotations[primary]
    const since = rotation && rotationAt(rotation, now)?.since
    if (!since || +now - +since > LATE_MS) continue
    const [known] = await db
      .select({ at: tables.oncallHandover.at })
      .from(tables.oncallHandover)
      .where(and(eq(tables.oncallHandover.team, team), eq(tables.oncallHandover.at, since)))
    if (known) continue
    if (await handOverOne(db, config, team, since)) reported += 1
  }
  return reported
}

/** The newest reports of a team, the newest first. */
export const listHandovers = (db: Database, team: string, most = 10) =>
  db
    .select()
    .from(tables.oncallHandover)
    .where(eq(tables.oncallHandover.team, team))
    .orderBy(desc(tables.oncallHandover.at))
    .limit(most)
