import { type Address, type ChainTransaction, type FindingSeverity, gapBps, type Hex } from 'tocsin'
import type { PriceManipulationParameters } from './parameters.ts'
import { byTransaction, type Excursion, measurePath, type Step, touchedBy } from './pricePath.ts'

export type Verdict = {
  readonly kind: 'manipulation' | 'sandwich' | 'round trip'
  readonly severity: FindingSeverity
  readonly path: Excursion
  readonly thresholdBps: number
  /** First and last of the transactions that moved the price. */
  readonly tx: ChainTransaction
  readonly backTx: ChainTransaction | undefined
  readonly victim: Address | undefined
  readonly victimTx: Hex | undefined
}

export type Scene = {
  readonly start: bigint
  readonly steps: readonly Step[]
  /** Those that concern the bot, in order. */
  readonly transactions: readonly ChainTransaction[]
  readonly dependents: ReadonlyMap<Hex, Address>
}

const firstTouch = (
  tx: ChainTransaction,
  dependents: Scene['dependents'],
  after: number,
  before: number,
): Address | undefined => {
  for (const log of tx.logs) {
    if (log.logIndex <= after || log.logIndex >= before) continue
    const touched = touchedBy(log, dependents)
    if (touched) return touched
  }
  return undefined
}

/** How grave a move there and back is that something watched acted on. */
const gravityOfTrip = (
  { peakBps }: Excursion,
  p: PriceManipulationParameters,
): Pick<Verdict, 'severity' | 'thresholdBps'> =>
  peakBps > p.moveBps
    ? { severity: 'Critical', thresholdBps: p.moveBps }
    : { severity: 'High', thresholdBps: p.touchedBps }

const judgeTransaction = (
  scene: Scene,
  tx: ChainTransaction,
  path: Excursion,
  p: PriceManipulationParameters,
): Verdict | undefined => {
  const common = { path, tx, backTx: undefined, victimTx: tx.hash } as const
  if (path.isRoundTrip) {
    if (path.peakBps > p.touchedBps) {
      const victim = firstTouch(tx, scene.dependents, path.movedAt, path.lastAt)
      if (victim) return { ...common, kind: 'manipulation', victim, ...gravityOfTrip(path, p) }
    }
    if (path.peakBps <= p.roundTripBps) return undefined
    const { roundTripBps: thresholdBps } = p
    return { ...common, kind: 'round trip', severity: 'Info', thresholdBps, victim: undefined }
  }
  if (path.endBps <= p.moveBps) return undefined
  const victim = firstTouch(tx, scene.dependents, path.movedAt, Number.POSITIVE_INFINITY)
  if (!victim) return undefined
  const isCritical = path.endBps > p.criticalBps
  const thresholdBps = isCritical ? p.criticalBps : p.moveBps
  return {
    ...common,
    kind: 'manipulation',
    severity: isCritical ? 'Critical' : 'High',
    thresholdBps,
    victim,
  }
}

/** Two transactions of one actor: the same sender, or the same contract that is nobody else's in between. */
const isLinked = (
  a: ChainTransaction,
  b: ChainTransaction,
  between: readonly ChainTransaction[],
): boolean =>
  a.from === b.from || (a.to !== null && a.to === b.to && between.every((one) => one.to !== a.to))

/** Two transactions of one actor: the first moved the price, the second brought it back. */
type Pair = {
  readonly out: ChainTransaction
  readonly back: ChainTransaction
  readonly between: readonly ChainTransaction[]
  /** A contract in common may be a router of many; a sender in common is one actor. */
  readonly isOneSender: boolean
  readonly path: Excursion
  /** Log index of the last step out, and of the last step back. */
  readonly movedAt: number
  readonly lastAt: number
}

const pairOf = (
  scene: Scene,
  start: bigint,
  groups: readonly (readonly Step[])[],
  txOf: ReadonlyMap<Hex, ChainTransaction>,
): Pair | undefined => {
  const [moved, last] = [groups[0]?.at(-1), groups.at(-1)?.at(-1)]
  const [out, back] = [txOf.get(moved?.txHash ?? '0x'), txOf.get(last?.txHash ?? '0x')]
  const path = measurePath(start, groups.flat())
  if (!out || !back || !moved || !last || !path?.isRoundTrip) return undefined
  const between = scene.transactions.filter(({ index }) => index > out.index && index < back.index)
  if (!isLinked(out, back, between)) return undefined
  const isOneSender = out.from === back.from
  return { out, back, between, isOneSender, path, movedAt: moved.logIndex, lastAt: last.logIndex }
}

/** What it means that a transaction between two of a pair touched something: its own doing, or a stranger's trade. */
const gravityOfTouch = (
  { out, isOneSender, path }: Pair,
  tx: ChainTransaction,
  isTrade: boolean,
  p: PriceManipulationParameters,
): Pick<Verdict, 'kind' | 'severity' | 'thresholdBps'> | undefined => {
  const isOwn = isOneSender && tx.from === out.from
  if (isOwn)
    return path.peakBps > p.touchedBps
      ? { kind: 'manipulation', ...gravityOfTrip(path, p) }
      : undefined
  if (!isTrade || path.peakBps <= p.sandwichBps) return undefined
  const severity = path.peakBps > 5 * p.sandwichBps ? 'Medium' : 'Low'
  return { kind: 'sandwich', severity, thresholdBps: p.sandwichBps }
}

const judgePair = (
  scene: Scene,
  pair: Pair,
  trades: ReadonlySet<Hex>,
  p: PriceManipulationParameters,
): Verdict | undefined => {
  const { out, back, between, isOneSender, path } = pair
  for (const tx of isOneSender ? [out, ...between, back] : between) {
    const after = tx === out ? pair.movedAt : -1
    const before = tx === back ? pair.lastAt : Number.POSITIVE_INFINITY
    const victim = firstTouch(tx, scene.dependents, after, before)
    const gravity = victim && gravityOfTouch(pair, tx, trades.has(tx.hash), p)
    if (gravity) return { ...gravity, path, tx: out, backTx: back, victim, victimTx: tx.hash }
  }
  return undefined
}

const findPair = (
  scene: Scene,
  groups: readonly (readonly Step[])[],
  txOf: ReadonlyMap<Hex, ChainTransaction>,
  p: PriceManipulationParameters,
): Verdict | undefined => {
  const trades = new Set(groups.flatMap(([step]) => (step ? [step.txHash] : [])))
  let start = scene.start
  for (const [index, group] of groups.entries()) {
    const from = start
    start = group.at(-1)?.price ?? start
    if (gapBps(from, start) <= Math.min(p.sandwichBps, p.touchedBps)) continue
    for (let end = index + 2; end <= groups.length; end++) {
      const pair = pairOf(scene, from, groups.slice(index, end), txOf)
      const verdict = pair && judgePair(scene, pair, trades, p)
      if (verdict) return verdict
    }
  }
  return undefined
}

/** What was done to a pool's price within a block. Transactions alone first, then pairs of one actor. */
export const judgeBlock = (
  scene: Scene,
  parameters: PriceManipulationParameters,
): readonly Verdict[] => {
  const groups = byTransaction(scene.steps)
  const txOf = new Map(scene.transactions.map((tx) => [tx.hash, tx]))
  const verdicts: Verdict[] = []
  let before = scene.start
  for (const group of groups) {
    const tx = txOf.get(group[0]?.txHash ?? '0x')
    const path = measurePath(before, group)
    const verdict = tx && path && judgeTransaction(scene, tx, path, parameters)
    if (verdict) verdicts.push(verdict)
    before = group.at(-1)?.price ?? before
  }
  if (verdicts.some(({ kind }) => kind === 'manipulation') || groups.length < 2) return verdicts
  // A busy block has hundreds of swaps: pairs are looked for among those that moved the price at all.
  const pair = groups.length <= 64 ? findPair(scene, groups, txOf, parameters) : undefined
  return pair ? [...verdicts, pair] : verdicts
}
