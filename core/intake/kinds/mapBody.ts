import type { z } from 'zod'
import { type FindingType, stableHash } from '../../base/index.ts'
import type { ReceiverConfig } from '../../config/types.ts'
import type { StrictJson } from '../parseStrictJson.ts'
import { readUnixTime } from '../signatures.ts'
import type { ExternalFinding } from '../types.ts'
import { NETWORKS } from './networkSlugs.ts'
import { lookUp } from './pointer.ts'
import { addressText, hash, secondsOf, severityOf } from './shape.ts'
import { shownValue } from './shownValue.ts'

export type Mapping = Extract<ReceiverConfig, { kind: 'generic' }>['mapping']
type Source = Mapping['title']

/** A rule of the mapping does not fit what came: which, and why. */
export class MisfitError extends Error {}

const TYPES: readonly FindingType[] = [
  'Exploit',
  'Suspicious',
  'Degraded',
  'Info',
  'Scam',
  'Unknown',
]

/** What a rule brings, as text; a rule without `default` must find something. */
const read = (item: StrictJson, rule: string, source: Source): string => {
  const { at, default: otherwise, map } = typeof source === 'string' ? { at: source } : source
  const found = at === undefined ? undefined : lookUp(item, at)
  if (found === undefined) {
    if (otherwise !== undefined) return String(otherwise)
    throw new MisfitError(`${rule}: there is nothing at ${at ?? 'no place'}`)
  }
  if (typeof found === 'object') throw new MisfitError(`${rule}: at ${at} is no single value`)
  const value = shownValue(found)
  if (map === undefined) return value
  if (Object.hasOwn(map, value)) return String(map[value])
  if (otherwise !== undefined) return String(otherwise)
  throw new MisfitError(`${rule}: the map knows no ${JSON.stringify(value.slice(0, 40))}`)
}

const fits = <T extends z.ZodType>(rule: string, value: string, schema: T): z.infer<T> => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new MisfitError(`${rule}: ${parsed.error.issues[0]?.message ?? 'wrong'}`)
}

const chainOf = (text: string, chains: Readonly<Record<string, number>>): number => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  for (const book of [chains, NETWORKS]) if (Object.hasOwn(book, text)) return book[text] ?? 0
  throw new MisfitError(`chain: ${JSON.stringify(text.slice(0, 40))} is neither an id nor known`)
}

const wholeOf = (rule: string, text: string): number => {
  const number = text === '' ? Number.NaN : Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new MisfitError(`${rule}: not a whole number`)
}

const timeOf = (text: string): number => {
  const seconds = Math.floor(readUnixTime(text) / 1_000) || secondsOf(text)
  if (seconds === undefined) throw new MisfitError('time: neither Unix time nor ISO 8601')
  return seconds
}

const conditionOf = (text: string): 'holds' | 'ended' => {
  if (/^(firing|holds|open|opened|active|triggered|alerting|true)$/i.test(text)) return 'holds'
  if (/^(resolved|ended|closed|ok|inactive|normal|false)$/i.test(text)) return 'ended'
  throw new MisfitError(`state: ${JSON.stringify(text.slice(0, 40))} is none that is known`)
}

const severityIn = (text: string): ExternalFinding['severity'] => {
  const severity = severityOf(text)
  if (severity) return severity
  throw new MisfitError(`severity: ${JSON.stringify(text.slice(0, 40))} is none that is known`)
}

const typeIn = (text: string): FindingType => {
  const type = TYPES.find((one) => one.toLowerCase() === text.toLowerCase())
  if (type) return type
  throw new MisfitError(`type: ${JSON.stringify(text.slice(0, 40))} is none that is known`)
}

const isWanted = (item: StrictJson, mapping: Mapping): boolean =>
  mapping.when.every(({ at, is }) => {
    const found = lookUp(item, at)
    if (found === undefined) throw new MisfitError(`when: there is nothing at ${at}`)
    return is.some((one) => String(one) === shownValue(found))
  })

const toFinding = (
  item: StrictJson,
  mapping: Mapping,
  chains: Readonly<Record<string, number>>,
): ExternalFinding => {
  const optional = (rule: string, source: Source | undefined): string | undefined =>
    source === undefined ? undefined : read(item, rule, source)
  const then = <T>(text: string | undefined, use: (text: string) => T): T | undefined =>
    text === undefined ? undefined : use(text)
  const condition = then(optional('state', mapping.state), conditionOf)
  const name = read(item, 'title', mapping.title)
  const key = optional('key', mapping.key) ?? stableHash(shownValue(item))
  return {
    kind: 'finding',
    key: condition ? `${key}|${condition}|${optional('time', mapping.time) ?? ''}` : key,
    subject: key,
    alertId: read(item, 'alertId', mapping.alertId),
    name,
    description: optional('description', mapping.description) ?? name,
    severity: severityIn(read(item, 'severity', mapping.severity)),
    type: then(optional('type', mapping.type), typeIn) ?? 'Suspicious',
    chainId: then(optional('chain', mapping.chain), (text) => chainOf(text, chains)) ?? 0,
    blockNumber: then(optional('block', mapping.block), (text) => wholeOf('block', text)),
    blockHash: then(optional('blockHash', mapping.blockHash), (text) =>
      fits('blockHash', text, hash),
    ),
    timestampS: then(optional('time', mapping.time), timeOf),
    txHash: then(optional('tx', mapping.tx), (text) => fits('tx', text, hash)),
    addresses: mapping.addresses.map((source, index) => {
      const rule = `addresses.${index}`
      return fits(rule, read(item, rule, source), addressText)
    }),
    metadata: Object.fromEntries(
      Object.entries(mapping.metadata).map(([key_, source]) => [
        key_,
        read(item, `metadata.${key_}`, source),
      ]),
    ),
    protocol: undefined,
    ...(condition ? { condition } : {}),
  }
}

/** Most findings of one body. */
const MAX_ITEMS = 500

/**
 * The findings of a body by the rules of a mapping.
 * @throws MisfitError with the rule that does not fit
 */
export const mapBody = (
  body: StrictJson,
  mapping: Mapping,
  chains: Readonly<Record<string, number>>,
): readonly ExternalFinding[] => {
  const found = mapping.each === undefined ? [body] : lookUp(body, mapping.each)
  if (!Array.isArray(found)) throw new MisfitError(`each: at ${mapping.each} is no list`)
  const items: readonly StrictJson[] = found
  if (items.length > MAX_ITEMS) throw new MisfitError(`each: more than ${MAX_ITEMS} items`)
  return items
    .filter((item) => isWanted(item, mapping))
    .map((item) => toFinding(item, mapping, chains))
}
