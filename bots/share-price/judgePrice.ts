import type { FindingSeverity } from 'tocsin'
import type { SharePriceParameters } from './parameters.ts'
import { expectedGain, expectedLoss, PPB, type Usual } from './usualYield.ts'
import { PROBE, type Snapshot, type Units, worthOf } from './vault.ts'

/** What happened to the vault's assets in the block. */
export type Flows = {
  /** The asset that came in by transfers of transactions without a deposit, and from whom most of it. */
  readonly donated: bigint
  readonly hasWithdrawals: boolean
}

export type PriceMove = {
  readonly ppb: number
  readonly severity: FindingSeverity
  /** What was exceeded (ppb), and why it is that. */
  readonly limitPpb: number
  readonly limitFrom: 'parameters' | 'usual yield' | 'rounding'
  readonly cause: 'donation' | 'report' | 'fees of withdrawals' | 'loss' | 'dilution'
}

const ppbOfBps = (bps: number): number => bps * 100_000

/** Relative change of the price in parts in a billion, at most a billionfold. */
export const movePpb = (before: bigint, now: bigint): number => {
  if (before <= 0n) return 0
  const ppb = ((now - before) * BigInt(PPB)) / before
  const most = 10n ** 18n
  return Number(ppb > most ? most : ppb)
}

/** Below this much of the asset nothing matters (smallest units): a thousandth of a token, at least a thousand units. */
const dustOf = ({ assetDecimals }: Units): bigint => {
  const part = 10n ** BigInt(Math.max(0, (assetDecimals ?? 6) - 3))
  return part > 1_000n ? part : 1_000n
}

const lower = (severity: FindingSeverity): FindingSeverity =>
  severity === 'Critical' ? 'High' : severity === 'High' ? 'Medium' : 'Low'

const judgeGain = (
  ppb: number,
  shrank: boolean,
  flows: Flows,
  usual: Usual,
  p: SharePriceParameters,
  nowS: number,
): PriceMove | undefined => {
  const expected = expectedGain(usual, p.usualFactor, nowS)
  const limitPpb = Math.max(ppbOfBps(p.jumpBps), expected)
  if (ppb <= limitPpb) return undefined
  const size: FindingSeverity =
    ppb > ppbOfBps(p.criticalBps)
      ? 'Critical'
      : ppb > ppbOfBps(p.highBps)
        ? 'High'
        : ppb > ppbOfBps(p.mediumBps)
          ? 'Medium'
          : 'Low'
  const limitFrom = expected > ppbOfBps(p.jumpBps) ? 'usual yield' : 'parameters'
  const base = { ppb, limitPpb, limitFrom } as const
  if (flows.donated > 0n) return { ...base, cause: 'donation', severity: size }
  // Those who stay share what those who left paid: many leave, a few gain much.
  if (flows.hasWithdrawals && shrank)
    return { ...base, cause: 'fees of withdrawals', severity: 'Low' }
  return { ...base, cause: 'report', severity: lower(size) }
}

const judgeLoss = (
  ppb: number,
  isDiluted: boolean,
  assets: bigint,
  usual: Usual,
  p: SharePriceParameters,
): PriceMove | undefined => {
  const rounding = (2 * PPB) / Number(assets > 0n ? assets : 1n)
  const expected = expectedLoss(usual)
  const limitPpb = Math.max(ppbOfBps(p.dropBps) + rounding, expected)
  if (ppb <= limitPpb) return undefined
  const severity: FindingSeverity =
    ppb <= ppbOfBps(p.lossBps)
      ? 'Low'
      : ppb <= ppbOfBps(p.highBps)
        ? 'Medium'
        : isDiluted
          ? 'Critical'
          : 'High'
  const limitFrom =
    expected >= limitPpb
      ? 'usual yield'
      : rounding > ppbOfBps(p.dropBps)
        ? 'rounding'
        : 'parameters'
  return { ppb: -ppb, severity, limitPpb, limitFrom, cause: isDiluted ? 'dilution' : 'loss' }
}

/** What the step from one block to the next means; undefined when it is nothing unusual. */
export const judgePrice = (
  before: Snapshot,
  now: Snapshot,
  facts: {
    readonly flows: Flows
    readonly usual: Usual
    readonly units: Units
    readonly nowS: number
  },
  parameters: SharePriceParameters,
): PriceMove | undefined => {
  const dust = dustOf(facts.units)
  // Nobody held shares, or nobody does: there is no holder who gained or lost.
  if (before.shares === 0n || now.shares === 0n) return undefined
  const ppb = movePpb(before.price, now.price)
  // Less than a dust's worth of assets behind the shares rounds to anything.
  if (ppb > 0 && now.assets < dust) return undefined
  if (ppb > 0)
    return judgeGain(
      ppb,
      now.assets < before.assets,
      facts.flows,
      facts.usual,
      parameters,
      facts.nowS,
    )
  if (before.assets < dust) return undefined
  const isDiluted = now.shares > before.shares && now.assets >= before.assets
  return judgeLoss(-ppb, isDiluted, now.assets, facts.usual, parameters)
}

/** How many times its first price a share is worth. OpenZeppelin's offset only moves the decimals, so it cancels out. */
export const timesFirstPrice = (now: Snapshot, units: Units): bigint => {
  const { assetDecimals, shareDecimals } = units
  if (assetDecimals === undefined || shareDecimals === undefined) return 0n
  return (now.price * 10n ** BigInt(shareDecimals)) / (PROBE * 10n ** BigInt(assetDecimals))
}

/** Digits that the vault's shares have beyond those of its asset: OpenZeppelin's decimals offset. */
export const offsetOf = ({ assetDecimals, shareDecimals }: Units): number =>
  Math.max(0, (shareDecimals ?? 0) - (assetDecimals ?? 0))

const isTiny = (shares: bigint, units: Units, parameters: SharePriceParameters): boolean =>
  shares < BigInt(parameters.tinySupply) * 10n ** BigInt(offsetOf(units))

/** Hardly any shares, worth a lot each: whoever deposits next is rounded down, to nothing at worst. */
export const isInflated = (
  now: Snapshot,
  units: Units,
  parameters: SharePriceParameters,
): boolean =>
  now.assets >= dustOf(units) &&
  isTiny(now.shares, units, parameters) &&
  timesFirstPrice(now, units) >= BigInt(parameters.inflatedTimes)

/** What a deposit lost to rounding, judged by the best price it could have met; undefined when that is ordinary. */
export const judgeDeposit = (
  deposit: { readonly assets: bigint; readonly shares: bigint },
  best: bigint,
  supply: bigint,
  units: Units,
  parameters: SharePriceParameters,
): bigint | undefined => {
  if (deposit.assets < dustOf(units)) return undefined
  if (deposit.shares === 0n) return deposit.assets
  const lost = deposit.assets - worthOf(deposit.shares, best)
  const isRobbed =
    lost * 10_000n > deposit.assets * BigInt(parameters.robbedBps) &&
    isTiny(supply, units, parameters)
  return isRobbed ? lost : undefined
}
