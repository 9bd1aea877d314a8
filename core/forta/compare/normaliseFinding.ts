const SEVERITIES = ['Unknown', 'Info', 'Low', 'Medium', 'High', 'Critical']
const TYPES = ['Unknown', 'Exploit', 'Suspicious', 'Degraded', 'Info', 'Scam']
const ENTITIES = ['Unknown', 'Address', 'Transaction', 'Block', 'Url']

const word = (words: readonly string[], value: unknown): unknown =>
  typeof value === 'number' ? (words[value] ?? value) : value

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}

/** A finding as text that is equal for equal findings: in words as the SDK prints them, without the wall clock. */
export const normaliseFinding = (finding: Readonly<Record<string, unknown>>): string => {
  const { timestamp: _timestamp, ...rest } = finding
  const labels = Array.isArray(rest['labels'])
    ? rest['labels'].map((label: unknown) =>
        isRecord(label) ? { ...label, entityType: word(ENTITIES, label['entityType']) } : label,
      )
    : rest['labels']
  return JSON.stringify(
    sorted({
      ...rest,
      severity: word(SEVERITIES, rest['severity']),
      type: word(TYPES, rest['type']),
      labels,
    }),
  )
}
