import { and, desc, eq, sql } from 'drizzle-orm'
import { type Database, tables } from '../store/index.ts'

export type SubscriptionView = {
  readonly name: string
  readonly status: 'active' | 'disabled'
  readonly reason: string | null
  readonly failures: number
  /** Events that are not settled yet; the filter may not want them all. */
  readonly behind: number
  readonly delivered: number
  readonly dead: number
  readonly lastError: string | null
  readonly lastDeliveredAt: Date | null
}

/** How each subscriber stands; figures of the last 24 hours. */
export const listSubscriptions = async (db: Database): Promise<readonly SubscriptionView[]> => {
  const { rows } = await db.execute<{
    name: string
    status: 'active' | 'disabled'
    reason: string | null
    failures: number
    behind: number
    delivered: number
    dead: number
    last_error: string | null
    last_at: string | null
  }>(sql`
    select s.name, s.status, s.reason, s.failures,
      (select count(*)::int from tocsin.finding_event e where e.seq > s.cursor or e.seq is null) as behind,
      coalesce(d.delivered, 0) as delivered, coalesce(d.dead, 0) as dead, p.last_error,
      to_json(d.last_at)#>>'{}' as last_at
    from tocsin.subscription s
    left join lateral (
      select count(*) filter (where status = 'delivered')::int as delivered,
        count(*) filter (where status = 'dead')::int as dead, max(delivered_at) as last_at
      from tocsin.subscription_delivery
      where subscription = s.name and created_at > now() - interval '24 hours') d on true
    left join lateral (
      select last_error from tocsin.subscription_delivery
      where subscription = s.name and status = 'pending' order by seq desc limit 1) p on true
    order by s.name`)
  return rows.map(({ last_error, last_at, ...row }) => ({
    ...row,
    lastError: last_error,
    lastDeliveredAt: last_at === null ? null : new Date(last_at),
  }))
}

export type DeliveryView = typeof tables.subscriptionDelivery.$inferSelect

/** The newest deliveries, newest first. */
export const listDeliveries = async (
  db: Database,
  options: {
    readonly name?: string | undefined
    readonly status?: DeliveryView['status'] | undefined
    readonly limit: number
  },
): Promise<readonly DeliveryView[]> => {
  const { subscriptionDelivery: d } = tables
  return db
    .select()
    .from(d)
    .where(
      and(
        options.name === undefined ? undefined : eq(d.subscription, options.name),
        options.status === undefined ? undefined : eq(d.status, options.status),
      ),
    )
    .orderBy(desc(d.seq))
    .limit(options.limit)
}
