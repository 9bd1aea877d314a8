import { type Address, cleanText, type FindingSeverity, stableHash } from '../base/index.ts'
import type { ChainHeader } from '../chain/types.ts'
import type { EngineBot } from './engineBot.ts'
import type { FindingRow } from './engineStore.ts'
import type { AlertSpec, Finding } from './types.ts'

const SEVERITIES: readonly FindingSeverity[] = ['Info', 'Low', 'Medium', 'High', 'Critical']
const TYPES = ['Exploit', 'Suspicious', 'Degraded', 'Info', 'Scam', 'Unknown']
const CONDITIONS = ['holds', 'ended', 'unknown']

/** Most findings that one call of a handler may return. */
const MAX_FINDINGS_PER_CALL = 50
const MAX_BYTES = 64 * 1024
const MAX_UNIQUE_KEY = 200

export type CheckedFindings = {
  readonly rows: readonly FindingRow[]
  /** What is wrong, one sentence each. */
  readonly faults: readonly string[]
}

/** The alert that a finding is of; of a hosted program any, up to the gravest. */
const findAlert = (bot: EngineBot, alertId: unknown): AlertSpec | undefined => {
  const { alerts, hosted } = bot.definition
  const declared = alerts.find(({ id }) => id === alertId)
  if (declared || !hosted || !isText(alertId) || alertId === '') return declared
  return { id: cleanText(alertId, 200), title: '', kind: 'event', severity: 'Critical' }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isHash = (value: unknown): boolean => isText(value) && /^0x[0-9a-f]{64}$/i.test(value)
const isAddress = (value: unknown): value is Address =>
  isText(value) && /^0x[0-9a-f]{40}$/i.test(value)
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isLabel = (value: unknown): value is FindingRow['labels'][number] =>
  isRecord(value) &&
  isText(value['entity']) &&
  isText(value['label']) &&
  Number.isFinite(value['confidence'])

/** A key of any length and content, kept apart from others, as text that fits a row. */
const fitKey = (key: string): string => {
  const clean = cleanText(key, MAX_UNIQUE_KEY)
  return clean === key
    ? key
    : `${cleanText(key, MAX_UNIQUE_KEY - 20)}#${stableHash(key).slice(0, 16)}`
}

const sizeOf = (finding: unknown): number => {
  try {
    return (
      JSON.stringify(finding, (_, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      )?.length ?? 0
    )
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** The fault of a finding, or undefined when it can be committed. */
const faultOf = (finding: unknown, bot: EngineBot): string | undefined => {
  if (!isRecord(finding)) return 'a finding is not an object'
  if (sizeOf(finding) > MAX_BYTES) return `a finding is larger than ${MAX_BYTES / 1024} KiB`
  const { alertId, condition } = finding
  const alert = findAlert(bot, alertId)
  if (!alert) return `the alert "${cleanText(String(alertId), 80)}" is not declared`
  const of = `of a finding ${alert.id}`
  for (const field of ['name', 'description'])
    if (!isText(finding[field]) || finding[field] === '') return `the ${field} ${of} is missing`
  if (!SEVERITIES.some((severity) => severity === finding['severity']))
    return `the severity ${of} is none`
  if (!TYPES.some((type) => type === finding['type'])) return `the type ${of} is none`
  for (const field of ['thing', 'protocol', 'uniqueKey'])
    if (finding[field] !== undefined && !isText(finding[field])) return `${field} ${of} is not text`
  if (finding['thing'] !== undefined && !bot.things.some(({ name }) => name === finding['thing']))
    return `the thing "${cleanText(String(finding['thing']), 80)}" ${of} is not one that the bot watches`
  if (finding['txHash'] !== undefined && !isHash(finding['txHash']))
    return `txHash ${of} is not a hash`
  if (condition !== undefined && !CONDITIONS.some((one) => one === condition))
    return `the condition ${of} is none`
  if (condition !== undefined && alert.kind === 'event')
    return `${alert.id} is an event and has no condition`
  const { metadata = {}, addresses = [], labels = [] } = finding
  if (!isRecord(metadata) || !Object.values(metadata).every(isText))
    return `the metadata ${of} are not texts by name`
  if (!Array.isArray(addresses) || !addresses.every(isAddress))
    return `the addresses ${of} are not addresses`
  if (!Array.isArray(labels) || !labels.every(isLabel)) return `the labels ${of} are malformed`
  return undefined
}

const toRow = (
  finding: Finding,
  alert: AlertSpec,
  bot: EngineBot,
  block: ChainHeader,
): FindingRow => {
  const thing = bot.things.find(({ name }) => name === finding.thing)
  const uniqueKey = fitKey(finding.uniqueKey ?? thing?.name ?? '')
  const txHash = finding.txHash ? (finding.txHash.toLowerCase() as FindingRow['txHash']) : null
  const isAbove = SEVERITIES.indexOf(finding.severity) > SEVERITIES.indexOf(alert.severity)
  return {
    id: stableHash(bot.definition.id, alert.id, block.chainId, block.hash, txHash ?? '', uniqueKey),
    botId: bot.definition.id,
    botVersion: bot.definition.version,
    alertId: alert.id,
    alertKind: alert.kind,
    condition: alert.kind === 'condition' ? (finding.condition ?? 'holds') : null,
    chainId: block.chainId,
    blockNumber: block.number,
    blockHash: block.hash,
    blockTimestampS: block.timestampS,
    txHash,
    uniqueKey,
    name: cleanText(finding.name, 200),
    description: cleanText(finding.description, 2_000),
    severity: isAbove ? alert.severity : finding.severity,
    type: finding.type,
    thing: thing?.name ?? null,
    owner: thing?.owner ?? null,
    protocol: finding.protocol ? cleanText(finding.protocol, 100) : (thing?.protocol ?? null),
    metadata: Object.fromEntries(
      Object.entries(finding.metadata ?? {}).map(([key, value]) => [
        cleanText(key, 100),
        cleanText(value, 4_000),
      ]),
    ),
    addresses: (finding.addresses ?? []).map((address) => address.toLowerCase() as Address),
    labels: (finding.labels ?? []).map(({ entity, label, confidence }) => ({
      entity: cleanText(entity, 200),
      label: cleanText(label, 200),
      confidence,
    })),
    status: 'provisional',
    latencyMs: null,
  }
}

/**
 * Judges what one call of a handler returned. What is well-formed is kept even where the rest is not: a detection must
 * not be lost because of its neighbour. Of too many the gravest are kept; a severity above the declared one is lowered.
 */
export const checkFindings = (
  returned: unknown,
  bot: EngineBot,
  block: ChainHeader,
): CheckedFindings => {
  if (!Array.isArray(returned))
    return { rows: [], faults: ['it did not return a list of findings'] }
  const faults: string[] = []
  const rows: FindingRow[] = []
  for (const finding of returned as readonly unknown[]) {
    const fault = faultOf(finding, bot)
    if (fault !== undefined) {
      faults.push(fault)
      continue
    }
    const sound = finding as Finding
    const alert = findAlert(bot, sound.alertId)
    if (!alert) continue
    const row = toRow(sound, alert, bot, block)
    if (row.severity !== sound.severity)
      faults.push(
        `${alert.id} is declared ${alert.severity} at most, and was raised as ${sound.severity}`,
      )
    rows.push(row)
  }
  const most = bot.definition.hosted?.maxFindings ?? MAX_FINDINGS_PER_CALL
  if (rows.length <= most) return { rows, faults }
  const gravest = [...rows].sort(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity),
  )
  const kept = new Set(gravest.slice(0, most))
  return {
    rows: rows.filter((row) => kept.has(row)),
    faults: [...faults, `it returned ${returned.length} findings at once; ${most} are allowed`],
  }
}
