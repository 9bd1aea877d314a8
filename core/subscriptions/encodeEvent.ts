import { cleanText } from '../base/index.ts'
import type { FindingEvent, KnownChain, SubscribedFinding } from './types.ts'

/** Standard Webhooks asks for bodies below 20 KB. */
const MAX_BODY_BYTES = 20_000

export const chainOf = (
  chainId: number,
  chains: readonly KnownChain[],
): SubscribedFinding['chain'] => {
  const chain = chains.find(({ id }) => id === chainId)
  return {
    id: chainId,
    name: chain?.name ?? (chainId === 0 ? 'tocsin' : `chain-${chainId}`),
    ...(chain?.explorer ? { explorer: chain.explorer } : {}),
  }
}

const short = (value: string | null): string | null => value && cleanText(value, 200)

export const cleanMetadata = (
  metadata: Readonly<Record<string, unknown>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(metadata)
      .slice(0, 50)
      .map(([key, value]) => [cleanText(key, 100), cleanText(String(value), 500)]),
  )

/** The finding of an event as subscribers get it. */
export const viewFinding = (
  { finding, status }: FindingEvent,
  chains: readonly KnownChain[],
): SubscribedFinding => ({
  schema: 'tocsin.finding.v1',
  id: finding.id,
  status,
  bot: cleanText(finding.botId, 120),
  botVersion: cleanText(finding.botVersion, 60),
  alertId: cleanText(finding.alertId, 120),
  kind: finding.alertKind,
  condition: finding.condition,
  name: cleanText(finding.name, 200),
  description: cleanText(finding.description, 2_000),
  severity: finding.severity,
  type: finding.type,
  protocol: short(finding.protocol),
  thing: short(finding.thing),
  owner: short(finding.owner),
  chain: chainOf(finding.chainId, chains),
  block: {
    number: finding.blockNumber,
    hash: finding.blockHash,
    timestampS: finding.blockTimestampS,
  },
  txHash: finding.txHash,
  addresses: finding.addresses.slice(0, 100),
  labels: Array.isArray(finding.labels) ? finding.labels.slice(0, 20) : [],
  metadata: cleanMetadata(finding.metadata),
  foundAt: finding.createdAt.toISOString(),
})

export type EventBody = {
  readonly type: string
  readonly timestamp: string
  readonly data: SubscribedFinding
  /** What streams resume from, and what tells the order. */
  readonly seq: number
  readonly replay?: true
}

/** What an event says, as webhooks and streams carry it. */
export const encodeEvent = (
  event: FindingEvent,
  chains: readonly KnownChain[],
  isReplay = false,
): EventBody => ({
  type: `finding.${event.type}`,
  timestamp: event.at.toISOString(),
  seq: event.seq,
  ...(isReplay ? { replay: true as const } : {}),
  data: viewFinding(event, chains),
})

/** JSON of bounded size: a stranger's text must not make an event undeliverable. */
export const encodeBounded = (body: EventBody): string => {
  const whole = JSON.stringify(body)
  if (Buffer.byteLength(whole) <= MAX_BODY_BYTES) return whole
  const data = { ...body.data, metadata: { truncated: 'true' }, labels: [] }
  return JSON.stringify({ ...body, data: { ...data, addresses: data.addresses.slice(0, 10) } })
}
