import { parseAbi } from 'viem/utils'

const sized = (n: number): readonly string[] => [
  `event AddLiquidity(address indexed provider, uint256[${n}] token_amounts, uint256[${n}] fees, uint256 invariant, uint256 token_supply)`,
  `event RemoveLiquidity(address indexed provider, uint256[${n}] token_amounts, uint256[${n}] fees, uint256 token_supply)`,
  `event RemoveLiquidityImbalance(address indexed provider, uint256[${n}] token_amounts, uint256[${n}] fees, uint256 invariant, uint256 token_supply)`,
  // Pools of unlike coins.
  `event AddLiquidity(address indexed provider, uint256[${n}] token_amounts, uint256 fee, uint256 token_supply)`,
  `event RemoveLiquidity(address indexed provider, uint256[${n}] token_amounts, uint256 token_supply)`,
]

/** Liquidity events of Curve's pools: of two to four coins, and of the generation with lists of any length. */
export const curveLiquidityEventsAbi = parseAbi([
  ...[2, 3, 4].flatMap(sized),
  'event AddLiquidity(address indexed provider, uint256[] token_amounts, uint256[] fees, uint256 invariant, uint256 token_supply)',
  'event RemoveLiquidity(address indexed provider, uint256[] token_amounts, uint256[] fees, uint256 token_supply)',
  'event RemoveLiquidityImbalance(address indexed provider, uint256[] token_amounts, uint256[] fees, uint256 invariant, uint256 token_supply)',
  'event AddLiquidity(address indexed provider, uint256[2] token_amounts, uint256 fee, uint256 token_supply, uint256 packed_price_scale)',
  'event RemoveLiquidityOne(address indexed provider, uint256 token_amount, uint256 coin_amount)',
  'event RemoveLiquidityOne(address indexed provider, uint256 token_amount, uint256 coin_amount, uint256 token_supply)',
  'event RemoveLiquidityOne(address indexed provider, uint256 token_amount, uint256 coin_index, uint256 coin_amount, uint256 approx_fee, uint256 packed_price_scale)',
  'event RemoveLiquidityOne(address indexed provider, int128 token_id, uint256 token_amount, uint256 coin_amount, uint256 token_supply)',
] as readonly string[])

/** What Curve's pools answer; older ones index coins by int128, and have a token of shares of their own. */
export const curvePoolAbi = parseAbi([
  'function get_virtual_price() view returns (uint256)',
  'function coins(uint256 index) view returns (address)',
  'function lp_token() view returns (address)',
  'function token() view returns (address)',
])
