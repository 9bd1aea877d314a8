import { asc, gt } from 'drizzle-orm'
import { createLoop, messageOf } from '../core/base/index.ts'
import { createListener, type Store, tables } from '../core/store/index.ts'

export type FindingRow = typeof tables.finding.$inferSelect
export type AlertRow = typeof tables.alert.$inferSelect
export type ExecutionRow = typeof tables.execution.$inferSelect

export type Story = {
  /** As last read. */
  readonly findings: () => readonly FindingRow[]
  readonly alerts: () => readonly AlertRow[]
  readonly executions: () => readonly ExecutionRow[]
  /** Newest block that the watcher has committed. */
  readonly committed: () => number | undefined
  /** Reads everything once more. */
  readonly refresh: () => Promise<void>
  readonly stop: () => Promise<void>
}

export type StoryHandlers = {
  readonly onFinding: (row: FindingRow) => void
  readonly onRetracted: (row: FindingRow) => void
  /** Opened, or changed in status or severity. */
  readonly onAlert: (row: AlertRow, before: AlertRow | undefined) => void
  /** New, or changed in status. */
  readonly onExecution: (row: ExecutionRow, before: ExecutionRow | undefined) => void
}

const PAUSE_MS = 250
const PAGE = 500

/** Reads what Tocsin's processes write down, as they write it, and hands on each change once. */
export const followStory = (store: Store, handlers: StoryHandlers): Story => {
  const { db } = store
  const findings = new Map<string, FindingRow>()
  const alerts = new Map<string, AlertRow>()
  const executions = new Map<string, ExecutionRow>()
  let revision = 0
  let committed: number | undefined
  let complaint = ''

  const readFindings = async (): Promise<void> => {
    const rows = await db
      .select()
      .from(tables.finding)
      .where(gt(tables.finding.revision, revision))
      .orderBy(asc(tables.finding.revision))
      .limit(PAGE)
    for (const row of rows) {
      const before = findings.get(row.id)
      findings.set(row.id, row)
      // Transactions commit out of the order of their revisions; a few are read twice rather than missed.
      revision = Math.max(revision, row.revision - 50)
      if (!before) handlers.onFinding(row)
      if (row.status === 'retracted' && before?.status !== 'retracted') handlers.onRetracted(row)
    }
    if (rows.length === PAGE) revision = rows.at(-1)?.revision ?? revision
  }
  const readAlerts = async (): Promise<void> => {
    for (const row of await db
      .select()
      .from(tables.alert)
      .orderBy(asc(tables.alert.openedAt))
      .limit(PAGE)) {
      const before = alerts.get(row.id)
      alerts.set(row.id, row)
      if (before?.status !== row.status || before.severity !== row.severity)
        handlers.onAlert(row, before)
    }
  }
  const readExecutions = async (): Promise<void> => {
    for (const row of await db
      .select()
      .from(tables.execution)
      .orderBy(asc(tables.execution.requestedAt))
      .limit(PAGE)) {
      const before = executions.get(row.id)
      executions.set(row.id, row)
      if (before?.status !== row.status) handlers.onExecution(row, before)
    }
  }
  const readCursor = async (): Promise<void> => {
    const [cursor] = await db
      .select({ number: tables.chainCursor.number })
      .from(tables.chainCursor)
      .limit(1)
    committed = cursor?.number
  }
  let turns: Promise<void> = Promise.resolve()
  /** One at a time, so that nothing is told twice. */
  const refresh = (): Promise<void> => {
    turns = turns
      .catch(() => undefined)
      .then(async () => {
        await readCursor()
        await readFindings()
        await readAlerts()
        await readExecutions()
      })
    return turns
  }
  const onError = (error: unknown): void => {
    complaint = messageOf(error)
  }
  const loop = createLoop(refresh, { pauseMs: PAUSE_MS, onError })
  const listener = createListener({
    url: store.url,
    topics: ['tocsin_finding', 'tocsin_alert', 'tocsin_execution'],
    onNotify: () => loop.wake(),
    onError,
  })
  return {
    findings: () => [...findings.values()],
    alerts: () => [...alerts.values()],
    executions: () => [...executions.values()],
    committed: () => committed,
    refresh: async () => {
      await refresh()
      if (complaint && committed === undefined) throw new Error(complaint)
    },
    stop: async () => {
      await listener.stop()
      await loop.stop()
    },
  }
}
