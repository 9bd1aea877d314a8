import { type AlertMessage, alertIdOf, foldKey } from '../alerts/light.ts'
import { cleanText, type Sev } from '../base/index.ts'
import type { Config } from '../config/types.ts'

/** What a message that goes past the outbox is made of. */
export type DirectFinding = {
  readonly id: string
  readonly botId: string
  readonly alertId: string
  readonly alertKind: 'event' | 'condition'
  readonly chainId: number
  readonly blockNumber: number
  readonly txHash: string | null
  readonly uniqueKey: string
  readonly name: string
  readonly description: string
  readonly severity: string
  readonly thing: string | null
  readonly owner: string | null
  readonly protocol: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly addresses: readonly string[]
  readonly status: string
}

/**
 * The message by which the outbox would tell that a finding opened an alert: the same alert and the same key, so that a
 * pager folds the one that comes later by the usual way.
 */
export const directMessage = (
  finding: DirectFinding,
  options: {
    readonly channel: string
    readonly severity: Sev
    readonly chains: Config['chains']
    readonly now: Date
    readonly change?: 'opened' | 'resolved'
  },
): AlertMessage => {
  const { channel, severity, now, change = 'opened' } = options
  const alert = alertIdOf(foldKey({ ...finding, addresses: [...finding.addresses] }), finding.id)
  const ordinal = change === 'opened' ? 1 : 2
  const chain = options.chains.find(({ id }) => id === finding.chainId)
  const at = now.toISOString()
  const short = (text: string | null): string | null => text && cleanText(text, 120)
  return {
    schema: 'tocsin.alert.v1',
    dedupKey: `${alert}.${change}.${ordinal}.${channel}`,
    change,
    ordinal,
    alert,
    incident: null,
    status: change === 'opened' ? 'open' : 'resolved',
    kind: finding.alertKind,
    severity,
    title: cleanText(finding.name, 200),
    summary: cleanText(finding.description, 1_000),
    bot: cleanText(finding.botId, 120),
    alertId: cleanText(finding.alertId, 120),
    chain: {
      id: finding.chainId,
      name: chain?.name ?? (finding.chainId === 0 ? 'tocsin' : `chain-${finding.chainId}`),
      ...(chain?.explorer ? { explorer: chain.explorer } : {}),
    },
    thing: short(finding.thing),
    owner: short(finding.owner),
    protocol: short(finding.protocol),
    blocks: { first: finding.blockNumber, last: finding.blockNumber },
    transactions: finding.txHash ? [finding.txHash] : [],
    addresses: finding.addresses.slice(0, 10),
    evidence: Object.fromEntries(
      Object.entries(finding.metadata)
        .slice(0, 20)
        .map(([key, value]) => [cleanText(key, 60), cleanText(value, 200)]),
    ),
    findings: 1,
    final: finding.status === 'final',
    runbook: null,
    times: { opened: at, changed: at, closed: change === 'opened' ? null : at },
  }
}
