/** The side door for whoever only asks nodes: nothing behind it loads the library that encodes and hashes. */
export { createRpcPool } from './createRpcPool.ts'
export { computeLogsBloom } from './logsBloom.ts'
export { prefetch } from './prefetch.ts'
