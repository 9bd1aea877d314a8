import { desc, eq } from 'drizzle-orm'
import type { AlertMessage, AlertRow } from '../alerts/types.ts'
import { cleanText, type Sev, toJson } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { type DatabaseTransaction, tables } from '../store/index.ts'
import type { Person } from './types.ts'

/** Where one message goes: a channel, and who is meant where the channel serves several. */
export type Destination = { readonly channel: string; readonly to?: string }

/** The contacts of a person that the watchlist still knows. */
export const destinationsOf = (
  channels: Config['channels'],
  person: Person | undefined,
): readonly Destination[] =>
  (person?.contacts ?? [])
    .map((contact) => (typeof contact === 'string' ? { channel: contact } : contact))
    .filter(({ channel }) => channels.some(({ name }) => name === channel))

type Evidence = Pick<AlertMessage, 'transactions' | 'addresses' | 'evidence' | 'final'>

const readEvidence = async (tx: DatabaseTransaction, alertId: string): Promise<Evidence> => {
  const [newest] = await tx
    .select({
      txHash: tables.finding.txHash,
      addresses: tables.finding.addresses,
      metadata: tables.finding.metadata,
      status: tables.finding.status,
    })
    .from(tables.alertFinding)
    .innerJoin(tables.finding, eq(tables.finding.id, tables.alertFinding.findingId))
    .where(eq(tables.alertFinding.alertId, alertId))
    .orderBy(desc(tables.finding.seq))
    .limit(1)
  return {
    transactions: newest?.txHash ? [cleanText(newest.txHash, 100)] : [],
    addresses: (newest?.addresses ?? []).slice(0, 10).map((address) => cleanText(address, 100)),
    evidence: Object.fromEntries(
      Object.entries(newest?.metadata ?? {})
        .slice(0, 20)
        .map(([name, value]) => [cleanText(name, 60), cleanText(String(value), 200)]),
    ),
    final: newest?.status === 'final',
  }
}

/** What a page says of an alert, without whom it goes to. */
export const composePage = async (
  tx: DatabaseTransaction,
  config: Pick<Config, 'chains'>,
  row: AlertRow,
  words: { readonly severity: Sev; readonly note: string; readonly round: number },
): Promise<AlertMessage> => {
  const chain = config.chains.find(({ id }) => id === row.chainId)
  return {
    schema: 'tocsin.alert.v1',
    dedupKey: '',
    change: 'opened',
    ordinal: 1,
    ...(words.round > 0 ? { round: words.round } : {}),
    alert: row.id,
    incident: row.incidentId,
    status: row.status,
    kind: row.kind,
    severity: words.severity,
    title: cleanText(row.title, 200),
    summary: cleanText(`${words.note} ${row.summary}`, 1_000),
    bot: cleanText(row.botId, 120),
    alertId: cleanText(row.alertId, 120),
    chain: {
      id: row.chainId,
      name: chain?.name ?? (row.chainId === 0 ? 'tocsin' : `chain-${row.chainId}`),
      ...(chain?.explorer ? { explorer: chain.explorer } : {}),
    },
    thing: row.thing && cleanText(row.thing, 120),
    owner: row.owner && cleanText(row.owner, 120),
    protocol: row.protocol && cleanText(row.protocol, 120),
    blocks: { first: row.firstBlock, last: row.lastBlock },
    ...(await readEvidence(tx, row.id)),
    findings: row.findings,
    runbook: row.runbook === null ? null : cleanText(row.runbook, 500),
    times: {
      opened: row.openedAt.toISOString(),
      changed: row.updatedAt.toISOString(),
      closed: row.closedAt?.toISOString() ?? null,
    },
  }
}

/** Puts one message into the outbox, in a lane of its own: a page waits for nothing that was said before. */
export const sendTo = async (
  tx: DatabaseTransaction,
  message: AlertMessage,
  destination: Destination,
  dedupKey: string,
): Promise<void> => {
  const { channel, to } = destination
  await tx
    .insert(tables.outbox)
    .values({
      dedupKey,
      channel,
      alertId: message.alert,
      incidentId: message.incident,
      lane: dedupKey,
      severity: message.severity,
      payload: toJson({ ...message, dedupKey, ...(to === undefined ? {} : { to }) }),
    })
    .onConflictDoNothing()
}
