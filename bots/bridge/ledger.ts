import type { Json } from 'tocsin'
import type { Passage } from './events.ts'
import type { BridgeContext } from './types.ts'

/** What the other side is asked for: when its watch began. */
export const sinceKey = (address: string): string => `since:${address}`
const idKey = (address: string, id: string): string => `lock:${address}:i:${id}`
const tupleKey = (address: string, passage: Pick<Passage, 'token' | 'amount' | 'recipient'>) =>
  `lock:${address}:t:${passage.token ?? ''}:${passage.amount ?? ''}:${passage.recipient ?? ''}`

/** Keys of the locks that a release could belong to, the surest first. */
export const lockKeys = (
  address: string,
  passage: Pick<Passage, 'id' | 'token' | 'amount' | 'recipient'>,
): readonly string[] => {
  const { id, amount, recipient } = passage
  return [
    ...(id === undefined ? [] : [idKey(address, id)]),
    // An amount alone is too common to belong to somebody, unless there is nothing else.
    ...(amount !== undefined && (recipient !== undefined || id === undefined)
      ? [tupleKey(address, passage)]
      : []),
  ]
}

export type Lock = {
  /** Locks of this key: of one id there is one, the same sum may go to the same person more than once. */
  readonly n: number
  readonly atS: number
  readonly amount?: string
  readonly tx: string
}

export const asLock = (value: Json | undefined): Lock | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { n, atS, amount, tx } = value
  return typeof n === 'number' && typeof atS === 'number'
    ? { n, atS, tx: String(tx), ...(typeof amount === 'string' ? { amount } : {}) }
    : undefined
}

/** Writes a key; of too many with one prefix the oldest goes. */
export const setInRing = (
  ctx: BridgeContext,
  ring: string,
  limit: number,
  key: string,
  value: unknown,
): void => {
  const isNew = ctx.state.get(key) === undefined
  ctx.state.set(key, value)
  if (!isNew) return
  const next = ctx.state.get<number>(`ring:${ring}`) ?? 0
  const slot = `ring:${ring}:${next % limit}`
  const oldest = ctx.state.get<string>(slot)
  if (oldest !== undefined) ctx.state.delete(oldest)
  ctx.state.set(slot, key)
  ctx.state.set(`ring:${ring}`, next + 1)
}

/** Enters a lock under each key that a release may come by. */
export const enterLock = (
  ctx: BridgeContext,
  address: string,
  passage: Passage,
  limit: number,
): void => {
  const { id, amount, log } = passage
  const keys = [
    ...(id === undefined ? [] : [idKey(address, id)]),
    ...(amount === undefined ? [] : [tupleKey(address, passage)]),
  ]
  for (const key of keys) {
    const known = ctx.state.get<Lock>(key)
    const lock: Lock = {
      n: (known?.n ?? 0) + 1,
      atS: ctx.block.timestampS,
      tx: log.txHash,
      ...(amount === undefined ? {} : { amount: amount.toString() }),
    }
    setInRing(ctx, `lock:${address}`, 2 * limit, key, lock)
  }
}
