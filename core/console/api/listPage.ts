import { and, asc, desc, eq, gt, lt, or, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { Database } from '../../store/index.ts'
import { decodeCursor, toPage } from './operation.ts'

/** The order of a list, in which no two rows are equal, so that a page begins exactly where the one before ended. */
type Order<Row> = {
  readonly by: readonly SQL[]
  /** What comes after a cursor. @throws TocsinError `query.bad_cursor` */
  readonly after: (cursor: string | undefined) => SQL | undefined
  readonly cursorOf: (row: Row) => readonly (string | number)[]
}

/** Newest first, and by id where two are of one moment. */
export const newestFirst = <Row>(
  time: PgColumn,
  id: PgColumn,
  cursorOf: (row: Row) => readonly [at: Date, id: string],
): Order<Row> => ({
  by: [desc(time), desc(id)],
  after: (cursor) => {
    const parts = decodeCursor(z.tuple([z.number(), z.string()]), cursor)
    if (!parts) return undefined
    const at = new Date(parts[0])
    return or(lt(time, at), and(eq(time, at), lt(id, parts[1])))
  },
  cursorOf: (row) => {
    const [at, last] = cursorOf(row)
    return [at.getTime(), last]
  },
})

/** By the number of a row: from the newest back, or from the oldest on. */
export const bySeq = <Row extends { readonly seq: number }>(
  seq: PgColumn,
  direction: 'back' | 'on',
): Order<Row> => ({
  by: [direction === 'back' ? desc(seq) : asc(seq)],
  after: (cursor) => {
    const parts = decodeCursor(z.tuple([z.number()]), cursor)
    if (!parts) return undefined
    return direction === 'back' ? lt(seq, parts[0]) : gt(seq, parts[0])
  },
  cursorOf: (row) => [row.seq],
})

/** Whether a column is what was asked for; nothing when nothing was. */
export const is = (column: PgColumn, value: unknown): SQL | undefined =>
  value === undefined ? undefined : eq(column, value)

/** One page of a table, by keys and never by counting rows: the last page takes as long as the first. */
export const listPage = async <Table extends PgTable>(
  db: Database,
  table: Table,
  order: Order<Table['$inferSelect']>,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  where: readonly (SQL | undefined)[],
) => {
  const rows: readonly Table['$inferSelect'][] = await db
    .select()
    .from(table as PgTable)
    .where(and(...where, order.after(cursor)))
    .orderBy(...order.by)
    .limit(limit + 1)
  return toPage(rows, limit, order.cursorOf)
}
