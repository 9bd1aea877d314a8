import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm'
import type { Address } from '../base/index.ts'
import type { SourcedLabel } from '../config/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'

const { label } = tables

/** Of two for one address the first holds: that of the chain before that of every chain, then the newest import. */
const inOrder = [desc(label.chainId), desc(label.importedAt), asc(label.source)]

/** Every imported label that concerns a chain, or those of some addresses, in the order in which they hold. */
export const listImported = async (
  db: Database | DatabaseTransaction,
  chainId: number,
  addresses?: readonly Address[],
): Promise<readonly SourcedLabel[]> => {
  if (addresses?.length === 0) return []
  const rows = await db
    .select({ address: label.address, name: label.name, tags: label.tags, source: label.source })
    .from(label)
    .where(
      and(
        inArray(label.chainId, [0, chainId]),
        addresses ? inArray(label.address, [...addresses]) : undefined,
      ),
    )
    .orderBy(...inOrder)
  const tagLists = new Map<string, readonly string[]>()
  const sources = new Map<string, string>()
  const once = <T>(known: Map<string, T>, key: string, value: T): T => {
    const first = known.get(key)
    if (first === undefined) known.set(key, value)
    return first ?? value
  }
  return rows.map(({ address, name, tags, source }) => ({
    address: address as Address,
    name,
    // Lists of tags and sources repeat: one copy of each is enough.
    tags: once(tagLists, tags.join(' '), tags),
    source: once(sources, source, source),
  }))
}

export type LabelSource = {
  readonly source: string
  readonly labels: number
  readonly importedAt: Date
}

/** The lists that were imported. */
export const listLabelSources = async (db: Database): Promise<readonly LabelSource[]> =>
  db
    .select({
      source: label.source,
      labels: sql<number>`count(*)::int`,
      importedAt: sql<Date>`max(${label.importedAt})`.mapWith(label.importedAt),
    })
    .from(label)
    .groupBy(label.source)
    .orderBy(label.source)

export type ImportedRow = typeof label.$inferSelect

/** Rows of the table as they stand, for people. */
export const listLabelRows = async (
  db: Database,
  filter: {
    readonly source?: string | undefined
    readonly tag?: string | undefined
    readonly address?: Address | undefined
    readonly limit: number
  },
): Promise<readonly ImportedRow[]> =>
  db
    .select()
    .from(label)
    .where(
      and(
        filter.source === undefined ? undefined : eq(label.source, filter.source),
        filter.address === undefined ? undefined : eq(label.address, filter.address),
        filter.tag === undefined ? undefined : sql`${filter.tag} = any(${label.tags})`,
      ),
    )
    .orderBy(asc(label.name), asc(label.address), ...inOrder)
    .limit(filter.limit)
