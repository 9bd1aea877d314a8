import { TocsinError } from '../base/index.ts'
import { computeLogsBloom } from './logsBloom.ts'
import { type ParsedHeader, type ParsedReceipt, parseInput, parseReceipt } from './parseRpc.ts'
import type { ChainBlock, ChainHeader, ChainLog, ChainTransaction } from './types.ts'

/** A block as fetched; the feed adds when it was first heard of. */
export type FetchedBlock = Omit<ChainBlock, 'seenAtMs' | 'catchingUp'>

const incomplete = (header: ChainHeader, what: string): TocsinError =>
  new TocsinError('chain.incomplete', `Block ${header.number}: ${what}.`, {
    retry: { afterMs: 100 },
  })

function* logsOf(receipts: readonly ParsedReceipt[]): Generator<ChainLog> {
  for (const receipt of receipts) yield* receipt.logs
}

const checkReceipts = (header: ParsedHeader, receipts: readonly ParsedReceipt[]): void => {
  if (receipts.length !== header.txHashes.length)
    throw incomplete(
      header,
      `${receipts.length} receipts for ${header.txHashes.length} transactions`,
    )
  let nextLog = 0
  for (const [index, receipt] of receipts.entries()) {
    if (receipt.blockHash !== header.hash) throw incomplete(header, 'a receipt is of another block')
    if (receipt.txHash !== header.txHashes[index] || receipt.txIndex !== index)
      throw incomplete(header, 'the receipts are not in the order of the transactions')
    for (const log of receipt.logs)
      if (log.logIndex !== nextLog++) throw incomplete(header, 'the log indexes have a gap')
  }
  if (computeLogsBloom(logsOf(receipts)) !== header.logsBloom.toLowerCase())
    throw incomplete(header, "the logs do not make up the header's bloom")
}

/** The header alone, without what the node's answer carried beside it. */
export const toHeader = (parsed: ParsedHeader): ChainHeader => {
  const { txHashes: _hashes, rawTransactions: _raw, ...header } = parsed
  return header
}

/**
 * Joins header, transactions and receipts, and proves that nothing is missing: number and order of the receipts,
 * their block, contiguous log indexes, and the logs bloom.
 * @throws TocsinError `chain.incomplete`, `chain.malformed`
 */
export const assembleBlock = (header: ParsedHeader, rawReceipts: unknown): FetchedBlock => {
  if (!Array.isArray(rawReceipts)) throw incomplete(header, 'the receipts are missing')
  const receipts = rawReceipts.map(parseReceipt)
  checkReceipts(header, receipts)
  const { rawTransactions, hash } = header
  const transactions = receipts.map((receipt, index): ChainTransaction => {
    const sent = rawTransactions && parseInput(rawTransactions[index], receipt.txHash, hash)
    return {
      hash: receipt.txHash,
      index,
      from: receipt.from,
      to: receipt.to,
      input: sent?.input,
      value: sent?.valueWei,
      status: receipt.status,
      gasUsed: receipt.gasUsed,
      effectiveGasPriceWei: receipt.effectiveGasPriceWei,
      contractAddress: receipt.contractAddress,
      logs: receipt.logs,
    }
  })
  return { ...toHeader(header), transactions }
}
