import { createLoop, messageOf, toJson } from '../base/index.ts'
import { type Store, tables } from '../store/index.ts'
import type { Logger } from './createLogger.ts'
import type { ProcessReport } from './types.ts'

export type Heartbeat = { readonly stop: () => Promise<void> }

/** How often a process says that it lives (ms). Readers take one for lost after five times as long. */
export const HEARTBEAT_MS = 2_000

/** Writes the process's report to Postgres every two seconds, and `stopped` at the end. A database that is away costs a log line, never the process. */
export const createHeartbeat = (options: {
  readonly store: Store
  readonly name: string
  readonly configHash: string
  readonly report: () => ProcessReport | Promise<ProcessReport>
  readonly log: Logger
}): Heartbeat => {
  const { store, name, configHash } = options
  const startedAt = new Date()
  const write = async (
    status: ProcessReport['status'] | 'stopped',
    reason: string,
    detail: ProcessReport['detail'],
  ): Promise<void> => {
    const row = {
      pid: process.pid,
      status,
      reason,
      detail,
      configHash,
      startedAt,
      heartbeatAt: new Date(),
    }
    await store.db
      .insert(tables.processStatus)
      .values({ name, ...row })
      .onConflictDoUpdate({ target: tables.processStatus.name, set: row })
  }
  const withMemory = (detail: ProcessReport['detail']): ProcessReport['detail'] => ({
    ...(typeof detail === 'object' && detail !== null && !Array.isArray(detail)
      ? detail
      : { detail }),
    rssBytes: process.memoryUsage.rss(),
  })
  const loop = createLoop(
    async () => {
      const report = await options.report()
      await write(report.status, report.reason, withMemory(toJson(report.detail)))
    },
    {
      pauseMs: HEARTBEAT_MS,
      onError: (error) =>
        options.log.warn({ error: messageOf(error) }, 'The heartbeat was not written.'),
    },
  )
  return {
    stop: async () => {
      await loop.stop()
      await write('stopped', '', {}).catch((error: unknown) =>
        options.log.warn({ error: messageOf(error) }, 'The end was not recorded.'),
      )
    },
  }
}
