import type { RemoteView } from 'tocsin'
import { asLock, lockKeys, setInRing, sinceKey } from './ledger.ts'
import type { BridgeContext, BridgeThing, Open } from './types.ts'

/** What is known of the other side at this block. */
export type Side = {
  readonly address: string
  /** Undefined: that chain is not watched, or its bridge is not. */
  readonly view: RemoteView | undefined
  /** Since when its locks are kept; undefined when nobody keeps them. */
  readonly sinceS: number | undefined
}

const openPrefix = (thing: BridgeThing): string => `open:${thing.name}:`
const waitingKey = (thing: BridgeThing): string => `waiting:${thing.name}`
const takenKey = (thing: BridgeThing, lock: string): string => `taken:${thing.name}:${lock}`

/** Releases that wait, oldest first, with the key of each. */
export const listOpen = (
  ctx: BridgeContext,
  thing: BridgeThing,
): readonly (readonly [string, Open])[] =>
  ctx.state
    .keys(openPrefix(thing))
    .flatMap((key): readonly (readonly [string, Open])[] => {
      const open = ctx.state.get<Open>(key)
      return open ? [[key, open]] : []
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))

export const addOpen = (ctx: BridgeContext, thing: BridgeThing, open: Open): void => {
  if (!ctx.state.get(waitingKey(thing))) ctx.state.set(waitingKey(thing), true)
  const next = ctx.state.get<number>(`next:${thing.name}`) ?? 0
  ctx.state.set(`next:${thing.name}`, next + 1)
  ctx.state.set(`${openPrefix(thing)}${String(next).padStart(12, '0')}`, open)
  const keys = [...ctx.state.keys(openPrefix(thing))].sort()
  const excess = Math.max(0, keys.length - thing.parameters.maxOpen)
  for (const key of keys.slice(0, excess)) ctx.state.delete(key)
}

const keysOf = (address: string, open: Open): readonly string[] =>
  lockKeys(address, {
    id: open.id ?? undefined,
    token: open.token ?? undefined,
    amount: open.amount === null ? undefined : BigInt(open.amount),
    recipient: open.recipient ?? undefined,
  })

/** Asks the other chain for the locks of all that waits. */
export const lookAcross = async (
  ctx: BridgeContext,
  thing: BridgeThing,
  waiting: readonly Open[],
): Promise<Side> => {
  const address = thing.remote?.address ?? ''
  const since = sinceKey(address)
  const keys = [...new Set([since, ...waiting.flatMap((open) => keysOf(address, open))])]
  const view = await ctx.remote(thing.remote?.chain ?? '', keys)
  const sinceS = view?.values.get(since)?.value
  return { address, view, sinceS: typeof sinceS === 'number' ? sinceS : undefined }
}

const taken = (ctx: BridgeContext, thing: BridgeThing, lock: string): number =>
  ctx.state.get<number>(takenKey(thing, lock)) ?? 0

const byIdKey = (thing: BridgeThing): string => `byId:${thing.name}`

/** A lock serves one release, by whichever of its keys that came. */
const takeAll = (
  ctx: BridgeContext,
  thing: BridgeThing,
  address: string,
  open: Open,
  by: 1 | -1,
): void => {
  const { maxLocks } = thing.parameters
  for (const lock of keysOf(address, open)) {
    const key = takenKey(thing, lock)
    setInRing(
      ctx,
      `taken:${thing.name}`,
      2 * maxLocks,
      key,
      Math.max(0, taken(ctx, thing, lock) + by),
    )
  }
}

/** What has become of one release. */
export type Verdict = {
  readonly key: string
  readonly open: Open
  /** `waits`: nothing to be said yet. `unknown`: the other side is behind or not seen. */
  readonly what: 'matched' | 'waits' | 'unknown' | 'unseen' | 'unbacked'
  /** `unseen` and `unbacked`: told now for the first time. */
  readonly isNew: boolean
  readonly lock?: {
    readonly amount: bigint | undefined
    readonly tx: string
    readonly byId: boolean
  }
  readonly why?: string
}

const findLock = (ctx: BridgeContext, thing: BridgeThing, side: Side, open: Open) => {
  for (const key of keysOf(side.address, open)) {
    // Where ids are known to fit, a sum that happens to be the same is no lock of this message.
    if (open.id !== null && key.includes(':t:') && ctx.state.get(byIdKey(thing))) continue
    const found = side.view?.values.get(key)
    const lock = asLock(found?.value)
    if (!found || !lock) continue
    const free = lock.n - taken(ctx, thing, key) + (open.lock === null ? 0 : 1)
    if (free > 0) return { key, lock, blockNumber: found.blockNumber }
  }
  return undefined
}

const missing = (ctx: BridgeContext, thing: BridgeThing, side: Side, open: Open) => {
  const { lagS, finalityS, marginS } = thing.parameters
  const margin = thing.remote?.chain === ctx.chain.name ? 0 : marginS
  const lateS = ctx.block.timestampS - open.atS
  const { view } = side
  if (view === undefined || side.sinceS === undefined)
    return lateS >= lagS
      ? (['unknown', 'the other side is not watched, or its watch has not begun'] as const)
      : (['waits', ''] as const)
  if (!view.isWell)
    return lateS >= lagS ? (['unknown', 'its bot fails'] as const) : (['waits', ''] as const)
  if (view.finalized && view.finalized.timestampS >= open.atS + margin)
    return ['unbacked', ''] as const
  if (view.head.timestampS < open.atS + margin)
    return lateS >= lagS
      ? (['unknown', `it has come to ${lateS} s behind the release only`] as const)
      : (['waits', ''] as const)
  if (lateS >= finalityS)
    return ['unknown', `nothing of it has become final for ${lateS} s`] as const
  return ['unseen', ''] as const
}

/** A release has its lock; it is watched until that is final. */
const match = (
  ctx: BridgeContext,
  thing: BridgeThing,
  side: Side,
  [key, open]: readonly [string, Open],
  found: NonNullable<ReturnType<typeof findLock>>,
): Verdict => {
  if (open.lock !== found.key) {
    if (open.lock === null) takeAll(ctx, thing, side.address, open, 1)
    if (found.key.includes(':i:') && !ctx.state.get(byIdKey(thing)))
      ctx.state.set(byIdKey(thing), true)
    ctx.state.set(key, { ...open, lock: found.key, told: 0 })
  }
  const final = side.view?.finalized
  // From here on no reorganisation takes the lock away.
  if (final && found.blockNumber <= final.number) ctx.state.delete(key)
  const amount = found.lock.amount === undefined ? undefined : BigInt(found.lock.amount)
  return {
    key,
    open,
    what: 'matched',
    isNew: open.lock === null,
    lock: { amount, tx: found.lock.tx, byId: found.key.includes(':i:') },
  }
}

/** Judges one release against what the other side shows, and keeps what came of it. */
export const judgeOpen = (
  ctx: BridgeContext,
  thing: BridgeThing,
  side: Side,
  [key, open]: readonly [string, Open],
): Verdict => {
  const found = findLock(ctx, thing, side, open)
  if (found) return match(ctx, thing, side, [key, open], found)
  // A source that went away says nothing of a lock that it showed before.
  if (open.lock !== null && side.view === undefined)
    return { key, open, what: 'waits', isNew: false }
  if (open.lock !== null) takeAll(ctx, thing, side.address, open, -1)
  const [what, why] = missing(ctx, thing, side, open)
  const stage = what === 'unbacked' ? 2 : what === 'unseen' ? 1 : 0
  const isNew = stage > open.told
  if (isNew || open.lock !== null)
    ctx.state.set(key, { ...open, lock: null, told: Math.max(stage, open.told) })
  // What was once told as unbacked stays that, however far the other chain falls back.
  return { key, open, what: open.told === 2 ? 'unbacked' : what, isNew, why }
}

/** Whether there is anything to compare: most blocks of most bridges end here. */
export const isWaiting = (ctx: BridgeContext, thing: BridgeThing): boolean =>
  ctx.state.get(waitingKey(thing)) === true

export const rest = (ctx: BridgeContext, thing: BridgeThing): void =>
  ctx.state.delete(waitingKey(thing))

/** Takes off the list what has been told long enough. */
export const forgetOld = (ctx: BridgeContext, thing: BridgeThing): void => {
  for (const [key, open] of listOpen(ctx, thing))
    if (ctx.block.timestampS - open.atS >= thing.parameters.forgetS) ctx.state.delete(key)
}
