import { type Hex, isTocsinError, messageOf, TocsinError } from '../base/index.ts'
import { assembleBlock, type FetchedBlock, toHeader } from './assembleBlock.ts'
import { createModeChooser, type FetchMode } from './createModeChooser.ts'
import { type ParsedHeader, parseHeader, toQuantity } from './parseRpc.ts'
import type { RpcCall, RpcOutcome, RpcPool } from './rpcTypes.ts'
import type { ChainHeader } from './types.ts'

export type FetchOptions = {
  readonly signal?: AbortSignal
  readonly among?: ReadonlySet<string>
  readonly rounds?: number
  readonly spread?: boolean
}

export type BlockFetcher = {
  /** A complete block by its hash; `header` saves a request when it is known already. */
  readonly byHash: (
    hash: Hex,
    options?: FetchOptions & { readonly header?: ParsedHeader },
  ) => Promise<FetchedBlock>
  /** Complete blocks by height in one or two exchanges, in order. They need not link up: the caller checks. */
  readonly byNumbers: (
    numbers: readonly number[],
    options?: RangeFetchOptions,
  ) => Promise<readonly FetchedBlock[]>
  readonly headerByHash: (hash: Hex, options?: FetchOptions) => Promise<ParsedHeader>
  readonly headersByNumber: (
    numbers: readonly number[],
    options?: FetchOptions,
  ) => Promise<readonly ParsedHeader[]>
  readonly mode: () => FetchMode
}

export type RangeFetchOptions = FetchOptions & {
  /** False: nothing wanted can be in this block; it comes without transactions and with `skipped`. */
  readonly isNeeded?: (header: ChainHeader) => boolean
}

type ReceiptsBy = 'hash' | 'number' | 'transaction'

const isMissing = (error: unknown): boolean =>
  isTocsinError(error) && (error.code === 'rpc.method_missing' || error.code === 'rpc.rejected')

/** A node that refused eth_getBlockReceipts is asked again after this long (ms). */
const DOWNGRADED_MS = 300_000
/** A comparison waits until the block at hand is done (ms). */
const PROBE_AFTER_MS = 250

/** Fetches complete blocks: what cannot be proved complete is asked for elsewhere, and never handed on. */
export const createBlockFetcher = (options: {
  readonly pool: RpcPool
  readonly transactions: 'auto' | FetchMode
  readonly timeoutMs?: number
}): BlockFetcher => {
  const { pool } = options
  const chooser = createModeChooser(options.transactions)
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }
  let downgrade: { readonly by: ReceiptsBy; readonly until: number } | undefined
  const receiptsBy = (): ReceiptsBy =>
    downgrade && performance.now() < downgrade.until ? downgrade.by : 'hash'

  const headerOf = (raw: unknown, hash?: Hex): ParsedHeader => {
    const header = parseHeader(raw, pool.chainId)
    if (hash !== undefined && header.hash !== hash)
      throw new TocsinError('chain.malformed', 'The node answered with another block than asked.')
    return header
  }
  /** The header, or why it is none. */
  const parseOrExplain = (raw: unknown, hash?: Hex): ParsedHeader | string => {
    if (raw === null) return 'The node does not have the block yet.'
    try {
      return headerOf(raw, hash)
    } catch (error) {
      return messageOf(error)
    }
  }
  const refuseHeader =
    (hash: Hex) =>
    (raw: unknown): string | undefined => {
      const outcome = parseOrExplain(raw, hash)
      return typeof outcome === 'string' ? outcome : undefined
    }

  const getHeader = async (
    hash: Hex,
    isFull: boolean,
    fetch: FetchOptions,
  ): Promise<ParsedHeader> =>
    headerOf(
      await pool.request('eth_getBlockByHash', [hash, isFull], {
        ...timeout,
        ...fetch,
        refuse: refuseHeader(hash),
      }),
      hash,
    )

  const receiptCalls = (
    by: ReceiptsBy,
    header: { readonly hash: Hex; readonly number: number; readonly txHashes: readonly Hex[] },
  ): readonly RpcCall[] => {
    switch (by) {
      case 'hash':
        return [{ method: 'eth_getBlockReceipts', params: [header.hash] }]
      case 'number':
        return [{ method: 'eth_getBlockReceipts', params: [toQuantity(header.number)] }]
      case 'transaction':
        return header.txHashes.map((hash) => ({
          method: 'eth_getTransactionReceipt',
          params: [hash],
        }))
    }
  }
  const receiptsFrom = (by: ReceiptsBy, outcomes: readonly RpcOutcome[]): unknown => {
    if (by === 'transaction') return outcomes.map((outcome) => (outcome.ok ? outcome.result : null))
    const [first] = outcomes
    if (first?.ok) return first.result
    throw new TocsinError(
      first?.error.code === -32601 ? 'rpc.method_missing' : 'rpc.rejected',
      `eth_getBlockReceipts: ${first?.error.message ?? 'no answer'}`,
    )
  }

  /** Receipts, joined and proved with the header as soon as both are there. */
  const join = async (
    by: ReceiptsBy,
    hash: Hex,
    readHeader: () => Promise<ParsedHeader>,
    fetch: FetchOptions,
  ): Promise<FetchedBlock> => {
    // By number or by transaction needs the header first; by hash does not wait for it.
    const known = by === 'hash' ? { hash, number: 0, txHashes: [] } : await readHeader()
    if (by === 'transaction' && known.txHashes.length === 0)
      return assembleBlock(await readHeader(), [])
    let block: FetchedBlock | undefined
    const assemble = async (outcomes: readonly RpcOutcome[]): Promise<string | undefined> => {
      const receipts = receiptsFrom(by, outcomes)
      if (receipts === null) return 'The node does not have the receipts yet.'
      const header = await readHeader()
      try {
        block = assembleBlock(header, receipts)
        return undefined
      } catch (error) {
        return messageOf(error)
      }
    }
    const answering = pool.batch(receiptCalls(by, known), {
      ...timeout,
      ...fetch,
      refuse: (all) => (all.every(({ ok }) => ok) ? assemble(all) : undefined),
    })
    // Asked after the receipts, which take the node longest, and beside them.
    readHeader().catch(() => undefined)
    const outcomes = await answering
    receiptsFrom(by, outcomes)
    if (block === undefined)
      throw new TocsinError('chain.incomplete', 'The receipts cannot be had.')
    return block
  }

  const joinWithFallback = async (
    hash: Hex,
    readHeader: () => Promise<ParsedHeader>,
    fetch: FetchOptions,
  ): Promise<FetchedBlock> => {
    const by = receiptsBy()
    try {
      return await join(by, hash, readHeader, fetch)
    } catch (error) {
      if (!isMissing(error) || by === 'transaction') throw error
      const isUnknownMethod = isTocsinError(error) && error.code === 'rpc.method_missing'
      downgrade = {
        by: by === 'hash' && !isUnknownMethod ? 'number' : 'transaction',
        until: performance.now() + DOWNGRADED_MS,
      }
      return joinWithFallback(hash, readHeader, fetch)
    }
  }

  /** A complete block by either way. */
  const fetchAs = (
    kind: FetchMode,
    hash: Hex,
    header: ParsedHeader | undefined,
    fetch: FetchOptions,
  ): Promise<FetchedBlock> => {
    const isFull = kind === 'full'
    const isKnown = header !== undefined && (!isFull || header.rawTransactions !== undefined)
    let pending: Promise<ParsedHeader> | undefined
    const readHeader = (): Promise<ParsedHeader> => {
      pending ??= isKnown ? Promise.resolve(header) : getHeader(hash, isFull, fetch)
      return pending
    }
    return joinWithFallback(hash, readHeader, fetch)
  }

  /** Fetches a block the other way too, when the one at hand is done with. */
  const compareLater = (hash: Hex, mode: FetchMode, tookMs: number): void => {
    const compare = async (): Promise<void> => {
      const started = performance.now()
      const other = mode === 'full' ? 'receipts' : 'full'
      const { transactions } = await fetchAs(other, hash, undefined, { rounds: 1 })
      const otherMs = performance.now() - started
      const times =
        mode === 'full' ? { full: tookMs, receipts: otherMs } : { full: otherMs, receipts: tookMs }
      chooser.note({ transactions: transactions.length, ...times })
    }
    // A comparison that failed says nothing; the endpoint has noted the failure itself.
    setTimeout(() => void compare().catch(() => undefined), PROBE_AFTER_MS).unref()
  }

  const byHash: BlockFetcher['byHash'] = async (hash, fetch = {}) => {
    const { header, ...rest } = fetch
    if (header?.txHashes.length === 0) return assembleBlock(header, [])
    const mode = chooser.mode()
    const started = performance.now()
    const block = await fetchAs(mode, hash, header, rest)
    if (chooser.isProbeDue(block.transactions.length))
      compareLater(hash, mode, performance.now() - started)
    return block
  }

  /** Headers by height in one exchange; those that it does not bring are asked for again, without the others. */
  const headersByNumber = async (
    numbers: readonly number[],
    fetch: FetchOptions = {},
    isFull = false,
  ): Promise<readonly ParsedHeader[]> => {
    const found = new Map<number, ParsedHeader>()
    // Each answer is parsed once, whoever's wins.
    const parsed = new WeakMap<RpcOutcome, ParsedHeader | string>()
    const parse = (outcome: RpcOutcome): ParsedHeader | string => {
      const known = parsed.get(outcome)
      if (known !== undefined) return known
      const fresh = outcome.ok ? parseOrExplain(outcome.result) : outcome.error.message
      parsed.set(outcome, fresh)
      return fresh
    }
    for (let open = numbers; open.length > 0; open = numbers.filter((one) => !found.has(one))) {
      const outcomes = await pool.batch(
        open.map((number) => ({
          method: 'eth_getBlockByNumber',
          params: [toQuantity(number), isFull],
        })),
        {
          ...timeout,
          ...fetch,
          // Each exchange brings something, or is taken for none: a node that fails every third call ends all the same.
          refuse: (all) => {
            const reasons = all.map(parse).filter((one) => typeof one === 'string')
            return reasons.length === all.length ? reasons[0] : undefined
          },
        },
      )
      for (const [index, outcome] of outcomes.entries()) {
        const number = open[index]
        const header = parse(outcome)
        if (number !== undefined && typeof header !== 'string') found.set(number, header)
      }
    }
    return numbers.flatMap((number) => found.get(number) ?? [])
  }

  /** Receipts of many blocks in one exchange; what does not fit its header is fetched again by hash. */
  const completeAll = async (
    headers: readonly ParsedHeader[],
    fetch: FetchOptions,
  ): Promise<readonly FetchedBlock[]> => {
    const wanted = headers.filter(({ txHashes }) => txHashes.length > 0)
    const by = receiptsBy()
    const calls = wanted.map((header) => receiptCalls(by, header))
    const outcomes = await pool.batch(calls.flat(), { ...timeout, ...fetch })
    let at = 0
    const rawByHash = new Map<Hex, readonly RpcOutcome[]>()
    for (const [index, header] of wanted.entries()) {
      const length = calls[index]?.length ?? 0
      rawByHash.set(header.hash, outcomes.slice(at, at + length))
      at += length
    }
    return Promise.all(
      headers.map(async (header) => {
        const raw = rawByHash.get(header.hash)
        if (raw === undefined) return assembleBlock(header, [])
        try {
          return assembleBlock(header, receiptsFrom(by, raw))
        } catch (error) {
          if (isTocsinError(error) && error.code.startsWith('rpc.'))
            return joinWithFallback(header.hash, async () => header, fetch)
          return byHash(header.hash, { ...fetch, header })
        }
      }),
    )
  }

  const byNumbers: BlockFetcher['byNumbers'] = async (numbers, fetch = {}) => {
    const { isNeeded, ...rest } = fetch
    const isFull = chooser.mode() === 'full'
    const headers = await headersByNumber(numbers, rest, isFull)
    const needed = isNeeded ? headers.filter(isNeeded) : headers
    const blocks = await completeAll(needed, rest)
    if (needed.length === headers.length) return blocks
    const byHashOf = new Map(blocks.map((block) => [block.hash, block]))
    return headers.map(
      (header) =>
        byHashOf.get(header.hash) ?? { ...toHeader(header), transactions: [], skipped: true },
    )
  }

  return {
    byHash,
    byNumbers,
    headerByHash: (hash, fetch = {}) => getHeader(hash, false, fetch),
    headersByNumber: (numbers, fetch) => headersByNumber(numbers, fetch),
    mode: () => chooser.mode(),
  }
}
