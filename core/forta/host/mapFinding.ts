import {
  type Address,
  cleanText,
  type FindingSeverity,
  type FindingType,
  type Hex,
  stableHash,
} from '../../base/index.ts'
import type { HostedFinding } from './createHostedBot.ts'

/** A finding of a hosted bot in Tocsin's words, as any bot returns it. */
export type MappedFinding = {
  readonly alertId: string
  readonly name: string
  readonly description: string
  readonly severity: FindingSeverity
  readonly type: FindingType
  readonly protocol?: string
  readonly metadata: Readonly<Record<string, string>>
  readonly addresses: readonly Address[]
  readonly labels: readonly {
    readonly entity: string
    readonly label: string
    readonly confidence: number
  }[]
  readonly txHash?: Hex
  readonly uniqueKey: string
}

/** As the SDK counts them; a severity that is unknown pages nobody. */
const SEVERITIES: readonly FindingSeverity[] = ['Info', 'Info', 'Low', 'Medium', 'High', 'Critical']
const TYPES: readonly FindingType[] = [
  'Unknown',
  'Exploit',
  'Suspicious',
  'Degraded',
  'Info',
  'Scam',
]
const ENTITIES = ['Unknown', 'Address', 'Transaction', 'Block', 'Url']
/** Under which the labels stand whole, with what Tocsin's own have no place for. */
const LABELS_KEY = 'forta.labels'
const MOST_LABELS_TEXT = 3_900

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : value === null || value === undefined
      ? ''
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value)
/** Bots may give the word instead of the number. */
const pick = <T extends string>(words: readonly T[], value: unknown, otherwise: T): T =>
  typeof value === 'number'
    ? (words[value] ?? otherwise)
    : (words.find((word) => word.toLowerCase() === text(value).toLowerCase()) ?? otherwise)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const labelOf = (value: Record<string, unknown>) => {
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {}
  return {
    entity: text(value['entity']),
    label: text(value['label']),
    confidence: Number.isFinite(Number(value['confidence'])) ? Number(value['confidence']) : 0,
    entityType: pick(ENTITIES, value['entityType'], 'Unknown'),
    remove: value['remove'] === true,
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(text(value['uniqueKey']) === '' ? {} : { uniqueKey: text(value['uniqueKey']) }),
  }
}

const metadataOf = (finding: Readonly<Record<string, unknown>>, labels: readonly object[]) => {
  const { metadata, source } = finding
  const entries = isRecord(metadata)
    ? Object.entries(metadata).map(([key, value]) => [key, text(value)])
    : []
  if (isRecord(source) && Object.keys(source).length > 0)
    entries.push(['forta.source', text(source).slice(0, MOST_LABELS_TEXT)])
  const whole = labels.length > 0 ? JSON.stringify(labels) : ''
  if (whole !== '' && whole.length <= MOST_LABELS_TEXT) entries.push([LABELS_KEY, whole])
  return Object.fromEntries(entries)
}

/**
 * Findings of one block in Tocsin's words. Two that a bot did not tell apart by `uniqueKey` are told apart by what they
 * say, and equal ones by their order: the same block gives the same identities again.
 */
export const mapFindings = (found: readonly HostedFinding[]): readonly MappedFinding[] => {
  const seen = new Map<string, number>()
  return found.flatMap(({ txHash, finding }): readonly MappedFinding[] => {
    if (!isRecord(finding)) return []
    const labels = list(finding['labels']).filter(isRecord).map(labelOf)
    const plain = {
      alertId: cleanText(text(finding['alertId']), 200) || 'UNNAMED',
      name: text(finding['name']) || 'Unnamed finding',
      description: text(finding['description']) || 'The bot gave no description.',
      severity: pick(SEVERITIES, finding['severity'], 'Info'),
      type: pick(TYPES, finding['type'], 'Unknown'),
      metadata: metadataOf(finding, labels),
      addresses: [
        ...new Set(
          list(finding['addresses'])
            .map((address) => text(address).toLowerCase())
            .filter((address): address is Address => /^0x[0-9a-f]{40}$/.test(address)),
        ),
      ],
      labels: labels.map(({ entity, label, confidence }) => ({ entity, label, confidence })),
    }
    const given = text(finding['uniqueKey'])
    const key = given || stableHash(plain).slice(0, 24)
    const place = `${txHash ?? ''}/${plain.alertId}/${key}`
    const earlier = seen.get(place) ?? 0
    seen.set(place, earlier + 1)
    // Of one identity that the bot itself gave, the network knows one alert.
    const uniqueKey = given || earlier === 0 ? key : `${key}#${earlier}`
    const protocol = text(finding['protocol'])
    return [
      {
        ...plain,
        ...(protocol === '' ? {} : { protocol }),
        ...(txHash === undefined ? {} : { txHash: txHash as Hex }),
        uniqueKey,
      },
    ]
  })
}
