import { type Hex, isTocsinError, messageOf, TocsinError } from '../base/index.ts'
import type { FetchedBlock } from './assembleBlock.ts'
import type { BlockFetcher } from './createBlockFetcher.ts'
import { flattenCallTracer, flattenParity } from './flattenTraces.ts'
import { isRawRecord, parseAddress, toQuantity } from './parseRpc.ts'
import type { RpcCall, RpcOutcome, RpcPool } from './rpcTypes.ts'
import type { CallTrace, ChainHeader, ChainSource } from './types.ts'

export type TraceMethod = 'debug' | 'parity'

/** What the root call of a transaction must look like. */
type Expected = {
  readonly hash: Hex
  readonly index: number
  readonly from: string | undefined
  readonly to: string | null | undefined
}

const TRACER = { tracer: 'callTracer' }

const unavailable = (name: string, cause?: unknown): TocsinError =>
  new TocsinError('chain.traces_unavailable', `The nodes of ${name} give no call traces.`, {
    cause,
    hints: [
      'Use an endpoint that serves debug_traceBlockByHash or trace_block.',
      'Or set `traces: none` for this chain; bots that need traces then see top-level calls only.',
    ],
  })

const check = (
  traces: readonly CallTrace[],
  expected: readonly Expected[],
): readonly CallTrace[] => {
  const roots = traces.filter(({ path }) => path.length === 0)
  const fail = (what: string): never => {
    throw new TocsinError('chain.traces_incomplete', `The traces are not complete: ${what}.`)
  }
  if (roots.length !== expected.length)
    fail(`${roots.length} top calls for ${expected.length} transactions`)
  for (const [index, { hash, from, to }] of expected.entries()) {
    const root = roots[index]
    if (root?.txHash !== hash) fail('they are not in the order of the transactions')
    if (from !== undefined && root?.from !== from) fail('a top call has another sender')
    if (to !== undefined && to !== null && root?.to !== to) fail('a top call has another recipient')
  }
  return traces
}

const blockCall = (method: TraceMethod, block: ChainHeader): RpcCall =>
  method === 'parity'
    ? { method: 'trace_block', params: [toQuantity(block.number)] }
    : { method: 'debug_traceBlockByHash', params: [block.hash, TRACER] }

/** @throws TocsinError `chain.traces_incomplete`, `chain.malformed` */
const readBlock = (
  method: TraceMethod,
  block: ChainHeader,
  raw: unknown,
  expected: readonly Expected[],
): readonly CallTrace[] => {
  if (method === 'parity') return check(flattenParity(raw, block.hash), expected)
  if (!Array.isArray(raw) || raw.length !== expected.length)
    throw new TocsinError(
      'chain.traces_incomplete',
      'The node traced another number of transactions.',
    )
  const flat = expected.flatMap(({ hash, index }) => {
    const item: unknown = raw[index]
    if (!isRawRecord(item)) throw new TocsinError('chain.traces_incomplete', 'A trace is missing.')
    if (typeof item['txHash'] === 'string' && item['txHash'] !== hash)
      throw new TocsinError('chain.traces_incomplete', 'The traces are in another order.')
    return flattenCallTracer(item['result'], hash, index)
  })
  return check(flat, expected)
}

export type Tracer = {
  /** All calls of a block, or those of the named transactions. */
  readonly traces: ChainSource['traces']
  /** All calls of several blocks in one exchange, in order; block by block where that fails. */
  readonly tracesOfAll: (
    blocks: readonly FetchedBlock[],
  ) => Promise<readonly (readonly CallTrace[])[]>
}

/** Call traces of blocks and transactions, by geth's callTracer or in Parity's shape, checked against the block's transactions. */
export const createTracer = (options: {
  readonly pool: RpcPool
  readonly fetcher: BlockFetcher
  readonly methods: 'auto' | 'none' | TraceMethod
  readonly timeoutMs: number
}): Tracer => {
  const { pool, fetcher, methods } = options
  let order: readonly TraceMethod[] =
    methods === 'none' ? [] : methods === 'auto' ? ['parity', 'debug'] : [methods]

  const expectAll = async (
    block: ChainHeader & { readonly transactions?: unknown },
  ): Promise<readonly Expected[]> => {
    if (Array.isArray(block.transactions) && !('skipped' in block))
      return block.transactions.map((tx: Expected, index) => ({
        hash: tx.hash,
        index,
        from: tx.from,
        to: tx.to,
      }))
    const { txHashes } = await fetcher.headerByHash(block.hash)
    return txHashes.map((hash, index) => ({ hash, index, from: undefined, to: undefined }))
  }

  const ask = async <T>(
    calls: readonly RpcCall[],
    read: (results: readonly unknown[]) => T,
  ): Promise<T> => {
    let value: { readonly of: T } | undefined
    const outcomes = await pool.batch(calls, {
      timeoutMs: options.timeoutMs,
      refuse: (all: readonly RpcOutcome[]) => {
        if (!all.every(({ ok }) => ok)) return undefined
        try {
          value = { of: read(all.map((outcome) => (outcome.ok ? outcome.result : undefined))) }
          return undefined
        } catch (error) {
          return messageOf(error)
        }
      },
    })
    if (value) return value.of
    const failed = outcomes.find(({ ok }) => !ok)
    const reason = failed && !failed.ok ? failed.error : undefined
    throw new TocsinError(
      reason?.code === -32601 ? 'rpc.method_missing' : 'rpc.rejected',
      `${calls[0]?.method}: ${reason?.message ?? 'no answer'}`,
    )
  }

  const wholeBlock = async (
    method: TraceMethod,
    block: ChainHeader,
  ): Promise<readonly CallTrace[]> => {
    const expected = await expectAll(block)
    if (expected.length === 0) return []
    return ask([blockCall(method, block)], ([raw]) => readBlock(method, block, raw, expected))
  }

  const tracesOfAll: Tracer['tracesOfAll'] = async (blocks) => {
    const [method] = order
    const expected = await Promise.all(blocks.map(expectAll))
    if (method === undefined || blocks.length < 2 || expected.some(({ length }) => length === 0))
      return Promise.all(blocks.map((block) => traces(block)))
    try {
      return await ask(
        blocks.map((block) => blockCall(method, block)),
        (raw) => blocks.map((block, at) => readBlock(method, block, raw[at], expected[at] ?? [])),
      )
    } catch {
      // One of them may be too much for the node, or it takes no batches: singly tells which, and asks by other methods.
      return Promise.all(blocks.map((block) => traces(block)))
    }
  }

  /** Asked together with each transaction itself: a trace by hash does not say which block it belongs to. */
  const single = async (
    method: TraceMethod,
    block: ChainHeader,
    hashes: readonly Hex[],
  ): Promise<readonly CallTrace[]> => {
    const traceCall = (hash: Hex): RpcCall =>
      method === 'parity'
        ? { method: 'trace_transaction', params: [hash] }
        : { method: 'debug_traceTransaction', params: [hash, TRACER] }
    const calls = hashes.flatMap((hash) => [
      traceCall(hash),
      { method: 'eth_getTransactionByHash', params: [hash] },
    ])
    return ask(calls, (results) =>
      hashes.flatMap((hash, place) => {
        const tx = results[2 * place + 1]
        if (!isRawRecord(tx) || tx['blockHash'] !== block.hash)
          throw new TocsinError(
            'chain.traces_incomplete',
            'The node does not have the transaction in this block.',
          )
        const index = Number(tx['transactionIndex'])
        const raw = results[2 * place]
        const flat =
          method === 'parity' ? flattenParity(raw, block.hash) : flattenCallTracer(raw, hash, index)
        const to = typeof tx['to'] === 'string' ? parseAddress(tx['to'], 'recipient') : null
        return check(flat, [{ hash, index, from: parseAddress(tx['from'], 'sender'), to }])
      }),
    )
  }

  const traces: Tracer['traces'] = async (block, hashes) => {
    if (hashes?.length === 0) return []
    let cause: unknown
    for (const method of order) {
      try {
        return await (hashes ? single(method, block, hashes) : wholeBlock(method, block))
      } catch (error) {
        cause = error
        const isMissing =
          isTocsinError(error) &&
          (error.code === 'rpc.method_missing' || error.code === 'rpc.rejected')
        if (!isMissing) throw error
        // What works is asked first from now on.
        order = [...order.filter((other) => other !== method), method]
      }
    }
    throw unavailable(pool.chainName, cause)
  }
  return { traces, tracesOfAll }
}
