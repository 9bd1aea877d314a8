import { and, desc, eq, inArray, isNull, lt, lte, notLike, or, sql } from 'drizzle-orm'
import { cleanText, toJson } from '../base/index.ts'
import { addressesIn, type Names, nameAddresses, nameInText } from '../labels/index.ts'
import { type DatabaseTransaction, notify, tables } from '../store/index.ts'
import type { Change } from './alertBook.ts'
import { incidentSettings } from './incident/incidentSettings.ts'
import type { AlertMessage, AlertRow, RoutingConfig } from './types.ts'

/** What people are told of an alert. */
export type Told = {
  readonly row: AlertRow
  /** Each with the channels that hear of it. */
  readonly changes: readonly Change[]
  /** Ordinal of the first of `changes`. */
  readonly firstOrdinal: number
  readonly more?: AlertMessage['more']
}

type Evidence = Pick<AlertMessage, 'transactions' | 'addresses' | 'evidence' | 'final'>

/** Puts a message per change and channel into the outbox. Wants the alert lock. */
export const writeMessages = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  all: readonly Told[],
  now: Date,
): Promise<void> => {
  const told = all.filter(({ changes }) => changes.length > 0)
  if (told.length === 0) return
  const rows = [...new Map(told.map(({ row }) => [row.id, row])).values()]
  const evidence = await loadEvidence(tx, rows)
  const doing = await loadDoing(tx, rows, config.people?.url)
  const names = await nameAll(tx, config, told, evidence)
  const values: (typeof tables.outbox.$inferInsert)[] = []
  for (const { row, changes, firstOrdinal, more } of told) {
    const own = evidence.get(row.id) ?? NO_EVIDENCE
    for (const [index, change] of changes.entries()) {
      for (const channel of change.channels) {
        const message = encodeMessage({
          config,
          row,
          change,
          evidence: own,
          names: namesOf(row, changes, own, names.get(row.chainId)),
          ordinal: firstOrdinal + index,
          channel,
          more,
          doing: doing.get(row.id),
        })
        values.push({
          dedupKey: message.dedupKey,
          channel,
          alertId: row.id,
          incidentId: row.incidentId,
          lane: row.incidentId ?? row.id,
          severity: change.severity,
          payload: toJson(message),
          createdAt: now,
          nextAttemptAt: now,
        })
      }
    }
  }
  if (values.length === 0) return
  await supersede(tx, values, now, incidentSettings(config).staleMessageS)
  for (let from = 0; from < values.length; from += 500) {
    await tx
      .insert(tables.outbox)
      .values(values.slice(from, from + 500))
      .onConflictDoNothing()
  }
  await notify(tx, 'tocsin_outbox')
}

/**
 * A message that has waited for long gives way to the newer one of its alert, which stands behind it in the lane: people
 * hear how it is, not how it was. What is being sent now stays, and so does what others do not say: a digest of many
 * alerts, and what was for one person.
 */
const supersede = async (
  tx: DatabaseTransaction,
  values: readonly (typeof tables.outbox.$inferInsert)[],
  now: Date,
  staleS: number,
): Promise<void> => {
  const { outbox } = tables
  const pairs = values
    .filter(({ dedupKey }) => !dedupKey.includes('.digest.'))
    .map(({ alertId, channel, lane }) => sql`(${alertId}, ${channel}, ${lane})`)
  for (let from = 0; from < pairs.length; from += 500) {
    await tx
      .update(outbox)
      .set({ status: 'superseded' })
      .where(
        and(
          eq(outbox.status, 'pending'),
          isNull(outbox.leasedBy),
          lt(outbox.createdAt, new Date(now.getTime() - staleS * 1_000)),
          notLike(outbox.dedupKey, '%.digest.%'),
          sql`(${outbox.alertId}, ${outbox.channel}, ${outbox.lane}) in (${sql.join(pairs.slice(from, from + 500), sql`, `)})`,
        ),
      )
  }
}

const encodeMessage = (options: {
  readonly config: RoutingConfig
  readonly row: AlertRow
  readonly change: Change
  readonly evidence: Evidence
  readonly names: Names
  readonly ordinal: number
  readonly channel: string
  readonly more: AlertMessage['more']
  readonly doing: AlertMessage['doing']
}): AlertMessage => {
  const { row, change, ordinal } = options
  const chain = options.config.chains.find(({ id }) => id === row.chainId)
  const short = (text: string | null): string | null =>
    text === null ? null : cleanText(text, 120)
  return {
    schema: 'tocsin.alert.v1',
    dedupKey: `${row.id}.${change.kind}.${ordinal}.${options.channel}`,
    change: change.kind,
    ordinal,
    alert: row.id,
    incident: row.incidentId,
    status: change.status,
    kind: row.kind,
    severity: change.severity,
    title: nameInText(cleanText(row.title, 200), options.names),
    summary: nameInText(cleanText(change.summary, 1_000), options.names),
    bot: cleanText(row.botId, 120),
    alertId: cleanText(row.alertId, 120),
    chain: {
      id: row.chainId,
      name: chain?.name ?? (row.chainId === 0 ? 'tocsin' : `chain-${row.chainId}`),
      ...(chain?.explorer ? { explorer: chain.explorer } : {}),
    },
    thing: short(row.thing),
    owner: short(row.owner),
    protocol: short(row.protocol),
    blocks: { first: row.firstBlock, last: row.lastBlock },
    ...options.evidence,
    ...(options.names.size > 0 ? { labels: Object.fromEntries(options.names) } : {}),
    findings: row.findings,
    ...(options.more ? { more: options.more } : {}),
    ...(options.doing && options.doing.length > 0 ? { doing: options.doing } : {}),
    runbook: row.runbook === null ? null : cleanText(row.runbook, 500),
    times: {
      opened: row.openedAt.toISOString(),
      changed: row.updatedAt.toISOString(),
      closed: row.closedAt?.toISOString() ?? null,
    },
  }
}

const wordsOf = (row: AlertRow, changes: readonly Change[], own: Evidence): readonly string[] => [
  row.title,
  ...changes.map(({ summary }) => summary),
  ...Object.values(own.evidence),
]

const addressesOf = (row: AlertRow, changes: readonly Change[], own: Evidence) => [
  ...new Set([
    ...addressesIn(own.addresses.join(' ')),
    ...addressesIn(wordsOf(row, changes, own).join(' ')),
  ]),
]

/** Names of the addresses that messages speak of, by chain. */
const nameAll = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  told: readonly Told[],
  evidence: ReadonlyMap<string, Evidence>,
): Promise<ReadonlyMap<number, Names>> => {
  const byChain = new Map<number, string[]>()
  for (const { row, changes } of told) {
    const addresses = addressesOf(row, changes, evidence.get(row.id) ?? NO_EVIDENCE)
    byChain.set(row.chainId, [...(byChain.get(row.chainId) ?? []), ...addresses])
  }
  const names = new Map<number, Names>()
  for (const [chainId, addresses] of byChain)
    names.set(chainId, await nameAddresses(tx, config, chainId, [...new Set(addresses)]))
  return names
}

const namesOf = (
  row: AlertRow,
  changes: readonly Change[],
  own: Evidence,
  known: Names | undefined,
): Names =>
  new Map(
    addressesOf(row, changes, own).flatMap((address) => {
      const name = known?.get(address.toLowerCase())
      return name === undefined ? [] : [[address.toLowerCase(), name] as const]
    }),
  )

const NO_EVIDENCE: Evidence = { transactions: [], addresses: [], evidence: {}, final: false }

/** Newest findings of each alert that a message looks at. */
const LOOKED_AT = 20

const loadEvidence = async (
  tx: DatabaseTransaction,
  rows: readonly AlertRow[],
): Promise<ReadonlyMap<string, Evidence>> => {
  const { alertFinding, finding } = tables
  // A retraction shows what is gone.
  const gone = rows.filter(({ findings }) => findings === 0).map(({ id }) => id)
  const ranked = tx
    .select({
      alertId: alertFinding.alertId,
      txHash: finding.txHash,
      addresses: finding.addresses,
      metadata: finding.metadata,
      status: finding.status,
      place:
        sql<number>`row_number() over (partition by ${alertFinding.alertId} order by ${finding.blockNumber} desc, ${finding.seq} desc)`.as(
          'place',
        ),
    })
    .from(alertFinding)
    .innerJoin(finding, eq(finding.id, alertFinding.findingId))
    .where(
      and(
        inArray(
          alertFinding.alertId,
          rows.map(({ id }) => id),
        ),
        or(
          inArray(finding.status, ['provisional', 'final', 'pending']),
          gone.length > 0 ? inArray(alertFinding.alertId, gone) : undefined,
        ),
      ),
    )
    .as('ranked')
  const found = await tx
    .select()
    .from(ranked)
    .where(lte(ranked.place, LOOKED_AT))
    .orderBy(ranked.place)
  const byAlert = new Map<string, (typeof found)[number][]>()
  for (const row of found) {
    const own = byAlert.get(row.alertId)
    if (own) own.push(row)
    else byAlert.set(row.alertId, [row])
  }
  const unique = (texts: readonly (string | null)[]): string[] =>
    [...new Set(texts.flatMap((text) => text ?? []))]
      .slice(0, 10)
      .map((text) => cleanText(text, 100))
  return new Map(
    [...byAlert].map(([id, newest]) => [
      id,
      {
        transactions: unique(newest.map(({ txHash }) => txHash)),
        addresses: unique(newest.flatMap(({ addresses }) => addresses)),
        evidence: Object.fromEntries(
          Object.entries(newest[0]?.metadata ?? {})
            .slice(0, 20)
            .map(([name, value]) => [cleanText(name, 60), cleanText(String(value), 200)]),
        ),
        final: newest.every(({ status }) => status === 'final'),
      },
    ]),
  )
}

/** What is being done about each alert, newest first. */
const loadDoing = async (
  tx: DatabaseTransaction,
  rows: readonly AlertRow[],
  url: string | undefined,
): Promise<ReadonlyMap<string, NonNullable<AlertMessage['doing']>>> => {
  const { execution, alertFinding } = tables
  const found = await tx
    .selectDistinct({
      alertId: alertFinding.alertId,
      execution: execution.id,
      action: execution.actionId,
      status: execution.status,
      requestedAt: execution.requestedAt,
    })
    .from(execution)
    .innerJoin(alertFinding, eq(alertFinding.findingId, execution.findingId))
    .where(
      inArray(
        alertFinding.alertId,
        rows.map(({ id }) => id),
      ),
    )
    .orderBy(desc(execution.requestedAt))
    .limit(200)
  const byAlert = new Map<string, NonNullable<AlertMessage['doing']>>()
  for (const { alertId, requestedAt: _, ...row } of found) {
    const own = byAlert.get(alertId) ?? []
    const link = url === undefined ? null : `${url}/actions/${encodeURIComponent(row.execution)}`
    if (own.length < 5)
      byAlert.set(alertId, [...own, { ...row, action: cleanText(row.action, 100), link }])
  }
  return byAlert
}
