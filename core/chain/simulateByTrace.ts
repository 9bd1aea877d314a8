import type { Address, Hex } from '../base/index.ts'
import { isRawRecord, parseAddress, parseHex, parseQuantity, type RawRecord } from './parseRpc.ts'
import type { RpcPool } from './rpcTypes.ts'
import {
  type SimulatedLog,
  type SimulatedTransaction,
  type Simulation,
  type SimulationRequest,
  type StateAnswer,
  type StateAsk,
  toCall,
} from './simulationTypes.ts'

/** What transactions changed, as state overrides. */
type Override = {
  balance?: Hex
  nonce?: Hex
  code?: Hex
  readonly stateDiff: Record<Hex, Hex>
}
type Overrides = Map<Address, Override>

const TIMEOUT_MS = 3_000
const ZERO: Hex = `0x${'0'.repeat(64)}`

const lower = (hex: string): Hex => hex.toLowerCase() as Hex
const asHex = (value: unknown): Hex =>
  typeof value === 'number' ? `0x${value.toString(16)}` : parseHex(value, 'state')

const entriesOf = (value: unknown): readonly [string, RawRecord][] =>
  isRawRecord(value)
    ? Object.entries(value).flatMap(([key, entry]) => (isRawRecord(entry) ? [[key, entry]] : []))
    : []

/** Takes the difference of `prestateTracer` into the overrides; a slot that only stood before is zero now. */
const addDiff = (overrides: Overrides, diff: unknown): void => {
  if (!isRawRecord(diff)) return
  const at = (address: string): Override => {
    const key = parseAddress(address, 'address of a state change')
    const known = overrides.get(key) ?? { stateDiff: {} }
    overrides.set(key, known)
    return known
  }
  for (const [address, before] of entriesOf(diff['pre'])) {
    const storage = before['storage']
    if (!isRawRecord(storage)) continue
    for (const slot of Object.keys(storage)) at(address).stateDiff[lower(slot)] = ZERO
  }
  for (const [address, after] of entriesOf(diff['post'])) {
    const override = at(address)
    const { balance, nonce, code, storage } = after
    if (balance !== undefined) override.balance = asHex(balance)
    if (nonce !== undefined) override.nonce = asHex(nonce)
    if (code !== undefined) override.code = asHex(code)
    if (!isRawRecord(storage)) continue
    for (const [slot, value] of Object.entries(storage))
      override.stateDiff[lower(slot)] = parseHex(value, 'storage word')
  }
}

/** Logs of a call tree in their order; those of calls that failed do not exist. */
const collectLogs = (call: unknown, logs: SimulatedLog[]): void => {
  if (!isRawRecord(call) || typeof call['error'] === 'string') return
  const children: readonly unknown[] = Array.isArray(call['calls']) ? call['calls'] : []
  const own: readonly unknown[] = Array.isArray(call['logs']) ? call['logs'] : []
  let next = 0
  for (const log of own) {
    if (!isRawRecord(log)) continue
    // `position`: how many of the inner calls came before it.
    const position = log['position'] === undefined ? next : Number(log['position'])
    while (next < Math.min(position, children.length)) collectLogs(children[next++], logs)
    const topics = log['topics']
    logs.push({
      address: parseAddress(log['address'], 'address of a log'),
      topics: (Array.isArray(topics) ? topics : []).map((topic) => parseHex(topic, 'topic')),
      data: parseHex(log['data'] ?? '0x', 'data of a log'),
    })
  }
  while (next < children.length) collectLogs(children[next++], logs)
}

const toTransaction = (tree: unknown): SimulatedTransaction => {
  const call = isRawRecord(tree) ? tree : {}
  const logs: SimulatedLog[] = []
  collectLogs(call, logs)
  return {
    status: typeof call['error'] === 'string' ? 'reverted' : 'success',
    gasUsed: parseQuantity(call['gasUsed'], 'gas used'),
    logs,
  }
}

const overridesOf = (overrides: Overrides): Record<Address, Override> =>
  Object.fromEntries(overrides)

const askOf = (
  ask: StateAsk,
  block: Hex,
  overrides: Overrides,
): { readonly method: string; readonly params: readonly unknown[] } => {
  switch (ask.kind) {
    case 'call': {
      const { to, data, from } = ask
      const call = { to, data, ...(from ? { from } : {}) }
      return { method: 'eth_call', params: [call, block, overridesOf(overrides)] }
    }
    case 'storage':
      return { method: 'eth_getStorageAt', params: [ask.address, ask.slot, block] }
    case 'balance':
      return { method: 'eth_getBalance', params: [ask.address, block] }
    case 'code':
      return { method: 'eth_getCode', params: [ask.address, block] }
  }
}

/** What the transactions made of it, where they changed it. */
const changedTo = (ask: StateAsk, overrides: Overrides): Hex | undefined => {
  if (ask.kind === 'call') return undefined
  const override = overrides.get(ask.address)
  return ask.kind === 'storage' ? override?.stateDiff[lower(ask.slot)] : override?.[ask.kind]
}

/** Simulates with nodes that lack `eth_simulateV1`. Block time is the head's: their traces know no other. */
export const simulateByTrace = async (
  pool: RpcPool,
  request: SimulationRequest,
): Promise<Simulation> => {
  const { head, asks } = request
  const options = { timeoutMs: TIMEOUT_MS, rounds: 1 }
  const overrides: Overrides = new Map()
  const transactions: SimulatedTransaction[] = []
  for (const tx of request.transactions) {
    const traceBy = (tracer: string, tracerConfig: Record<string, unknown>) =>
      pool.request(
        'debug_traceCall',
        [toCall(tx), head.hash, { tracer, tracerConfig, stateOverrides: overridesOf(overrides) }],
        options,
      )
    const [tree, diff] = await Promise.all([
      traceBy('callTracer', { withLog: true }),
      traceBy('prestateTracer', { diffMode: true }),
    ])
    transactions.push(toTransaction(tree))
    addDiff(overrides, diff)
  }
  if (asks.length === 0) return { transactions, answers: [] }
  const outcomes = await pool.batch(
    asks.map((ask) => askOf(ask, head.hash, overrides)),
    options,
  )
  const answers = asks.map((ask, index): StateAnswer => {
    const changed = changedTo(ask, overrides)
    if (changed !== undefined) return { ok: true, data: changed }
    const outcome = outcomes[index]
    if (outcome?.ok) return { ok: true, data: parseHex(outcome.result, 'answer') }
    return { ok: false, data: outcome?.error.data ?? '0x' }
  })
  return { transactions, answers }
}
