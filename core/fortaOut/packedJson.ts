import { TocsinError } from '../base/index.ts'
import type { PackedWatch } from './types.ts'

const TAG = '$bigint'
const isTagged = (value: unknown): value is { readonly [TAG]: string } =>
  typeof value === 'object' && value !== null && TAG in value && typeof value[TAG] === 'string'

/** JSON in which amounts are tagged texts. */
export const encodeTagged = (value: unknown, indent?: number): string =>
  JSON.stringify(
    value,
    (_, one: unknown) => (typeof one === 'bigint' ? { [TAG]: String(one) } : one),
    indent,
  )
export const decodeTagged = (text: string): unknown =>
  JSON.parse(text, (_, one: unknown) => (isTagged(one) ? BigInt(one[TAG]) : one))

/** The watchlist of a packed bot as text. */
export const encodePacked = (watch: PackedWatch): string => `${encodeTagged(watch, 2)}\n`

const isPacked = (value: unknown): value is PackedWatch =>
  typeof value === 'object' &&
  value !== null &&
  'bot' in value &&
  'bots' in value &&
  'chains' in value &&
  Array.isArray(value.chains)

/** @throws TocsinError `forta_out.watch_invalid` */
export const decodePacked = (text: string): PackedWatch => {
  let value: unknown
  try {
    value = decodeTagged(text)
  } catch (cause) {
    throw new TocsinError('forta_out.watch_invalid', 'watch.json is no JSON.', { cause })
  }
  if (isPacked(value)) return value
  throw new TocsinError(
    'forta_out.watch_invalid',
    'watch.json does not say bot, bots and chains.',
    {
      hints: ['`tocsin bots build NAME --target forta` writes it.'],
    },
  )
}
