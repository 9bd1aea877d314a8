/** Fee fields of an EIP-1559 transaction, wei per gas. */
export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }

export type FeeCaps = { readonly maxFeePerGasWei: bigint; readonly maxPriorityFeePerGasWei: bigint }

export type FeeMarket = {
  /** Base fee of the next block. */
  readonly nextBaseFee: bigint
  /** 90th percentile of what recent transactions tipped. */
  readonly tipP90: bigint
}

const MIN_TIP = 1_000_000_000n
export const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
export const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const grow = (value: bigint, permille: bigint): bigint => (value * permille + 999n) / 1000n

/** Reads `eth_feeHistory` with one reward percentile. Rubbish in it counts as nothing. */
export const readFeeMarket = (history: unknown): FeeMarket => {
  const record = typeof history === 'object' && history !== null ? history : {}
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
  const amount = (value: unknown): bigint =>
    typeof value === 'string' && /^0x[0-9a-fA-F]+$/.test(value) ? BigInt(value) : 0n
  const baseFees = list('baseFeePerGas' in record ? record.baseFeePerGas : undefined).map(amount)
  const tips = list('reward' in record ? record.reward : undefined)
    .map((rewards) => amount(list(rewards)[0]))
    .sort((a, b) => (a < b ? -1 : 1))
  return { nextBaseFee: baseFees.at(-1) ?? 0n, tipP90: tips[Math.floor(tips.length / 2)] ?? 0n }
}

/** What to offer now: twice the next base fee and the p90 tip (one gwei at least), never beyond the caps. */
export const suggestFees = (market: FeeMarket, caps: FeeCaps): Fees => {
  const tip = smaller(larger(market.tipP90, MIN_TIP), caps.maxPriorityFeePerGasWei)
  const maxFeePerGas = smaller(market.nextBaseFee * 2n + tip, caps.maxFeePerGasWei)
  return { maxFeePerGas, maxPriorityFeePerGas: smaller(tip, maxFeePerGas) }
}

/** What must be outbid: our own last offer, or a rival's at the same nonce whose fees are unknown. */
export type Bid = 'own' | 'rival'

/**
 * Fees that replace a transaction: at least 12.5 % more in both fields, or what the caps still allow if that is 10 %
 * more; undefined when it is not, since nodes refuse less. Against a rival the ceiling goes to its cap, for only base
 * fee and tip are paid, and the tip doubles.
 */
export const bumpFees = (
  previous: Fees,
  market: FeeMarket,
  caps: FeeCaps,
  bid: Bid = 'own',
): Fees | undefined => {
  const fresh = suggestFees(market, caps)
  const ceiling = larger(grow(previous.maxFeePerGas, 1125n), fresh.maxFeePerGas)
  const maxFeePerGas =
    bid === 'rival' ? caps.maxFeePerGasWei : smaller(ceiling, caps.maxFeePerGasWei)
  const raised = grow(previous.maxPriorityFeePerGas, bid === 'rival' ? 2000n : 1125n)
  const tip = smaller(larger(raised, fresh.maxPriorityFeePerGas), caps.maxPriorityFeePerGasWei)
  const maxPriorityFeePerGas = smaller(tip, maxFeePerGas)
  const isTipEnough = maxPriorityFeePerGas >= grow(previous.maxPriorityFeePerGas, 1100n)
  const isMaxEnough = maxFeePerGas >= grow(previous.maxFeePerGas, 1100n)
  // Nothing of ours is in the pool beside a rival's: our own last offer need not be outbid in both fields.
  const isEnough = bid === 'rival' ? isTipEnough || isMaxEnough : isTipEnough && isMaxEnough
  return isEnough ? { maxFeePerGas, maxPriorityFeePerGas } : undefined
}
