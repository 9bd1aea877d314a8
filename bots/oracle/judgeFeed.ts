import type { FindingSeverity } from 'tocsin'
import { answerGap, lower } from './feed.ts'
import type { OracleParameters } from './parameters.ts'
import type { Source } from './sources.ts'

export type Deviation = {
  readonly source: Source
  readonly price: bigint
  readonly bps: number
  readonly severity: FindingSeverity
}

const nearest = (source: Source, answer: bigint) =>
  source.prices
    .map((price) => ({ source, price, bps: answerGap(price, answer) }))
    .reduce((best, one) => (one.bps < best.bps ? one : best))

/** The opinion furthest from the answer and what it means; `undefined` severity when it is near enough. */
export const judgeDeviation = (
  answer: bigint,
  sources: readonly Source[],
  facts: { readonly hasAnswerMoved: boolean; readonly nowS: number },
  p: OracleParameters,
):
  | (Omit<Deviation, 'severity'> & { readonly severity: FindingSeverity | undefined })
  | undefined => {
  const gaps = sources.map((source) => nearest(source, answer))
  const far = gaps.reduce<(typeof gaps)[number] | undefined>(
    (worst, one) => (!worst || one.bps > worst.bps ? one : worst),
    undefined,
  )
  if (!far) return undefined
  if (far.bps <= p.deviationBps) return { ...far, severity: undefined }
  const size: FindingSeverity =
    far.bps > p.criticalBps ? 'Critical' : far.bps > p.highBps ? 'High' : 'Medium'
  // One of several disagrees: a thin pool more likely than the feed.
  const isAlone = gaps.length > 1 && gaps.some(({ bps }) => bps <= p.deviationBps)
  const isYoung = far.source.sinceS !== undefined && facts.nowS - far.source.sinceS < p.trustS
  if (isAlone) return { ...far, severity: 'Low' }
  // The pool left, not the feed: somebody trades, or the feed is stuck.
  if (!facts.hasAnswerMoved) return { ...far, severity: size === 'Critical' ? 'High' : 'Medium' }
  return { ...far, severity: isYoung ? lower(size) : size }
}

/** A jump from one answer to the next; lower when another opinion went along. */
export const judgeJump = (
  before: bigint,
  now: bigint,
  sources: readonly Source[],
  p: OracleParameters,
): { readonly bps: number; readonly severity: FindingSeverity } | undefined => {
  const bps = answerGap(before, now)
  if (bps <= p.highBps) return undefined
  const isConfirmed = sources.some((source) => nearest(source, now).bps <= p.deviationBps)
  if (isConfirmed) return { bps, severity: 'Low' }
  if (bps <= p.criticalBps) return { bps, severity: 'Medium' }
  return { bps, severity: bps > 2 * p.criticalBps ? 'Critical' : 'High' }
}
