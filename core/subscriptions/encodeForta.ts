import { cleanText } from '../base/index.ts'
import { cleanMetadata } from './encodeEvent.ts'
import type { FindingEvent, KnownChain } from './types.ts'

const FINDING_TYPES: Readonly<Record<string, string>> = {
  Exploit: 'EXPLOIT',
  Suspicious: 'SUSPICIOUS',
  Degraded: 'DEGRADED',
  Info: 'INFORMATION',
  Scam: 'SCAM',
}
const SEVERITIES: Readonly<Record<string, string>> = {
  Critical: 'CRITICAL',
  High: 'HIGH',
  Medium: 'MEDIUM',
  Low: 'LOW',
  Info: 'INFO',
}
const ENTITY_TYPES: readonly string[] = [
  'UNKNOWN_ENTITY_TYPE',
  'ADDRESS',
  'TRANSACTION',
  'BLOCK',
  'URL',
]

const words = (value: unknown, limit = 200): string =>
  typeof value === 'string' ? cleanText(value, limit) : ''

const labelOf = (label: unknown): Readonly<Record<string, unknown>> => {
  const fields: Readonly<Record<string, unknown>> =
    typeof label === 'object' && label !== null ? { ...label } : {}
  const entity = words(fields['entity'])
  const type = fields['entityType']
  const guessed = /^0x[0-9a-fA-F]{40}$/.test(entity) ? 'ADDRESS' : 'UNKNOWN_ENTITY_TYPE'
  const entityType = typeof type === 'number' ? (ENTITY_TYPES[type] ?? guessed) : guessed
  const metadata = cleanMetadata(
    typeof fields['metadata'] === 'object' && fields['metadata'] !== null
      ? { ...fields['metadata'] }
      : {},
  )
  return {
    label: words(fields['label']),
    confidence: typeof fields['confidence'] === 'number' ? fields['confidence'] : 0,
    entity,
    entityType,
    remove: fields['remove'] === true,
    metadata: Object.entries(metadata).map(([key, value]) => `${key}=${value}`),
  }
}

const linksOf = (
  finding: FindingEvent['finding'],
  explorer: string | undefined,
): Readonly<Record<string, string>> => {
  const base = explorer?.replace(/\/+$/, '')
  if (!base) return {}
  return {
    ...(finding.txHash ? { explorerUrl: `${base}/tx/${finding.txHash}` } : {}),
    blockUrl: `${base}/block/${finding.blockNumber}`,
  }
}

/**
 * A detection in the shape of Forta's webhook (`{alerts: […]}`), for receivers that were built for it. That shape knows
 * no retraction and no finality: undefined for everything but what was detected.
 */
export const encodeForta = (
  event: FindingEvent,
  chains: readonly KnownChain[],
): string | undefined => {
  if (event.type !== 'detected') return undefined
  const { finding } = event
  const explorer = chains.find(({ id }) => id === finding.chainId)?.explorer
  const chainId = finding.chainId
  return JSON.stringify({
    alerts: [
      {
        hash: `0x${finding.id}`,
        createdAt: finding.createdAt.toISOString(),
        alertId: cleanText(finding.alertId, 120),
        name: cleanText(finding.name, 200),
        protocol: words(finding.protocol),
        description: cleanText(finding.description, 2_000),
        findingType: FINDING_TYPES[finding.type] ?? 'UNKNOWN_TYPE',
        severity: SEVERITIES[finding.severity] ?? 'UNKNOWN',
        metadata: cleanMetadata(finding.metadata),
        links: linksOf(finding, explorer),
        source: {
          ...(finding.txHash ? { transactionHash: finding.txHash } : {}),
          bot: {
            id: cleanText(finding.botId, 120),
            reference: `${cleanText(finding.botId, 120)}@${cleanText(finding.botVersion, 60)}`,
            image: '',
          },
          block: {
            number: finding.blockNumber,
            hash: finding.blockHash,
            timestamp: new Date(finding.blockTimestampS * 1_000).toISOString(),
            chainId,
          },
        },
        addresses: finding.addresses.slice(0, 100),
        relatedAlerts: [],
        labels: (Array.isArray(finding.labels) ? finding.labels : []).slice(0, 20).map(labelOf),
        sources: {
          transactions: finding.txHash ? [{ transactionHash: finding.txHash, chainId }] : [],
          blocks: [{ blockHash: finding.blockHash, blockNumber: finding.blockNumber, chainId }],
          urls: [],
          chains: [{ chainId }],
          alerts: [],
          customSources: [],
        },
      },
    ],
  })
}
