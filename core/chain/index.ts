/** Chains over JSON-RPC: endpoints, the block feed, state reads, traces, ranges of history. */
export { createBlockFeed } from './createBlockFeed.ts'
export { createBlockFetcher } from './createBlockFetcher.ts'
export {
  type ChainSourceOptions,
  createChainSource,
  type RpcChainSource,
} from './createChainSource.ts'
export type { Head } from './createHeadSocket.ts'
export { createPendingFeed, type PendingFeed } from './createPendingFeed.ts'
export { createPendingState } from './createPendingState.ts'
export {
  createRangeSource,
  type RangeSource,
  type RangeSourceOptions,
} from './createRangeSource.ts'
export { createRpcPool } from './createRpcPool.ts'
export type { BlockFeed, BlockFeedOptions } from './feedTypes.ts'
export { flattenParity } from './flattenTraces.ts'
export { computeLogsBloom } from './logsBloom.ts'
export type { PendingTransaction } from './parsePending.ts'
export { type ParsedHeader, parseHeader } from './parseRpc.ts'
export type {
  Endpoint,
  EndpointHealth,
  RequestOptions,
  RpcCall,
  RpcOutcome,
  RpcPool,
  RpcPoolOptions,
  RpcRejection,
  RpcSample,
} from './rpcTypes.ts'
export { createPendingSimulator } from './simulatePending.ts'
export type { SimulatePending, StateAnswer } from './simulationTypes.ts'
export { tracePending } from './tracePending.ts'
export * from './types.ts'
