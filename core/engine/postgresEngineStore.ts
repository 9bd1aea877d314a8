import { type SQL, sql } from 'drizzle-orm'
import { type Json, TocsinError } from '../base/index.ts'
import { type DatabaseTransaction, KEPT, type Store } from '../store/index.ts'
import { createChainLock } from './chainLock.ts'
import {
  type BlockCommit,
  type EngineStore,
  KEPT_FINAL_BLOCKS,
  type StoredBot,
} from './engineStore.ts'
import { decodeStored, encodeStored } from './storedJson.ts'
import { FORGET_EVERY, forgetTallies, tallyParts } from './tallySql.ts'

const moved = (chainId: number): TocsinError =>
  new TocsinError(
    'engine.cursor_moved',
    `The cursor of chain ${chainId} stands elsewhere than this watcher left it.`,
    {
      hints: ['Another watcher writes for this chain, or its rows were changed by hand.'],
    },
  )

type Rows = { readonly rows: readonly Record<string, unknown>[] }

/** A JSON document as one parameter; what Postgres cannot hold must be out of it already. */
const json = (value: unknown): SQL => sql`${JSON.stringify(value)}::jsonb`

/** Everything of a block in one statement. All parts hang on `moved`: without it nothing is written. */
const commitStatement = (chainId: number, chainName: string, commit: BlockCommit): SQL => {
  const { block, parent } = commit
  const latencyMs = commit.latencyMs()
  const tallied = commit.tally ? block.hash : null
  const parts: SQL[] = [
    parent
      ? sql`moved as (
          update tocsin.chain_cursor
          set number = ${block.number}::bigint, hash = ${block.hash}, chain_name = ${chainName},
            head = greatest(head, ${block.number}::bigint), tallied = coalesce(${tallied}, tallied), updated_at = now()
          where chain_id = ${chainId}::int and number = ${parent.number}::bigint and hash = ${parent.hash}
          returning chain_id)`
      : sql`moved as (
          insert into tocsin.chain_cursor (chain_id, chain_name, number, hash, genesis_hash, head, tallied)
          values (${chainId}::int, ${chainName}, ${block.number}::bigint, ${block.hash}, ${commit.genesisHash}, ${block.number}::bigint,
            ${tallied})
          on conflict do nothing returning chain_id)`,
    sql`block as (
      insert into tocsin.chain_block (chain_id, number, hash, parent_hash, timestamp_s, transactions, latency_ms)
      select chain_id, ${block.number}::bigint, ${block.hash}, ${block.parentHash}, ${block.timestampS}::bigint,
        ${block.transactions}::int, ${latencyMs}::float8
      from moved)`,
    ...tallyParts(chainId, commit),
  ]
  if (commit.state.length > 0)
    parts.push(sql`state as (
      insert into tocsin.bot_state (chain_id, bot_id, key, block_number, value)
      select chain_id, b, k, ${block.number}::bigint, case when d then null else coalesce(v, 'null'::jsonb) end
      from moved, jsonb_to_recordset(${json(
        commit.state.map(({ botId, key, value }) => ({
          b: botId,
          k: key,
          d: value === undefined,
          v: value === undefined ? null : encodeStored(value),
        })),
      )}) as r(b text, k text, d boolean, v jsonb))`)
  if (commit.samples.length > 0)
    parts.push(sql`samples as (
      insert into tocsin.bot_sample (chain_id, bot_id, key, block_number, ordinal, timestamp_s, value)
      select chain_id, b, k, ${block.number}::bigint, o, ${block.timestampS}::bigint, v
      from moved, jsonb_to_recordset(${json(
        commit.samples.map(({ botId, key, ordinal, value }) => ({
          b: botId,
          k: key,
          o: ordinal,
          v: value.toString(),
        })),
      )}) as r(b text, k text, o int, v numeric))`)
  if (commit.health.length > 0)
    parts.push(sql`health as (
      insert into tocsin.bot_health as h (chain_id, bot_id, status, blocks_failed, last_error, last_error_block, findings, updated_at)
      select chain_id, "botId", status, "blocksFailed", "lastError", "lastErrorBlock", findings, now()
      from moved, jsonb_to_recordset(${json(commit.health)})
        as r("botId" text, status text, "blocksFailed" bigint, "lastError" text, "lastErrorBlock" bigint, findings bigint)
      on conflict (chain_id, bot_id) do update set status = excluded.status,
        blocks_failed = h.blocks_failed + excluded.blocks_failed, findings = h.findings + excluded.findings,
        last_error = coalesce(excluded.last_error, h.last_error),
        last_error_block = coalesce(excluded.last_error_block, h.last_error_block), updated_at = now())`)
  if (commit.findings.length > 0)
    parts.push(sql`found as (
      insert into tocsin.finding as f (id, bot_id, bot_version, alert_id, alert_kind, condition, chain_id, block_number,
        block_hash, block_timestamp_s, tx_hash, unique_key, name, description, severity, type, thing, owner, protocol,
        metadata, addresses, labels, status, latency_ms)
      select id, "botId", "botVersion", "alertId", "alertKind", condition, "chainId", "blockNumber", "blockHash",
        "blockTimestampS", "txHash", "uniqueKey", name, description, severity, type, thing, owner, protocol,
        metadata, addresses, labels, status, ${latencyMs}::float8
      from moved, jsonb_to_recordset(${json(commit.findings)}) as r(id text, "botId" text, "botVersion" text,
        "alertId" text, "alertKind" text, condition text, "chainId" int, "blockNumber" bigint, "blockHash" text,
        "blockTimestampS" bigint, "txHash" text, "uniqueKey" text, name text, description text, severity text,
        type text, thing text, owner text, protocol text, metadata jsonb, addresses text[], labels jsonb, status text)
      on conflict (id) do update set status = 'provisional', retracted_at = null, latency_ms = excluded.latency_ms,
        revision = nextval('tocsin.finding_revision_seq')
        where f.status = 'retracted'
      returning id)`)
  const found =
    commit.findings.length > 0
      ? sql`(select coalesce(jsonb_agg(id), '[]') from found)`
      : sql`'[]'::jsonb`
  return sql`${KEPT} with ${sql.join(parts, sql`, `)}
    select ${found} as found, pg_notify('tocsin_block', ${`${chainId}:${block.number}`}) from moved`
}

/** Keeps one chain in Postgres. */
export const createPostgresEngineStore = (options: {
  readonly store: Store
  readonly chainId: number
  readonly chainName: string
  /** How long to wait for another watcher's lock to go away (ms). Default: 15000. */
  readonly lockPatienceMs?: number
}): EngineStore<DatabaseTransaction> => {
  const { store, chainId, chainName } = options
  const { db } = store
  const lock = createChainLock({
    url: store.url,
    chainId,
    patienceMs: options.lockPatienceMs ?? 15_000,
  })
  let forgetNext = 0

  const commitBlock: EngineStore<DatabaseTransaction>['commitBlock'] = async (commit, hook) => {
    const statement = commitStatement(chainId, chainName, commit)
    const read = ({ rows }: Rows): readonly string[] => {
      const [row] = rows
      if (!row) throw moved(chainId)
      return Array.isArray(row['found']) ? row['found'].map(String) : []
    }
    if (!hook || commit.findings.length === 0) {
      read(await db.execute(statement))
      return
    }
    await db.transaction(async (tx) => {
      const fresh = new Set(read(await tx.execute(statement)))
      if (fresh.size > 0)
        await hook(
          tx,
          commit.findings.filter(({ id }) => fresh.has(id)),
        )
    })
  }

  const loadBot = async (botId: string): Promise<StoredBot> => {
    const { rows: state }: Rows = await db.execute(sql`
      select key, block_number, value, value is null as deleted from tocsin.bot_state
      where chain_id = ${chainId} and bot_id = ${botId} order by block_number`)
    const { rows: samples }: Rows = await db.execute(sql`
      select key, block_number, ordinal, timestamp_s, value from tocsin.bot_sample
      where chain_id = ${chainId} and bot_id = ${botId} order by block_number, ordinal`)
    return {
      state: state.map((row) => ({
        key: String(row['key']),
        blockNumber: Number(row['block_number']),
        value: row['deleted'] ? undefined : decodeStored(row['value'] as Json),
      })),
      samples: samples.map((row) => ({
        key: String(row['key']),
        blockNumber: Number(row['block_number']),
        ordinal: Number(row['ordinal']),
        timestampS: Number(row['timestamp_s']),
        value: BigInt(String(row['value'])),
      })),
    }
  }

  return {
    lock: lock.hold,
    unlock: lock.release,
    readCursor: async () => {
      const { rows }: Rows = await db.execute(
        sql`select number, hash from tocsin.chain_cursor where chain_id = ${chainId}`,
      )
      const [row] = rows
      return row && { number: Number(row['number']), hash: String(row['hash']) as `0x${string}` }
    },
    loadChain: async () => {
      const { rows }: Rows = await db.execute(
        sql`select number, hash, genesis_hash, finalized from tocsin.chain_cursor where chain_id = ${chainId}`,
      )
      const { rows: blocks }: Rows = await db.execute(
        sql`select number, hash, parent_hash, timestamp_s from tocsin.chain_block where chain_id = ${chainId} order by number`,
      )
      const [row] = rows
      return {
        cursor: row && {
          number: Number(row['number']),
          hash: String(row['hash']) as `0x${string}`,
          genesisHash: String(row['genesis_hash']),
          finalized: row['finalized'] === null ? undefined : Number(row['finalized']),
        },
        blocks: blocks.map((block) => ({
          number: Number(block['number']),
          hash: String(block['hash']) as `0x${string}`,
          parentHash: String(block['parent_hash']) as `0x${string}`,
          timestampS: Number(block['timestamp_s']),
        })),
      }
    },
    loadBot,
    commitBlock,
    rollback: async (from, to) => {
      const above = sql`chain_id = (select chain_id from moved) and block_number > ${to.number}::bigint`
      const { rows }: Rows = await db.execute(sql`with
        moved as (
          update tocsin.chain_cursor set number = ${to.number}::bigint, hash = ${to.hash}, updated_at = now(),
            tallied = case when tallied = hash then ${to.hash} else tallied end
          where chain_id = ${chainId}::int and number = ${from.number}::bigint and hash = ${from.hash}
          returning chain_id),
        blocks as (
          delete from tocsin.chain_block
          where chain_id = (select chain_id from moved) and number > ${to.number}::bigint),
        state as (delete from tocsin.bot_state where ${above}),
        samples as (delete from tocsin.bot_sample where ${above}),
        tallies as (delete from tocsin.block_tally where ${above}),
        findings as (
          update tocsin.finding set status = 'retracted', retracted_at = now(),
            revision = nextval('tocsin.finding_revision_seq')
          where ${above} and status = 'provisional')
        select pg_notify('tocsin_block', ${`${chainId}:${to.number}`}) from moved`)
      if (rows.length === 0) throw moved(chainId)
    },
    finalize: async (number, pruned) => {
      const isDue = forgetNext <= number
      const forgotten = isDue ? forgetTallies(chainId, number) : []
      const parts: SQL[] = [
        sql`cursor as (
          update tocsin.chain_cursor set finalized = ${number}::bigint
          where chain_id = ${chainId}::int and (finalized is null or finalized < ${number}::bigint))`,
        sql`blocks as (
          delete from tocsin.chain_block where chain_id = ${chainId}::int and number < ${number - KEPT_FINAL_BLOCKS}::bigint)`,
        sql`findings as (
          update tocsin.finding set status = 'final', finalized_at = now(), revision = nextval('tocsin.finding_revision_seq')
          where chain_id = ${chainId}::int and block_number <= ${number}::bigint and status = 'provisional')`,
        ...forgotten,
      ]
      if (pruned.state.length > 0)
        parts.push(sql`state as (
          delete from tocsin.bot_state s using jsonb_to_recordset(${json(pruned.state)})
            as r("botId" text, key text, "blockNumber" bigint)
          where s.chain_id = ${chainId}::int and s.bot_id = r."botId" and s.key = r.key and s.block_number = r."blockNumber")`)
      if (pruned.samples.length > 0)
        parts.push(sql`samples as (
          delete from tocsin.bot_sample s using jsonb_to_recordset(${json(pruned.samples)})
            as r("botId" text, key text, "blockNumber" bigint, ordinal int)
          where s.chain_id = ${chainId}::int and s.bot_id = r."botId" and s.key = r.key
            and (s.block_number, s.ordinal) < (r."blockNumber", r.ordinal))`)
      await db.execute(sql`with ${sql.join(parts, sql`, `)} select 1`)
      if (isDue) forgetNext = number + FORGET_EVERY
    },
  }
}
