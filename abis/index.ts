export { aaveV3PoolAbi } from './aaveV3Pool.ts'
export { accessControlAbi, DEFAULT_ADMIN_ROLE } from './accessControl.ts'
export { chainlinkAggregatorAbi } from './chainlinkAggregator.ts'
export { codeGovernorAbi, compoundGovernorAbi } from './compoundGovernor.ts'
export { compoundTimelockAbi } from './compoundTimelock.ts'
export { curveLiquidityEventsAbi, curvePoolAbi } from './curvePool.ts'
export { erc20Abi } from './erc20.ts'
export { erc721EventsAbi } from './erc721.ts'
export {
  ADMIN_SLOT,
  BEACON_SLOT,
  erc1967Abi,
  IMPLEMENTATION_SLOT,
  proxyAdminAbi,
} from './erc1967.ts'
export { erc4626Abi } from './erc4626.ts'
export { governorAbi } from './governor.ts'
export { ownableAbi } from './ownable.ts'
export { pausableAbi } from './pausable.ts'
export { safeAbi, safeLegacyAbi } from './safe.ts'
export { timelockAbi } from './timelock.ts'
export { uniswapV2PairAbi } from './uniswapV2Pair.ts'
export { uniswapV3PoolAbi } from './uniswapV3Pool.ts'
export {
  uniswapV4PoolManagerAbi,
  V4_LIQUIDITY_OFFSET,
  V4_POOLS_SLOT,
} from './uniswapV4PoolManager.ts'
export { votesEventsAbi } from './votes.ts'
export { wethAbi } from './weth.ts'
