import { type Address, type Hex, TocsinError } from '../base/index.ts'
import type { ChainHeader, ChainLog } from './types.ts'

export type RawRecord = Readonly<Record<string, unknown>>

/** A header as a node gives it, with the hashes of its transactions (or the transactions themselves, unparsed). */
export type ParsedHeader = ChainHeader & {
  readonly txHashes: readonly Hex[]
  /** Present when the block was asked for with whole transactions. */
  readonly rawTransactions: readonly RawRecord[] | undefined
}

/** A transaction's receipt, before it is joined with the transaction. */
export type ParsedReceipt = {
  readonly txHash: Hex
  readonly txIndex: number
  readonly blockHash: Hex
  readonly from: Address
  readonly to: Address | null
  readonly status: 'success' | 'reverted'
  readonly gasUsed: bigint
  readonly effectiveGasPriceWei: bigint
  readonly contractAddress: Address | null
  readonly logs: readonly ChainLog[]
}

const malformed = (what: string): TocsinError =>
  new TocsinError('chain.malformed', `The node's answer has no usable ${what}.`)

export const isRawRecord = (value: unknown): value is RawRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const parseHex = (value: unknown, what: string): Hex => {
  if (typeof value !== 'string' || value.charCodeAt(0) !== 48 || value.charCodeAt(1) !== 120)
    throw malformed(what)
  return value as Hex
}

export const parseHash = (value: unknown, what: string): Hex => {
  const hex = parseHex(value, what)
  if (hex.length !== 66) throw malformed(what)
  return hex
}

export const parseAddress = (value: unknown, what: string): Address => {
  const hex = parseHex(value, what)
  if (hex.length !== 42) throw malformed(what)
  return hex.toLowerCase() as Address
}

export const parseQuantity = (value: unknown, what: string): bigint => {
  try {
    return BigInt(parseHex(value, what))
  } catch {
    throw malformed(what)
  }
}

export const parseInteger = (value: unknown, what: string): number => {
  const number = Number(parseHex(value, what))
  if (!Number.isSafeInteger(number)) throw malformed(what)
  return number
}

const orNull = <T>(value: unknown, parse: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : parse(value)

/** Parses a block of `eth_getBlockBy*`. @throws TocsinError `chain.malformed` */
export const parseHeader = (raw: unknown, chainId: number): ParsedHeader => {
  if (!isRawRecord(raw)) throw malformed('block')
  const list = raw['transactions']
  if (!Array.isArray(list)) throw malformed('transaction list')
  const rawTransactions =
    list.length > 0 && isRawRecord(list[0]) ? list.filter(isRawRecord) : undefined
  const baseFee = raw['baseFeePerGas']
  return {
    chainId,
    number: parseInteger(raw['number'], 'block number'),
    hash: parseHash(raw['hash'], 'block hash'),
    parentHash: parseHash(raw['parentHash'], 'parent hash'),
    timestampS: parseInteger(raw['timestamp'], 'timestamp'),
    logsBloom: parseHex(raw['logsBloom'], 'logs bloom'),
    gasUsed: parseQuantity(raw['gasUsed'], 'gas used'),
    gasLimit: parseQuantity(raw['gasLimit'], 'gas limit'),
    baseFeePerGasWei:
      baseFee === null || baseFee === undefined ? undefined : parseQuantity(baseFee, 'base fee'),
    miner: parseAddress(raw['miner'], 'miner'),
    txHashes: rawTransactions
      ? rawTransactions.map((tx) => parseHash(tx['hash'], 'transaction hash'))
      : list.map((hash) => parseHash(hash, 'transaction hash')),
    rawTransactions,
  }
}

const parseLog = (raw: unknown, txHash: Hex, txIndex: number, blockHash: Hex): ChainLog => {
  if (!isRawRecord(raw) || !Array.isArray(raw['topics'])) throw malformed('log')
  if (raw['blockHash'] !== blockHash || raw['transactionHash'] !== txHash)
    throw malformed('place of a log')
  return {
    address: parseAddress(raw['address'], 'address of a log'),
    topics: raw['topics'].map((topic) => parseHash(topic, 'topic')),
    data: parseHex(raw['data'], 'data of a log'),
    logIndex: parseInteger(raw['logIndex'], 'log index'),
    txHash,
    txIndex,
  }
}

/** Parses one receipt. @throws TocsinError `chain.malformed` */
export const parseReceipt = (raw: unknown): ParsedReceipt => {
  if (!isRawRecord(raw) || !Array.isArray(raw['logs'])) throw malformed('receipt')
  const txHash = parseHash(raw['transactionHash'], 'transaction hash')
  const txIndex = parseInteger(raw['transactionIndex'], 'transaction index')
  const blockHash = parseHash(raw['blockHash'], 'block hash of a receipt')
  const price = raw['effectiveGasPrice']
  return {
    txHash,
    txIndex,
    blockHash,
    from: parseAddress(raw['from'], 'sender'),
    to: orNull(raw['to'], (value) => parseAddress(value, 'recipient')),
    status: raw['status'] === '0x0' ? 'reverted' : 'success',
    gasUsed: parseQuantity(raw['gasUsed'], 'gas used'),
    effectiveGasPriceWei:
      price === null || price === undefined ? 0n : parseQuantity(price, 'gas price'),
    contractAddress: orNull(raw['contractAddress'], (value) =>
      parseAddress(value, 'created contract'),
    ),
    logs: raw['logs'].map((log) => parseLog(log, txHash, txIndex, blockHash)),
  }
}

/** Calldata and value of a raw transaction; its block is checked. @throws TocsinError `chain.malformed` */
export const parseInput = (
  raw: unknown,
  hash: Hex,
  blockHash: Hex,
): { readonly hash: Hex; readonly input: Hex; readonly valueWei: bigint } => {
  if (!isRawRecord(raw) || raw['hash'] !== hash || raw['blockHash'] !== blockHash)
    throw malformed('transaction')
  return {
    hash,
    input: parseHex(raw['input'] ?? raw['data'], 'calldata'),
    valueWei: parseQuantity(raw['value'], 'value'),
  }
}

export const toQuantity = (number: number): Hex => `0x${number.toString(16)}`
