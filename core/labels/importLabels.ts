import { randomUUID } from 'node:crypto'
import { and, eq, ne, sql } from 'drizzle-orm'
import { type Address, TocsinError } from '../base/index.ts'
import { type LabelRow, MAX_LABELS } from '../config/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'

const { label } = tables
const REVISION = 'labels.revision'
const CHUNK = 10_000

export type ImportResult = {
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  /** Labels of this list that the file no longer holds. */
  readonly removed: number
  /** In the whole table, after it. */
  readonly total: number
}

/** Told to whoever holds labels in memory: they look by the clock. */
const touch = (tx: DatabaseTransaction): Promise<unknown> => {
  const value = randomUUID()
  return tx
    .insert(tables.keyValue)
    .values({ key: REVISION, value })
    .onConflictDoUpdate({ target: tables.keyValue.key, set: { value, updatedAt: sql`now()` } })
}

/** Changes whenever the table does; empty before the first import. */
export const readLabelRevision = async (db: Database): Promise<string> => {
  const [row] = await db
    .select({ value: tables.keyValue.value })
    .from(tables.keyValue)
    .where(eq(tables.keyValue.key, REVISION))
  return typeof row?.value === 'string' ? row.value : ''
}

/**
 * Makes one list in the table what the rows say: new ones come, changed ones change, the others of this list go. All of
 * it or nothing; other lists stay as they are.
 * @throws TocsinError `labels.too_many` when the table would hold more than 250,000
 */
export const importLabels = (
  db: Database,
  source: string,
  rows: readonly LabelRow[],
): Promise<ImportResult> =>
  db.transaction(async (tx) => {
    // Two imports at once wait for one another.
    await tx.execute(sql`lock table tocsin.label in share row exclusive mode`)
    // Reckoned before anything is written: a list that is too long costs nothing.
    const own = new Set(rows.map(({ address, chainId }) => `${address} ${chainId ?? 0}`)).size
    const total = own + (await tx.$count(label, ne(label.source, source)))
    if (total > MAX_LABELS)
      throw new TocsinError(
        'labels.too_many',
        `The table would hold ${total} labels, more than ${MAX_LABELS}; nothing was imported.`,
        {
          hints: [
            'Keep those that matter, or remove another list: `tocsin labels sources`, `tocsin labels remove --source <name>`.',
          ],
        },
      )
    await tx.execute(
      sql`create temporary table new_label (address text, chain_id integer, name text, tags text[], origin text) on commit drop`,
    )
    for (let from = 0; from < rows.length; from += CHUNK) {
      const chunk = rows.slice(from, from + CHUNK).map((row) => ({
        address: row.address,
        chain_id: row.chainId ?? 0,
        name: row.name,
        tags: row.tags,
        origin: row.origin ?? null,
      }))
      await tx.execute(
        sql`insert into new_label select * from jsonb_to_recordset(${JSON.stringify(chunk)}::jsonb)
          as r(address text, chain_id integer, name text, tags text[], origin text)`,
      )
    }
    const countOf = async (query: ReturnType<typeof sql>): Promise<number> =>
      (await tx.execute(query)).rowCount ?? 0
    const removed = await countOf(
      sql`delete from tocsin.label l where l.source = ${source} and not exists (
        select 1 from new_label n where n.address = l.address and n.chain_id = l.chain_id)`,
    )
    const changed = await countOf(
      sql`update tocsin.label l set name = n.name, tags = n.tags, origin = n.origin from new_label n
        where l.source = ${source} and n.address = l.address and n.chain_id = l.chain_id
          and (l.name, l.tags, l.origin) is distinct from (n.name, n.tags, n.origin)`,
    )
    const added = await countOf(
      sql`insert into tocsin.label (address, chain_id, source, name, tags, origin)
        select address, chain_id, ${source}, name, tags, origin from new_label on conflict do nothing`,
    )
    await tx.execute(sql`update tocsin.label set imported_at = now() where source = ${source}`)
    await touch(tx)
    return { added, changed, unchanged: rows.length - added - changed, removed, total }
  })

/** Removes labels of a list, of an address, or of both together. Answers how many. */
export const removeLabels = (
  db: Database,
  which: { readonly source?: string | undefined; readonly address?: Address | undefined },
): Promise<number> =>
  db.transaction(async (tx) => {
    if (which.source === undefined && which.address === undefined) return 0
    const gone = await tx
      .delete(label)
      .where(
        and(
          which.source === undefined ? undefined : eq(label.source, which.source),
          which.address === undefined ? undefined : eq(label.address, which.address),
        ),
      )
    await touch(tx)
    return gone.rowCount ?? 0
  })
