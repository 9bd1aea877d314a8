import type { EventMaker } from './buildEvents.ts'
import { groupByTransaction } from './groupByTransaction.ts'

type Raw = Readonly<Record<string, unknown>>

/** How the SDK made events before 0.1: of receipts, which bots of that time read as well. */
export type OldEvents = {
  readonly createBlockEvent: (block: unknown, network: number | string) => unknown
  readonly createTransactionEvent: (
    receipt: Raw,
    block: unknown,
    network: number | string,
    traces: readonly Raw[] | undefined,
  ) => unknown
}

const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null

const fetchReceipts = async (
  rpcUrl: string,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, Raw>> => {
  if (hashes.length === 0) return new Map()
  const calls = hashes.map((hash, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'eth_getTransactionReceipt',
    params: [hash],
  }))
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(calls),
  })
  const answers: unknown = await response.json()
  return new Map(
    (Array.isArray(answers) ? answers : []).flatMap((one: unknown) => {
      const receipt = isRaw(one) ? one['result'] : undefined
      return isRaw(receipt) ? [[String(receipt['transactionHash']).toLowerCase(), receipt]] : []
    }),
  )
}

/**
 * Events for a bot of such an SDK, as its command line makes them.
 * @param network a text, as from its command line, or a number, as from nodes
 */
export const createOldEventMaker =
  (cli: OldEvents, network: number | string, rpcUrl: string): EventMaker =>
  async ({ block, traces }) => {
    const tracesOf = groupByTransaction(traces ?? [])
    const hashes = block.transactions.map(({ hash }) => hash.toLowerCase())
    const receipts = await fetchReceipts(rpcUrl, hashes).catch(() => new Map<string, Raw>())
    return {
      count: hashes.length,
      block: () => cli.createBlockEvent(block, network),
      transaction: (index) => {
        const hash = hashes[index] ?? ''
        const receipt = receipts.get(hash)
        if (!receipt) throw new Error(`the node does not give the receipt of ${hash}`)
        return cli.createTransactionEvent(receipt, block, network, tracesOf.get(hash))
      },
    }
  }
