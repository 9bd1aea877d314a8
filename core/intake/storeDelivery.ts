import { and, eq, gt, sql } from 'drizzle-orm'
import { stableHash } from '../base/index.ts'
import type { Config, ReceiverConfig } from '../config/types.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../store/index.ts'
import { toFindingRow } from './toFindingRow.ts'
import type { Acceptance, ExternalFinding, HandleAcknowledgement, Outcome } from './types.ts'

export type Stored = {
  /** The same delivery was taken before: nothing was stored. */
  readonly isRepeat: boolean
  /** Findings that were not known yet. */
  readonly findings: number
  readonly outcomes: readonly Outcome[]
}

export type StoreOptions = {
  readonly db: Database
  readonly config: Pick<Config, 'watch'>
  readonly receiver: ReceiverConfig
  readonly nowMs: number
  readonly onAcknowledgement: HandleAcknowledgement
}

/** False when the delivery was marked before and its mark still counts. */
const mark = async (
  tx: DatabaseTransaction,
  options: StoreOptions,
  once: NonNullable<Acceptance['once']>,
): Promise<boolean> => {
  const { receiver, nowMs } = options
  const expiresAt = new Date(nowMs + once.forMs)
  const marked = await tx
    .insert(tables.intakeDelivery)
    .values({
      receiver: receiver.name,
      key: stableHash(once.key),
      expiresAt,
      takenAt: new Date(nowMs),
    })
    .onConflictDoUpdate({
      target: [tables.intakeDelivery.receiver, tables.intakeDelivery.key],
      set: { expiresAt, takenAt: new Date(nowMs) },
      setWhere: sql`${tables.intakeDelivery.expiresAt} <= ${new Date(nowMs).toISOString()}::timestamptz`,
    })
    .returning({ key: tables.intakeDelivery.key })
  return marked.length > 0
}

const insertFindings = async (
  tx: DatabaseTransaction,
  options: StoreOptions,
  findings: readonly ExternalFinding[],
): Promise<number> => {
  if (findings.length === 0) return 0
  const rows = findings.map((finding) =>
    toFindingRow(finding, options.receiver, options.config, options.nowMs),
  )
  const unique = [...new Map(rows.map((row) => [row.id, row])).values()]
  const stored = await tx
    .insert(tables.finding)
    .values(unique)
    .onConflictDoNothing()
    .returning({ id: tables.finding.id })
  if (stored.length > 0) await notify(tx, 'tocsin_finding')
  return stored.length
}

const isMarked = async (
  { db, receiver, nowMs }: StoreOptions,
  once: NonNullable<Acceptance['once']>,
): Promise<boolean> => {
  const { intakeDelivery: table } = tables
  const rows = await db
    .select({ key: table.key })
    .from(table)
    .where(
      and(
        eq(table.receiver, receiver.name),
        eq(table.key, stableHash(once.key)),
        gt(table.expiresAt, new Date(nowMs)),
      ),
    )
  return rows.length > 0
}

/**
 * Stores an accepted delivery: its mark against replays and its findings, all or nothing. Acknowledgements come first:
 * their handler writes by itself and minds repeats, so that one which fails is asked again when the vendor repeats it.
 */
export const storeDelivery = async (
  acceptance: Acceptance,
  options: StoreOptions,
): Promise<Stored> => {
  const { events, once } = acceptance
  const { receiver } = options
  const findings = events.filter((event) => event.kind === 'finding')
  const answers = events.filter((event) => event.kind === 'acknowledgement')
  if (!once && findings.length === 0 && answers.length === 0)
    return {
      isRepeat: false,
      findings: 0,
      outcomes: events.map((event) => ({ event, text: undefined })),
    }
  const repeat: Stored = { isRepeat: true, findings: 0, outcomes: [] }
  if (once && answers.length > 0 && (await isMarked(options, once))) return repeat
  const outcomes: Outcome[] = []
  for (const event of events) {
    const answer =
      event.kind === 'acknowledgement'
        ? await options.onAcknowledgement(event, { name: receiver.name, kind: receiver.kind })
        : undefined
    outcomes.push({ event, text: answer?.text })
  }
  return options.db.transaction(async (tx) => {
    if (once && !(await mark(tx, options, once))) return repeat
    return { isRepeat: false, findings: await insertFindings(tx, options, findings), outcomes }
  })
}

/** Most marks of one receiver that are kept: the oldest give way. */
const MAX_MARKS = 200_000

/** Deletes marks that no longer count, and of too many the oldest. */
export const tidyDeliveries = async (db: Database, nowMs: number): Promise<void> => {
  await db.execute(
    sql`delete from tocsin.intake_delivery where expires_at <= ${new Date(nowMs).toISOString()}::timestamptz`,
  )
  await db.execute(sql`
    delete from tocsin.intake_delivery d using (
      select receiver, key from (
        select receiver, key, row_number() over (partition by receiver order by taken_at desc) as place
        from tocsin.intake_delivery) ranked
      where place > ${MAX_MARKS}) old
    where d.receiver = old.receiver and d.key = old.key`)
}
