import type { RpcPool } from '../chain/index.ts'
import { prefetch } from '../chain/light.ts'
import type { HostedRun } from './host/createHostedBot.ts'
import {
  createHostedChain,
  type HostedBotSpec,
  type SharedBlock,
  wantsTraces,
} from './host/createHostedChain.ts'
import { createRawBlocks, type RawBlock, type TraceWish } from './host/createRawBlocks.ts'

export type RangeRun = {
  readonly blocks: number
  readonly transactions: number
  readonly seconds: number
}

/** Blocks per exchange with the node, and exchanges at once. */
const BATCH = 8
const PARALLEL = 8
/** Blocks and characters of one message to a bot: it then works on while the next ones are written. */
const MOST_BLOCKS = 16
const MOST_TEXT = 4 * 2 ** 20

/**
 * Runs hosted bots over a range of blocks, block by block and strictly in order, while the next blocks are fetched.
 * Stores nothing.
 */
export const runRange = async (options: {
  readonly pool: RpcPool
  readonly traces: TraceWish
  readonly bots: readonly HostedBotSpec[]
  readonly from: number
  /** Inclusive. */
  readonly to: number
  readonly onBlock: (botId: string, block: RawBlock, run: HostedRun) => void
  readonly onOutput?: (botId: string, line: string) => void
  readonly onEnd?: (botId: string, reason: string) => void
  readonly signal?: AbortSignal
}): Promise<RangeRun> => {
  const { pool, bots } = options
  const host = await createHostedChain({
    chain: { id: pool.chainId, name: pool.chainName, rpc: [], traces: options.traces },
    bots,
    pool,
    ...(options.onOutput ? { onOutput: options.onOutput } : {}),
    ...(options.onEnd ? { onEnd: options.onEnd } : {}),
  })
  const isTracing = bots.some(({ bot }) => wantsTraces(bot))
  const source = createRawBlocks(pool, { traces: isTracing ? options.traces : 'none' })
  const beganMs = performance.now()
  let blocks = 0
  let transactions = 0
  try {
    const starting = Promise.all(host.bots.map((bot) => bot.start()))
    starting.catch(() => undefined)
    const loaded = prefetch({
      from: options.from,
      to: options.to,
      batchSize: () => BATCH,
      parallel: PARALLEL,
      signal: options.signal,
      load: (numbers) => source.byNumbers(numbers),
    })
    // A bot that does not start at all is the caller's business, before the first block.
    await starting
    let running = Promise.resolve()
    let waiting: SharedBlock[] = []
    let size = 0
    const send = async (): Promise<void> => {
      const batch = waiting
      waiting = []
      size = 0
      await running
      running = runBatch(batch)
      // Met when the next one is sent.
      running.catch(() => undefined)
    }
    const runBatch = async (batch: readonly SharedBlock[]): Promise<void> => {
      await Promise.all(
        host.bots.map(async (bot) => {
          const runs = await host.runMany(bot, batch)
          for (const [at, run] of runs.entries()) {
            const raw = batch[at]?.raw
            if (raw) options.onBlock(bot.id, raw, run)
          }
        }),
      )
    }
    for await (const raw of loaded) {
      if (options.signal?.aborted) break
      const shared = host.take(raw)
      // Written now, while the bots are at the blocks before.
      for (const { bot } of bots) size += shared.json(wantsTraces(bot)).length
      waiting.push(shared)
      blocks++
      transactions += raw.hashes.length
      if (waiting.length >= MOST_BLOCKS || size > MOST_TEXT) await send()
    }
    await send()
    await running
  } finally {
    await host.stop()
  }
  return { blocks, transactions, seconds: (performance.now() - beganMs) / 1_000 }
}
