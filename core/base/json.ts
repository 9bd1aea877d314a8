import { createHash } from 'node:crypto'
import type { Json } from './types.ts'

/** JSON text with sorted keys, so equal values have equal text. bigint becomes `{"$bigint":"…"}`. */
export const encodeStable = (value: unknown): string => JSON.stringify(toJson(value))

/** Deep copy into JSON that Postgres can hold: sorted keys, bigint tagged. Throws on functions and symbols. */
export const toJson = (value: unknown): Json => {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`not a finite number: ${value}`)
      return value
    case 'bigint':
      return { $bigint: value.toString() }
    case 'object':
      break
    default:
      throw new TypeError(`cannot be stored: ${typeof value}`)
  }
  if (Array.isArray(value)) return value.map(toJson)
  const entries = Object.entries(value as Record<string, unknown>)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([k, v]) => [k, toJson(v)]))
}

/** Inverse of `toJson`. */
export const fromJson = (value: Json): unknown => {
  if (Array.isArray(value)) return value.map(fromJson)
  if (value === null || typeof value !== 'object') return value
  const tagged = value['$bigint']
  if (typeof tagged === 'string') return BigInt(tagged)
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fromJson(v)]))
}

/** SHA-256 in hex over the stable text of the parts. */
export const stableHash = (...parts: unknown[]): string =>
  createHash('sha256').update(encodeStable(parts)).digest('hex')
