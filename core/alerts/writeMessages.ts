import { and, desc, eq, inArray } from 'drizzle-orm'
import { cleanText, toJson } from '../base/index.ts'
import { addressesIn, type Names, nameAddresses, nameInText } from '../labels/index.ts'
import { type DatabaseTransaction, notify, tables } from '../store/index.ts'
import type { Change } from './alertBook.ts'
import { everyone } from './routeFinding.ts'
import type { AlertMessage, AlertRow, RoutingConfig } from './types.ts'

type Told = {
  readonly row: AlertRow
  readonly changes: readonly Change[]
  /** Ordinal of the first of `changes`. */
  readonly firstOrdinal: number
}

type Evidence = Pick<AlertMessage, 'transactions' | 'addresses' | 'evidence' | 'final'>

/** Puts a message per change and channel into the outbox. Wants the alert lock. */
export const writeMessages = async (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  told: readonly Told[],
): Promise<void> => {
  const known = new Set(config.channels.map(({ name }) => name))
  const values: (typeof tables.outbox.$inferInsert)[] = []
  for (const { row, changes, firstOrdinal } of told) {
    if (changes.length === 0) continue
    const evidence = await loadEvidence(tx, row)
    const names = await nameAll(tx, config, row, changes, evidence)
    for (const [index, change] of changes.entries()) {
      const named = change.channels.filter((name) => known.has(name))
      const channels = named.length > 0 ? named : everyone(config, change.severity)
      for (const channel of channels) {
        const message = encodeMessage({
          config,
          row,
          change,
          evidence,
          names,
          ordinal: firstOrdinal + index,
          channel,
        })
        values.push({
          dedupKey: message.dedupKey,
          channel,
          alertId: row.id,
          incidentId: row.incidentId,
          lane: row.incidentId ?? row.id,
          severity: change.severity,
          payload: toJson(message),
        })
      }
    }
  }
  if (values.length === 0) return
  for (let from = 0; from < values.length; from += 500) {
    await tx
      .insert(tables.outbox)
      .values(values.slice(from, from + 500))
      .onConflictDoNothing()
  }
  await notify(tx, 'tocsin_outbox')
}

const encodeMessage = (options: {
  readonly config: RoutingConfig
  readonly row: AlertRow
  readonly change: Change
  readonly evidence: Evidence
  readonly names: Names
  readonly ordinal: number
  readonly channel: string
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
    runbook: row.runbook === null ? null : cleanText(row.runbook, 500),
    times: {
      opened: row.openedAt.toISOString(),
      changed: row.updatedAt.toISOString(),
      closed: row.closedAt?.toISOString() ?? null,
    },
  }
}

/** Names of the addresses that a message speaks of. */
const nameAll = (
  tx: DatabaseTransaction,
  config: RoutingConfig,
  row: AlertRow,
  changes: readonly Change[],
  { addresses, evidence }: Evidence,
): Promise<Names> => {
  const words = [row.title, ...changes.map(({ summary }) => summary), ...Object.values(evidence)]
  return nameAddresses(tx, config, row.chainId, [
    ...new Set([...addressesIn(addresses.join(' ')), ...addressesIn(words.join(' '))]),
  ])
}

const loadEvidence = async (tx: DatabaseTransaction, row: AlertRow): Promise<Evidence> => {
  const newest = await tx
    .select({
      txHash: tables.finding.txHash,
      addresses: tables.finding.addresses,
      metadata: tables.finding.metadata,
      status: tables.finding.status,
    })
    .from(tables.alertFinding)
    .innerJoin(tables.finding, eq(tables.finding.id, tables.alertFinding.findingId))
    .where(
      // A retraction shows what is gone.
      row.findings === 0
        ? eq(tables.alertFinding.alertId, row.id)
        : and(
            eq(tables.alertFinding.alertId, row.id),
            inArray(tables.finding.status, ['provisional', 'final', 'pending']),
          ),
    )
    .orderBy(desc(tables.finding.blockNumber), desc(tables.finding.seq))
    .limit(20)
  const unique = (texts: readonly (string | null)[]): string[] =>
    [...new Set(texts.flatMap((text) => text ?? []))]
      .slice(0, 10)
      .map((text) => cleanText(text, 100))
  return {
    transactions: unique(newest.map(({ txHash }) => txHash)),
    addresses: unique(newest.flatMap(({ addresses }) => addresses)),
    evidence: Object.fromEntries(
      Object.entries(newest[0]?.metadata ?? {})
        .slice(0, 20)
        .map(([name, value]) => [cleanText(name, 60), cleanText(String(value), 200)]),
    ),
    final: newest.length > 0 && newest.every(({ status }) => status === 'final'),
  }
}
