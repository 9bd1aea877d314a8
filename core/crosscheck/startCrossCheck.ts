import { eq } from 'drizzle-orm'
import { createLoop, messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { type Store, tables } from '../store/index.ts'
import {
  HEARTBEAT_MS,
  type Logger,
  type Meter,
  noMeter,
  type ProcessReport,
  type RunningProcess,
  recordSelfFinding,
} from '../telemetry/index.ts'
import { checkChain } from './checkChain.ts'
import type { CheckRow } from './checkProgress.ts'
import { createDoubts } from './createDoubts.ts'
import { LATE_MS, viewCrossCheck } from './viewCrossCheck.ts'

export type CrossCheckOptions = {
  readonly config: Pick<Config, 'chains' | 'watch' | 'indexer'>
  readonly store: Store
  readonly log: Logger
  /** Default: nothing is measured. */
  readonly meter?: Meter
  /** Pause between two looks (ms). Default: 2000. */
  readonly pauseMs?: number
  /** How long a difference must last before it is told (ms). Default: 15000. */
  readonly patienceMs?: number
  /** How long a final block may wait before people are told (ms). Default: 15 minutes; a day while history is indexed. */
  readonly blindMs?: number
}

const PAUSE_MS = 2_000
const PATIENCE_MS = 15_000
const BLIND_MS = 15 * 60_000
const HISTORY_MS = 24 * 3_600_000

/** The indexer says itself that it is at work on history: that takes as long as it takes. */
const isIndexing = async ({ db }: Store): Promise<boolean> => {
  const [row] = await db
    .select()
    .from(tables.processStatus)
    .where(eq(tables.processStatus.name, 'indexer'))
  return row?.status === 'starting' && Date.now() - row.heartbeatAt.getTime() < 5 * HEARTBEAT_MS
}

/** Tells people, once for each block that waited too long. */
const createBlindWatch = (options: CrossCheckOptions) => {
  const { store } = options
  const told = new Set<string>()
  return async (row: CheckRow): Promise<void> => {
    if (row.goalSince === null) return
    const key = `${row.chainId}:${row.goal}`
    const waitedMs = Date.now() - row.goalSince.getTime()
    if (told.has(key) || waitedMs < (options.blindMs ?? BLIND_MS)) return
    if (waitedMs < HISTORY_MS && (await isIndexing(store))) return
    await recordSelfFinding(store.db, {
      alertId: 'CROSS-CHECK-BLIND',
      name: `Watcher and index of ${row.chainName} are not compared`,
      description: `Block ${row.goal} has waited for ${Math.round(waitedMs / 60_000)} min. ${row.reason} What one of the two misses would not be noticed meanwhile.`,
      severity: 'High',
      uniqueKey: key,
      metadata: { chain: row.chainName, block: String(row.goal), reason: row.reason },
    })
    told.add(key)
  }
}

const measure = (meter: Meter, rows: ReadonlyMap<string, CheckRow>): void => {
  const gauge = (name: string, help: string) => meter.gauge({ name, help, labels: ['chain'] })
  const block = gauge(
    'tocsin_cross_check_block',
    'Newest block in which watcher and index were compared.',
  )
  const differences = gauge(
    'tocsin_cross_check_differences',
    'Blocks and addresses on which watcher and index did not agree.',
  )
  const known = gauge(
    'tocsin_cross_check_known',
    '0 when final blocks wait to be compared and cannot be, else 1.',
  )
  meter.onScrape(() => {
    for (const [chain, row] of rows) {
      if (row.checked !== null) block.set({ chain }, row.checked)
      differences.set({ chain }, row.differences)
      known.set({ chain }, viewCrossCheck(row, new Date()).state === 'unknown' ? 0 : 1)
    }
  })
}

/**
 * Compares, off the hot path, what the watcher saw of each watched address with what the index holds, for final blocks.
 * It belongs to a process that needs neither of the two readers, so that it can say when one of them is away.
 */
export const startCrossCheck = (options: CrossCheckOptions): Omit<RunningProcess, 'reload'> => {
  const { config, store, log } = options
  const chains = config.indexer.enabled
    ? config.chains
        .filter(({ name }) => config.watch.some(({ chain }) => chain === name))
        .map(({ id, name, blockTimeMs }) => ({
          id,
          name,
          doubts: createDoubts({
            patienceMs: options.patienceMs ?? Math.max(PATIENCE_MS, 2 * blockTimeMs),
          }),
        }))
    : []
  const rows = new Map<string, CheckRow>()
  const faults = new Map<string, { readonly text: string; readonly sinceMs: number }>()
  const tellBlind = createBlindWatch(options)
  measure(options.meter ?? noMeter, rows)

  const look = async (chain: (typeof chains)[number], signal: AbortSignal): Promise<void> => {
    const before = rows.get(chain.name)
    const row = await checkChain(store.db, chain, chain.doubts, signal)
    if (before && row.differences !== before.differences)
      log.error({ chain: chain.name, block: row.lastDifference }, 'Watcher and index disagree.')
    rows.set(chain.name, row)
    faults.delete(chain.name)
    await tellBlind(row)
  }
  const loop = createLoop(
    async (signal) => {
      for (const chain of chains) {
        if (signal.aborted) return
        // One chain that cannot be looked at must not keep the others from it.
        await look(chain, signal).catch((error: unknown) => {
          const text = messageOf(error)
          const known = faults.get(chain.name)
          if (!known) log.warn({ chain: chain.name, error: text }, 'The readers were not compared.')
          faults.set(chain.name, { text, sinceMs: known?.sinceMs ?? Date.now() })
        })
      }
    },
    {
      pauseMs: options.pauseMs ?? PAUSE_MS,
      onError: (error) => log.warn({ error: messageOf(error) }, 'The readers were not compared.'),
    },
  )

  return {
    report: async (): Promise<ProcessReport> => {
      const now = new Date()
      const views = [...rows].map(([name, row]) => ({ name, ...viewCrossCheck(row, now) }))
      const isUsual = views.some(({ state }) => state === 'unknown') && (await isIndexing(store))
      const reasons = [
        ...views
          .filter(({ state }) => state === 'unknown' && !isUsual)
          .map(({ name, text }) => `the cross-check of ${name} is ${text}`),
        ...[...faults]
          .filter(([, { sinceMs }]) => now.getTime() - sinceMs > LATE_MS)
          .map(([name, { text }]) => `the cross-check of ${name} fails: ${text}`),
      ]
      return {
        status: reasons.length > 0 ? 'degraded' : 'ok',
        reason: reasons.join('; '),
        detail: Object.fromEntries(views.map(({ name, state, text }) => [name, { state, text }])),
      }
    },
    stop: loop.stop,
  }
}
