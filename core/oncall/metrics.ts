import { sql } from 'drizzle-orm'
import type { Database } from '../store/index.ts'
import type { Meter } from '../telemetry/index.ts'

const SEVERITIES = ['SEV1', 'SEV2', 'SEV3', 'SEV4'] as const

/** What is read of the pager at each scrape. */
export const registerOnCallMetrics = (meter: Meter, db: Database): void => {
  const pages = meter.gauge({
    name: 'tocsin_oncall_pages_7d',
    help: 'Pages of the last seven days, by team and time of day.',
    labels: ['team', 'night'],
  })
  const fullest = meter.gauge({
    name: 'tocsin_oncall_pages_per_shift_max',
    help: 'Most pages that one person had in one shift of the last seven days.',
    labels: ['team'],
  })
  const waiting = meter.gauge({
    name: 'tocsin_oncall_unanswered',
    help: 'Incidents that people are paged for and nobody has in hand.',
    labels: ['severity'],
  })
  const tickets = meter.gauge({
    name: 'tocsin_tickets_open',
    help: 'Tickets that wait for somebody.',
    labels: ['team'],
  })
  meter.onScrape(async () => {
    const { rows } = await db.execute<{ team: string; days: number; nights: number; most: number }>(
      sql`
      with own as (
        select team, person, shift_since, count(*)::int as n,
          count(*) filter (where is_night)::int as nights
        from tocsin.oncall_page where at > now() - interval '7 days' and person is not null
        group by team, person, shift_since)
      select team, (sum(n) - sum(nights))::int as days, sum(nights)::int as nights,
        coalesce(max(n) filter (where shift_since is not null), 0)::int as most
      from own group by team`,
    )
    for (const one of [pages, fullest, tickets]) one.clear()
    for (const { team, days, nights, most } of rows) {
      pages.set({ team, night: 'false' }, days)
      pages.set({ team, night: 'true' }, nights)
      fullest.set({ team }, most)
    }
    const { rows: live } = await db.execute<{ severity: string; n: number }>(sql`
      select severity, count(distinct incident_id)::int as n
      from tocsin.oncall_escalation where status <> 'ended' group by severity`)
    for (const severity of SEVERITIES)
      waiting.set({ severity }, live.find((row) => row.severity === severity)?.n ?? 0)
    const { rows: open } = await db.execute<{ team: string; n: number }>(sql`
      select team, count(*)::int as n from tocsin.ticket where status = 'open' group by team`)
    for (const { team, n } of open) tickets.set({ team }, n)
  })
}
