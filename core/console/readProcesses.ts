import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Config } from '../config/types.ts'
import { viewCrossCheck } from '../crosscheck/index.ts'
import { type Database, tables } from '../store/index.ts'
import { HEARTBEAT_MS } from '../telemetry/index.ts'
import type { ChainView, ProcessView } from './overviewTypes.ts'

/** A process that was silent for so long is taken for lost (ms). */
export const LOST_AFTER_MS = 5 * HEARTBEAT_MS

// What processes wrote into JSON: anything in it may be missing or of another version.
const endpointSchema = z.object({
  url: z.string().catch(''),
  score: z.number().catch(0),
  head: z.number().optional().catch(undefined),
  ok: z.boolean().catch(false),
  lastError: z.string().optional().catch(undefined),
  latencyMs: z.number().optional().catch(undefined),
})
const healthSchema = z.object({
  name: z.string().optional().catch(undefined),
  chainId: z.number().optional().catch(undefined),
  status: z
    .enum(['ok', 'catching_up', 'degraded', 'stalled', 'halted'])
    .optional()
    .catch(undefined),
  reason: z.string().catch(''),
  head: z.number().optional().catch(undefined),
  endpoints: z.array(endpointSchema).catch([]),
})
type Health = z.infer<typeof healthSchema>
const NO_HEALTH: Health = { reason: '', endpoints: [] }
const detailSchema = z
  .object({
    rssBytes: z.number().nullable().catch(null).default(null),
    chains: z
      .union([z.array(z.unknown()), z.record(z.string(), z.unknown())])
      .catch([])
      .default([]),
  })
  .catch({ rssBytes: null, chains: [] })

export type ProcessRow = typeof tables.processStatus.$inferSelect

export const viewProcess = (row: ProcessRow, now: Date): ProcessView => {
  const silentMs = now.getTime() - row.heartbeatAt.getTime()
  const isLost = row.status !== 'stopped' && silentMs > LOST_AFTER_MS
  return {
    name: row.name,
    pid: row.pid,
    state: isLost ? 'lost' : row.status,
    reason: isLost ? `no sign of life for ${Math.round(silentMs / 1000)} s` : row.reason,
    restarts: row.restarts,
    startedAt: row.startedAt,
    heartbeatAt: row.heartbeatAt,
    rssBytes: detailSchema.parse(row.detail).rssBytes,
    configHash: row.configHash,
  }
}

const parseHealth = (value: unknown): Health => {
  const parsed = healthSchema.safeParse(value)
  return parsed.success ? parsed.data : NO_HEALTH
}

/** Health that the watcher gives in its own heartbeat, fresher than the cursor's when no block comes. */
const healthInHeartbeat = (
  processes: readonly ProcessRow[],
  name: string,
  id: number,
): Health | undefined => {
  const watcher = processes.find((row) => row.name === 'watcher')
  const { chains } = detailSchema.parse(watcher?.detail)
  const named = Array.isArray(chains) ? undefined : chains[name]
  if (named !== undefined) return parseHealth(named)
  const list = Array.isArray(chains) ? chains.map(parseHealth) : []
  return list.find((health) => health.name === name || health.chainId === id)
}

export const readChains = async (
  db: Database,
  config: Pick<Config, 'chains'>,
  processes: readonly ProcessRow[],
  now: Date,
): Promise<readonly ChainView[]> => {
  const cursors = await db.select().from(tables.chainCursor)
  const checks = await db.select().from(tables.crossCheck)
  const latencies = await readLatencies(
    db,
    config.chains.map(({ id }) => id),
  )
  const watcher = processes.find((row) => row.name === 'watcher')
  const watcherState = watcher ? viewProcess(watcher, now).state : 'lost'
  const isWatched =
    watcherState === 'ok' || watcherState === 'degraded' || watcherState === 'starting'
  const known = new Map(config.chains.map(({ id, name }) => [id, name]))
  for (const cursor of cursors)
    if (!known.has(cursor.chainId)) known.set(cursor.chainId, cursor.chainName)
  return [...known].map(([chainId, name]) => {
    const cursor = cursors.find((row) => row.chainId === chainId)
    const check = checks.find((row) => row.chainId === chainId)
    const health = healthInHeartbeat(processes, name, chainId) ?? parseHealth(cursor?.health)
    const processed = cursor?.number ?? null
    const head = Math.max(health.head ?? -1, cursor?.head ?? -1)
    const series = latencies.get(chainId) ?? []
    const unknown = !cursor || !isWatched
    return {
      chainId,
      name,
      state: unknown ? 'unknown' : (health.status ?? 'unknown'),
      reason: !cursor
        ? 'no block was read yet'
        : !isWatched
          ? 'the watcher does not run'
          : health.status
            ? health.reason
            : 'the watcher has not said how it is',
      processed,
      head: head < 0 ? null : head,
      finalized: cursor?.finalized ?? null,
      lag: processed === null || head < 0 ? null : Math.max(0, head - processed),
      updatedAt: cursor?.updatedAt ?? null,
      latenciesMs: series,
      medianLatencyMs: series.toSorted((a, b) => a - b)[Math.floor(series.length / 2)] ?? null,
      endpoints: health.endpoints.map(({ head: at, lastError, latencyMs, ...rest }) => ({
        ...rest,
        head: at,
        lastError,
        latencyMs,
      })),
      crossCheck: check ? viewCrossCheck(check, now) : null,
    }
  })
}

const BLOCKS_SHOWN = 60

const readLatencies = async (
  db: Database,
  chainIds: readonly number[],
): Promise<ReadonlyMap<number, readonly number[]>> => {
  if (chainIds.length === 0) return new Map()
  const ids = sql.join(
    chainIds.map((id) => sql`${id}::int`),
    sql`, `,
  )
  const { rows } = await db.execute<{ chain_id: number; latencies: number[] }>(sql`
    select c as chain_id, array(
      select latency_ms from tocsin.chain_block b
      where b.chain_id = c and latency_ms is not null
      order by number desc limit ${BLOCKS_SHOWN}) as latencies
    from unnest(array[${ids}]) c`)
  return new Map(rows.map((row) => [row.chain_id, row.latencies.toReversed()]))
}
