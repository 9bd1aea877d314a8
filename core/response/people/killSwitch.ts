import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { desc, eq, isNull } from 'drizzle-orm'
import { cleanText, createLoop, type Loop } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../../store/index.ts'
import { recordSelfFinding } from '../../telemetry/index.ts'
import { appendExecutionLog } from '../executionLog.ts'

const POLL_MS = 250

/** While this file of the data folder exists the signer sends nothing, whatever the database says. */
export const killSwitchFile = (dataDir: string): string => join(dataDir, 'signer.stop')

/** Who stopped everything, and why. */
export type Halt = {
  readonly who: string
  readonly via: 'cli' | 'api' | 'console'
  readonly reason: string
}

export type HaltRow = typeof tables.killSwitch.$inferSelect

const clean = ({ who, via, reason }: Halt): Halt => ({
  who: cleanText(who, 200) || 'unknown',
  via,
  reason: cleanText(reason, 500) || 'no reason given',
})

/** Stops all automatic action by the file alone: works without a database. */
export const writeHaltFile = async (dataDir: string, halt: Halt): Promise<void> => {
  const file = killSwitchFile(dataDir)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify({ at: new Date().toISOString(), ...clean(halt) })}\n`)
}

/**
 * Stops all automatic action by the database, logs it, and tells people. Repeating it only takes back what people agreed
 * to about its end.
 */
export const recordHalt = (db: Database, given: Halt): Promise<HaltRow> =>
  db.transaction(async (tx) => {
    const halt = clean(given)
    const id = `h_${randomBytes(8).toString('hex')}`
    const on = await readHalt(tx)
    if (on) {
      // Whoever stops again has not agreed that it goes on.
      await tx.delete(tables.haltAnswer).where(eq(tables.haltAnswer.haltId, on.id))
      return on
    }
    const [row] = await tx
      .insert(tables.killSwitch)
      .values({ id, ...halt })
      .returning()
    if (!row) throw new Error('the row was not returned')
    await appendExecutionLog(tx, 'halt', 'halted', { id, ...halt })
    await recordSelfFinding(tx, {
      alertId: 'HALTED',
      name: 'All automatic action is stopped',
      description: `${halt.who} stopped all automatic action: ${halt.reason}. The signer sends nothing until somebody at the machine runs \`tocsin resume\`, or enough approvers agree by the console.`,
      severity: 'Critical',
      uniqueKey: id,
      metadata: { ...halt },
    })
    await notify(tx, 'tocsin_halt', 'on')
    return row
  })

/** The newest stop that stands in the database. */
export const readHalt = async (
  db: Database | DatabaseTransaction,
): Promise<HaltRow | undefined> => {
  const [row] = await db
    .select()
    .from(tables.killSwitch)
    .where(isNull(tables.killSwitch.liftedAt))
    .orderBy(desc(tables.killSwitch.at))
    .limit(1)
  return row
}

/**
 * Ends every stop, in the database first and then the file. Only a person at the machine may, and the signer when enough
 * people agreed. Returns how many stood.
 */
export const liftHalt = async (
  db: Database,
  dataDir: string,
  by: string,
): Promise<{ readonly rows: number; readonly file: boolean }> => {
  const who = cleanText(by, 200) || 'unknown'
  const file = killSwitchFile(dataDir)
  const isFile = existsSync(file)
  const rows = await db.transaction(async (tx) => {
    const lifted = await tx
      .update(tables.killSwitch)
      .set({ liftedAt: new Date(), liftedBy: who })
      .where(isNull(tables.killSwitch.liftedAt))
      .returning({ id: tables.killSwitch.id })
    if (lifted.length === 0 && !isFile) return 0
    const ids = lifted.map(({ id }) => id)
    await appendExecutionLog(tx, 'halt', 'resumed', { by: who, ids, file: isFile })
    await recordSelfFinding(tx, {
      alertId: 'RESUMED',
      name: 'Automatic action goes on',
      description: `${who} ended the stop of all automatic action.`,
      severity: 'High',
      uniqueKey: ids[0] ?? `file:${Date.now()}`,
    })
    await notify(tx, 'tocsin_halt', 'off')
    return lifted.length
  })
  await rm(file, { force: true })
  return { rows, file: isFile }
}

export type KillSwitch = Loop & { readonly isOn: () => boolean }

/**
 * Follows the switch: the file is looked at on every question, the database four times a second and when it calls. A
 * database that cannot be read leaves what was known.
 */
export const watchKillSwitch = async (options: {
  readonly db: Database
  readonly dataDir: string
  readonly onChange: (isOn: boolean) => void
  readonly onError: (error: unknown) => void
}): Promise<KillSwitch> => {
  const file = killSwitchFile(options.dataDir)
  let isInDatabase = (await readHalt(options.db)) !== undefined
  const loop = createLoop(
    async () => {
      const now = (await readHalt(options.db)) !== undefined
      if (now !== isInDatabase) options.onChange(now)
      isInDatabase = now
    },
    { pauseMs: POLL_MS, onError: options.onError },
  )
  return { ...loop, isOn: () => isInDatabase || existsSync(file) }
}
