import type { ChainBlock, ChainHealth } from '../chain/types.ts'
import {
  createRpcMetrics,
  type GaugeMetric,
  type Meter,
  type MetricLabels,
  type RpcMetrics,
} from '../telemetry/index.ts'
import type { ProcessedBlock } from './createEngine.ts'
import { createPendingMetrics, type PendingMetrics } from './pending/pendingMetrics.ts'

/** What a bot did with one block. */
export type BotTurn = {
  readonly botId: string
  /** Time in its handlers, waiting for state reads included. */
  readonly seconds: number
  /** It hung before and was not asked. */
  readonly isLeftOut: boolean
}

export type WatchMetrics = {
  readonly rpc: RpcMetrics
  readonly pending: PendingMetrics
  readonly onTurn: (chain: string, turn: BotTurn) => void
  readonly onBlock: (chain: string, block: ChainBlock, processed: ProcessedBlock) => void
  readonly onReorg: (chain: string, depth: number) => void
  /** How many findings of each bot a reorg took away. */
  readonly onRetracted: (chain: string, findings: ReadonlyMap<string, number>) => void
  /** Which of the bots at hand run on a chain. */
  readonly onBots: (chain: string, running: ReadonlySet<string>, known: readonly string[]) => void
}

const CHAIN = ['chain'] as const
const BOT = ['chain', 'bot'] as const
const REORG_BUCKETS = [1, 2, 3, 5, 8, 13, 21, 34, 64]
const HANDLER_BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 20]

const clockMs = (): number => performance.timeOrigin + performance.now()

const setKnown = (gauge: GaugeMetric, labels: MetricLabels, value: number | undefined): void => {
  if (value !== undefined) gauge.set(labels, value)
}

/** Gauges of every chain, read from its health at each scrape. */
const registerChains = (
  meter: Meter,
  rpc: RpcMetrics,
  read: () => readonly ChainHealth[],
): void => {
  const gauge = (name: string, help: string) => meter.gauge({ name, help, labels: CHAIN })
  const head = gauge('tocsin_chain_head_block', 'Newest block that an endpoint told of.')
  const processed = gauge(
    'tocsin_chain_processed_block',
    'Newest block whose findings are committed.',
  )
  const finalized = gauge('tocsin_chain_finalized_block', 'Newest final block.')
  const ok = gauge('tocsin_chain_ok', '1 when the chain is followed without trouble.')
  const halted = gauge('tocsin_chain_halted', '1 when the watch stopped and waits for a person.')
  meter.onScrape(() => {
    for (const health of read()) {
      const labels = { chain: health.name }
      setKnown(head, labels, health.head)
      setKnown(processed, labels, health.processed)
      setKnown(finalized, labels, health.finalized)
      ok.set(labels, health.status === 'ok' ? 1 : 0)
      halted.set(labels, health.status === 'halted' ? 1 : 0)
      for (const endpoint of health.endpoints) rpc.onHealth(health.name, endpoint)
    }
  })
}

/** Everything that the watcher tells Prometheus. */
export const createWatchMetrics = (
  meter: Meter,
  readChains: () => readonly ChainHealth[],
): WatchMetrics => {
  const rpc = createRpcMetrics(meter)
  registerChains(meter, rpc, readChains)
  const blocks = meter.counter({
    name: 'tocsin_watcher_blocks_total',
    help: 'Blocks committed.',
    labels: CHAIN,
  })
  const latency = meter.histogram({
    name: 'tocsin_watcher_head_to_commit_seconds',
    help: 'From hearing of a head to the commit of its findings; not while catching up.',
    labels: CHAIN,
  })
  const failures = meter.counter({
    name: 'tocsin_watcher_bot_failures_total',
    help: 'Blocks in which a bot failed.',
    labels: BOT,
  })
  const quarantined = meter.gauge({
    name: 'tocsin_watcher_bot_quarantined',
    help: '1 while a bot that hung is left out.',
    labels: BOT,
  })
  const enabled = meter.gauge({
    name: 'tocsin_watcher_bot_enabled',
    help: '1 when the bot runs on the chain, 0 when it is switched off or has nothing to watch there.',
    labels: BOT,
  })
  const handlers = meter.histogram({
    name: 'tocsin_watcher_handler_seconds',
    help: "One block in a bot's handlers, waiting for state reads included.",
    labels: BOT,
    buckets: HANDLER_BUCKETS,
  })
  const findings = meter.counter({
    name: 'tocsin_watcher_findings_total',
    help: 'Findings committed.',
    labels: [...BOT, 'severity'],
  })
  const retracted = meter.counter({
    name: 'tocsin_watcher_findings_retracted_total',
    help: 'Findings retracted because their block was orphaned.',
    labels: BOT,
  })
  const reorgs = meter.histogram({
    name: 'tocsin_watcher_reorg_depth_blocks',
    help: 'Reorgs by the number of blocks that were orphaned.',
    labels: CHAIN,
    buckets: REORG_BUCKETS,
  })
  return {
    rpc,
    pending: createPendingMetrics(meter),
    onTurn: (chain, { botId, seconds, isLeftOut }) => {
      const labels = { chain, bot: botId }
      quarantined.set(labels, isLeftOut ? 1 : 0)
      if (!isLeftOut) handlers.observe(labels, seconds)
    },
    onBlock: (chain, block, processed) => {
      blocks.add({ chain })
      if (!block.catchingUp) latency.observe({ chain }, (clockMs() - block.seenAtMs) / 1_000)
      for (const botId of processed.failures.keys()) failures.add({ chain, bot: botId })
      for (const { botId, severity } of processed.findings)
        findings.add({ chain, bot: botId, severity })
    },
    onReorg: (chain, depth) => reorgs.observe({ chain }, depth),
    onRetracted: (chain, found) => {
      for (const [bot, count] of found) retracted.add({ chain, bot }, count)
    },
    onBots: (chain, running, known) => {
      blocks.add({ chain }, 0)
      for (const bot of known) {
        enabled.set({ chain, bot }, running.has(bot) ? 1 : 0)
        if (!running.has(bot)) continue
        failures.add({ chain, bot }, 0)
        retracted.add({ chain, bot }, 0)
        quarantined.set({ chain, bot }, 0)
      }
    },
  }
}
