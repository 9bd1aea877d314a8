import { cleanText, type FindingSeverity, stableHash } from '../base/index.ts'
import type { Config, ReceiverConfig } from '../config/types.ts'
import type { tables } from '../store/index.ts'
import type { ExternalFinding } from './types.ts'

/** Findings from outside come under such a bot id, by which the signer knows them too. */
export const externalBotId = (receiver: string): string => `external-${receiver}`

export type FindingInsert = typeof tables.finding.$inferInsert

const SEVERITIES: readonly FindingSeverity[] = ['Info', 'Low', 'Medium', 'High', 'Critical']
const MAX_METADATA = 50
const MAX_ADDRESSES = 50
/** Postgres keeps chain ids as 32 bits. */
const MAX_CHAIN_ID = 2_147_483_647
/** A stranger's clock may run ahead by so much (s); what is further off was not found then. */
const MAX_AHEAD_S = 600

const milder = (a: FindingSeverity, b: FindingSeverity): FindingSeverity =>
  SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b

/** A key of any length and content, as text that fits a row and is still its own. */
const fitKey = (key: string): string => {
  const clean = cleanText(key, 200)
  return clean === key ? key : `${cleanText(key, 150)}#${stableHash(key).slice(0, 16)}`
}

const wholeUpTo = (value: number | undefined, most: number): number =>
  value !== undefined && Number.isSafeInteger(value) && value >= 0 && value <= most ? value : 0

const hashOr = <T>(value: string | undefined, otherwise: T): string | T =>
  value !== undefined && /^0x[0-9a-fA-F]{64}$/.test(value) ? value.toLowerCase() : otherwise

const timeOf = (timestampS: number | undefined, nowS: number): number =>
  timestampS !== undefined &&
  Number.isSafeInteger(timestampS) &&
  timestampS > 0 &&
  timestampS <= nowS + MAX_AHEAD_S
    ? timestampS
    : nowS

const gravestOf = (receiver: ReceiverConfig): FindingSeverity =>
  'maxSeverity' in receiver ? receiver.maxSeverity : 'Info'

/**
 * A row of `finding` from what a stranger told: texts cleaned and bounded, the severity no graver than the receiver is
 * believed, the watched thing and its owner where an address is known. One key of a receiver is one row for ever.
 */
export const toFindingRow = (
  finding: ExternalFinding,
  receiver: ReceiverConfig,
  config: Pick<Config, 'watch'>,
  nowMs: number,
): FindingInsert => {
  const botId = externalBotId(receiver.name)
  const chainId = wholeUpTo(finding.chainId, MAX_CHAIN_ID)
  const addresses = [...new Set(finding.addresses.map((address) => address.toLowerCase()))]
    .filter((address) => /^0x[0-9a-f]{40}$/.test(address))
    .slice(0, MAX_ADDRESSES)
  const thing = config.watch.find(
    (one) => one.chainId === chainId && addresses.includes(one.address),
  )
  const metadata = Object.entries(finding.metadata)
    .slice(0, MAX_METADATA)
    .map(([key, value]) => [cleanText(key, 100), cleanText(value, 1_000)])
  const told = milder(finding.severity, gravestOf(receiver))
  return {
    id: stableHash('external', botId, finding.key),
    botId,
    botVersion: '1.0.0',
    alertId: cleanText(finding.alertId, 200) || 'EXTERNAL',
    alertKind: finding.condition ? 'condition' : 'event',
    condition: finding.condition ?? null,
    chainId,
    blockNumber: wholeUpTo(finding.blockNumber, Number.MAX_SAFE_INTEGER),
    blockHash: hashOr(finding.blockHash, ''),
    blockTimestampS: timeOf(finding.timestampS, Math.floor(nowMs / 1_000)),
    txHash: hashOr(finding.txHash, null),
    uniqueKey: fitKey(finding.subject ?? finding.key),
    name: cleanText(finding.name, 200) || 'An alert without a name',
    description: cleanText(finding.description, 2_000) || cleanText(finding.name, 200),
    severity: told,
    type: finding.type,
    thing: thing?.name ?? null,
    owner: thing?.owner ?? ('owner' in receiver ? (receiver.owner ?? null) : null),
    protocol: finding.protocol ? cleanText(finding.protocol, 100) : (thing?.protocol ?? null),
    metadata: {
      ...Object.fromEntries(metadata),
      receiver: receiver.name,
      receiverKind: receiver.kind,
      ...(told === finding.severity ? {} : { toldSeverity: finding.severity }),
    },
    addresses,
    labels: [],
    status: 'final',
  }
}
