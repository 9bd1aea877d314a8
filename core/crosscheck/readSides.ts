import { type SQL, sql } from 'drizzle-orm'
import { VIEWS_SCHEMA } from '../indexer/types.ts'
import type { Database } from '../store/index.ts'

/** A table of the index that is complete. */
export const indexTable = (name: string): SQL =>
  sql`${sql.identifier(VIEWS_SCHEMA)}.${sql.identifier(name)}`

/** How far each of the two readers of a chain is, and what both know. */
export type Sides = {
  /** Newest final block that the watcher has committed. */
  readonly finalized: number | undefined
  /** Addresses that the watcher tallies. */
  readonly tallied: number
  /** The watcher has seen final events that nobody compared yet. */
  readonly isWaiting: boolean
  readonly index:
    | { readonly kind: 'absent'; readonly reason: string }
    | {
        readonly kind: 'ready'
        readonly block: number
        /** Changes with each block that the indexer commits. */
        readonly checkpoint: string
        readonly addresses: number
        /** Addresses that both know. */
        readonly shared: number
        /** First block from which one of these can be compared. */
        readonly from: number | undefined
      }
}

/** Table, schema or column that is not there: the indexer has not made it, or is replacing it. */
const MISSING = ['42P01', '3F000', '42703']

const codeOf = (error: unknown): string => {
  for (let one = error; typeof one === 'object' && one !== null; one = 'cause' in one && one.cause)
    if ('code' in one && typeof one.code === 'string') return one.code
  return ''
}

const number = (value: unknown): number | undefined =>
  value === null || value === undefined ? undefined : Number(value)

const readIndex = async (db: Database, chainId: number): Promise<Sides['index']> => {
  // Chain and block lie in the text of a checkpoint after ten digits of time and sixteen of the chain.
  const reading = db.execute(sql`
    select m.value->>'is_ready' as ready, p.latest_checkpoint as checkpoint,
      substring(p.latest_checkpoint from 27 for 16)::bigint as block,
      (select count(*) from ${indexTable('contract')} c where c.chain_id = ${chainId}::int) as addresses,
      s.shared, s.first
    from ${indexTable('_ponder_meta')} m
    left join ${indexTable('_ponder_checkpoint')} p on p.chain_id = ${chainId}::int
    cross join (
      select count(*) as shared, min(greatest(v.from_block, c.start_block)) as first
      from ${indexTable('contract')} c
      join tocsin.tally_cover v on v.chain_id = c.chain_id and v.address = c.address
      where c.chain_id = ${chainId}::int) s
    where m.key = 'app'`)
  const rows = await reading.then(
    (answer) => answer.rows,
    (error: unknown) => {
      if (MISSING.includes(codeOf(error))) return []
      throw error
    },
  )
  const [row] = rows
  if (!row) return { kind: 'absent', reason: 'There is no complete index yet.' }
  if (row['ready'] !== '1') return { kind: 'absent', reason: 'The index is being built.' }
  const block = number(row['block'])
  if (block === undefined) return { kind: 'absent', reason: 'The index does not hold this chain.' }
  return {
    kind: 'ready',
    block,
    checkpoint: String(row['checkpoint']),
    addresses: Number(row['addresses']),
    shared: Number(row['shared']),
    from: number(row['first']),
  }
}

/** Reads both sides; each as it is at one moment, the watcher first. */
export const readSides = async (db: Database, chainId: number): Promise<Sides> => {
  const { rows } = await db.execute(sql`
    select c.finalized,
      (select count(*) from tocsin.tally_cover v where v.chain_id = c.chain_id) as tallied,
      exists (select 1 from tocsin.block_tally t
        where t.chain_id = c.chain_id and t.block_number <= c.finalized) as waiting
    from tocsin.chain_cursor c where c.chain_id = ${chainId}::int`)
  const [row] = rows
  return {
    finalized: number(row?.['finalized']),
    tallied: Number(row?.['tallied'] ?? 0),
    isWaiting: row?.['waiting'] === true,
    index: await readIndex(db, chainId),
  }
}
