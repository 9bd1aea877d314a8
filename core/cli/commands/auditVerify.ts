import { eq } from 'drizzle-orm'
import { cleanText, messageOf } from '../../base/index.ts'
import { auditAnchorFile, readAuditAnchor, verifyExecutionLog } from '../../response/index.ts'
import { type Store, tables } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openStore } from '../openStore.ts'
import type { CommonOptions } from '../options.ts'

/** A head of the decision log that was noted outside it. */
export type Anchor = { readonly seq: number; readonly hash: string; readonly from: string }

/** What the signer's last heartbeat said of the log. */
const readHeartbeat = async ({ db }: Store): Promise<Anchor | undefined> => {
  const [row] = await db
    .select({ detail: tables.processStatus.detail })
    .from(tables.processStatus)
    .where(eq(tables.processStatus.name, 'signer'))
  const { detail } = row ?? {}
  const audit =
    detail && typeof detail === 'object' && !Array.isArray(detail) ? detail['audit'] : null
  if (!audit || typeof audit !== 'object' || Array.isArray(audit)) return undefined
  const { seq, hash } = audit
  return typeof seq === 'number' && typeof hash === 'string'
    ? { seq, hash, from: "the signer's heartbeat" }
    : undefined
}

const readAnchors = async (
  store: Store,
  dataDir: string,
  given: Anchor | undefined,
): Promise<{ readonly anchors: readonly Anchor[]; readonly fault: string | undefined }> => {
  const beat = await readHeartbeat(store)
  const others = [beat, given].flatMap((anchor) => anchor ?? [])
  const file = auditAnchorFile(dataDir)
  try {
    const noted = await readAuditAnchor(dataDir)
    return { anchors: noted ? [{ ...noted, from: file }, ...others] : others, fault: undefined }
  } catch (error) {
    return { anchors: others, fault: `${file} cannot be read: ${messageOf(error)}` }
  }
}

/**
 * Walks the decision log and holds it against every head that was noted elsewhere, `head` too: `tocsin audit verify`, and
 * `tocsin actions log --verify`.
 */
export const verifyAudit = async (
  options: CommonOptions & { readonly head?: Anchor },
): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    const { anchors, fault } = await readAnchors(store, config.dataDir, options.head)
    const result = await verifyExecutionLog(store.db, { anchors })
    const ok = result.ok && fault === undefined
    if (!ok) process.exitCode = EXIT.failed
    if (options.json) {
      const problem = fault === undefined ? {} : { message: fault }
      process.stdout.write(`${JSON.stringify({ ...result, ...problem, ok, anchors }, null, 2)}\n`)
      return
    }
    if (!result.ok) process.stdout.write(`BROKEN: ${result.message}\n`)
    if (fault) process.stdout.write(`BROKEN: ${cleanText(fault, 300)}\n`)
    if (result.ok)
      process.stdout.write(
        `The log is whole: ${result.entries} decisions, head ${result.seq}:${result.head}.\n`,
      )
    for (const { from, seq } of anchors)
      process.stdout.write(`Held against row ${seq}, noted by ${from}.\n`)
    if (anchors.length === 0)
      process.stdout.write('No head was noted yet: a cut-off end would not show.\n')
  } finally {
    await close()
  }
}
