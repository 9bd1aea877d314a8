import { sql } from 'drizzle-orm'
import type { Database } from '../store/index.ts'
import { indexTable } from './readSides.ts'

/** One side of a difference: what it holds of one address in one block. */
export type Side = {
  readonly blockHash: string
  readonly logs: number
  readonly digest: string
}

/** An address of which the two readers hold different logs of one block. */
export type Difference = {
  readonly blockNumber: number
  readonly address: string
  /** In the watchlist. */
  readonly thing: string
  /** Undefined: it saw no log of this address in this block. */
  readonly watcher: Side | undefined
  readonly index: Side | undefined
}

const sideOf = (hash: unknown, logs: unknown, digest: unknown): Side | undefined =>
  hash === null || hash === undefined
    ? undefined
    : { blockHash: String(hash), logs: Number(logs), digest: String(digest) }

/**
 * Compares what the watcher tallied with the rows of the index, for blocks `from` to `to` (inclusive) and the addresses
 * that both knew by then. In one statement, so that cover, tally and index are of one moment.
 */
export const compareReaders = async (
  db: Database,
  chainId: number,
  from: number,
  to: number,
): Promise<readonly Difference[]> => {
  const { rows } = await db.execute(sql`
    with shared as (
      select v.address, c.name, greatest(v.from_block, c.start_block) as from_block
      from tocsin.tally_cover v
      join ${indexTable('contract')} c on c.chain_id = v.chain_id and c.address = v.address
      where v.chain_id = ${chainId}::int),
    tallied as (
      select t.block_number, t.address, t.block_hash, t.logs, t.digest
      from tocsin.block_tally t join shared s on s.address = t.address and t.block_number >= s.from_block
      where t.chain_id = ${chainId}::int and t.block_number between ${from}::bigint and ${to}::bigint),
    indexed as (
      select e.block_number, e.address, count(*) as logs,
        case when min(e.block_hash) = max(e.block_hash) then min(e.block_hash) else 'several blocks' end as block_hash,
        encode(sha256(convert_to(string_agg(
          e.log_index || '|' || e.tx_hash || '|' || array_to_string(e.topics, ',') || '|' || e.data || e'\n', ''
          order by e.log_index, e.id), 'UTF8')), 'hex') as digest
      from ${indexTable('event')} e join shared s on s.address = e.address and e.block_number >= s.from_block
      where e.chain_id = ${chainId}::int and e.block_number between ${from}::bigint and ${to}::bigint
      group by e.block_number, e.address)
    select block_number, address, s.name, t.block_hash as t_hash, t.logs as t_logs, t.digest as t_digest,
      i.block_hash as i_hash, i.logs as i_logs, i.digest as i_digest
    from tallied t full join indexed i using (block_number, address) join shared s using (address)
    where (t.digest, t.block_hash) is distinct from (i.digest, i.block_hash)
    order by block_number, address`)
  return rows.map((row) => ({
    blockNumber: Number(row['block_number']),
    address: String(row['address']),
    thing: String(row['name']),
    watcher: sideOf(row['t_hash'], row['t_logs'], row['t_digest']),
    index: sideOf(row['i_hash'], row['i_logs'], row['i_digest']),
  }))
}
