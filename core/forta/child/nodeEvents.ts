import type { RawTransaction } from '../types.ts'

type Raw = Readonly<Record<string, unknown>>

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : [])

const network = (chainId: number): Raw => ({ chainId: `0x${chainId.toString(16)}` })

const BLOCK_FIELDS = [
  'difficulty',
  'extraData',
  'gasLimit',
  'gasUsed',
  'hash',
  'logsBloom',
  'miner',
  'mixHash',
  'nonce',
  'number',
  'parentHash',
  'receiptsRoot',
  'sha3Uncles',
  'size',
  'stateRoot',
  'timestamp',
  'totalDifficulty',
  'transactionsRoot',
] as const
const TRANSACTION_FIELDS = [
  'nonce',
  'gasPrice',
  'gas',
  'value',
  'input',
  'v',
  'r',
  's',
  'to',
  'hash',
  'from',
] as const
const ACTION_FIELDS = [
  'callType',
  'to',
  'input',
  'from',
  'value',
  'init',
  'address',
  'balance',
  'refundAddress',
] as const
const RESULT_FIELDS = ['gasUsed', 'address', 'code', 'output'] as const
const LOG_FIELDS = [
  'address',
  'data',
  'blockNumber',
  'transactionHash',
  'transactionIndex',
  'blockHash',
  'logIndex',
] as const

/** Fields of a protobuf message: text, and empty where there is none. */
const pick = (from: unknown, fields: readonly string[]): Raw =>
  Object.fromEntries(fields.map((field) => [field, isRaw(from) ? text(from[field]) : '']))

/** A `BlockEvent` as a scan node's gRPC client sends it and proto-loader reads it. */
export const toNodeBlock = (
  block: Raw & { readonly transactions: readonly RawTransaction[] },
  chainId: number,
): Raw => ({
  type: 'BLOCK',
  network: network(chainId),
  block: {
    ...pick(block, BLOCK_FIELDS),
    transactions: block.transactions.map(({ hash }) => hash),
    uncles: texts(block['uncles']),
  },
})

const toNodeTrace = (trace: Raw): Raw => ({
  action: pick(trace['action'], ACTION_FIELDS),
  result: isRaw(trace['result']) ? pick(trace['result'], RESULT_FIELDS) : null,
  blockHash: text(trace['blockHash']),
  // Numbers of 64 bits are read as text.
  blockNumber: text(trace['blockNumber']),
  subtraces: text(trace['subtraces']),
  traceAddress: texts(trace['traceAddress']),
  transactionHash: text(trace['transactionHash']),
  transactionPosition: text(trace['transactionPosition']),
  type: text(trace['type']),
  error: text(trace['error']),
})

/** A `TransactionEvent` as a scan node sends it. */
export const toNodeTransaction = (options: {
  readonly transaction: RawTransaction
  readonly block: Raw
  readonly chainId: number
  readonly logs: readonly Raw[]
  readonly traces: readonly Raw[]
  readonly createdBy: (from: string, nonce: number) => string
}): Raw => {
  const { transaction, block, logs, traces } = options
  const from = text(transaction['from']).toLowerCase()
  const to = text(transaction['to']).toLowerCase()
  const created = to === '' ? options.createdBy(from, Number(transaction['nonce'])) : ''
  const topics = logs.flatMap((log) => texts(log['topics']))
  const named = [
    from,
    to,
    created,
    ...logs.map((log) => text(log['address'])),
    ...topics
      .filter((topic) => /^0x0{24}/.test(topic) && topic.length === 66)
      .map((topic) => `0x${topic.slice(26)}`),
    // Contracts that a call created are not among them: nodes look at actions only.
    ...traces.flatMap(({ action }) =>
      isRaw(action)
        ? ['from', 'to', 'address', 'refundAddress'].map((field) => text(action[field]))
        : [],
    ),
  ]
  return {
    type: 'BLOCK',
    network: network(options.chainId),
    transaction: { type: text(transaction['type']), ...pick(transaction, TRANSACTION_FIELDS) },
    logs: logs.map((log) => ({
      ...pick(log, LOG_FIELDS),
      topics: texts(log['topics']),
      removed: log['removed'] === true,
    })),
    traces: traces.map(toNodeTrace),
    addresses: Object.fromEntries(
      named.filter((one) => one !== '').map((one) => [one.toLowerCase(), true]),
    ),
    block: {
      blockHash: text(block['hash']),
      blockNumber: text(block['number']),
      blockTimestamp: text(block['timestamp']),
    },
    contractAddress: created,
  }
}
