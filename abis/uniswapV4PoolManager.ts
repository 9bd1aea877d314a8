import { parseAbi } from 'viem/utils'

/** Uniswap v4: one contract that holds every pool; `id` tells them apart. */
export const uniswapV4PoolManagerAbi = parseAbi([
  'event Initialize(bytes32 indexed id, address indexed currency0, address indexed currency1, uint24 fee, int24 tickSpacing, address hooks, uint160 sqrtPriceX96, int24 tick)',
  'event ModifyLiquidity(bytes32 indexed id, address indexed sender, int24 tickLower, int24 tickUpper, int256 liquidityDelta, bytes32 salt)',
  'event Swap(bytes32 indexed id, address indexed sender, int128 amount0, int128 amount1, uint160 sqrtPriceX96, uint128 liquidity, int24 tick, uint24 fee)',
  'event Donate(bytes32 indexed id, address indexed sender, uint256 amount0, uint256 amount1)',
  'function protocolFeeController() view returns (address)',
])

/** Where the manager keeps its pools (`mapping(PoolId => Pool.State)`), and where in a pool its liquidity lies. */
export const V4_POOLS_SLOT = 6n
export const V4_LIQUIDITY_OFFSET = 3n
