import { getContractAddress } from 'viem'
import type { Address } from '../../base/index.ts'
import { toNodeBlock, toNodeTransaction } from '../child/nodeEvents.ts'
import type { BlockPayload } from '../child/protocol.ts'
import type { RawTransaction } from '../types.ts'

type Raw = Readonly<Record<string, unknown>>

/** The requests of one block as a scan node makes them, each made when its turn comes and kept for the next bot. */
export type NodeBlock = {
  readonly block: () => Raw
  readonly transaction: (index: number) => Raw
}

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const lower = (value: unknown): string => text(value).toLowerCase()

const byTransaction = (rows: readonly Raw[]): ReadonlyMap<string, readonly Raw[]> => {
  const found = new Map<string, Raw[]>()
  for (const row of rows) {
    const hash = lower(row['transactionHash'])
    if (hash === '') continue
    const list = found.get(hash)
    if (list) list.push(row)
    else found.set(hash, [row])
  }
  return found
}

/** Times of no request are Go's zero. */
const NO_TIME = '0001-01-01T00:00:00Z'
const timesOf = (timestamp: unknown): Raw => ({
  block: new Date(Number(timestamp) * 1_000).toISOString().replace('.000Z', 'Z'),
  feed: NO_TIME,
  botRequest: NO_TIME,
  botResponse: NO_TIME,
  sourceAlert: NO_TIME,
})

const createdBy = (from: string, nonce: number): string =>
  getContractAddress({ from: from as Address, nonce: BigInt(nonce) }).toLowerCase()

const lowerAction = (trace: Raw): Raw => {
  const { action } = trace
  if (!isRaw(action)) return trace
  const places = ['from', 'to', 'address', 'refundAddress']
  return {
    ...trace,
    action: {
      ...action,
      ...Object.fromEntries(places.map((place) => [place, lower(action[place])])),
    },
  }
}

/** Everybody that a transaction names outside its traces. */
const txAddresses = (event: Raw): Raw => {
  const { transaction, contractAddress } = event
  const logs = Array.isArray(event['logs']) ? event['logs'].filter(isRaw) : []
  const named = [
    ...(isRaw(transaction) ? [transaction['from'], transaction['to']] : []),
    contractAddress,
    ...logs.flatMap(({ address, topics }) => [
      address,
      ...(Array.isArray(topics) ? topics : [])
        .filter((topic) => /^0x0{24}/.test(text(topic)) && text(topic).length === 66)
        .map((topic) => `0x${text(topic).slice(26)}`),
    ]),
  ]
  return Object.fromEntries(
    named.map(lower).flatMap((address) => (address === '' ? [] : [[address, true]])),
  )
}

const encode = (payload: BlockPayload, chainId: number): NodeBlock => {
  const { block, logs, traces } = payload
  const timestamps = timesOf(block['timestamp'])
  const baseFeePerGas = text(block['baseFeePerGas'])
  let logsOf: ReadonlyMap<string, readonly Raw[]> | undefined
  let tracesOf: ReadonlyMap<string, readonly Raw[]> | undefined
  let blockEvent: Raw | undefined
  const events: Raw[] = []

  const makeTransaction = (transaction: RawTransaction): Raw => {
    logsOf ??= byTransaction(logs)
    tracesOf ??= byTransaction(traces ?? [])
    const hash = transaction.hash.toLowerCase()
    const event = toNodeTransaction({
      transaction: {
        ...transaction,
        from: lower(transaction['from']),
        to: lower(transaction['to']),
      },
      block,
      chainId,
      logs: (logsOf.get(hash) ?? []).map((log) => ({ ...log, address: lower(log['address']) })),
      traces: (tracesOf.get(hash) ?? []).map(lowerAction),
      createdBy,
    })
    const blockOf = isRaw(event['block']) ? event['block'] : {}
    return {
      ...event,
      transaction: {
        ...(isRaw(event['transaction']) ? event['transaction'] : {}),
        maxFeePerGas: text(transaction['maxFeePerGas']),
        maxPriorityFeePerGas: text(transaction['maxPriorityFeePerGas']),
      },
      block: { ...blockOf, baseFeePerGas },
      isContractDeployment: event['contractAddress'] !== '',
      txAddresses: txAddresses(event),
      // Nodes make one up for old bots: always a success, with the gas limit for the gas used.
      receipt: {
        root: '',
        status: '0x1',
        cumulativeGasUsed: '',
        logsBloom: '',
        logs: event['logs'],
        transactionHash: transaction.hash,
        contractAddress: event['contractAddress'],
        gasUsed: text(transaction['gas']),
        blockHash: text(block['hash']),
        blockNumber: text(block['number']),
        transactionIndex: text(transaction['transactionIndex']),
      },
      timestamps,
    }
  }
  return {
    block: () => {
      if (blockEvent) return blockEvent
      const event = toNodeBlock(block, chainId)
      const inner = isRaw(event['block']) ? event['block'] : {}
      blockEvent = {
        ...event,
        blockHash: text(block['hash']),
        blockNumber: text(block['number']),
        block: { ...inner, baseFeePerGas },
        timestamps,
      }
      return blockEvent
    },
    transaction: (index) => {
      const known = events[index]
      if (known) return known
      const made = makeTransaction(block.transactions[index] as RawTransaction)
      events[index] = made
      return made
    },
  }
}

const kept = new WeakMap<
  BlockPayload,
  { readonly chainId: number; readonly whole?: NodeBlock; readonly bare?: NodeBlock }
>()

/** The requests of a block; made once for all bots that see the same of it. */
export const encodeEvents = (
  payload: BlockPayload,
  chainId: number,
  withTraces: boolean,
): NodeBlock => {
  const found = kept.get(payload)
  const known = found?.chainId === chainId ? found : { chainId }
  const has = 'whole' in known || 'bare' in known ? known : undefined
  const same = withTraces ? has?.whole : has?.bare
  if (same) return same
  const made = encode(withTraces ? payload : { block: payload.block, logs: payload.logs }, chainId)
  kept.set(payload, { ...known, [withTraces ? 'whole' : 'bare']: made })
  return made
}
