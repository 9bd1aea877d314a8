import type { Address, Hex } from '../../base/index.ts'

type Fields = Readonly<Record<string, unknown>>

/** Anything as a record; what is none counts as empty. */
export const asRecord = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : {}

export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

export const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export const asAddress = (value: unknown): Address | undefined =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)
    ? (value.toLowerCase() as Address)
    : undefined

export const asHash = (value: unknown): Hex | undefined =>
  typeof value === 'string' && /^0x[0-9a-fA-F]{64}$/.test(value)
    ? (value.toLowerCase() as Hex)
    : undefined

/** Bytes; upper case and a missing 0x do not count. */
export const asBytes = (value: unknown): Hex | undefined => {
  if (typeof value !== 'string' || !/^(0x)?([0-9a-fA-F]{2})*$/.test(value)) return undefined
  return `0x${value.replace(/^0x/, '').toLowerCase()}`
}

export const asTimeMs = (value: unknown): number | undefined => {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** An id as others give it: short and printable, since it goes into paths. */
export const asId = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w.:-]{1,200}$/.test(value) ? value : undefined
