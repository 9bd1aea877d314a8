import { type Address, type Hex, isTocsinError, messageOf, TocsinError } from '../../base/index.ts'
import type { RpcCall, RpcOutcome, RpcPool } from '../../chain/index.ts'
import { computeLogsBloom } from '../../chain/light.ts'
import type { BlockPayload } from '../child/protocol.ts'
import type { RawTransaction } from '../types.ts'
import { toParityTraces } from './toParityTraces.ts'

type Raw = Readonly<Record<string, unknown>>

/** A block as nodes give it, proved complete. */
export type RawBlock = {
  readonly number: number
  readonly hash: Hex
  readonly parentHash: Hex
  readonly timestampS: number
  readonly payload: BlockPayload
  readonly hashes: readonly string[]
}

export type RawBlocks = {
  /** `number` saves a request where it is known. */
  readonly byHash: (hash: Hex, number?: number) => Promise<RawBlock>
  /** Blocks of a range in one exchange, in order. */
  readonly byNumbers: (numbers: readonly number[]) => Promise<readonly RawBlock[]>
}

export type TraceWish = 'auto' | 'parity' | 'debug' | 'none'

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isList = (value: unknown): value is readonly Raw[] =>
  Array.isArray(value) && value.every(isRaw)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const quantity = (number: number): Hex => `0x${number.toString(16)}`

const incomplete = (what: string): TocsinError =>
  new TocsinError('chain.incomplete', `The node's answer is not complete: ${what}.`, {
    retry: { afterMs: 100 },
  })

const TIMEOUT_MS = 60_000
/** A node that refused a way of tracing is asked for it again after so long (ms). */
const ASK_AGAIN_MS = 300_000

type Way = 'parity' | 'debug'

const traceCall = (way: Way, place: { readonly number: Hex; readonly hash?: Hex }): RpcCall => {
  if (way === 'parity') return { method: 'trace_block', params: [place.number] }
  return place.hash
    ? { method: 'debug_traceBlockByHash', params: [place.hash, { tracer: 'callTracer' }] }
    : { method: 'debug_traceBlockByNumber', params: [place.number, { tracer: 'callTracer' }] }
}

const checkLogs = (block: Raw, logs: readonly Raw[]): void => {
  const hash = block['hash']
  if (logs.some((log) => log['blockHash'] !== hash)) throw incomplete('a log is of another block')
  const plain = logs.map((log) => ({
    address: text(log['address']).toLowerCase() as Address,
    topics: Array.isArray(log['topics']) ? (log['topics'] as readonly Hex[]) : [],
  }))
  if (computeLogsBloom(plain) !== text(block['logsBloom']).toLowerCase())
    throw incomplete("the logs do not make up the header's bloom")
}

/** Traces of a block in Parity's shape, whichever way they came; each transaction must have its top call. */
const readTraces = (way: Way, raw: unknown, block: Raw, hashes: readonly string[]) => {
  const blockHash = text(block['hash'])
  if (!Array.isArray(raw)) throw incomplete('there are no traces')
  const traces: readonly Raw[] =
    way === 'parity'
      ? raw.filter(isRaw).filter(({ type }) => type !== 'reward')
      : hashes.flatMap((transactionHash, transactionPosition) => {
          const one: unknown = raw[transactionPosition]
          if (!isRaw(one)) throw incomplete('a trace is missing')
          if (typeof one['txHash'] === 'string' && one['txHash'] !== transactionHash)
            throw incomplete('the traces are in another order')
          return toParityTraces(one['result'], {
            blockHash,
            blockNumber: Number(block['number']),
            transactionHash,
            transactionPosition,
          })
        })
  if (traces.some((trace) => trace['blockHash'] !== blockHash))
    throw incomplete('a trace is of another block')
  const roots = new Set(
    traces
      .filter(({ traceAddress }) => Array.isArray(traceAddress) && traceAddress.length === 0)
      .map(({ transactionHash }) => transactionHash),
  )
  if (hashes.some((hash) => !roots.has(hash))) throw incomplete('a transaction has no trace')
  return traces
}

const readBlock = (
  answers: { readonly block: unknown; readonly logs: unknown; readonly traces: unknown },
  way: Way | undefined,
  wanted: { readonly hash?: Hex; readonly number?: number },
): RawBlock => {
  const { block } = answers
  if (block === null) throw incomplete('the node does not have the block yet')
  if (!isRaw(block) || !isList(block['transactions'])) throw incomplete('there is no block')
  const hash = text(block['hash']) as Hex
  const number = Number(block['number'])
  if (wanted.hash !== undefined && hash !== wanted.hash) throw incomplete('it is another block')
  if (wanted.number !== undefined && number !== wanted.number)
    throw incomplete('it is another block')
  const transactions = block['transactions'].map((tx) => {
    if (typeof tx['hash'] !== 'string') throw incomplete('a transaction has no hash')
    return tx as RawTransaction
  })
  if (!isList(answers.logs)) throw incomplete('there are no logs')
  checkLogs(block, answers.logs)
  const hashes = transactions.map((tx) => tx.hash)
  const traces =
    way === undefined
      ? undefined
      : hashes.length === 0
        ? []
        : readTraces(way, answers.traces, block, hashes)
  return {
    number,
    hash,
    parentHash: text(block['parentHash']) as Hex,
    timestampS: Number(block['timestamp']),
    hashes,
    payload: {
      block: { ...block, transactions },
      logs: answers.logs,
      ...(traces === undefined ? {} : { traces }),
    },
  }
}

/**
 * Whole blocks for hosted bots: block, logs and traces in one exchange, each proved to be of that block and complete.
 * What cannot be had is asked for elsewhere; traces that cannot be had are an error, never an empty list.
 */
export const createRawBlocks = (
  pool: RpcPool,
  options: { readonly traces: TraceWish },
): RawBlocks => {
  const ways: readonly Way[] =
    options.traces === 'none'
      ? []
      : options.traces === 'auto'
        ? ['parity', 'debug']
        : [options.traces]
  const refused = new Map<Way, number>()
  const usable = (): readonly Way[] => {
    const now = performance.now()
    const open = ways.filter((way) => (refused.get(way) ?? 0) <= now)
    return open.length > 0 ? open : ways
  }

  const ask = async (
    places: readonly { readonly hash?: Hex; readonly number?: number }[],
    way: Way | undefined,
    numbers: readonly Hex[],
  ): Promise<readonly RawBlock[]> => {
    const calls = places.flatMap(({ hash }, index): readonly RpcCall[] => {
      const number = numbers[index] ?? '0x0'
      const trace = way && traceCall(way, hash ? { number, hash } : { number })
      return [
        hash
          ? { method: 'eth_getBlockByHash', params: [hash, true] }
          : { method: 'eth_getBlockByNumber', params: [number, true] },
        {
          method: 'eth_getLogs',
          params: [hash ? { blockHash: hash } : { fromBlock: number, toBlock: number }],
        },
        ...(trace ? [trace] : []),
      ]
    })
    const width = way === undefined ? 2 : 3
    let blocks: readonly RawBlock[] | undefined
    const outcomes = await pool.batch(calls, {
      timeoutMs: TIMEOUT_MS,
      refuse: (all: readonly RpcOutcome[]) => {
        if (!all.every(({ ok }) => ok)) return undefined
        const results = all.map((outcome) => (outcome.ok ? outcome.result : undefined))
        try {
          blocks = places.map((place, index) => {
            const at = index * width
            const [block, logs, traces] = results.slice(at, at + width)
            return readBlock({ block, logs, traces }, way, place)
          })
          return undefined
        } catch (error) {
          return messageOf(error)
        }
      },
    })
    if (blocks) return blocks
    const at = outcomes.findIndex(({ ok }) => !ok)
    const failed = outcomes[at]
    const reason = failed && !failed.ok ? failed.error : undefined
    const isTrace = way !== undefined && at % width === 2
    throw new TocsinError(
      isTrace ? 'chain.traces_unavailable' : 'rpc.rejected',
      `${calls[at]?.method ?? 'a call'}: ${reason?.message ?? 'no answer'}`,
    )
  }

  const fetchAll = async (
    places: readonly { readonly hash?: Hex; readonly number?: number }[],
  ): Promise<readonly RawBlock[]> => {
    const isByHash = places.some(({ hash }) => hash !== undefined)
    // trace_block knows heights only: the answer says which block it is of.
    const numbers = await Promise.all(
      places.map(async ({ hash, number }): Promise<Hex> => {
        if (number !== undefined) return quantity(number)
        if (!isByHash || !usable().includes('parity')) return '0x0'
        const header = await pool.request('eth_getBlockByHash', [hash, false], {
          refuse: (raw) => (isRaw(raw) ? undefined : 'The node does not have the block yet.'),
        })
        return (isRaw(header) ? text(header['number']) : '0x0') as Hex
      }),
    )
    if (ways.length === 0) return ask(places, undefined, numbers)
    let cause: unknown
    for (const way of usable()) {
      try {
        return await ask(places, way, numbers)
      } catch (error) {
        if (!isTocsinError(error) || error.code !== 'chain.traces_unavailable') throw error
        refused.set(way, performance.now() + ASK_AGAIN_MS)
        cause = error
      }
    }
    throw new TocsinError(
      'chain.traces_unavailable',
      `The nodes of ${pool.chainName} give no call traces: ${messageOf(cause)}`,
      {
        cause,
        retry: { afterMs: 1_000 },
        hints: [
          'Use an endpoint that serves trace_block or debug_traceBlockByHash.',
          'Or set `traces: false` for the bots that do not need them, or `traces: none` for this chain.',
        ],
      },
    )
  }

  const byNumbers = async (numbers: readonly number[]): Promise<readonly RawBlock[]> => {
    try {
      return await fetchAll(numbers.map((number) => ({ number })))
    } catch (error) {
      // Too much for the node at once, or one bad block among them.
      if (numbers.length === 1) throw error
      const half = Math.ceil(numbers.length / 2)
      return [
        ...(await byNumbers(numbers.slice(0, half))),
        ...(await byNumbers(numbers.slice(half))),
      ]
    }
  }
  return {
    byHash: async (hash, number) => {
      const [block] = await fetchAll([number === undefined ? { hash } : { hash, number }])
      if (!block) throw incomplete('there is no block')
      return block
    },
    byNumbers,
  }
}
