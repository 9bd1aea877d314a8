import {
  type Address,
  type BotContext,
  type BotThing,
  cleanText,
  type FindingSeverity,
  gapBps,
  type ReadNeed,
} from 'tocsin'
import { chainlinkAggregatorAbi } from '../../abis/index.ts'
import type { OracleParameters } from './parameters.ts'

export type OracleContext = BotContext<OracleParameters>
export type OracleThing = BotThing<OracleParameters> & { readonly kind: 'oracle' }
export type PoolThing = BotThing<OracleParameters> & { readonly kind: 'pool' }

/** What the feed says in one block. */
export type Answer = {
  readonly roundId: bigint
  readonly answer: bigint
  readonly updatedAtS: number
}

/** What does not change from block to block. */
export type Feed = {
  readonly decimals: number
  /** Cleaned; empty when it says none. */
  readonly description: string
  readonly aggregator: Address | null
  /** Bounds of the aggregator: an answer at one of them is no price. */
  readonly min: bigint | null
  readonly max: bigint | null
}

/** Most gaps between updates that are kept. */
const MAX_GAPS = 64

export const readOf = (thing: OracleThing): ReadNeed => ({
  kind: 'call',
  key: thing.name,
  address: thing.address,
  abi: chainlinkAggregatorAbi,
  functionName: 'latestRoundData',
})

const MOST_SECONDS = 10n ** 12n

export const readAnswer = (ctx: OracleContext, thing: OracleThing): Answer | undefined => {
  const read = ctx.reads<readonly [bigint, bigint, bigint, bigint, bigint]>(thing.name)
  if (!read.ok) return undefined
  const [roundId, answer, , updatedAt] = read.value
  return {
    roundId,
    answer,
    updatedAtS: Number(updatedAt > MOST_SECONDS ? MOST_SECONDS : updatedAt),
  }
}

/** Decimals, name, aggregator and its bounds. Read again only when asked to. */
export const readFeed = async (
  ctx: OracleContext,
  thing: OracleThing,
  isFresh: boolean,
): Promise<Feed> => {
  const key = `feed:${thing.name}`
  const known = ctx.state.get<Feed>(key)
  if (known && !isFresh) return known
  const read = <T>(functionName: string, address: Address = thing.address) =>
    ctx.read.call<T>({ address, abi: chainlinkAggregatorAbi, functionName })
  const [decimals, description, aggregator] = await Promise.all([
    thing.decimals === undefined ? read<number>('decimals') : undefined,
    read<string>('description'),
    read<Address>('aggregator'),
  ])
  const source = aggregator.ok ? (aggregator.value.toLowerCase() as Address) : null
  const [min, max] = await Promise.all([
    read<bigint>('minAnswer', source ?? thing.address),
    read<bigint>('maxAnswer', source ?? thing.address),
  ])
  const feed: Feed = {
    decimals: thing.decimals ?? (decimals?.ok && decimals.value <= 36 ? decimals.value : 8),
    description: description.ok ? cleanText(description.value, 60) : '',
    aggregator: source,
    min: min.ok ? min.value : null,
    max: max.ok ? max.value : null,
  }
  ctx.state.set(key, feed)
  return feed
}

/** Why an answer is no price; undefined when it is one. */
export const invalidOf = (answer: Answer, feed: Feed, nowS: number): string | undefined => {
  if (answer.answer === 0n) return 'the answer is zero'
  if (answer.answer < 0n) return 'the answer is negative'
  if (answer.updatedAtS === 0) return 'the round is not complete'
  if (answer.updatedAtS > nowS + 3_600) return 'the answer is from the future'
  // Bounds that say nothing (0 and 1, or the ends of the type) bind nothing.
  if (feed.min !== null && feed.min > 1n && answer.answer <= feed.min)
    return "the answer is at the aggregator's lower bound"
  if (feed.max !== null && feed.max > 1n && answer.answer >= feed.max)
    return "the answer is at the aggregator's upper bound"
  return undefined
}

/** Keeps the gap between two updates. */
export const learnGap = (ctx: OracleContext, thing: OracleThing, gapS: number): void => {
  if (thing.heartbeatS !== undefined || gapS <= 0) return
  const key = `gaps:${thing.name}`
  ctx.state.set(key, [...(ctx.state.get<readonly number[]>(key) ?? []), gapS].slice(-MAX_GAPS))
}

/** Age beyond which the feed is stale, and where that is from; undefined while nobody knows. */
export const staleAfter = (
  ctx: OracleContext,
  thing: OracleThing,
): { readonly seconds: number; readonly from: 'heartbeatS' | 'its own updates' } | undefined => {
  const { stalePercent, learnedPercent, minLearnedS, minUpdates } = thing.parameters
  if (thing.heartbeatS !== undefined)
    return { seconds: (thing.heartbeatS * stalePercent) / 100, from: 'heartbeatS' }
  const gaps = ctx.state.get<readonly number[]>(`gaps:${thing.name}`) ?? []
  if (gaps.length < minUpdates) return undefined
  const usual = Math.max(minLearnedS, ...gaps)
  return { seconds: (usual * learnedPercent) / 100, from: 'its own updates' }
}

/** Phase of a Chainlink proxy: which of its aggregators the round is of. 0 of an aggregator alone. */
export const phaseOf = (roundId: bigint): bigint => roundId >> 64n

export const RANK: Readonly<Record<FindingSeverity, number>> = {
  Info: 0,
  Low: 1,
  Medium: 2,
  High: 3,
  Critical: 4,
}

export const lower = (severity: FindingSeverity): FindingSeverity =>
  severity === 'Critical'
    ? 'High'
    : severity === 'High'
      ? 'Medium'
      : severity === 'Medium'
        ? 'Low'
        : 'Info'

/** Gap of two answers; the whole scale when one is no price. */
export const answerGap = (a: bigint, b: bigint): number =>
  a > 0n && b > 0n ? gapBps(a, b) : 1_000_000_000
