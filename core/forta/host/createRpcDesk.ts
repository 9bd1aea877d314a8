import { type Hex, isTocsinError, messageOf } from '../../base/index.ts'
import type { RpcOutcome, RpcPool } from '../../chain/index.ts'
import type { RawBlock, RawBlocks } from './createRawBlocks.ts'

type Raw = Readonly<Record<string, unknown>>

/** Answers JSON-RPC calls of hosted bots on one chain. */
export type RpcDesk = {
  /** The answer as JSON, from `"result":` or `"error":` on. */
  readonly answer: (method: string, params: readonly unknown[]) => Promise<string>
  /** A block that bots are about to see: what they ask of it is answered from it, and pinned to it. */
  readonly note: (block: RawBlock) => void
}

/** Blocks of which everything is kept, and of which the hash is. */
const KEPT_BLOCKS = 64
const KEPT_HASHES = 1_024
/** So far below the newest seen block a height has one meaning. */
const SETTLED = 256
const MOST_BYTES = 32 * 2 ** 20
const MOST_ONE = 2 ** 20

/** What a bot may ask of a node: to read. */
const READS =
  /^(eth_(?!send|sign|submit|subscribe|unsubscribe|newFilter|newBlockFilter|newPending|getFilter|uninstall|accounts$|coinbase$|mining$|getWork$)|net_version$|net_listening$|web3_clientVersion$|web3_sha3$|trace_(?!rawTransaction)|debug_(trace|getRaw|storageRangeAt)|ots_|erigon_|bor_|arb_|rollup_|txpool_)/

/** Where these methods name the block. */
const TAG_AT: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getStorageAt: 2,
  eth_getProof: 2,
}

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '')
const heightOf = (tag: unknown): number | undefined =>
  typeof tag === 'string' && /^0x[0-9a-f]{1,12}$/i.test(tag) ? Number(tag) : undefined

const asResult = (value: unknown): string => `"result":${JSON.stringify(value ?? null)}`
const asError = (code: number, message: string, data?: unknown): string =>
  `"error":${JSON.stringify({ code, message, ...(data === undefined ? {} : { data }) })}`
const asOutcome = (outcome: RpcOutcome): string =>
  outcome.ok
    ? asResult(outcome.result)
    : asError(outcome.error.code, outcome.error.message, outcome.error.data)

/** Answers by key, the least recently used ones dropped when they weigh too much. */
const createMemo = () => {
  const entries = new Map<string, string>()
  let bytes = 0
  return {
    get: (key: string): string | undefined => {
      const found = entries.get(key)
      if (found === undefined) return undefined
      entries.delete(key)
      entries.set(key, found)
      return found
    },
    set: (key: string, value: string): void => {
      if (value.length > MOST_ONE || entries.has(key)) return
      entries.set(key, value)
      bytes += key.length + value.length
      for (const [oldest, text] of entries) {
        if (bytes <= MOST_BYTES) return
        entries.delete(oldest)
        bytes -= oldest.length + text.length
      }
    },
  }
}

/**
 * JSON-RPC for hosted bots over the pool of one chain. What belongs to a block is kept by the hash of that block, so
 * that neither another chain nor an orphaned block is ever answered from; heights that bots have just seen are asked
 * for by hash. Methods that change anything are refused.
 */
export const createRpcDesk = (options: {
  readonly pool: RpcPool
  /** For traces in Parity's shape where nodes have others. */
  readonly blocks: RawBlocks
}): RpcDesk => {
  const { pool, blocks } = options
  const memo = createMemo()
  const kept = new Map<string, RawBlock>()
  const hashes = new Map<number, Hex>()
  const places = new Map<string, { readonly block: RawBlock; readonly index: number }>()
  const receipts = new Map<string, Promise<readonly unknown[] | undefined>>()
  const asking = new Map<string, Promise<string>>()
  let newest = -1

  const forget = (block: RawBlock): void => {
    kept.delete(block.hash)
    receipts.delete(block.hash)
    for (const hash of block.hashes) {
      if (places.get(hash)?.block === block) places.delete(hash)
    }
  }
  const note = (block: RawBlock): void => {
    if (kept.has(block.hash)) {
      hashes.set(block.number, block.hash)
      return
    }
    // Logs and traces are much of a block, and asked for in many other ways.
    const bare: RawBlock = { ...block, payload: { block: block.payload.block, logs: [] } }
    kept.set(block.hash, bare)
    hashes.delete(block.number)
    hashes.set(block.number, block.hash)
    newest = Math.max(newest, block.number)
    for (const [index, hash] of block.hashes.entries()) places.set(hash, { block: bare, index })
    for (const old of kept.values()) {
      if (kept.size <= KEPT_BLOCKS) break
      forget(old)
    }
    for (const number of hashes.keys()) {
      if (hashes.size <= KEPT_HASHES) break
      hashes.delete(number)
    }
  }
  const blockAt = (height: number | undefined): RawBlock | undefined =>
    height === undefined ? undefined : kept.get(hashes.get(height) ?? '')
  const isCanonical = (block: RawBlock): boolean => hashes.get(block.number) === block.hash

  const ask = async (method: string, params: readonly unknown[]): Promise<string> => {
    try {
      const [outcome] = await pool.batch([{ method, params }])
      return outcome ? asOutcome(outcome) : asError(-32_000, 'no answer')
    } catch (error) {
      return asError(-32_000, messageOf(error))
    }
  }
  /** Equal questions at the same time are one. */
  const askOnce = async (
    key: string,
    method: string,
    params: readonly unknown[],
    isLasting: boolean,
  ): Promise<string> => {
    const known = isLasting ? memo.get(key) : undefined
    if (known !== undefined) return known
    const running = asking.get(key)
    if (running) return running
    const made = ask(method, params).finally(() => asking.delete(key))
    asking.set(key, made)
    const text = await made
    // A failed call is as lasting as any other answer; a node that could not answer is not.
    if (isLasting && text !== '"result":null' && !text.startsWith('"error":{"code":-32000'))
      memo.set(key, text)
    return text
  }

  const receiptsOf = (block: RawBlock): Promise<readonly unknown[] | undefined> => {
    const known = receipts.get(block.hash)
    if (known) return known
    const made = pool.request('eth_getBlockReceipts', [block.hash]).then(
      (all) => (Array.isArray(all) && all.length === block.hashes.length ? all : undefined),
      () => undefined,
    )
    receipts.set(block.hash, made)
    return made
  }

  const fromBlock = async (
    method: string,
    params: readonly unknown[],
  ): Promise<string | undefined> => {
    if (method === 'eth_getBlockByNumber' || method === 'eth_getBlockByHash') {
      const block =
        method === 'eth_getBlockByHash' ? kept.get(lower(params[0])) : blockAt(heightOf(params[0]))
      if (!block) return undefined
      const raw = block.payload.block
      return asResult(params[1] === true ? raw : { ...raw, transactions: block.hashes })
    }
    if (method === 'trace_block') {
      const height = heightOf(params[0])
      if (height === undefined) return undefined
      try {
        const [block] = await blocks.byNumbers([height])
        return block?.payload.traces ? asResult(block.payload.traces) : undefined
      } catch (error) {
        const isMissing = isTocsinError(error) && error.code === 'chain.traces_unavailable'
        return asError(isMissing ? -32_601 : -32_000, messageOf(error))
      }
    }
    const place = places.get(lower(params[0]))
    if (!place || !isCanonical(place.block)) return undefined
    if (method === 'eth_getTransactionByHash')
      return asResult(place.block.payload.block.transactions[place.index])
    if (method === 'eth_getTransactionReceipt') {
      // A bot that reads one receipt of a block reads most of them: they are fetched together.
      const receipt = (await receiptsOf(place.block))?.[place.index]
      return isRaw(receipt) && lower(receipt['transactionHash']) === lower(params[0])
        ? asResult(receipt)
        : undefined
    }
    return undefined
  }

  return {
    note,
    answer: async (method, params) => {
      if (method === 'eth_chainId') return asResult(`0x${pool.chainId.toString(16)}`)
      if (method === 'net_version') return asResult(String(pool.chainId))
      if (!READS.test(method))
        return asError(-32_601, `the method ${method.slice(0, 80)} is not served to bots`)
      const known = await fromBlock(method, params)
      if (known !== undefined) return known
      const at = TAG_AT[method]
      if (at === undefined) return askOnce(JSON.stringify([method, params]), method, params, false)
      const tag = params[at]
      const height = heightOf(tag)
      const hash = height === undefined ? undefined : hashes.get(height)
      const pinned = hash
        ? params.map((param, index) => (index === at ? { blockHash: hash } : param))
        : params
      const isPinned =
        hash !== undefined ||
        (isRaw(tag) && typeof tag['blockHash'] === 'string') ||
        (height !== undefined && height < newest - SETTLED)
      return askOnce(JSON.stringify([method, pinned]), method, pinned, isPinned)
    },
  }
}
