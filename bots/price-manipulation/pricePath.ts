import { type Address, type ChainLog, gapBps, type Hex } from 'tocsin'

/** The price after one swap. */
export type Step = {
  readonly price: bigint
  readonly txHash: Hex
  readonly txIndex: number
  readonly logIndex: number
}

/** What one transaction, or several of one actor, did to a price. */
export type Excursion = {
  readonly start: bigint
  readonly peak: bigint
  readonly end: bigint
  readonly peakBps: number
  readonly endBps: number
  /** Two thirds of the way out were gone back. */
  readonly isRoundTrip: boolean
  /** Log index of the step by which half of the way was gone, and of the last one. */
  readonly movedAt: number
  readonly lastAt: number
}

/** Undefined when there are no steps. */
export const measurePath = (start: bigint, steps: readonly Step[]): Excursion | undefined => {
  const last = steps.at(-1)
  if (!last) return undefined
  let peak = last.price
  for (const { price } of steps) if (gapBps(start, price) > gapBps(start, peak)) peak = price
  const peakBps = gapBps(start, peak)
  const endBps = gapBps(start, last.price)
  const moved = steps.find(({ price }) => gapBps(start, price) * 2 >= peakBps) ?? last
  return {
    start,
    peak,
    end: last.price,
    peakBps,
    endBps,
    isRoundTrip: steps.length > 1 && endBps * 3 <= peakBps,
    movedAt: moved.logIndex,
    lastAt: last.logIndex,
  }
}

/** Steps of each transaction, in order. */
export const byTransaction = (steps: readonly Step[]): readonly (readonly Step[])[] => {
  const groups: Step[][] = []
  for (const step of steps) {
    const group = groups.at(-1)
    if (group?.[0]?.txHash === step.txHash) group.push(step)
    else groups.push([step])
  }
  return groups
}

const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const ZERO: Hex = `0x${'0'.repeat(64)}`
/** What says nothing of somebody relying on a price: approvals, interest, the loan of a flash loan itself. */
const IDLE: ReadonlySet<Hex> = new Set<Hex>([
  '0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925',
  '0x804c9b842b2748a22bb64b345453a3de7ca54a6ca45ce00d415894979e22897a',
  '0x631042c832b07452973831137f2d73e395028b44b250dedc5abb0ee766e168ac',
  '0xefefaba5e921573100900a3ad9cf29f222d995fb3b6045797eaea7521bd8d6f0',
  '0x0d7d75e01ab95780d3cd1c8ec0dd6c2ce19e3a20427eec8bf53283b6fb8e95f0',
  '0xc76f1b4fe4396ac07a9fa55a415d4ca430e72651d37d3401f3bed7cb13fc4f12',
])

/** The watched thing that a log shows to have acted: it emitted it, or tokens moved in or out of it. */
export const touchedBy = (
  log: ChainLog,
  dependents: ReadonlyMap<Hex, Address>,
): Address | undefined => {
  const [topic, from, to] = log.topics
  if (topic === undefined || IDLE.has(topic)) return undefined
  const own = dependents.get(`0x${log.address.slice(2).padStart(64, '0')}`)
  if (topic !== TRANSFER || from === undefined || to === undefined) return own
  // Shares change hands in pools as well: only those that are made or given back are the vault's doing.
  if (own !== undefined) return from === ZERO || to === ZERO ? own : undefined
  return dependents.get(from) ?? dependents.get(to)
}
