import { keccak256 } from 'viem/utils'
import { type Hex, TocsinError } from '../base/index.ts'

export type RawInput = { readonly hash: Hex; readonly input: Hex; readonly valueWei: bigint }

type Item = {
  readonly isList: boolean
  readonly start: number
  readonly body: number
  readonly end: number
}

const broken = (): TocsinError =>
  new TocsinError('chain.bad_rlp', 'The raw block is not well-formed RLP.')

const readLength = (bytes: Uint8Array, at: number, size: number): number => {
  if (size > 6) throw broken()
  let length = 0
  for (let i = 0; i < size; i++) length = length * 256 + (bytes[at + i] ?? 0)
  return length
}

/** One RLP item at `start`: where its body begins and ends. */
const readItem = (bytes: Uint8Array, start: number, limit: number): Item => {
  const lead = bytes[start]
  if (lead === undefined || start >= limit) throw broken()
  if (lead < 0x80) return { isList: false, start, body: start, end: start + 1 }
  const isList = lead >= 0xc0
  const base = isList ? 0xc0 : 0x80
  const isLong = lead - base > 55
  const size = isLong ? lead - base - 55 : 0
  const body = start + 1 + size
  const end = body + (isLong ? readLength(bytes, start + 1, size) : lead - base)
  if (end > limit) throw broken()
  return { isList, start, body, end }
}

const readList = (
  bytes: Uint8Array,
  list: { readonly body: number; readonly end: number },
  most = Number.POSITIVE_INFINITY,
): readonly Item[] => {
  const items: Item[] = []
  for (let at = list.body; at < list.end && items.length < most; ) {
    const item = readItem(bytes, at, list.end)
    items.push(item)
    at = item.end
  }
  return items
}

/** Places of value and calldata in the transaction's list, by type (EIP-2930, 1559, 4844, 7702; OP Stack deposits). */
const PLACES: Readonly<Record<number, { readonly value: number; readonly input: number }>> = {
  0: { value: 4, input: 5 },
  1: { value: 5, input: 6 },
  2: { value: 6, input: 7 },
  3: { value: 6, input: 7 },
  4: { value: 6, input: 7 },
  126: { value: 4, input: 7 },
}

const toHex = (bytes: Uint8Array, from: number, to: number): Hex =>
  `0x${Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('hex')}`

const decodeTransaction = (bytes: Uint8Array, item: Item): Omit<RawInput, 'hash'> | undefined => {
  const type = item.isList ? 0 : (bytes[item.body] ?? -1)
  const places = PLACES[type]
  if (!places) return undefined
  const list = item.isList ? item : readItem(bytes, item.body + 1, item.end)
  const fields = readList(bytes, list, places.input + 1)
  const value = fields[places.value]
  const input = fields[places.input]
  if (!value || !input) throw broken()
  const digits = toHex(bytes, value.body, value.end)
  return {
    input: toHex(bytes, input.body, input.end),
    valueWei: digits === '0x' ? 0n : BigInt(digits),
  }
}

/**
 * Calldata and value of the wanted transactions of a block as `debug_getRawBlock` gives it. Each is proven by its
 * hash. Undefined when a wanted one is of a type that is not known here, or not in the block.
 * @throws TocsinError `chain.bad_rlp`
 */
export const decodeRawBlock = (
  raw: Hex,
  wanted: readonly Hex[],
): readonly RawInput[] | undefined => {
  const bytes = new Uint8Array(Buffer.from(raw.slice(2), 'hex'))
  const [, transactions] = readList(bytes, readItem(bytes, 0, bytes.length), 2)
  if (!transactions?.isList) throw broken()
  const open = new Set(wanted)
  const found = new Map<Hex, RawInput>()
  for (const item of readList(bytes, transactions)) {
    if (open.size === found.size) break
    const hash = keccak256(bytes.subarray(item.isList ? item.start : item.body, item.end))
    if (!open.has(hash)) continue
    const decoded = decodeTransaction(bytes, item)
    if (!decoded) return undefined
    found.set(hash, { hash, ...decoded })
  }
  const inputs = wanted.flatMap((hash) => found.get(hash) ?? [])
  return inputs.length === wanted.length ? inputs : undefined
}
