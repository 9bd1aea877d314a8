import { type Address, type Hex, TocsinError } from '../base/index.ts'
import { isRawRecord, parseAddress, parseHex, parseQuantity, type RawRecord } from './parseRpc.ts'
import type { CallTrace } from './types.ts'

const TYPES: Readonly<Record<string, CallTrace['type']>> = {
  CALL: 'CALL',
  STATICCALL: 'STATICCALL',
  DELEGATECALL: 'DELEGATECALL',
  CALLCODE: 'CALLCODE',
  CREATE: 'CREATE',
  CREATE2: 'CREATE2',
  SELFDESTRUCT: 'SELFDESTRUCT',
  SUICIDE: 'SELFDESTRUCT',
}

const garbage = (what: string): TocsinError =>
  new TocsinError('chain.traces_incomplete', `The node's traces cannot be used: ${what}.`, {
    retry: { afterMs: 200 },
  })

const parseType = (value: unknown): CallTrace['type'] => {
  const type = TYPES[String(value).toUpperCase()]
  if (type === undefined) throw garbage('a call has no known type')
  return type
}

const recipient = (value: unknown): Address | null =>
  value === undefined || value === null ? null : parseAddress(value, 'recipient of a call')
const bytes = (value: unknown): Hex =>
  value === undefined || value === null ? '0x' : parseHex(value, 'bytes')
const amount = (value: unknown): bigint =>
  value === undefined || value === null ? 0n : parseQuantity(value, 'value')

/** These move no value of their own, whatever value a node shows. */
const MOVES_NOTHING: ReadonlySet<CallTrace['type']> = new Set(['DELEGATECALL', 'STATICCALL'])

/** A tree of geth's callTracer, depth first. @throws TocsinError `chain.traces_incomplete`, `chain.malformed` */
export const flattenCallTracer = (
  raw: unknown,
  txHash: Hex,
  txIndex: number,
): readonly CallTrace[] => {
  const flat: CallTrace[] = []
  const stack: {
    readonly call: unknown
    readonly path: readonly number[]
    readonly isLost: boolean
  }[] = [{ call: raw, path: [], isLost: false }]
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { call, path } = item
    // A hash that anvil does not know gives an object of another shape instead of an error.
    if (!isRawRecord(call) || typeof call['type'] !== 'string') throw garbage('there is no call')
    const type = parseType(call['type'])
    const reverted = item.isLost || typeof call['error'] === 'string'
    flat.push({
      txHash,
      txIndex,
      path,
      type,
      from: parseAddress(call['from'], 'sender of a call'),
      to: recipient(call['to']),
      input: bytes(call['input']),
      output: bytes(call['output']),
      valueWei: MOVES_NOTHING.has(type) ? 0n : amount(call['value']),
      gasUsed: amount(call['gasUsed']),
      reverted,
    })
    const children: readonly unknown[] = Array.isArray(call['calls']) ? call['calls'] : []
    for (let index = children.length - 1; index >= 0; index--)
      stack.push({ call: children[index], path: [...path, index], isLost: reverted })
  }
  return flat
}

const parityType = (entry: RawRecord, action: RawRecord): CallTrace['type'] => {
  switch (entry['type']) {
    case 'call':
      return parseType(action['callType'])
    case 'create':
      return action['creationMethod'] === 'create2' ? 'CREATE2' : 'CREATE'
    case 'suicide':
    case 'selfdestruct':
      return 'SELFDESTRUCT'
    default:
      throw garbage('a trace has no known type')
  }
}

const parseParity = (entry: RawRecord): CallTrace => {
  const action = entry['action']
  const result = isRawRecord(entry['result']) ? entry['result'] : {}
  const path = entry['traceAddress']
  if (!isRawRecord(action) || !Array.isArray(path)) throw garbage('a trace lacks its action')
  const type = parityType(entry, action)
  const isCreate = type === 'CREATE' || type === 'CREATE2'
  const isEnd = type === 'SELFDESTRUCT'
  return {
    txHash: parseHex(entry['transactionHash'], 'transaction hash'),
    txIndex: Number(entry['transactionPosition']),
    path: path.map(Number),
    type,
    from: parseAddress(isEnd ? action['address'] : action['from'], 'sender of a call'),
    to: recipient(isEnd ? action['refundAddress'] : isCreate ? result['address'] : action['to']),
    input: bytes(isCreate ? action['init'] : action['input']),
    output: bytes(isCreate ? result['code'] : result['output']),
    valueWei: MOVES_NOTHING.has(type) ? 0n : amount(isEnd ? action['balance'] : action['value']),
    gasUsed: amount(result['gasUsed']),
    reverted: typeof entry['error'] === 'string',
  }
}

const isReward = (entry: unknown): boolean => isRawRecord(entry) && entry['type'] === 'reward'

/** Entries of `trace_block` or `trace_transaction`, which must be of this block. @throws like `flattenCallTracer` */
export const flattenParity = (raw: unknown, blockHash: Hex): readonly CallTrace[] => {
  if (!Array.isArray(raw)) throw garbage('there is no list')
  const lost = new Set<string>()
  return raw
    .filter((entry) => !isReward(entry))
    .map((entry) => {
      if (!isRawRecord(entry) || entry['blockHash'] !== blockHash)
        throw garbage('a trace is of another block')
      const trace = parseParity(entry)
      // Parents come before their children.
      const isLost =
        trace.reverted || lost.has(`${trace.txHash}/${trace.path.slice(0, -1).join('.')}`)
      if (isLost) lost.add(`${trace.txHash}/${trace.path.join('.')}`)
      return trace.path.length > 0 && isLost ? { ...trace, reverted: true } : trace
    })
}
