import { and, desc, eq, lt } from 'drizzle-orm'
import { cleanText, type Json, toJson } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'

export type AuditRow = typeof tables.consoleAudit.$inferSelect

/** Something that somebody did, or was kept from doing. */
export type Deed = {
  readonly who: string
  readonly via: AuditRow['via']
  readonly act: string
  readonly subject?: string | undefined
  /** Address of the caller, or `machine`. */
  readonly origin: string
  readonly result: AuditRow['result']
  readonly detail?: { readonly [key: string]: Json } | undefined
}

/** Writes into the audit of the console; the database refuses to change or delete what stands there. */
export const noteDeed = async (db: Database | DatabaseTransaction, deed: Deed): Promise<void> => {
  await db.insert(tables.consoleAudit).values({
    who: cleanText(deed.who, 200) || 'nobody',
    via: deed.via,
    act: cleanText(deed.act, 100),
    subject: cleanText(deed.subject ?? '', 200),
    origin: cleanText(deed.origin, 100),
    result: deed.result,
    detail: toJson(deed.detail ?? {}),
  })
}

/** The newest deeds first; `before` is the `seq` of the last one of the page before. */
export const listDeeds = (
  db: Database,
  options: {
    readonly limit: number
    readonly who?: string | undefined
    readonly act?: string | undefined
    readonly before?: number | undefined
  },
): Promise<readonly AuditRow[]> => {
  const { consoleAudit: t } = tables
  return db
    .select()
    .from(t)
    .where(
      and(
        options.who ? eq(t.who, options.who) : undefined,
        options.act ? eq(t.act, options.act) : undefined,
        options.before === undefined ? undefined : lt(t.seq, options.before),
      ),
    )
    .orderBy(desc(t.seq))
    .limit(options.limit)
}
