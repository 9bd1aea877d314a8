import {
  type Address,
  type BotBlock,
  exceedsBps,
  type Finding,
  type FindingSeverity,
  followCondition,
} from 'tocsin'
import { listTakers, noteFlows, type Takers } from './flowBook.ts'
import type { Line, TvlContext, TvlThing } from './gauge.ts'
import { type Comparison, holdsShareValue } from './judgeDrop.ts'
import { reportDrain, reportDrainEnd } from './report.ts'

/** So many values of the span are kept. */
const SAMPLES = 96
const NO_TAKERS: Takers = { parties: [], net: 0n, steps: 0, largest: 0n, areNew: false }

export type Drain = Comparison & {
  readonly line: Line
  readonly takers: Takers
  readonly isConcentrated: boolean
  readonly isMatched: boolean
  readonly severity: FindingSeverity
}

/** Pools and markets are emptied and filled by trade and loans; other bots follow those. */
const isFollowed = ({ kind }: TvlThing): boolean =>
  kind === 'vault' || kind === 'treasury' || kind === 'bridge'

const tokenOf = (ctx: TvlContext, thing: TvlThing, line: Line): Address | undefined =>
  line.token ?? (thing.kind === 'vault' ? ctx.state.get<Address>(`asset:${thing.name}`) : undefined)

const toldKey = (thing: TvlThing): string => `told:${thing.name}`

/** What the other forms told is not told again hours later: the slow form begins anew from there. */
export const markTold = (ctx: TvlContext, thing: TvlThing): void =>
  ctx.state.set(toldKey(thing), ctx.block.timestampS)

type Start = { readonly value: bigint; readonly shares: () => bigint | undefined }

/** What held when the span began, or since something was told last; adds the present value now and then. */
const startOf = (ctx: TvlContext, thing: TvlThing, line: Line): Start | undefined => {
  const { slowWindowS } = thing.parameters
  const keepS = slowWindowS + Math.ceil(slowWindowS / SAMPLES) + 1
  const values = ctx.window(`${thing.name}:${line.key}:slow`, { keepS })
  const openShares = () => ctx.window(`${thing.name}:${line.key}:slow-shares`, { keepS })
  const told = ctx.state.get<number>(toldKey(thing)) ?? Number.NEGATIVE_INFINITY
  const spanS = Math.min(slowWindowS, ctx.block.timestampS - told)
  const pick = (window: typeof values) => {
    if (spanS <= 0) return undefined
    const before = window.before(spanS)
    return before && before.timestampS > told ? before : window.first(spanS)
  }
  const start = pick(values)
  // What is gone within the hour is the other forms' to tell.
  const isOld = start && ctx.block.timestampS - start.timestampS >= thing.parameters.windowS
  const result = isOld ? { value: start.value, shares: () => pick(openShares())?.value } : undefined
  const last = values.last()
  if (!last || ctx.block.timestampS - last.timestampS >= slowWindowS / SAMPLES) {
    values.add(line.value)
    // The two go together, so that both begin with the same block.
    openShares().add(line.shares ?? 0n)
  }
  return result
}

const judgeLine = (
  ctx: TvlContext,
  thing: TvlThing,
  line: Line,
  start: Start | undefined,
): { readonly drain: Drain | undefined; readonly isNear: boolean } => {
  const { slowDropBps, slowSteps, slowShareBps, minUnits, shareToleranceBps } = thing.parameters
  const base = start?.value ?? 0n
  const loss = base - line.value
  if (!start || base < BigInt(minUnits) || !exceedsBps(loss, base, (slowDropBps * 4) / 5))
    return { drain: undefined, isNear: false }
  if (!exceedsBps(loss, base, slowDropBps)) return { drain: undefined, isNear: true }
  const shares = line.shares === undefined ? undefined : start.shares()
  const isMatched =
    line.shares !== undefined &&
    shares !== undefined &&
    holdsShareValue(
      { assets: base, shares },
      { assets: line.value, shares: line.shares },
      shareToleranceBps,
    )
  // Holders who take what is theirs, few or many, at once or in parts.
  if (isMatched) return { drain: undefined, isNear: true }
  const token = tokenOf(ctx, thing, line)
  const takers = token ? listTakers(ctx, thing, token) : NO_TAKERS
  const isConcentrated =
    takers.steps >= slowSteps &&
    takers.net * 10_000n >= loss * BigInt(slowShareBps) &&
    takers.largest * 2n < takers.net
  const isDouble = exceedsBps(loss, base, 2 * slowDropBps)
  let severity: FindingSeverity | undefined
  if (line.shares !== undefined) severity = 'High'
  else if (isConcentrated) severity = isDouble && takers.areNew ? 'High' : 'Medium'
  else if (isDouble) severity = 'Low'
  if (!severity) return { drain: undefined, isNear: true }
  return {
    drain: { line, base, now: line.value, takers, isConcentrated, isMatched, severity },
    isNear: true,
  }
}

const RANK: readonly FindingSeverity[] = ['Info', 'Low', 'Medium', 'High', 'Critical']

/**
 * The slow form: what is gone within the day, in steps that no other form tells. Quiet while one of the others holds.
 * Call it once per block, with all that could be read.
 */
export const examineDrain = async (
  ctx: TvlContext,
  block: BotBlock,
  thing: TvlThing,
  lines: readonly Line[],
): Promise<readonly Finding[]> => {
  if (!isFollowed(thing) || lines.length === 0) return []
  const tokens = new Set<Address>()
  let worst: Drain | undefined
  let isNear = false
  for (const line of lines) {
    // A part of another line, which tells the whole.
    if (line.insteadOf !== undefined) continue
    const token = tokenOf(ctx, thing, line)
    if (token && !tokens.has(token)) noteFlows(ctx, block, thing, token)
    if (token) tokens.add(token)
    const judged = judgeLine(ctx, thing, line, startOf(ctx, thing, line))
    isNear ||= judged.isNear
    const { drain } = judged
    if (drain && (!worst || RANK.indexOf(drain.severity) > RANK.indexOf(worst.severity)))
      worst = drain
  }
  const word = followCondition(
    ctx.state,
    `drain:${thing.name}`,
    worst ? { kind: 'holds', severity: worst.severity } : { kind: isNear ? 'near' : 'well' },
  )
  if (!word) return []
  if (worst && word.condition === 'holds')
    return [await reportDrain(ctx, thing, { ...worst, severity: word.severity })]
  return [reportDrainEnd(thing)]
}
