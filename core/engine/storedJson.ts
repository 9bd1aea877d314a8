import type { Json } from '../base/index.ts'

// jsonb refuses U+0000 and lone surrogates, and a bot may have been given either by a stranger.
const REFUSED = /\\u0000|\\ud[89a-f][0-9a-f]{2}/i

/** JSON that jsonb accepts; anything it would refuse travels as its own text. */
export const encodeStored = (value: Json): Json => {
  const text = JSON.stringify(value)
  return REFUSED.test(text) ? { $json: text } : value
}

/** Inverse of `encodeStored`. */
export const decodeStored = (value: Json): Json => {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  const text = value['$json']
  return typeof text === 'string' ? (JSON.parse(text) as Json) : value
}
