import { addToBernoulliCusum, type CallTrace, hashText } from 'tocsin'
import type { ActivityContext, ActivityThing } from './types.ts'

/** Functions of one thing that are followed; more are not, so that nobody can fill the state. */
const MAX_FUNCTIONS = 64
/** Failing senders that are remembered. */
const MAX_SENDERS = 32
/** From this many calls on the counts are halved, so that the newest weigh more. */
const MAX_CALLS = 10_000
/** No function is believed to fail less often than this. */
const MIN_SHARE = 0.02
/** Share of failed calls of a function that no longer works. */
const WORSE = 0.8
/** How far the sum may rise above its limit: an alarm ends soon after the function works again. */
const ABOVE = 3
const DAY_S = 86_400

/** What is known of one function. Bounded: seven numbers and 32 hashes. */
export type Calls = {
  readonly sinceS: number
  readonly calls: number
  readonly failed: number
  readonly sum: number
  /** Failures since the sum was 0: not part of what is usual until it is 0 again. */
  readonly pending: number
  /** Hashes of senders that failed since the sum was 0. */
  readonly failing: readonly string[]
  /** When the alarm began. */
  readonly heldS: number | null
  readonly lastS: number
}

export type FailingFunction = {
  readonly selector: string
  readonly calls: Calls
  readonly standing: 'holds' | 'ended' | 'retired'
  /** The newest failed call. */
  readonly example: CallTrace | undefined
}

export const usualShare = ({ calls, failed }: Calls): number =>
  Math.max(MIN_SHARE, failed / Math.max(1, calls))

const keyOf = (thing: ActivityThing, selector: string): string => `calls:${thing.name}:${selector}`

/** Follows a function from its first success on; of too many the one that was called longest ago makes room after a week. */
const admit = (ctx: ActivityContext, thing: ActivityThing, selector: string): boolean => {
  const key = `functions:${thing.name}`
  const known = ctx.state.get<readonly string[]>(key) ?? []
  if (known.length < MAX_FUNCTIONS) {
    ctx.state.set(key, [...known, selector])
    return true
  }
  const stale = known.find((one) => {
    const calls = ctx.state.get<Calls>(keyOf(thing, one))
    return calls && calls.heldS === null && ctx.block.timestampS - calls.lastS > 7 * DAY_S
  })
  if (stale === undefined) return false
  ctx.state.delete(keyOf(thing, stale))
  ctx.state.set(key, [...known.filter((one) => one !== stale), selector])
  return true
}

/** Whether enough is known of the function, and it works well enough, for failures to say something. */
const isJudged = (calls: Calls, { parameters }: ActivityThing, nowS: number): boolean =>
  calls.calls - calls.failed >= parameters.failMinSuccesses &&
  nowS - calls.sinceS >= parameters.failWarmupHours * 3_600 &&
  usualShare(calls) * 10_000 <= parameters.failUsualBps

const addUp = (calls: Calls, hit: boolean, { parameters }: ActivityThing): number =>
  addToBernoulliCusum(calls.sum, hit, {
    usual: usualShare(calls),
    worse: WORSE,
    cap: parameters.failLimit + ABOVE,
  })

const succeed = (calls: Calls, thing: ActivityThing): Calls => {
  const sum = addUp(calls, false, thing)
  const half = calls.calls >= MAX_CALLS ? 0.5 : 1
  const settled = sum === 0 && calls.heldS === null ? calls.pending : 0
  return {
    ...calls,
    calls: Math.floor(calls.calls * half) + settled + 1,
    failed: Math.floor(calls.failed * half) + settled,
    sum,
    pending: sum === 0 ? 0 : calls.pending,
    failing: sum === 0 ? [] : calls.failing,
  }
}

const fail = (calls: Calls, sender: string, thing: ActivityThing, nowS: number): Calls => {
  if (!isJudged(calls, thing, nowS))
    return { ...calls, calls: calls.calls + 1, failed: calls.failed + 1, sum: 0, failing: [] }
  const next = { ...calls, pending: Math.min(MAX_CALLS, calls.pending + 1) }
  const hash = hashText(sender).toString(36)
  if (calls.failing.includes(hash)) return next
  return {
    ...next,
    sum: addUp(calls, true, thing),
    failing: [...calls.failing, hash].slice(-MAX_SENDERS),
  }
}

/** Counts the top-level calls of one function in a block. */
const follow = (
  ctx: ActivityContext,
  thing: ActivityThing,
  selector: string,
  made: readonly CallTrace[],
): FailingFunction | undefined => {
  const key = keyOf(thing, selector)
  const nowS = ctx.block.timestampS
  let calls = ctx.state.get<Calls>(key)
  if (!calls) {
    if (made.every(({ reverted }) => reverted) || !admit(ctx, thing, selector)) return undefined
    calls = {
      sinceS: nowS,
      calls: 0,
      failed: 0,
      sum: 0,
      pending: 0,
      failing: [],
      heldS: null,
      lastS: nowS,
    }
  }
  for (const { from, reverted } of made)
    calls = reverted ? fail(calls, from, thing, nowS) : succeed(calls, thing)
  calls = { ...calls, lastS: nowS }
  let standing: FailingFunction['standing'] | undefined
  const { failLimit, failMinSenders } = thing.parameters
  const isFailing = calls.sum >= failLimit && calls.failing.length >= failMinSenders
  if (calls.heldS === null && isFailing) {
    standing = 'holds'
    calls = { ...calls, heldS: nowS }
  } else if (calls.heldS !== null && calls.sum === 0) {
    standing = 'ended'
    calls = { ...calls, heldS: null }
  }
  ctx.state.set(key, calls)
  const example = made.findLast(({ reverted }) => reverted)
  return standing && { selector, calls, standing, example }
}

/** Which functions of the thing began to fail, or work again, in this block. */
export const followFailures = (
  ctx: ActivityContext,
  thing: ActivityThing,
  made: readonly CallTrace[],
): readonly FailingFunction[] => {
  const bySelector = new Map<string, CallTrace[]>()
  for (const call of made) {
    const selector = call.input.length >= 10 ? call.input.slice(0, 10).toLowerCase() : '0x'
    const list = bySelector.get(selector)
    if (list) list.push(call)
    else bySelector.set(selector, [call])
  }
  return [...bySelector].flatMap(([selector, calls]) => follow(ctx, thing, selector, calls) ?? [])
}

/** Functions that have failed for so long that they must be meant to; what was known of them is forgotten. */
export const retireFunctions = (
  ctx: ActivityContext,
  thing: ActivityThing,
): readonly FailingFunction[] => {
  const key = `functions:${thing.name}`
  const known = ctx.state.get<readonly string[]>(key) ?? []
  const retired = known.flatMap((selector): readonly FailingFunction[] => {
    const calls = ctx.state.get<Calls>(keyOf(thing, selector))
    const heldS = calls?.heldS ?? null
    if (!calls || heldS === null) return []
    if (ctx.block.timestampS - heldS < thing.parameters.failForgetDays * DAY_S) return []
    return [{ selector, calls, standing: 'retired', example: undefined }]
  })
  if (retired.length === 0) return []
  for (const { selector } of retired) ctx.state.delete(keyOf(thing, selector))
  const gone = new Set(retired.map(({ selector }) => selector))
  ctx.state.set(
    key,
    known.filter((selector) => !gone.has(selector)),
  )
  return retired
}
