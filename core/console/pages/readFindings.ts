import { and, arrayContains, desc, eq, gte, lt, lte, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Database, tables } from '../../store/index.ts'

const word = z.string().trim().min(1).max(100).optional()
/** As a browser's date field, a person or an API writes it; without a zone it is UTC. */
const time = z
  .string()
  .trim()
  .regex(
    /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d)?)?$/,
    'a time such as 2026-11-21 14:30',
  )
  .transform(
    (value) =>
      new Date(
        /Z|[+-]\d\d:?\d\d$/.test(value.slice(10))
          ? value
          : `${value.replace(' ', 'T')}${value.length > 10 ? 'Z' : ''}`,
      ),
  )
  .refine((value) => !Number.isNaN(value.getTime()), 'no such time')
  .optional()

/** What a link to the explorer may ask for. */
export const findingFilterSchema = z.object({
  bot: word,
  severity: z.enum(['Critical', 'High', 'Medium', 'Low', 'Info']).optional(),
  status: z.enum(['provisional', 'final', 'retracted', 'pending', 'landed', 'dropped']).optional(),
  chain: z.coerce.number().int().min(0).optional(),
  address: z
    .string()
    .trim()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'an address: 0x and 40 hexadecimal digits')
    .transform((value) => value.toLowerCase())
    .optional(),
  tx: z
    .string()
    .trim()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'a transaction hash: 0x and 64 hexadecimal digits')
    .transform((value) => value.toLowerCase())
    .optional(),
  thing: word,
  from: time,
  to: time,
  before: z.coerce.number().int().positive().optional(),
})
export type FindingFilter = z.infer<typeof findingFilterSchema>

const PAGE = 40
/** Rows may be committed a little out of the order of their numbers. */
const SLACK = 10_000

/** The number at a moment, so that a page of the past is not reached by reading everything after it. */
const seqAt = async (db: Database, moment: Date): Promise<number> => {
  const [row] = await db
    .select({ seq: tables.finding.seq })
    .from(tables.finding)
    .where(lte(tables.finding.createdAt, moment))
    .orderBy(desc(tables.finding.createdAt))
    .limit(1)
  return row?.seq ?? 0
}

/** Findings newest first, a page at a time. `next`: where the following page begins. */
export const readFindings = async (db: Database, filter: FindingFilter) => {
  const { finding: f } = tables
  const conditions: (SQL | undefined)[] = [
    filter.bot ? eq(f.botId, filter.bot) : undefined,
    filter.severity ? eq(f.severity, filter.severity) : undefined,
    filter.status ? eq(f.status, filter.status) : undefined,
    filter.chain === undefined ? undefined : eq(f.chainId, filter.chain),
    filter.address ? arrayContains(f.addresses, [filter.address]) : undefined,
    filter.tx ? eq(f.txHash, filter.tx) : undefined,
    filter.thing ? eq(f.thing, filter.thing) : undefined,
    filter.before ? lt(f.seq, filter.before) : undefined,
  ]
  if (filter.from)
    conditions.push(
      gte(f.createdAt, filter.from),
      gte(f.seq, (await seqAt(db, filter.from)) - SLACK),
    )
  if (filter.to)
    conditions.push(lte(f.createdAt, filter.to), lte(f.seq, (await seqAt(db, filter.to)) + SLACK))
  const rows = await db
    .select({
      id: f.id,
      seq: f.seq,
      botId: f.botId,
      alertId: f.alertId,
      chainId: f.chainId,
      blockNumber: f.blockNumber,
      txHash: f.txHash,
      name: f.name,
      description: sql<string>`left(${f.description}, 400)`,
      severity: f.severity,
      thing: f.thing,
      status: f.status,
      latencyMs: f.latencyMs,
      createdAt: f.createdAt,
    })
    .from(f)
    .where(and(...conditions))
    .orderBy(desc(f.seq))
    .limit(PAGE + 1)
  const shown = rows.slice(0, PAGE)
  return { rows: shown, next: rows.length > PAGE ? shown.at(-1)?.seq : undefined }
}

export type FindingListRow = Awaited<ReturnType<typeof readFindings>>['rows'][number]
