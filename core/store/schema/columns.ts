import { bigint, pgSchema, timestamp } from 'drizzle-orm/pg-core'

/** Everything Tocsin itself stores. The indexer's tables lie in Ponder's own schemas. */
export const tocsin = pgSchema('tocsin')

/** A moment, to the millisecond. */
export const at = (name: string) =>
  timestamp(name, { withTimezone: true, mode: 'date', precision: 3 })

/** A block number or a block's seconds. */
export const block = (name: string) => bigint(name, { mode: 'number' })
