import { type Hex, isTocsinError, TocsinError } from '../base/index.ts'
import { isRawRecord, parseAddress, parseHex, parseQuantity, toQuantity } from './parseRpc.ts'
import type { RpcPool } from './rpcTypes.ts'
import { simulateByTrace } from './simulateByTrace.ts'
import {
  type SimulatedLog,
  type SimulatePending,
  type Simulation,
  type SimulationRequest,
  type StateAnswer,
  type StateAsk,
  toCall,
} from './simulationTypes.ts'

const TIMEOUT_MS = 3_000
const LACKING_MS = 300_000

// Code that answers what JSON-RPC cannot ask of a made-up block. Without PUSH0, which old chains lack.
/** `return SLOAD(calldata[0])` */
const READ_SLOT = '0x6000355460005260206000f3'
/** `return BALANCE(calldata[0])` */
const READ_BALANCE = '0x6000353160005260206000f3'
/** `return the code of calldata[0]` */
const READ_CODE = '0x600035803b8060006000843c6000f3'
const BALANCE_READER = '0x00000000000000000000000000000000b0a1a1ce'
const CODE_READER = '0x00000000000000000000000000000000c0dec0de'

const word = (hex: Hex): Hex => `0x${hex.slice(2).padStart(64, '0')}`

const readAsk = (ask: Exclude<StateAsk, { kind: 'storage' }>) => {
  if (ask.kind === 'call')
    return { to: ask.to, data: ask.data, ...(ask.from ? { from: ask.from } : {}) }
  const to = ask.kind === 'balance' ? BALANCE_READER : CODE_READER
  return { to, data: word(ask.address) }
}

const parseSimulatedLog = (raw: unknown): SimulatedLog => {
  const log = isRawRecord(raw) ? raw : {}
  const topics = log['topics']
  return {
    address: parseAddress(log['address'], 'address of a log'),
    topics: (Array.isArray(topics) ? topics : []).map((topic) => parseHex(topic, 'topic')),
    data: parseHex(log['data'], 'data of a log'),
  }
}

const callsOf = (block: unknown, count: number): readonly Record<string, unknown>[] => {
  const calls = isRawRecord(block) ? block['calls'] : undefined
  if (!Array.isArray(calls) || calls.length !== count || !calls.every(isRawRecord))
    throw new TocsinError('chain.malformed', "The node's simulation lacks some of its calls.")
  return calls
}

const toAnswer = (call: Record<string, unknown> | undefined): StateAnswer => ({
  ok: call?.['status'] === '0x1',
  data: parseHex(call?.['returnData'] ?? '0x', 'result of a call'),
})

const buildBlocks = (request: SimulationRequest): readonly unknown[] => {
  const reads = request.asks.flatMap((ask) => (ask.kind === 'storage' ? [] : [readAsk(ask)]))
  const slots = request.asks.flatMap((ask) => (ask.kind === 'storage' ? [ask] : []))
  const block = (after: number) => ({
    number: toQuantity(request.head.number + after),
    time: toQuantity(request.timestampS + after - 1),
  })
  const first = {
    blockOverrides: block(1),
    stateOverrides: {
      [BALANCE_READER]: { code: READ_BALANCE },
      [CODE_READER]: { code: READ_CODE },
    },
    calls: [...request.transactions.map(toCall), ...reads],
  }
  if (slots.length === 0) return [first]
  // Code is replaced a block later: the transactions and the other reads must meet the real one.
  const second = {
    blockOverrides: block(2),
    stateOverrides: Object.fromEntries(slots.map(({ address }) => [address, { code: READ_SLOT }])),
    calls: slots.map(({ address, slot }) => ({ to: address, data: slot })),
  }
  return [first, second]
}

const parseSimulation = (request: SimulationRequest, raw: unknown): Simulation => {
  const { transactions, asks } = request
  const blocks = Array.isArray(raw) ? raw : []
  const slots = asks.filter(({ kind }) => kind === 'storage').length
  const first = callsOf(blocks[0], transactions.length + asks.length - slots)
  const second = slots > 0 ? callsOf(blocks[1], slots) : []
  const reads = first.slice(transactions.length).values()
  const words = second.values()
  return {
    transactions: first.slice(0, transactions.length).map((call) => {
      const logs = call['logs']
      return {
        status: call['status'] === '0x1' ? 'success' : 'reverted',
        gasUsed: parseQuantity(call['gasUsed'], 'gas used'),
        logs: (Array.isArray(logs) ? logs : []).map(parseSimulatedLog),
      }
    }),
    answers: asks.map((ask) =>
      toAnswer((ask.kind === 'storage' ? words : reads).next().value ?? undefined),
    ),
  }
}

/** The nodes do not know the method; whatever else they refuse, another way would be refused too. */
const isLacking = (error: unknown): boolean =>
  isTocsinError(error) &&
  (error.code === 'rpc.method_missing' ||
    (error.code === 'rpc.rejected' && /method|not supported|unsupported/i.test(error.message)))

/**
 * Simulates by `eth_simulateV1`; where a chain's nodes lack it by `debug_traceCall`, whose state changes are carried
 * into `eth_call` as overrides.
 */
export const createPendingSimulator = (pool: RpcPool): SimulatePending => {
  let lacksUntil = 0
  return async (request) => {
    if (performance.now() < lacksUntil) return simulateByTrace(pool, request)
    const params = [
      { blockStateCalls: buildBlocks(request), validation: false, traceTransfers: false },
      request.head.hash,
    ]
    try {
      return parseSimulation(
        request,
        await pool.request('eth_simulateV1', params, { timeoutMs: TIMEOUT_MS, rounds: 1 }),
      )
    } catch (error) {
      if (!isLacking(error)) throw error
    }
    lacksUntil = performance.now() + LACKING_MS
    return simulateByTrace(pool, request)
  }
}
