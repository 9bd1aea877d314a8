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
  const source = value as Record<string, unknown>
  const copy: Record<string, Json> = {}
  for (const key of Object.keys(source).sort()) {
    const field = source[key]
    if (field !== undefined) put(copy, key, toJson(field))
  }
  return copy
}

/** Sets a field of its own, whatever its name. */
const put = <V>(target: Record<string, V>, key: string, value: V): void => {
  if (key !== '__proto__') target[key] = value
  else
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
}

/** Inverse of `toJson`. */
export const fromJson = (value: Json): unknown => {
  if (Array.isArray(value)) return value.map(fromJson)
  if (value === null || typeof value !== 'object') return value
  const tagged = value['$bigint']
  if (typeof tagged === 'string') return BigInt(tagged)
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) put(copy, key, fromJson(value[key] ?? null))
  return copy
}

/** SHA-256 in hex over the stable text of the parts. */
export const stableHash = (...parts: unknown[]): string =>
  createHash('sha256').update(encodeStable(parts)).digest('hex')
