import {
  type BotBlock,
  defineBot,
  type Finding,
  isUniswapPool,
  POOL_PRICE_TOPIC,
  requireAbi,
} from 'tocsin'
import {
  type Answer,
  answerGap,
  type Feed,
  invalidOf,
  learnGap,
  type OracleContext,
  type OracleThing,
  type PoolThing,
  phaseOf,
  RANK,
  readAnswer,
  readFeed,
  readOf,
  staleAfter,
} from './feed.ts'
import { judgeDeviation, judgeJump } from './judgeFeed.ts'
import { oracleParameters } from './parameters.ts'
import {
  reportAggregator,
  reportDeviation,
  reportInvalid,
  reportJump,
  reportRound,
  reportStale,
} from './report.ts'
import { followPools, isSamePair, poolSources, rescale, type Source } from './sources.ts'

type Severity = Finding['severity']
/** What a condition has said and not taken back. */
type Told = { readonly severity: Severity; readonly isUnknown?: boolean }

/** One oracle in one block. */
type Look = {
  readonly thing: OracleThing
  readonly feed: Feed
  readonly now: Answer
  readonly before: Answer | undefined
  readonly invalid: string | undefined
}

/** A new aggregator that says the same within this is an ordinary migration (bps). */
const SAME_BPS = 100

const keyOf = (what: string, thing: OracleThing): string => `${what}:${thing.name}`

/** Begins, worsens or ends a condition in the state; returns what is to be said, if anything. */
const follow = (
  ctx: OracleContext,
  key: string,
  severity: Severity | undefined,
): { readonly condition: 'holds' | 'ended'; readonly severity: Severity } | undefined => {
  const told = ctx.state.get<Told>(key)
  if (severity === undefined) {
    if (!told) return undefined
    ctx.state.delete(key)
    return { condition: 'ended', severity: 'Info' }
  }
  if (told && !told.isUnknown && RANK[severity] <= RANK[told.severity]) return undefined
  ctx.state.set(key, { severity })
  return { condition: 'holds', severity }
}

/** Neither reads nor findings depend on an oracle that does not answer; that is said once. */
const loseSight = (ctx: OracleContext, thing: OracleThing): Finding | undefined => {
  const key = keyOf('invalid', thing)
  if (ctx.state.get<Told>(key)) return undefined
  const wasWell = ctx.state.get<Answer>(keyOf('answer', thing)) !== undefined
  const severity = wasWell ? 'High' : 'Low'
  ctx.state.set(key, { severity, isUnknown: true } satisfies Told)
  const say = { condition: 'unknown', severity } as const
  return reportInvalid(thing, undefined, undefined, 'it does not answer', say)
}

const isSameAnswer = (a: Answer, b: Answer): boolean =>
  a.roundId === b.roundId && a.answer === b.answer && a.updatedAtS === b.updatedAtS

const isOtherAggregator = (
  [before, old]: readonly [Answer, Feed | undefined],
  [now, feed]: readonly [Answer, Feed],
): boolean =>
  phaseOf(before.roundId) !== phaseOf(now.roundId) ||
  (old !== undefined &&
    old.aggregator !== null &&
    feed.aggregator !== null &&
    old.aggregator !== feed.aggregator)

/** What the step from one answer to the next says of the feed itself. */
const judgeStep = (
  { thing, feed, now }: Pick<Look, 'thing' | 'feed' | 'now'>,
  before: Answer,
  old: Feed | undefined,
): Finding | undefined => {
  if (isOtherAggregator([before, old], [now, feed])) {
    const gap = answerGap(before.answer, now.answer)
    const severity = gap <= SAME_BPS ? 'Low' : gap <= thing.parameters.highBps ? 'Medium' : 'High'
    return reportAggregator(thing, feed, old, before, now, severity)
  }
  const isBack = now.roundId < before.roundId || now.updatedAtS < before.updatedAtS
  return isBack ? reportRound(thing, feed, before, now) : undefined
}

const look = async (
  ctx: OracleContext,
  thing: OracleThing,
): Promise<{ readonly look: Look | undefined; readonly findings: readonly Finding[] }> => {
  const now = readAnswer(ctx, thing)
  if (!now) {
    const lost = loseSight(ctx, thing)
    return { look: undefined, findings: lost ? [lost] : [] }
  }
  const answerKey = keyOf('answer', thing)
  const before = ctx.state.get<Answer>(answerKey)
  const isNew = before === undefined || !isSameAnswer(before, now)
  const old = ctx.state.get<Feed>(keyOf('feed', thing))
  const feed = await readFeed(ctx, thing, isNew && before !== undefined)
  const findings: Finding[] = []
  const invalid = invalidOf(now, feed, ctx.block.timestampS)
  const say = follow(ctx, keyOf('invalid', thing), invalid === undefined ? undefined : 'Critical')
  if (say) findings.push(reportInvalid(thing, feed, now, invalid ?? 'well again', say))
  if (isNew) ctx.state.set(answerKey, now)
  if (isNew && before) {
    learnGap(ctx, thing, now.updatedAtS - before.updatedAtS)
    const step = judgeStep({ thing, feed, now }, before, old)
    if (step) findings.push(step)
  }
  return { look: { thing, feed, now, before, invalid }, findings }
}

const judgeStale = (ctx: OracleContext, { thing, feed, now }: Look): Finding | undefined => {
  const limit = staleAfter(ctx, thing)
  const ageS = ctx.block.timestampS - now.updatedAtS
  const severity =
    limit === undefined || ageS <= limit.seconds
      ? undefined
      : ageS > 2 * limit.seconds
        ? 'High'
        : 'Medium'
  const say = follow(ctx, keyOf('stale', thing), severity)
  return say && reportStale(ctx, thing, feed, now, limit, say)
}

/** Other watched oracles of the pair that give a price and are not stale. */
const otherOracles = (ctx: OracleContext, own: Look, looks: readonly Look[]): readonly Source[] =>
  looks.flatMap((other): readonly Source[] => {
    if (other === own || other.invalid !== undefined || !isSamePair(own, other)) return []
    if (ctx.state.get(keyOf('stale', other.thing)) !== undefined) return []
    const price = rescale(other.now.answer, other.feed.decimals, own.feed.decimals)
    const { name, address } = other.thing
    return [{ name, address, kind: 'oracle', prices: [price], sinceS: undefined }]
  })

const judgePrices = async (
  ctx: OracleContext,
  own: Look,
  looks: readonly Look[],
  pools: readonly PoolThing[],
  isTold: boolean,
): Promise<readonly Finding[]> => {
  const { thing, feed, now, before } = own
  // An answer that is no price is told as that alone.
  if (own.invalid !== undefined) return []
  const sources = [
    ...(await poolSources(ctx, thing, feed, now.answer, pools)),
    ...otherOracles(ctx, own, looks),
  ]
  const hasAnswerMoved = before !== undefined && before.answer !== now.answer
  const findings: Finding[] = []
  const told = { hasAnswerMoved, nowS: ctx.block.timestampS }
  const deviation = judgeDeviation(now.answer, sources, told, thing.parameters)
  const key = keyOf('deviation', thing)
  // Once told, it is over when half of the threshold is left: near it nothing flutters.
  const isNear = deviation !== undefined && deviation.bps * 2 > thing.parameters.deviationBps
  const isKept = deviation?.severity === undefined && isNear && ctx.state.get(key) !== undefined
  const say = isKept ? undefined : follow(ctx, key, deviation?.severity)
  if (say) findings.push(reportDeviation(thing, feed, now, deviation, say))
  if (hasAnswerMoved && before.answer > 0n && !isTold) {
    const jump = judgeJump(before.answer, now.answer, sources, thing.parameters)
    // A jump away from the market is told as a deviation, unless it is the graver of the two.
    const isCovered =
      jump && say?.condition === 'holds' && RANK[jump.severity] <= RANK[say.severity]
    if (jump && !isCovered) findings.push(reportJump(thing, feed, before, now, jump))
  }
  return findings
}

const examine = async (ctx: OracleContext, block: BotBlock): Promise<readonly Finding[]> => {
  const pools = ctx.things.flatMap((thing) => (thing.kind === 'pool' ? [thing] : []))
  await followPools(ctx, block, pools)
  const findings: Finding[] = []
  const looks: Look[] = []
  const told = new Set<string>()
  for (const thing of ctx.things) {
    if (thing.kind !== 'oracle') continue
    const seen = await look(ctx, thing)
    findings.push(...seen.findings)
    if (seen.findings.some(({ condition }) => condition !== 'ended')) told.add(thing.name)
    if (!seen.look) continue
    looks.push(seen.look)
    const stale = judgeStale(ctx, seen.look)
    if (stale) findings.push(stale)
  }
  for (const own of looks)
    findings.push(...(await judgePrices(ctx, own, looks, pools, told.has(own.thing.name))))
  return findings
}

/**
 * Price feeds of Chainlink's shape against the market, their heartbeat, their bounds and their own past.
 * State per oracle: one answer, one description, 64 gaps, a count per watched pool; per pool: its price with about 130
 * samples.
 */
export const oracle = defineBot({
  id: 'oracle',
  version: '1.0.0',
  summary:
    'A price feed leaves its market, jumps, falls silent, gives no price at all, or goes back to an old round.',
  parameters: oracleParameters,
  kinds: ['oracle', 'pool'],
  accepts: (thing) => thing.kind !== 'pool' || isUniswapPool(thing),
  alerts: [
    {
      id: 'ORACLE-DEVIATION',
      title: 'Oracle off its market',
      kind: 'condition',
      severity: 'Critical',
    },
    { id: 'ORACLE-STALE', title: 'Oracle silent', kind: 'condition', severity: 'High' },
    { id: 'ORACLE-INVALID', title: 'Answer is no price', kind: 'condition', severity: 'Critical' },
    { id: 'ORACLE-JUMP', title: 'Oracle jumped', kind: 'event', severity: 'Critical' },
    { id: 'ORACLE-ROUND', title: 'Oracle went back', kind: 'event', severity: 'High' },
    {
      id: 'ORACLE-AGGREGATOR',
      title: 'Oracle has another aggregator',
      kind: 'event',
      severity: 'High',
    },
  ],
  needs: ({ things }) => {
    const oracles = things.flatMap((thing) => (thing.kind === 'oracle' ? [thing] : []))
    if (oracles.length === 0) return {}
    for (const thing of oracles) requireAbi('oracle', thing, { functions: ['latestRoundData'] })
    return {
      everyBlock: true,
      reads: oracles.map(readOf),
      logs: things.flatMap((thing) =>
        thing.kind === 'pool'
          ? [{ address: thing.address, topics: [POOL_PRICE_TOPIC[thing.variant]] }]
          : [],
      ),
    }
  },
  handleBlock: (block, ctx) => examine(ctx, block),
})
