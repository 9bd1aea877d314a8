import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { eq } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import { type Database, notify, tables } from '../../store/index.ts'
import { appendExecutionLog } from '../executionLog.ts'
import type { LoadedPolicy } from '../types.ts'
import { killSwitchFile, liftHalt, readHalt } from './killSwitch.ts'
import { nameOf } from './nameOf.ts'
import type { PeopleSecret } from './peopleSecret.ts'
import type { Approver, People } from './readApprovals.ts'

/** Who agreed waits no longer than this for the others (ms). */
export const AGREEMENT_MS = 900_000

type Row = typeof tables.haltAnswer.$inferSelect
type Approval = Pick<LoadedPolicy, 'approval'>

const partsOf = (row: Omit<Row, 'proof'>): readonly (string | number)[] => [
  row.id,
  row.haltId,
  row.who,
  row.at.getTime(),
  row.expiresAt.getTime(),
  row.via,
]

/**
 * Records that somebody agrees that a stop ends, with the proof. Ends nothing: the signer counts, by its own files.
 * @throws TocsinError `halt.none` when this stop stands no more
 */
export const agreeToResume = (
  db: Database,
  secret: PeopleSecret,
  given: {
    readonly haltId: string
    readonly who: string
    readonly via: 'console' | 'api'
    readonly now?: Date | undefined
  },
): Promise<void> =>
  db.transaction(async (tx) => {
    const halt = await readHalt(tx)
    if (!halt || halt.id !== given.haltId)
      throw new TocsinError('halt.none', 'This stop does not stand any more. Look again.')
    const at = given.now ?? new Date()
    const values = {
      id: `r_${randomBytes(16).toString('hex')}`,
      haltId: halt.id,
      who: cleanText(given.who, 200),
      at,
      via: given.via,
      expiresAt: new Date(at.getTime() + AGREEMENT_MS),
    }
    const row = { ...values, proof: secret.sign('resume', partsOf(values)) }
    const { haltAnswer: t } = tables
    await tx
      .insert(t)
      .values(row)
      .onConflictDoUpdate({ target: [t.haltId, t.who], set: row })
    await appendExecutionLog(tx, 'halt', 'resume agreed', {
      by: values.who,
      via: values.via,
      halt: halt.id,
    })
    await notify(tx, 'tocsin_execution', 'halt')
  })

/** Whether these people are enough for every policy: whoever may release what it sends, and as many of them. */
const areEnough = (agreed: readonly Approver[], policies: readonly Approval[]): boolean =>
  agreed.length > 0 &&
  policies.every(({ approval }) => {
    const able = agreed.filter(
      ({ role }) => approval.roles.length === 0 || approval.roles.includes(role ?? ''),
    )
    return able.length >= Math.max(1, approval.required)
  })

/** The people whom a stop's end needs: as many as the most careful policy asks for, and one in any case. */
export const peopleToResume = (policies: readonly Approval[]): number =>
  Math.max(1, ...policies.map(({ approval }) => approval.required))

/** Whose agreement to the end of a stop is proven, each once, the oldest first; nobody's who is no approver. */
export const readAgreements = async (
  db: Database,
  people: People,
  halt: { readonly id: string },
  {
    since,
    now = new Date(),
  }: {
    readonly since?: Date | undefined
    readonly now?: Date | undefined
  } = {},
): Promise<readonly Approver[]> => {
  const { haltAnswer: t } = tables
  const rows = await db.select().from(t).where(eq(t.haltId, halt.id)).orderBy(t.at).limit(100)
  const counted = new Map<string, Approver>()
  for (const { proof, ...row } of rows) {
    const approver = people.approvers.find(({ name }) => nameOf(name) === nameOf(row.who))
    const isInTime = row.at <= now && row.expiresAt > now && (!since || row.at > since)
    const isShort = row.expiresAt.getTime() - row.at.getTime() <= AGREEMENT_MS
    if (approver && isInTime && isShort && people.secret.verify('resume', partsOf(row), proof))
      counted.set(nameOf(approver.name), approver)
  }
  return [...counted.values()]
}

/**
 * Ends the stop when enough people agreed, each proven and named under the signer's own `signer.approvers`, by the
 * signer's own policies. Whoever stops again, by the file too, makes what was agreed before worth nothing. Returns
 * whether it ended.
 */
export const settleHalt = async (options: {
  readonly db: Database
  readonly people: People
  readonly dataDir: string
  readonly policies: readonly Approval[]
  readonly now?: Date | undefined
}): Promise<boolean> => {
  const { db, people, dataDir } = options
  if (people.approvers.length === 0) return false
  const halt = await readHalt(db)
  if (!halt) return false
  const file = killSwitchFile(dataDir)
  const stoppedAt = existsSync(file) ? (await stat(file)).mtime : undefined
  const agreed = await readAgreements(db, people, halt, { since: stoppedAt, now: options.now })
  if (!areEnough(agreed, options.policies)) return false
  await liftHalt(db, dataDir, agreed.map(({ name }) => name).join(', '))
  return true
}
