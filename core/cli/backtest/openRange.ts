import { cleanText, TocsinError } from '../../base/index.ts'
import {
  createRangeSource,
  createRpcPool,
  type RangeSource,
  type RpcPool,
} from '../../chain/index.ts'
import type { ChainConfig, Config } from '../../config/types.ts'
import type { EngineBot } from '../../engine/index.ts'
import { bindBots, compileFilter, compileNeeds, listLabels } from '../../engine/light.ts'
import type { BotDefinition, Label } from '../../engine/types.ts'
import { EXIT } from '../exitCodes.ts'

/** Nodes that trace many blocks at once answer late; nobody waits for a single block here (ms). */
export const TIMEOUT_MS = 60_000

export const wrong = (code: string, message: string, ...hints: readonly string[]): TocsinError =>
  new TocsinError(code, message, { exitCode: EXIT.invalid, hints })

export const findChain = (config: Config, name: string): ChainConfig => {
  const chain = config.chains.find((one) => one.name === name)
  if (chain) return chain
  throw wrong(
    'chain.unknown',
    `The watchlist has no chain "${cleanText(name, 80)}".`,
    `It has: ${config.chains.map((one) => one.name).join(', ')}.`,
  )
}

export const refuseEmptyRange = (from: number, to: number): void => {
  if (from > to)
    throw wrong(
      'backtest.range',
      `Block ${from} comes after block ${to}.`,
      'Say --from with the smaller number.',
    )
}

/** The watchlist's bots, narrowed to those named; one that is named and not switched on runs as it is shipped. */
export const chooseBots = (
  config: Config,
  definitions: readonly BotDefinition<unknown>[],
  names: readonly string[] | undefined,
): Config['bots'] => {
  if (!names) return config.bots
  return Object.fromEntries(
    names.map((name) => {
      if (!definitions.some(({ id }) => id === name))
        throw wrong(
          'bot.unknown',
          `There is no bot "${cleanText(name, 80)}".`,
          `There are: ${definitions.map(({ id }) => id).join(', ')}.`,
        )
      return [name, { parameters: config.bots[name]?.parameters ?? {}, enabled: true }]
    }),
  )
}

/** @throws TocsinError `backtest.no_bots` */
export const bindChosen = (
  config: Config,
  definitions: readonly BotDefinition<unknown>[],
  names: readonly string[] | undefined,
  chain: ChainConfig,
  /** There are other bots to run: none of these is needed. */
  mayBeEmpty = false,
): readonly EngineBot[] => {
  const bots = bindBots(
    { bots: chooseBots(config, definitions, names), watch: config.watch },
    definitions,
    chain.name,
  )
  if (bots.length > 0 || mayBeEmpty) return bots
  throw wrong(
    'backtest.no_bots',
    `No bot looks at anything on ${chain.name}.`,
    'Switch bots on under `bots`, or name them.',
  )
}

/** What is wrong with a range that ends beyond the chain; the blocks are fetched meanwhile. */
const findFuture = async (pool: RpcPool, to: number): Promise<TocsinError | undefined> => {
  // Trouble with the endpoint is told by whoever reads the blocks.
  const head = await pool.request('eth_blockNumber', []).then(Number, () => Number.NaN)
  if (!(to > head)) return undefined
  return wrong(
    'backtest.range',
    `Block ${to} is not there yet: the chain ends at block ${head}.`,
    'Say a --to that exists.',
  )
}

export type OpenRange = {
  readonly pool: RpcPool
  readonly range: RangeSource
  readonly labels: readonly Label[]
  /** Whether blocks are traced at all. */
  readonly traces: boolean
  readonly signal: AbortSignal
  /** Runs, and says that the range ends beyond the chain where that is why it failed. */
  readonly guard: <T>(work: () => Promise<T>) => Promise<T>
  readonly stop: () => Promise<void>
}

/** A range of history, fetched with what these bots need and no more. `lanes`: sets of bots over the same blocks. */
export const openRange = (options: {
  readonly config: Config
  readonly chain: ChainConfig
  readonly from: number
  readonly to: number
  readonly lanes: readonly (readonly EngineBot[])[]
  readonly traces: boolean
}): OpenRange => {
  const { config, chain, from, to } = options
  const labels = listLabels(config, chain.name)
  const needs = options.lanes.flat().map((bot) => compileNeeds(bot, chain, labels))
  const filter = compileFilter(needs)
  const traces = options.traces && chain.traces !== 'none'

  // Over history whole blocks cost no further exchange, calldata asked for one by one does; traces hold it already.
  const isAlwaysTracing = traces && needs.some((need) => need.traces?.mode === 'always')
  const wantsInputs =
    !isAlwaysTracing &&
    needs.some(({ calls, senders, inputs }) => inputs || calls.length + senders.length > 0)
  const pool = createRpcPool({
    timeoutMs: TIMEOUT_MS,
    chainId: chain.id,
    chainName: chain.name,
    endpoints: chain.rpc,
  })
  const stopping = new AbortController()
  const future = findFuture(pool, to).then((fault) => {
    if (fault) stopping.abort()
    return fault
  })
  const range = createRangeSource(pool, {
    signal: stopping.signal,
    from,
    to,
    traces: traces ? chain.traces : 'none',
    transactions:
      chain.transactions === 'auto' ? (wantsInputs ? 'full' : 'receipts') : chain.transactions,
    isNeeded: (header) => filter.wantsReceipts(header.logsBloom),
    prefetchTraces: isAlwaysTracing
      ? (block) => block.transactions.some((tx) => tx.gasUsed > 21_000n)
      : false,
    ...(chain.multicall3 ? { multicall3: chain.multicall3 as `0x${string}` | 'none' } : {}),
  })
  return {
    pool,
    range,
    labels,
    traces,
    signal: stopping.signal,
    guard: async (work) => {
      const result = await work().catch(async (error: unknown) => {
        throw (await future) ?? error
      })
      const beyond = await future
      if (beyond) throw beyond
      return result
    },
    stop: async () => {
      stopping.abort()
      await pool.stop()
    },
  }
}
