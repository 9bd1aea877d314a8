import { type Abi, encodeFunctionData } from 'viem'
import type { Address, Hex } from '../../core/base/index.ts'
import type { DemoDeployment } from './deployment.ts'
import type { SendRequest } from './sender.ts'

/** Millionths of a dollar and wei. */
export const USD = 10n ** 6n
export const ETHER = 10n ** 18n
export const V3_FEE = 3_000
/** Dollars for one ether, in both pools. */
export const PRICE_USD = 2_000n

const TICK_SPACING = 60
// log(1e18 / 2000e6) / log(1.0001): the tick of 2,000 dUSD for one WETH when dUSD is token0.
const PRICE_TICK = 200_310
/** A deadline that does not come. */
export const FOREVER = 4_000_000_000n
/** An approval without end. */
export const MAX = 2n ** 256n - 1n
/** DEFAULT_ADMIN_ROLE of AccessControl. */
export const ROLE_ADMIN: Hex = `0x${'00'.repeat(32)}`

/** Square root, rounded down. */
export const isqrt = (value: bigint): bigint => {
  if (value < 2n) return value
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (x + value / x) >> 1n
    if (next >= x) return x
    x = next
  }
}

/** A transaction that calls `functionName` of a contract. */
export const callOf = (
  from: Address,
  contract: { readonly address: Address; readonly abi: Abi },
  functionName: string,
  args: readonly unknown[],
  options: { readonly gas?: bigint; readonly valueWei?: bigint } = {},
): SendRequest => ({
  from,
  to: contract.address,
  data: encodeFunctionData({ abi: contract.abi, functionName, args }),
  ...options,
})

/** A v3 range of `width` ticks to both sides of the demo's price. */
const rangeAround = (
  deployment: Pick<DemoDeployment, 'usd' | 'weth'>,
  width: number,
): { readonly tickLower: number; readonly tickUpper: number } => {
  const tick = deployment.usd.address < deployment.weth.address ? PRICE_TICK : -PRICE_TICK
  const round = (value: number): number => Math.round(value / TICK_SPACING) * TICK_SPACING
  return { tickLower: round(tick - width), tickUpper: round(tick + width) }
}

/** Arguments of `NonfungiblePositionManager.mint`. Without minimum amounts: for the demo's own chain only. */
export const mintPosition = (
  deployment: Pick<DemoDeployment, 'usd' | 'weth'>,
  options: {
    readonly recipient: Address
    readonly usdUnits: bigint
    readonly wei: bigint
    readonly width: number
  },
): readonly unknown[] => {
  const usdFirst = deployment.usd.address < deployment.weth.address
  const [token0, token1] = usdFirst
    ? [deployment.usd.address, deployment.weth.address]
    : [deployment.weth.address, deployment.usd.address]
  const [amount0Desired, amount1Desired] = usdFirst
    ? [options.usdUnits, options.wei]
    : [options.wei, options.usdUnits]
  return [
    {
      token0,
      token1,
      fee: V3_FEE,
      ...rangeAround(deployment, options.width),
      amount0Desired,
      amount1Desired,
      amount0Min: 0n,
      amount1Min: 0n,
      recipient: options.recipient,
      deadline: FOREVER,
    },
  ]
}
