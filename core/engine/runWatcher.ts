import {
  type Address,
  createHeapTidy,
  createLoop,
  messageOf,
  toJson,
  withTimeout,
} from '../base/index.ts'
import type { ChainHealth } from '../chain/types.ts'
import type { Config } from '../config/types.ts'
import { listImported, readLabelRevision } from '../labels/index.ts'
import type { DatabaseTransaction, Store } from '../store/index.ts'
import {
  type Logger,
  type Meter,
  noMeter,
  type ProcessReport,
  type RunningProcess,
} from '../telemetry/index.ts'
import type { BotMarks } from './botMarks.ts'
import type { EngineOptions } from './createEngine.ts'
import { bindBots, type EngineBot, listLabels } from './engineBot.ts'
import type { CommitObserver } from './observeCommits.ts'
import type { BotDefinition, Label } from './types.ts'
import { type ChainWatch, watchChain } from './watchChain.ts'
import { createWatchMetrics } from './watchMetrics.ts'

export type WatcherOptions = {
  /** With the secrets of `rpc`. */
  readonly config: Config
  readonly store: Store
  /** Every bot at hand; the watchlist chooses among them. A function is asked again at each reload. */
  readonly bots: readonly BotDefinition<unknown>[] | (() => readonly BotDefinition<unknown>[])
  /** Bots that no watched thing calls up, by chain: hosted programs. Default: none. */
  readonly hosted?: (chainName: string) => readonly EngineBot[]
  /** Called inside the transaction that commits a block: intents and whatever else must not be lost go here. */
  readonly onCommit?: EngineOptions<DatabaseTransaction>['onCommit']
  readonly concernsCommit?: EngineOptions<DatabaseTransaction>['concernsCommit']
  /** Hears whether findings could be committed. Default: nobody. */
  readonly commits?: CommitObserver | undefined
  readonly log: Logger
  /** Default: nothing is measured. */
  readonly meter?: Meter
  /** Where the process's watchdog reads whose code is on the thread. Default: no watchdog. */
  readonly marks?: BotMarks | undefined
  /** How long to wait for another watcher to let go of a chain (ms). Default: 15000. */
  readonly lockPatienceMs?: number
}

const HEALTH_CHECK_MS = 30_000
const WELL: readonly ChainHealth['status'][] = ['ok']

/** What the indexer stores the logs of, when there is one. */
const listTallied = (config: Config, chainName: string): readonly Address[] =>
  config.indexer.enabled
    ? [
        ...new Set(
          config.watch.filter(({ chain }) => chain === chainName).map(({ address }) => address),
        ),
      ]
    : []

/** How often the watcher looks whether labels were imported (ms). */
const LABEL_CHECK_MS = 3_000

/** Labels of the watchlist and its files, then those that were imported for the chain. */
const readLabels = async (
  config: Config,
  chainId: number,
  name: string,
  store: Store,
): Promise<readonly Label[]> => [
  ...listLabels(config, name),
  ...(await listImported(store.db, chainId)),
]

/**
 * The watcher: follows every chain of the watchlist and runs its bots.
 * @throws TocsinError `bot.unknown`, `bot.needs_invalid`, `engine.locked`; nothing half-started stays behind
 */
export const runWatcher = async (options: WatcherOptions): Promise<RunningProcess> => {
  const { store, log } = options
  let { config } = options
  const { bots } = options
  const botsAtHand = typeof bots === 'function' ? bots : () => bots
  const watches: ChainWatch[] = []
  const heap = createHeapTidy()
  const complaints = new Map<string, readonly string[]>()
  const metrics = createWatchMetrics(options.meter ?? noMeter, () =>
    watches.map((watch) => watch.health()),
  )
  /** The bots of one chain, which Prometheus hears of too. */
  const bind = (from: Config, chainName: string): ReturnType<typeof bindBots> => {
    const bound = [
      ...bindBots(from, botsAtHand(), chainName),
      ...(options.hosted?.(chainName) ?? []),
    ]
    metrics.onBots(
      chainName,
      new Set(bound.map(({ definition }) => definition.id)),
      botsAtHand().map(({ id }) => id),
    )
    return bound
  }
  const stop = async (): Promise<void> => {
    heap.stop()
    await Promise.all(watches.map((watch) => watch.stop()))
  }
  let labelRevision = ''
  try {
    // Before the labels themselves: an import in between is seen by the first check.
    labelRevision = await readLabelRevision(store.db)
    for (const chain of config.chains)
      watches.push(
        await watchChain({
          chain,
          store,
          log,
          metrics,
          marks: options.marks,
          bots: bind(config, chain.name),
          labels: await readLabels(config, chain.id, chain.name, store),
          tallied: listTallied(config, chain.name),
          ...(options.onCommit ? { onCommit: options.onCommit } : {}),
          concernsCommit: options.concernsCommit,
          commits: options.commits,
          heap,
          ...(options.lockPatienceMs === undefined
            ? {}
            : { lockPatienceMs: options.lockPatienceMs }),
        }),
      )
  } catch (error) {
    await stop()
    throw error
  }

  const reload = async (next: Config): Promise<void> => {
    for (const watch of watches) {
      const chain = next.chains.find(({ name }) => name === watch.name)
      if (!chain) continue
      const labels = await readLabels(next, chain.id, chain.name, store)
      await watch.reload(bind(next, chain.name), labels)
    }
    config = next
  }
  const labelChecks = createLoop(
    async () => {
      const revision = await readLabelRevision(store.db)
      if (revision === labelRevision) return
      await reload(config)
      labelRevision = revision
      log.info('The imported labels changed and were taken up.')
    },
    {
      pauseMs: LABEL_CHECK_MS,
      onError: (error) =>
        log.warn({ error: messageOf(error) }, 'The imported labels could not be read.'),
    },
  )
  const checks = createLoop(
    async () => {
      const enabled = botsAtHand().filter(({ id }) => config.bots[id]?.enabled)
      const hosted = config.chains.flatMap(({ name }) =>
        (options.hosted?.(name) ?? []).map(({ definition }) => definition),
      )
      for (const bot of [...enabled, ...hosted]) {
        if (!bot.healthCheck) continue
        const check = bot.healthCheck
        const found = await withTimeout(
          async () => {
            const mark = options.marks?.markOf(bot.id)
            mark?.enter('healthCheck', -1)
            try {
              return check()
            } finally {
              mark?.leave()
            }
          },
          5_000,
          `healthCheck of ${bot.id}`,
        ).catch((error: unknown) => [messageOf(error)])
        complaints.set(bot.id, found)
      }
    },
    {
      pauseMs: HEALTH_CHECK_MS,
      onError: (error) =>
        log.warn({ error: messageOf(error) }, 'The bots could not be asked how they are.'),
    },
  )

  return {
    report: (): ProcessReport => {
      const chains = watches.map((watch) => watch.health())
      const unwell = chains.filter(({ status }) => !WELL.includes(status))
      const [sick] = [...complaints].filter(([, found]) => found.length > 0)
      const reasons = [
        ...unwell.map(({ name, status, reason }) => `${name} ${status}: ${reason}`),
        ...(sick ? [`${sick[0]}: ${sick[1][0]}`] : []),
      ]
      return {
        status: reasons.length === 0 ? 'ok' : 'degraded',
        reason: reasons.join(' '),
        detail: toJson({ chains, bots: Object.fromEntries(complaints) }),
      }
    },
    reload,
    stop: async () => {
      await labelChecks.stop()
      await checks.stop()
      await stop()
    },
  }
}
