import { sql } from 'drizzle-orm'
import type { Hex, Json } from '../base/index.ts'
import type { Store } from '../store/index.ts'
import { decodeStored } from './storedJson.ts'
import type { RemoteView } from './types.ts'

/** Gives a bot what it keeps on another chain; asked twice for one block and the same keys it gives the same. */
export type RemoteReader = (request: {
  readonly botId: string
  /** The block that is being examined, on the asking bot's own chain. */
  readonly blockHash: Hex
  readonly chain: string
  readonly keys: readonly string[]
}) => Promise<RemoteView | undefined>

/** Views that are kept, so that a detour over another branch and back sees what was seen before. */
const KEPT = 256

type Rows = { readonly rows: readonly Record<string, unknown>[] }
const idOf = (number: unknown, timestampS: unknown) =>
  number === null || number === undefined || timestampS === null || timestampS === undefined
    ? undefined
    : { number: Number(number), timestampS: Number(timestampS) }

/**
 * Reads other chains' committed state out of the database: cursor and values in one statement, so that they belong
 * together; what a reorganised chain took back is gone from it.
 */
export const createRemoteReader = (store: Pick<Store, 'db'>): RemoteReader => {
  const views = new Map<string, RemoteView | undefined>()
  return async ({ botId, blockHash, chain, keys }) => {
    const request = JSON.stringify([botId, blockHash, chain, keys])
    if (views.has(request)) return views.get(request)
    const { rows }: Rows = await store.db.execute(sql`
      select c.number, b.timestamp_s, c.finalized, f.timestamp_s as final_s, h.status, (
        select jsonb_agg(jsonb_build_object('k', k, 'n', block_number, 'v', value)) from (
          select distinct on (s.key) s.key as k, s.block_number, s.value from tocsin.bot_state s
          where s.chain_id = c.chain_id and s.bot_id = ${botId} and s.block_number <= c.number
            and s.key in (select jsonb_array_elements_text(${JSON.stringify(keys)}::jsonb))
          order by s.key, s.block_number desc) newest
        where value is not null) as found
      from tocsin.chain_cursor c
      left join tocsin.chain_block b on b.chain_id = c.chain_id and b.number = c.number
      left join tocsin.chain_block f on f.chain_id = c.chain_id and f.number = c.finalized
      left join tocsin.bot_health h on h.chain_id = c.chain_id and h.bot_id = ${botId}
      where c.chain_name = ${chain}`)
    const [row] = rows
    const head = row && idOf(row['number'], row['timestamp_s'])
    const found = row && Array.isArray(row['found']) ? row['found'] : []
    const view: RemoteView | undefined = head && {
      head,
      finalized: idOf(row['finalized'], row['final_s']),
      isWell: row['status'] === null || row['status'] === 'ok',
      values: new Map(
        found.map((one: { k: string; n: number; v: Json }) => [
          one.k,
          { value: decodeStored(one.v), blockNumber: Number(one.n) },
        ]),
      ),
    }
    views.set(request, view)
    if (views.size > KEPT)
      for (const oldest of views.keys()) {
        views.delete(oldest)
        break
      }
    return view
  }
}
