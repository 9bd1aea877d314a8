import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { desc, eq, isNull } from 'drizzle-orm'
import { cleanText, createLoop, type Loop } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../../store/index.ts'
import { recordSelfFinding } from '../../telemetry/index.ts'
import { appendExecutionLog } from '../executionLog.ts'

const POLL_MS = 250

/** While this file of the data folder exists the signer sends nothing, whatever the database says. */
export const killSwitchFile = (dataDir: string): string => join(dataDir, 'signer.stop')

/** Ids of the stops that were ended where the signer lives, one in a line: rows alone end none. */
const liftedFile = (dataDir: string): string => join(dataDir, 'signer.lifted')

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
    if (lifted.length === 0 && !isFile) return []
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
    return ids
  })
  // Before the file goes: whoever still sees the row must not write it anew.
  await noteLifted(dataDir, rows)
  await rm(file, { force: true })
  return { rows: rows.length, file: isFile }
}

const noteLifted = async (dataDir: string, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return
  await mkdir(dataDir, { recursive: true })
  await appendFile(liftedFile(dataDir), ids.map((id) => `${id}\n`).join(''))
}

const isLifted = async (dataDir: string, id: string): Promise<boolean> =>
  (await readFile(liftedFile(dataDir), 'utf8').catch(() => '')).split('\n').includes(id)

/** Makes a stop that was seen in the database the signer's own: taking its row away ends it no longer. */
const keepStop = async (dataDir: string, { id, who, via, reason }: HaltRow): Promise<void> => {
  const file = killSwitchFile(dataDir)
  if (existsSync(file) || (await isLifted(dataDir, id))) return
  await writeHaltFile(dataDir, { who, via, reason })
  // Ended just now, between the two looks.
  if (await isLifted(dataDir, id)) await rm(file, { force: true })
}

export type KillSwitch = Loop & { readonly isOn: () => boolean }

/**
 * Follows the switch: the file is looked at on every question, the database four times a second and when it calls. A
 * database that cannot be read leaves what was known. A stop that was seen there is written to the file, which only
 * `liftHalt` takes away.
 */
export const watchKillSwitch = async (options: {
  readonly db: Database
  readonly dataDir: string
  readonly onChange: (isOn: boolean) => void
  readonly onError: (error: unknown) => void
}): Promise<KillSwitch> => {
  const file = killSwitchFile(options.dataDir)
  const first = await readHalt(options.db)
  let isInDatabase = first !== undefined
  if (first) await keepStop(options.dataDir, first).catch(options.onError)
  const loop = createLoop(
    async () => {
      const row = await readHalt(options.db)
      const now = row !== undefined
      if (now !== isInDatabase) options.onChange(now)
      isInDatabase = now
      if (row) await keepStop(options.dataDir, row)
    },
    { pauseMs: POLL_MS, onError: options.onError },
  )
  return { ...loop, isOn: () => isInDatabase || existsSync(file) }
}
