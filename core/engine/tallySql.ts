import { type SQL, sql } from 'drizzle-orm'
import type { BlockCommit } from './engineStore.ts'

/** Final blocks whose tally waits for the index; beyond, it is given up and `tally_cover` says so. */
export const KEPT_TALLY_BLOCKS = 20_000
/** Looked at once in so many blocks. */
export const FORGET_EVERY = 256

const json = (value: unknown): SQL => sql`${JSON.stringify(value)}::jsonb`

/** Parts of the statement that commits a block; all hang on `moved`. */
export const tallyParts = (chainId: number, commit: BlockCommit): readonly SQL[] => {
  const { tally, block, parent } = commit
  if (!tally) return []
  const parts: SQL[] = []
  if (tally.rows.length > 0)
    parts.push(sql`tally as (
      insert into tocsin.block_tally (chain_id, block_number, address, block_hash, logs, digest, places)
      select chain_id, ${block.number}::bigint, a, ${block.hash}, n, d, p
      from moved, jsonb_to_recordset(${json(
        tally.rows.map(({ address, logs, digest, places }) => ({
          a: address,
          n: logs,
          d: digest,
          p: places,
        })),
      )}) as r(a text, n int, d text, p text)
      on conflict (chain_id, block_number, address) do update set block_hash = excluded.block_hash,
        logs = excluded.logs, digest = excluded.digest, places = excluded.places)`)
  if (tally.cover)
    // The statement sees `tallied` as it was before: only where it names the parent is there no gap.
    parts.push(
      sql`cover as (
        insert into tocsin.tally_cover (chain_id, address, from_block)
        select chain_id, a, ${block.number}::bigint from moved, jsonb_array_elements_text(${json(tally.cover)}) a
        on conflict (chain_id, address) do update set from_block = excluded.from_block
          where coalesce((select tallied from tocsin.chain_cursor where chain_id = ${chainId}::int), '')
            <> ${parent?.hash ?? 'none'})`,
      sql`uncovered as (
        delete from tocsin.tally_cover where chain_id = (select chain_id from moved)
          and address not in (select jsonb_array_elements_text(${json(tally.cover)})))`,
      // Left behind by a version that knew no tally and rolled back.
      sql`orphaned as (
        delete from tocsin.block_tally
        where chain_id = (select chain_id from moved) and block_number > ${block.number}::bigint)`,
    )
  return parts
}

/** Part of the statement that marks blocks as final: what nobody compared in all that time is given up. */
export const forgetTallies = (chainId: number, finalized: number): readonly SQL[] => {
  const edge = finalized - KEPT_TALLY_BLOCKS
  if (edge <= 0) return []
  return [
    sql`tallies as (
      delete from tocsin.block_tally where chain_id = ${chainId}::int and block_number < ${edge}::bigint
      returning block_number)`,
    sql`cover as (
      update tocsin.tally_cover set from_block = ${edge}::bigint
      where chain_id = ${chainId}::int and from_block < ${edge}::bigint and exists (select 1 from tallies))`,
  ]
}
