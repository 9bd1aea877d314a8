import { flattenCallTracer } from './flattenTraces.ts'
import type { PendingTransaction } from './parsePending.ts'
import type { RpcPool } from './rpcTypes.ts'
import { toCall } from './simulationTypes.ts'
import type { CallTrace, ChainHeader } from './types.ts'

const TIMEOUT_MS = 3_000

/**
 * The calls that a pending transaction would make on top of a block, by `debug_traceCall`.
 * @throws TocsinError where the nodes give none
 */
export const tracePending = async (
  pool: RpcPool,
  head: Pick<ChainHeader, 'hash'>,
  tx: PendingTransaction,
): Promise<readonly CallTrace[]> => {
  const raw = await pool.request(
    'debug_traceCall',
    [toCall(tx), head.hash, { tracer: 'callTracer' }],
    { timeoutMs: TIMEOUT_MS, rounds: 1 },
  )
  return flattenCallTracer(raw, tx.hash, 0)
}
