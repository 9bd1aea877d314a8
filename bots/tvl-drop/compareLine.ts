import type { BotWindow } from 'tocsin'
import type { Line, TvlContext, TvlThing } from './gauge.ts'
import { type Comparison, type Facts, holdsShareValue } from './judgeDrop.ts'
import { poolValue } from './lazyGauges.ts'

/** The windows of one line. A sample is added when the value changed, and now and then, so that the past stays known. */
const windowsOf = (ctx: TvlContext, thing: TvlThing, key: string) => {
  const keepS = 2 * thing.parameters.windowS
  const open = (part: string): BotWindow => ctx.window(`${thing.name}:${key}${part}`, { keepS })
  return {
    value: open(''),
    shares: open(':shares'),
    amount0: open(':amount0'),
    amount1: open(':amount1'),
    price: open(':price'),
  }
}
type Windows = ReturnType<typeof windowsOf>

/** What a window said when the span began; its first sample where it does not reach back that far. */
const startOf = (window: BotWindow, spanS: number): bigint | undefined =>
  (window.before(spanS) ?? window.first(spanS))?.value

const plainFacts = (
  line: Line,
  windows: Windows,
  spanS: number,
): Pick<Facts, 'previous' | 'start' | 'peak'> => {
  const against = (base: bigint | undefined): Comparison | undefined =>
    base === undefined ? undefined : { base, now: line.value }
  const start = startOf(windows.value, spanS)
  const highest = windows.value.max(spanS)
  return {
    previous: against(windows.value.last()?.value),
    start: against(start),
    peak: against(
      highest !== undefined && (start === undefined || highest > start) ? highest : start,
    ),
  }
}

/** Both balances then and now, at the price of then. */
const poolFacts = (
  pool: NonNullable<Line['pool']>,
  windows: Windows,
  spanS: number,
): Pick<Facts, 'previous' | 'start' | 'peak'> => {
  const { amount0, amount1, price } = windows
  const against = (old0?: bigint, old1?: bigint, oldPrice?: bigint): Comparison | undefined => {
    if (old0 === undefined || old1 === undefined || !oldPrice) return undefined
    return {
      base: poolValue({ amount0: old0, amount1: old1 }, oldPrice),
      now: poolValue(pool, oldPrice),
    }
  }
  const start = against(startOf(amount0, spanS), startOf(amount1, spanS), startOf(price, spanS))
  const [all0, all1] = [amount0.samples(spanS), amount1.samples(spanS)]
  let peak = start
  for (const [index, sample] of price.samples(spanS).entries()) {
    const one = against(all0[index]?.value, all1[index]?.value, sample.value)
    // One loss is a greater part than another: (b - n) / b, multiplied out.
    if (one && (!peak || one.now * peak.base < peak.now * one.base)) peak = one
  }
  return {
    previous: against(amount0.last()?.value, amount1.last()?.value, price.last()?.value),
    start,
    peak,
  }
}

const matches = (
  line: Line,
  windows: Windows,
  spanS: number,
  toleranceBps: number,
): Facts['isMatched'] => {
  const holds = (assets: bigint | undefined, shares: bigint | undefined): boolean =>
    assets !== undefined &&
    shares !== undefined &&
    line.shares !== undefined &&
    holdsShareValue({ assets, shares }, { assets: line.value, shares: line.shares }, toleranceBps)
  return {
    block: holds(windows.value.last()?.value, windows.shares.last()?.value),
    window: holds(startOf(windows.value, spanS), startOf(windows.shares, spanS)),
  }
}

const isNearlyAll = (part: bigint | undefined, whole: bigint | undefined): boolean =>
  part !== undefined && whole !== undefined && part * 100n >= whole * 99n

/** What a line's history says of its value now. Call it before `remember`. */
export const compareLine = (
  ctx: TvlContext,
  thing: TvlThing,
  line: Line,
  isSeasoned: boolean,
): Facts => {
  const { windowS, shareToleranceBps, dropBps } = thing.parameters
  const windows = windowsOf(ctx, thing, line.key)
  const facts = {
    ...(line.pool ? poolFacts(line.pool, windows, windowS) : plainFacts(line, windows, windowS)),
    isMatched: matches(line, windows, windowS, shareToleranceBps),
    isLoss:
      startOf(windows.shares, windowS) !== undefined &&
      !matches(line, windows, windowS, dropBps).window,
    isVolatile: thing.kind === 'pool',
    isSeasoned,
  }
  if (line.insteadOf === undefined) return facts
  const whole = windowsOf(ctx, thing, line.insteadOf).value
  return {
    ...facts,
    previous: isNearlyAll(windows.value.last()?.value, whole.last()?.value)
      ? facts.previous
      : undefined,
    isSeasoned: isSeasoned && isNearlyAll(startOf(windows.value, windowS), startOf(whole, windowS)),
  }
}

const record = (ctx: TvlContext, window: BotWindow, value: bigint, everyS: number): void => {
  const last = window.last()
  if (!last || last.value !== value || ctx.block.timestampS - last.timestampS >= everyS)
    window.add(value)
}

/** Keeps the lines for later blocks. */
export const remember = (ctx: TvlContext, thing: TvlThing, lines: readonly Line[]): void => {
  const everyS = beatS(thing)
  for (const line of lines) {
    const windows = windowsOf(ctx, thing, line.key)
    if (line.pool) {
      const last = [windows.amount0.last(), windows.amount1.last(), windows.price.last()]
      const now = [line.pool.amount0, line.pool.amount1, line.pool.sqrtPriceX96]
      const isOld = ctx.block.timestampS - (last[0]?.timestampS ?? 0) >= everyS
      // The three go together, so that the n-th sample of each is of the same block.
      if (isOld || now.some((value, index) => last[index]?.value !== value))
        for (const [index, window] of [windows.amount0, windows.amount1, windows.price].entries())
          window.add(now[index] ?? 0n)
      continue
    }
    record(ctx, windows.value, line.value, everyS)
    if (line.shares !== undefined) record(ctx, windows.shares, line.shares, everyS)
  }
}

/** How often a value is kept although it did not change (s). */
export const beatS = (thing: TvlThing): number =>
  Math.max(1, Math.floor(thing.parameters.windowS / 60))
