import { type Address, type HeapTidy, type Hex, messageOf } from '../../base/index.ts'
import {
  createPendingFeed,
  createPendingSimulator,
  type PendingTransaction,
  type RpcPool,
  tracePending,
} from '../../chain/index.ts'
import type { ChainBlock, ChainHeader, ChainSource } from '../../chain/types.ts'
import type { ChainConfig } from '../../config/types.ts'
import type { DatabaseTransaction, Store } from '../../store/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { EngineOptions } from '../createEngine.ts'
import type { FindingRow } from '../engineStore.ts'
import { type Cast, listWatched } from './cast.ts'
import { createPendingBook } from './pendingBook.ts'
import type { PendingMetrics, PendingOutcome } from './pendingMetrics.ts'
import { createPendingQueue, judgeInterest } from './pendingQueue.ts'
import { closePending, commitPending, loadPending } from './pendingStore.ts'
import { type Rehearsal, rehearse } from './rehearse.ts'
import { createSenderQueues } from './senderQueues.ts'

export type PendingWatchOptions = {
  readonly chain: ChainConfig
  readonly pool: RpcPool
  readonly source: ChainSource
  readonly store: Store
  /** The bots as they stand now. */
  readonly cast: () => Cast
  /** While a mined block is being worked on, nothing pending is begun. */
  readonly isBusy: () => boolean
  readonly onCommit?: EngineOptions<DatabaseTransaction>['onCommit'] | undefined
  /** Of the whole process. */
  readonly heap: HeapTidy
  readonly log: Logger
  readonly metrics: PendingMetrics
}

/** The pending transactions of one chain under watch. Everything it does waits for the mined blocks. */
export type PendingWatch = {
  /** A block is committed: the state that is simulated on, and the end of what it holds. */
  readonly onBlock: (block: ChainBlock) => void
  /** The chain went back: nothing is simulated until the next block is committed. */
  readonly onRollback: () => void
  /** What was held back while a mined block was worked on may go on. */
  readonly wake: () => void
  readonly stop: () => Promise<void>
}

const CONCURRENT = 4
/** How long after the last simulation the heap is tidied (ms): an answer may be on its way. */
const TIDY_AFTER_MS = 250
const clockMs = (): number => performance.timeOrigin + performance.now()
const keyOf = (row: FindingRow): string => [row.botId, row.alertId, row.uniqueKey].join('\n')

type Ground = {
  readonly head: ChainHeader
  readonly cast: Cast
  /** The next block without any transaction: what it shows is none of theirs. */
  readonly base: Promise<Rehearsal>
}

/**
 * Watches what is sent and not mined, where the watchlist says so; undefined where it does not. Then findings of
 * pending transactions that an earlier run left are closed.
 */
export const watchPending = async (
  options: PendingWatchOptions,
): Promise<PendingWatch | undefined> => {
  const { chain, pool, store, log, metrics, heap } = options
  const busyName = `${chain.name} pending`
  const settings = chain.pending
  if (!settings?.enabled) {
    const left = await loadPending(store.db, chain.id)
    await closePending(
      store.db,
      chain.id,
      left.map(({ hash }) => hash),
      'dropped',
    )
    return undefined
  }
  const simulate = createPendingSimulator(pool)
  const queue = createPendingQueue({ maxPerS: settings.maxPerS })
  const senders = createSenderQueues()
  const running = new Set<Promise<void>>()
  let watched: { readonly generation: number; readonly addresses: ReadonlySet<Address> } | undefined
  let head: ChainHeader | undefined
  let ground: Ground | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let missed = 0
  let closing: Promise<void> = Promise.resolve()

  const book = await createPendingBook({
    db: store.db,
    pool,
    maxAgeBlocks: settings.maxAgeBlocks,
    onClosed: (hash, status) => {
      metrics.onClosed(chain.name, status)
      log.info({ chain: chain.name, tx: hash, status }, 'A pending transaction is closed.')
    },
  })
  const count = (outcome: PendingOutcome, by?: number): void =>
    metrics.onOutcome(chain.name, outcome, by)

  const watchedNow = (cast: Cast): ReadonlySet<Address> => {
    if (watched?.generation !== cast.generation)
      watched = { generation: cast.generation, addresses: listWatched(cast) }
    return watched.addresses
  }
  const play = (
    at: ChainHeader,
    cast: Cast,
    transactions: readonly PendingTransaction[],
    baseAnswers: Rehearsal['answers'] | undefined,
  ): Promise<Rehearsal> =>
    rehearse({
      cast,
      source: options.source,
      simulate,
      trace: chain.traces === 'none' ? undefined : (tx) => tracePending(pool, at, tx),
      head: at,
      blockTimeS: Math.max(1, Math.round(chain.blockTimeMs / 1_000)),
      transactions,
      baseAnswers,
      log,
    })
  const groundAt = (at: ChainHeader): Ground => {
    const cast = options.cast()
    if (ground?.head.hash === at.hash && ground.cast.generation === cast.generation) return ground
    const base = play(at, cast, [], undefined)
    const made: Ground = { head: at, cast, base }
    base.catch(() => {
      if (ground === made) ground = undefined
    })
    ground = made
    return made
  }

  /** Whether it could be in the next block at all: what cannot costs its sender nothing. */
  const isFit = async (
    tx: PendingTransaction,
    before: number,
    at: ChainHeader,
  ): Promise<boolean> => {
    const base = at.baseFeePerGasWei ?? 0n
    // The base fee falls by an eighth at most.
    if (tx.maxFeePerGasWei < base - base / 8n) return false
    const outcomes = await pool.batch(
      ['eth_getTransactionCount', 'eth_getBalance'].map((method) => ({
        method,
        params: [tx.from, 'latest'],
      })),
      { timeoutMs: 3_000, rounds: 1 },
    )
    const [nonce, balance] = outcomes.map((outcome) =>
      outcome.ok && typeof outcome.result === 'string' ? BigInt(outcome.result) : undefined,
    )
    if (nonce === undefined || balance === undefined) return false
    const isNext = BigInt(tx.nonce) >= nonce && BigInt(tx.nonce - before) <= nonce
    return isNext && balance >= tx.valueWei + tx.gas * base
  }

  const judge = async (tx: PendingTransaction, at: ChainHeader): Promise<PendingOutcome> => {
    const { cast, base } = groundAt(at)
    const line = senders.line(tx)
    // Beside the simulation, where it is likely to be wanted.
    const isDirect = judgeInterest(tx, watchedNow(cast)) === 'direct'
    const fit = isDirect ? isFit(tx, line.length - 1, at) : undefined
    fit?.catch(() => undefined)
    const still = await base
    const played = await play(at, cast, line, still.answers)
    if (!played.isTouched) return 'untouched'
    const known = new Set(still.rows.map(keyOf))
    const rows = [
      ...new Map(
        played.rows.filter((row) => !known.has(keyOf(row))).map((row) => [row.id, row]),
      ).values(),
    ]
    if (rows.length === 0) return 'nothing'
    if (!(await (fit ?? isFit(tx, line.length - 1, at)))) return 'unfit'
    // Mined meanwhile: its block says what came of it.
    if (head && head.number > at.number && (await isMined(tx.hash))) return 'nothing'
    const { onCommit } = options
    const block = { ...played.block, seenAtMs: tx.seenAtMs }
    const latencyMs = Math.round((clockMs() - tx.seenAtMs) * 1_000) / 1_000
    const fresh = await commitPending(
      store.db,
      rows,
      latencyMs,
      onCommit && ((dbTx, findings) => onCommit(dbTx, findings, block)),
    )
    book.add(fresh)
    metrics.onCommit(chain.name, (clockMs() - tx.seenAtMs) / 1_000)
    for (const { botId, alertId, severity } of fresh)
      log.warn(
        { chain: chain.name, tx: tx.hash, bot: botId, alert: alertId, severity },
        'Found in a transaction that is not mined yet.',
      )
    return 'found'
  }
  const isMined = async (hash: Hex): Promise<boolean> => {
    const found = await pool.request('eth_getTransactionByHash', [hash], { rounds: 1 })
    return (
      typeof found === 'object' &&
      found !== null &&
      'blockNumber' in found &&
      found.blockNumber !== null
    )
  }

  const look = async (tx: PendingTransaction, at: ChainHeader): Promise<void> => {
    try {
      count(await judge(tx, at))
    } catch (error) {
      // A node that does not have the head yet, mostly: once more.
      try {
        if (isStopped) return
        count(await judge(tx, head ?? at))
      } catch {
        count('failed')
        log.debug(
          { chain: chain.name, tx: tx.hash, error: messageOf(error) },
          'A pending transaction could not be simulated.',
        )
      }
    }
  }
  const pump = (): void => {
    clearTimeout(timer)
    while (!isStopped && head && !options.isBusy() && running.size < CONCURRENT) {
      const tx = queue.take()
      if (!tx) break
      heap.begin(busyName)
      const work = look(tx, head).finally(() => {
        running.delete(work)
        pump()
        if (running.size === 0) heap.rest(busyName, TIDY_AFTER_MS)
      })
      running.add(work)
    }
    const now = queue.missed() + feed.missed()
    if (now > missed) {
      count('missed', now - missed)
      missed = now
    }
    // Nothing under way will pump again once the next may be taken.
    if (queue.size() > 0 && running.size === 0 && head && !isStopped)
      timer = setTimeout(pump, Math.max(5, queue.waitMs()))
  }

  const feed = createPendingFeed({
    pool,
    pollMs: settings.pollMs,
    onTransaction: (tx) => {
      senders.add(tx)
      const interest = judgeInterest(tx, watchedNow(options.cast()))
      if (interest === 'none') return
      queue.add(tx, interest)
      pump()
    },
    onError: (error) =>
      log.debug({ chain: chain.name, error: messageOf(error) }, 'The pending feed met an error.'),
  })

  return {
    onBlock: (block) => {
      const mined = new Set(block.transactions.map(({ hash }) => hash))
      queue.remove(mined)
      senders.remove(mined)
      closing = closing
        .then(() => book.onBlock(block))
        .catch((error: unknown) =>
          log.warn(
            { chain: chain.name, error: messageOf(error) },
            'Pending findings could not be closed yet.',
          ),
        )
      head = block.catchingUp ? undefined : block
      // Ready before the first transaction comes.
      if (head) groundAt(head)
      pump()
    },
    onRollback: () => {
      head = undefined
      feed.forgetSeen()
    },
    wake: pump,
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await feed.stop()
      await Promise.all(running)
      await closing
    },
  }
}
