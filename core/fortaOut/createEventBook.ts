import type { Hex } from '../base/index.ts'

type Raw = Readonly<Record<string, unknown>>

/** A transaction as a scan node told of it. */
export type ToldTransaction = {
  readonly hash: Hex
  readonly input: Hex
  readonly valueWei: bigint
  readonly traces: readonly Raw[]
}

/** What scan nodes told of the latest blocks. */
export type EventBook = {
  readonly note: (blockHash: Hex, event: Raw) => void
  readonly find: (blockHash: Hex, hash: Hex) => ToldTransaction | undefined
  /** How many transactions of a block were told of. */
  readonly count: (blockHash: Hex) => number
}

const KEPT_BLOCKS = 16

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isHex = (value: unknown): value is Hex =>
  typeof value === 'string' && /^0x[0-9a-f]*$/i.test(value)

/** Parity's fields, those that the protocol leaves empty left out. */
const withoutEmpty = (value: unknown): Raw =>
  Object.fromEntries(Object.entries(isRaw(value) ? value : {}).filter(([, one]) => one !== ''))

const toTrace = (trace: Raw): Raw => {
  const { action, result } = trace
  const plain = withoutEmpty(trace)
  return {
    ...plain,
    action: withoutEmpty(action),
    result: isRaw(result) ? withoutEmpty(result) : undefined,
  }
}

export const createEventBook = (): EventBook => {
  const blocks = new Map<Hex, Map<Hex, ToldTransaction>>()
  return {
    note: (blockHash, event) => {
      const { transaction, traces } = event
      if (!isRaw(transaction) || !isHex(transaction['hash'])) return
      const { hash, input, value } = transaction
      const told = blocks.get(blockHash) ?? new Map<Hex, ToldTransaction>()
      blocks.set(blockHash, told)
      if (isHex(hash))
        told.set(hash, {
          hash,
          input: isHex(input) ? input : '0x',
          valueWei: isHex(value) && value !== '0x' ? BigInt(value) : 0n,
          traces: (Array.isArray(traces) ? traces : []).filter(isRaw).map(toTrace),
        })
      for (const oldest of blocks.keys()) {
        if (blocks.size <= KEPT_BLOCKS) break
        blocks.delete(oldest)
      }
    },
    find: (blockHash, hash) => blocks.get(blockHash)?.get(hash),
    count: (blockHash) => blocks.get(blockHash)?.size ?? 0,
  }
}
