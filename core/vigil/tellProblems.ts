import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import type { Problem } from './problems.ts'

const KEY = 'vigil.problems'
const heldSchema = z.record(
  z.string(),
  z.object({
    since: z.string(),
    alertId: z.string(),
    key: z.string(),
    name: z.string(),
    severity: z.enum(['Critical', 'High', 'Medium']),
    avoid: z.string().optional(),
  }),
)
type Held = z.infer<typeof heldSchema>

const nameOf = ({ alertId, key }: Pick<Problem, 'alertId' | 'key'>): string => `${alertId}/${key}`

/** What the vigil holds to be wrong now, as it was last told. */
const readHeld = async (db: Database | DatabaseTransaction): Promise<Held> => {
  const { rows } = await db.execute<{ value: unknown }>(
    sql`select value from tocsin.key_value where key = ${KEY}`,
  )
  const parsed = heldSchema.safeParse(rows[0]?.value)
  return parsed.success ? parsed.data : {}
}

/**
 * Records what began and what ended since the last look, as conditions. Any number of notifiers may look: each beginning
 * and each end is recorded once. Answers what began.
 */
export const tellProblems = async (
  db: Database,
  options: {
    readonly problems: readonly Problem[]
    readonly now: Date
    /** Channel that hears of it whatever the routes say. */
    readonly alarm: string | undefined
  },
): Promise<readonly Problem[]> => {
  const { problems, now, alarm } = options
  const current = new Map(problems.map((problem) => [nameOf(problem), problem]))
  const isSame = (held: Held): boolean =>
    current.size === Object.keys(held).length && [...current.keys()].every((name) => name in held)
  if (isSame(await readHeld(db))) return []
  return db.transaction(async (tx) => {
    await tx.insert(tables.keyValue).values({ key: KEY, value: {} }).onConflictDoNothing()
    await tx.execute(sql`select 1 from tocsin.key_value where key = ${KEY} for update`)
    const held = await readHeld(tx)
    const metadata = (avoid: string | undefined): Record<string, string> => ({
      ...(alarm === undefined ? {} : { channels: alarm }),
      ...(avoid === undefined ? {} : { avoid }),
    })
    const began = [...current].filter(([name]) => !(name in held)).map(([, problem]) => problem)
    for (const problem of began)
      await recordSelfFinding(tx, {
        alertId: problem.alertId,
        name: problem.name,
        description: problem.description,
        severity: problem.severity,
        uniqueKey: problem.key,
        metadata: metadata(problem.avoid),
        condition: { state: 'holds', occurrence: now.toISOString() },
      })
    const ended = Object.entries(held).filter(([name]) => !current.has(name))
    for (const [, was] of ended)
      await recordSelfFinding(tx, {
        alertId: was.alertId,
        name: was.name,
        description: `It is over; it began at ${was.since}.`,
        severity: was.severity,
        uniqueKey: was.key,
        metadata: metadata(was.avoid),
        condition: { state: 'ended', occurrence: now.toISOString() },
      })
    const next: Held = Object.fromEntries(
      [...current].map(([name, problem]) => [
        name,
        held[name] ?? {
          since: now.toISOString(),
          alertId: problem.alertId,
          key: problem.key,
          name: problem.name,
          severity: problem.severity,
          ...(problem.avoid === undefined ? {} : { avoid: problem.avoid }),
        },
      ]),
    )
    await tx.execute(sql`
      update tocsin.key_value set value = ${JSON.stringify(next)}::jsonb, updated_at = now() where key = ${KEY}`)
    return began
  })
}
