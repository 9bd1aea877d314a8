import { type Address, cleanText, type Finding, formatAmount, formatBps } from 'tocsin'
import type { Answer, Feed, OracleContext, OracleThing } from './feed.ts'
import type { Deviation } from './judgeFeed.ts'

const about = (thing: OracleThing, more: readonly (Address | null | undefined)[] = []) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  addresses: [...new Set([thing.address, ...more.flatMap((one) => one ?? [])])],
})

const show = (feed: Feed, answer: bigint): string => formatAmount(answer, feed.decimals)

const facts = (feed: Feed, now: Answer, before?: Answer) => ({
  answer: show(feed, now.answer),
  ...(before
    ? { answerBefore: show(feed, before.answer), roundBefore: String(before.roundId) }
    : {}),
  round: String(now.roundId),
  updatedAt: String(now.updatedAtS),
  decimals: String(feed.decimals),
  ...(feed.description ? { feed: feed.description } : {}),
  ...(feed.aggregator ? { aggregator: feed.aggregator } : {}),
})

/** A condition that began, got worse, or is over. */
export const reportDeviation = (
  thing: OracleThing,
  feed: Feed,
  now: Answer,
  deviation: Omit<Deviation, 'severity'> | undefined,
  say: { readonly condition: 'holds' | 'ended'; readonly severity: Finding['severity'] },
): Finding => {
  const holds = say.condition === 'holds' && deviation
  const by = deviation
    ? {
        other: deviation.source.name,
        otherKind: deviation.source.kind,
        otherPrice: show(feed, deviation.price),
        deviationBps: String(deviation.bps),
        pairedBy:
          deviation.source.sinceS === undefined ? 'watchlist or name' : 'agreement of prices',
      }
    : {}
  return {
    alertId: 'ORACLE-DEVIATION',
    name: holds ? 'Oracle off its market' : 'Oracle near its market again',
    description: holds
      ? `${thing.name} says ${show(feed, now.answer)}, ${formatBps(deviation.bps)} off ${cleanText(deviation.source.name, 60)}, which says ${show(feed, deviation.price)}${deviation.source.kind === 'pool' ? ' (the nearer one of its price and its average)' : ''}.`
      : `${thing.name} and the other prices of its pair are near each other again.`,
    severity: holds ? say.severity : 'Info',
    type: holds ? 'Suspicious' : 'Info',
    ...about(thing, [deviation?.source.address]),
    metadata: {
      ...facts(feed, now),
      ...by,
      thresholdBps: String(thing.parameters.deviationBps),
      thresholdFrom: 'parameters',
    },
    uniqueKey: thing.name,
    condition: say.condition,
  }
}

export const reportStale = (
  ctx: OracleContext,
  thing: OracleThing,
  feed: Feed,
  now: Answer,
  limit: { readonly seconds: number; readonly from: string } | undefined,
  say: { readonly condition: 'holds' | 'ended'; readonly severity: Finding['severity'] },
): Finding => {
  const ageS = ctx.block.timestampS - now.updatedAtS
  const holds = say.condition === 'holds'
  return {
    alertId: 'ORACLE-STALE',
    name: holds ? 'Oracle silent' : 'Oracle speaks again',
    description: holds
      ? `${thing.name} was last updated ${ageS} s ago, to ${show(feed, now.answer)}; ${Math.round(limit?.seconds ?? 0)} s are allowed by ${limit?.from ?? 'nothing'}.`
      : `${thing.name} was updated again, to ${show(feed, now.answer)}.`,
    severity: say.severity,
    type: holds ? 'Degraded' : 'Info',
    ...about(thing),
    metadata: {
      ...facts(feed, now),
      ageS: String(ageS),
      thresholdS: String(Math.round(limit?.seconds ?? 0)),
      thresholdFrom: limit?.from ?? 'unknown',
    },
    uniqueKey: thing.name,
    condition: say.condition,
  }
}

export const reportInvalid = (
  thing: OracleThing,
  feed: Feed | undefined,
  now: Answer | undefined,
  reason: string,
  say: {
    readonly condition: 'holds' | 'ended' | 'unknown'
    readonly severity: Finding['severity']
  },
): Finding => ({
  alertId: 'ORACLE-INVALID',
  name: {
    holds: 'Answer is no price',
    ended: 'Answer is a price again',
    unknown: 'Oracle gives no answer',
  }[say.condition],
  description: {
    holds: `${thing.name}: ${reason}${feed && now ? ` (${show(feed, now.answer)})` : ''}. Whoever reads it counts with a price that is none.`,
    ended: `${thing.name} gives a price again${feed && now ? `: ${show(feed, now.answer)}` : ''}.`,
    unknown: `${thing.name} does not answer latestRoundData(): whoever needs it is stuck.`,
  }[say.condition],
  severity: say.severity,
  type: say.condition === 'holds' ? 'Exploit' : say.condition === 'unknown' ? 'Degraded' : 'Info',
  ...about(thing, [feed?.aggregator]),
  metadata: {
    ...(feed && now ? facts(feed, now) : {}),
    ...(feed?.min ? { minAnswer: String(feed.min) } : {}),
    ...(feed?.max ? { maxAnswer: String(feed.max) } : {}),
    reason,
  },
  uniqueKey: thing.name,
  condition: say.condition,
})

export const reportJump = (
  thing: OracleThing,
  feed: Feed,
  before: Answer,
  now: Answer,
  jump: { readonly bps: number; readonly severity: Finding['severity'] },
): Finding => ({
  alertId: 'ORACLE-JUMP',
  name: 'Oracle jumped',
  description: `${thing.name} went from ${show(feed, before.answer)} to ${show(feed, now.answer)} from one answer to the next, ${formatBps(jump.bps)}${jump.severity === 'Low' ? ', and another price of the pair went along' : ''}.`,
  severity: jump.severity,
  type: jump.severity === 'Low' ? 'Info' : 'Suspicious',
  ...about(thing, [feed.aggregator]),
  metadata: {
    ...facts(feed, now, before),
    jumpBps: String(jump.bps),
    thresholdBps: String(thing.parameters.highBps),
  },
  uniqueKey: thing.name,
})

export const reportRound = (
  thing: OracleThing,
  feed: Feed,
  before: Answer,
  now: Answer,
): Finding => ({
  alertId: 'ORACLE-ROUND',
  name: 'Oracle went back',
  description: `${thing.name} went back from round ${before.roundId} of ${before.updatedAtS} to round ${now.roundId} of ${now.updatedAtS}: an old answer is the latest again.`,
  severity: 'High',
  type: 'Suspicious',
  ...about(thing, [feed.aggregator]),
  metadata: { ...facts(feed, now, before), updatedAtBefore: String(before.updatedAtS) },
  uniqueKey: thing.name,
})

export const reportAggregator = (
  thing: OracleThing,
  feed: Feed,
  old: Feed | undefined,
  before: Answer,
  now: Answer,
  severity: Finding['severity'],
): Finding => ({
  alertId: 'ORACLE-AGGREGATOR',
  name: 'Oracle has another aggregator',
  description: `${thing.name} reads another aggregator${feed.aggregator ? `, ${feed.aggregator}` : ''}: ${show(feed, before.answer)} before, ${show(feed, now.answer)} now.`,
  severity,
  type: severity === 'Low' ? 'Info' : 'Suspicious',
  ...about(thing, [feed.aggregator, old?.aggregator]),
  metadata: {
    ...facts(feed, now, before),
    ...(old?.aggregator ? { aggregatorBefore: old.aggregator } : {}),
  },
  uniqueKey: thing.name,
})
