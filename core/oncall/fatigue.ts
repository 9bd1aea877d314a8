import { sql } from 'drizzle-orm'
import type { Database, DatabaseTransaction } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import { inZone } from './localTime.ts'
import type { OnCallConfig } from './types.ts'

const NIGHT_FROM = 22
const NIGHT_TO = 7

/** Between 22:00 and 07:00 by the clock of a zone. */
export const isNight = (at: Date, zone: string): boolean => {
  const { hour } = inZone(at, zone)
  return hour >= NIGHT_FROM || hour < NIGHT_TO
}

/** A shift with more pages than `onCall.maxPagesPerShift` is told once: what rings too often is not heard any more. */
export const tellFatigue = async (
  tx: DatabaseTransaction,
  config: OnCallConfig,
  shift: { readonly team: string; readonly person: string; readonly since: Date },
): Promise<void> => {
  const since = shift.since.toISOString()
  const { rows } = await tx.execute<{ pages: number; nights: number }>(sql`
    select count(*)::int as pages, count(*) filter (where is_night)::int as nights
    from tocsin.oncall_page
    where person = ${shift.person} and team = ${shift.team} and shift_since = ${since}::timestamptz`)
  const { pages = 0, nights = 0 } = rows[0] ?? {}
  if (pages <= config.maxPagesPerShift) return
  await recordSelfFinding(tx, {
    alertId: 'PAGER-FATIGUE',
    name: `${shift.person} was paged more than ${config.maxPagesPerShift} times in one shift`,
    description: `Team ${shift.team}: ${pages} pages since ${since}, ${nights} of them at night. Tune the bots that ring (\`tocsin tune\`), or share the shift: \`tocsin oncall show\` names the pages.`,
    severity: 'Medium',
    uniqueKey: `${shift.team}:${shift.person}:${since}`,
    metadata: { team: shift.team, person: shift.person, pages: String(pages) },
  })
}

export type FatigueFigures = {
  readonly team: string
  readonly person: string
  readonly shiftSince: Date
  readonly pages: number
  readonly nights: number
  /** Pages per severity. */
  readonly sev1: number
  readonly incidents: number
}

/** Pages per person and shift since a moment, the fullest shift first. */
export const readFatigue = async (
  db: Database | DatabaseTransaction,
  since: Date,
): Promise<readonly FatigueFigures[]> => {
  const { rows } = await db.execute<{
    team: string
    person: string
    shift_ms: number
    pages: number
    nights: number
    sev1: number
    incidents: number
  }>(sql`
    select team, person, (extract(epoch from shift_since) * 1000)::float8 as shift_ms,
      count(*)::int as pages, count(*) filter (where is_night)::int as nights,
      count(*) filter (where severity = 'SEV1')::int as sev1,
      count(distinct incident_id)::int as incidents
    from tocsin.oncall_page
    where person is not null and shift_since is not null and at >= ${since.toISOString()}::timestamptz
    group by team, person, shift_since order by pages desc, shift_since desc limit 500`)
  return rows.map(({ shift_ms, ...row }) => ({ ...row, shiftSince: new Date(shift_ms) }))
}
