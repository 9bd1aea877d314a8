import { and, asc, eq, gt, inArray, ne, or } from 'drizzle-orm'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'
import { type AlertState, createAlertBook, isGone, type Member, QUIET_MS } from './alertBook.ts'
import { databaseNow, tryLockAlerts } from './alertLock.ts'
import { foldKey } from './foldKey.ts'
import { routeFinding } from './routeFinding.ts'
import type { AlertRow, FindingRow, RoutingConfig } from './types.ts'
import { writeAlerts } from './writeAlerts.ts'

export type FoldOptions = {
  readonly db: Database
  readonly config: RoutingConfig
  readonly runbookFor?: ((botId: string) => string | undefined) | undefined
  /** Findings per transaction. Default: 500. */
  readonly batchSize?: number
  /** For tests: what time it is. Default: the database's now. */
  readonly now?: Date | undefined
}

/**
 * Takes findings from the queue and folds them into alerts, incidents and outbox rows, in one transaction.
 * Answers how many queue rows it took: 0 when there are none, or when another notifier is folding.
 */
export const foldFindings = (options: FoldOptions): Promise<number> =>
  options.db.transaction(async (tx) => {
    if (!(await tryLockAlerts(tx))) return 0
    const queued = await tx
      .select({ seq: tables.findingQueue.seq, finding: tables.finding })
      .from(tables.findingQueue)
      .leftJoin(tables.finding, eq(tables.finding.id, tables.findingQueue.findingId))
      .orderBy(asc(tables.findingQueue.seq))
      .limit(options.batchSize ?? 500)
    if (queued.length === 0) return 0
    const findings = inOrder(queued.flatMap(({ finding }) => (finding ? [finding] : [])))
    const now = options.now ?? (await databaseNow(tx))
    const book = createAlertBook({
      states: await loadStates(tx, findings, now),
      now,
      route: (finding) => routeFinding(options.config, finding),
      runbookFor: options.runbookFor,
    })
    for (const finding of findings) book.fold(finding)
    await writeAlerts(tx, options.config, book.states(), now)
    await tx.delete(tables.findingQueue).where(
      inArray(
        tables.findingQueue.seq,
        queued.map(({ seq }) => seq),
      ),
    )
    return queued.length
  })

/**
 * Each finding once: what is taken back first, newest block first; then the rest as the chain has it; last what was
 * seen pending and is closed, so that an alert which its block bears out is never called off in between.
 */
const inOrder = (findings: readonly FindingRow[]): FindingRow[] => {
  const unique = [...new Map(findings.map((finding) => [finding.id, finding])).values()]
  const byPlace = (a: FindingRow, b: FindingRow): number =>
    a.blockNumber - b.blockNumber || a.seq - b.seq
  return [
    ...unique.filter((finding) => finding.status === 'retracted').sort((a, b) => byPlace(b, a)),
    ...unique.filter((finding) => !isGone(finding)).sort(byPlace),
    ...unique
      .filter((finding) => isGone(finding) && finding.status !== 'retracted')
      .sort((a, b) => byPlace(b, a)),
  ]
}

/**
 * The alerts that a batch can change, oldest first; with all members where a finding is taken back or returns.
 */
const loadStates = async (
  tx: DatabaseTransaction,
  findings: readonly FindingRow[],
  now: Date,
): Promise<AlertState[]> => {
  const memberships = await tx
    .select()
    .from(tables.alertFinding)
    .where(
      inArray(
        tables.alertFinding.findingId,
        findings.map(({ id }) => id),
      ),
    )
  const known = new Set(memberships.map(({ findingId }) => findingId))
  const deepKeys = new Set<string>()
  const keys = new Set<string>()
  for (const finding of findings) {
    const key = foldKey(finding)
    keys.add(key)
    if (known.has(finding.id)) deepKeys.add(key)
  }
  const rows = await loadAlerts(
    tx,
    [...keys],
    [...new Set(memberships.map(({ alertId }) => alertId))],
    now,
  )
  const members = await loadMembers(
    tx,
    rows.filter((row) => deepKeys.has(row.key)).map((row) => row.id),
  )
  return rows.map((row) => ({
    row,
    isNew: false,
    members: deepKeys.has(row.key) ? (members.get(row.id) ?? new Map()) : undefined,
    touched: new Map(),
    changes: [],
    traces: new Set(),
  }))
}

const loadAlerts = async (
  tx: DatabaseTransaction,
  keys: readonly string[],
  ids: readonly string[],
  now: Date,
): Promise<AlertRow[]> => {
  const live = await tx
    .select()
    .from(tables.alert)
    .where(
      or(
        inArray(tables.alert.id, [...ids]),
        and(
          inArray(tables.alert.key, [...keys]),
          or(
            inArray(tables.alert.status, ['open', 'unknown']),
            // Its end was taken back while a later alert of the key was open.
            and(
              eq(tables.alert.status, 'resolved'),
              eq(tables.alert.closedBy, 'condition'),
              ne(tables.alert.condition, 'ended'),
            ),
            and(eq(tables.alert.status, 'retracted'), gt(tables.alert.findings, 0)),
            and(
              eq(tables.alert.status, 'retracted'),
              gt(tables.alert.updatedAt, new Date(now.getTime() - QUIET_MS)),
            ),
          ),
        ),
      ),
    )
  return live.sort(
    (a, b) => a.openedAt.getTime() - b.openedAt.getTime() || a.firstBlock - b.firstBlock,
  )
}

const loadMembers = async (
  tx: DatabaseTransaction,
  alertIds: readonly string[],
): Promise<Map<string, Map<string, Member>>> => {
  if (alertIds.length === 0) return new Map()
  const rows = await tx
    .select({
      alertId: tables.alertFinding.alertId,
      findingId: tables.alertFinding.findingId,
      severity: tables.alertFinding.severity,
      retracted: tables.alertFinding.retracted,
      seq: tables.finding.seq,
      blockNumber: tables.finding.blockNumber,
      condition: tables.finding.condition,
    })
    .from(tables.alertFinding)
    .innerJoin(tables.finding, eq(tables.finding.id, tables.alertFinding.findingId))
    .where(inArray(tables.alertFinding.alertId, [...alertIds]))
  const byAlert = new Map<string, Map<string, Member>>()
  for (const { alertId, condition, ...row } of rows) {
    const members = byAlert.get(alertId) ?? new Map<string, Member>()
    members.set(row.findingId, { ...row, condition: condition ?? 'holds' })
    byAlert.set(alertId, members)
  }
  return byAlert
}
