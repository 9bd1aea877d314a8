import { existsSync } from 'node:fs'
import { eq } from 'drizzle-orm'
import { z } from 'zod'
import { cleanText } from '../base/index.ts'
import { killSwitchFile, type Readiness, readHalt } from '../response/index.ts'
import { type Database, tables } from '../store/index.ts'
import { HEARTBEAT_MS } from '../telemetry/index.ts'

/** A signer that was silent for so long is taken for lost (ms). */
const LOST_AFTER_MS = 5 * HEARTBEAT_MS

const detailSchema = z.object({
  readiness: z.array(
    z.object({
      policy: z.string(),
      ready: z.boolean(),
      probes: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
    }),
  ),
})

/** What is known of the signer from its heartbeat. */
export type SignerSight = {
  /** Why it acts on nothing now; undefined while it gives signs of life. */
  readonly absence: string | undefined
  /** When it last gave one. */
  readonly at: Date | undefined
  /** Its own probes, by its own endpoints, senders and ledger; empty where it has told none. */
  readonly readiness: readonly Readiness[]
}

export const readSignerSight = async (db: Database, now = new Date()): Promise<SignerSight> => {
  const { processStatus } = tables
  const [row] = await db.select().from(processStatus).where(eq(processStatus.name, 'signer'))
  if (!row) return { absence: 'no signer has run with this database', at: undefined, readiness: [] }
  const parsed = detailSchema.safeParse(row.detail)
  const silentMs = now.getTime() - row.heartbeatAt.getTime()
  const absence =
    row.status === 'stopped' || row.status === 'failed'
      ? `the signer is ${row.status} since ${row.heartbeatAt.toISOString()}`
      : silentMs > LOST_AFTER_MS
        ? `the signer has given no sign of life for ${Math.round(silentMs / 1000)} s`
        : undefined
  return {
    absence,
    at: row.heartbeatAt,
    readiness: parsed.success ? parsed.data.readiness : [],
  }
}

/** Why nothing would be sent that is ordered now, each with what to do; empty when nothing is known against it. */
export const listObstacles = async (db: Database, dataDir: string): Promise<readonly string[]> => {
  const [halt, { absence }] = await Promise.all([readHalt(db), readSignerSight(db)])
  const stop = halt
    ? `${cleanText(halt.who, 80)} stopped all automatic action at ${halt.at.toISOString()} (${cleanText(halt.reason, 200)})`
    : existsSync(killSwitchFile(dataDir))
      ? `all automatic action is stopped by ${killSwitchFile(dataDir)}`
      : undefined
  return [
    ...(stop
      ? [`NOT SENT while this stands: ${stop}. \`tocsin resume\` ends it; then order again.`]
      : []),
    ...(absence
      ? [`NO SIGNER: ${absence}. \`tocsin start\`, or \`tocsin run signer\`, starts one.`]
      : []),
  ]
}
