import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Database } from '../store/index.ts'
import { type Meter, recordSelfFinding } from '../telemetry/index.ts'
import { type LogAnchor, readLogHead, verifyExecutionLog } from './executionLog.ts'

const anchorSchema = z.object({
  seq: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
})

/** Where the signer notes the head of its log, outside the database. */
export const auditAnchorFile = (dataDir: string): string => join(dataDir, 'audit.head')

/** The noted head; undefined when none was noted. A file that cannot be read as one throws. */
export const readAuditAnchor = async (dataDir: string): Promise<LogAnchor | undefined> => {
  const text = await readFile(auditAnchorFile(dataDir), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    },
  )
  return text === undefined ? undefined : anchorSchema.parse(JSON.parse(text))
}

const writeAuditAnchor = async (dataDir: string, anchor: LogAnchor): Promise<void> => {
  const file = auditAnchorFile(dataDir)
  const next = `${file}.${process.pid}`
  const handle = await open(next, 'w', 0o640)
  try {
    await handle.writeFile(`${JSON.stringify({ ...anchor, at: new Date().toISOString() })}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, file)
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes what signers left behind that were killed while they noted a head. */
const clearAbandoned = async (dataDir: string): Promise<void> => {
  for (const name of await readdir(dataDir)) {
    const pid = Number(/^audit\.head\.(\d+)$/.exec(name)?.[1])
    if (pid > 0 && !isAlive(pid)) await rm(join(dataDir, name), { force: true })
  }
}

export type AuditFollower = {
  /** Verifies what was written since, and notes the head. */
  readonly turn: () => Promise<void>
  readonly head: () => LogAnchor | undefined
  /** What is wrong with the log; empty when nothing is. */
  readonly trouble: () => string
}

/**
 * Keeps the head of the decision log in a file of the data folder and in the metrics, each time after verifying what
 * was added. A log that does not follow from what was noted is told to people and never noted over.
 */
export const followAudit = (options: {
  readonly db: Database
  readonly dataDir: string
  readonly meter: Meter
}): AuditFollower => {
  const { db, dataDir } = options
  let head: LogAnchor | undefined
  let isRead = false
  let trouble = ''
  const gauge = options.meter.gauge({
    name: 'tocsin_signer_audit_row',
    help: 'Newest verified row of the decision log; it never falls.',
  })
  const whole = options.meter.gauge({
    name: 'tocsin_signer_audit_whole',
    help: '1 while the decision log follows from what was noted of it.',
  })
  /** The first look walks the whole log; later ones what was added since. */
  const verify = async (isFirst: boolean): Promise<string> => {
    const result = await verifyExecutionLog(
      db,
      isFirst ? { anchors: head ? [head] : [] } : { after: head },
    )
    if (!result.ok) return result.message
    if (result.seq === 0 || result.seq === head?.seq) return ''
    head = { seq: result.seq, hash: result.head }
    await writeAuditAnchor(dataDir, head)
    return ''
  }
  const check = async (): Promise<string> => {
    const isFirst = !isRead
    if (isFirst) {
      head = await readAuditAnchor(dataDir)
      await clearAbandoned(dataDir)
    }
    isRead = true
    if (isFirst) return verify(true)
    const now = await readLogHead(db)
    if (head && (now?.seq ?? 0) < head.seq)
      return `The log ends at row ${now?.seq ?? 0}, but row ${head.seq} was noted: its end was cut off.`
    const isSame = now?.seq === head?.seq && now?.hash === head?.hash
    return isSame ? '' : verify(false)
  }
  return {
    turn: async () => {
      const found = await check()
      if (found && found !== trouble)
        await recordSelfFinding(db, {
          alertId: 'AUDIT-BROKEN',
          name: "The signer's decision log was tampered with",
          description: `${found} \`tocsin audit verify\` walks the whole log.`,
          severity: 'Critical',
          uniqueKey: `${head?.hash ?? 'none'}:${found}`,
        })
      trouble = found
      gauge.set({}, head?.seq ?? 0)
      whole.set({}, found ? 0 : 1)
    },
    head: () => head,
    trouble: () => trouble,
  }
}
