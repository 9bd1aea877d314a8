import { keccak256, toHex } from 'viem'
import { verifyExecutionLog } from '../../core/response/index.ts'
import { readWatchedLogs } from './readWatchedLogs.ts'
import type { World } from './startWorld.ts'
import { countRestarts } from './waitForQuiet.ts'

/** What a world holds at the end, as lines to compare; and what is wrong with it by itself. */
export type Facts = {
  readonly sections: Readonly<Record<string, readonly string[]>>
  readonly problems: readonly string[]
  /** Deliveries that came more than once, which is allowed: receivers drop repeats by their id. */
  readonly repeats: number
  readonly headHash: string
}

type Row = Readonly<Record<string, unknown>>

const PAUSED = keccak256(toHex('Paused(address)'))
/** What is about the kills themselves, which only one of two worlds has. */
const isSelf = (table: 'f' | 'a'): string =>
  `(${table}.bot_id = 'tocsin' and ${table}.alert_id = 'PROCESS-RESTARTED')`

/** Names for hashes and ids by their place on the chain, so that facts of two chains can be compared. */
const nameHashes = async ({ stack }: World): Promise<(text: string) => string> => {
  const names = new Map<string, string>()
  const head = Number(await stack.anvil.rpc<string>('eth_blockNumber'))
  for (let number = 0; number <= head; number++) {
    const block = await stack.anvil.rpc<{ hash: string; transactions: string[] }>(
      'eth_getBlockByNumber',
      [toHex(number), false],
    )
    names.set(block.hash, `block:${number}`)
    for (const [index, hash] of block.transactions.entries())
      names.set(hash, `tx:${number}.${index}`)
  }
  const { rows: ids } = await stack.store.pool.query<{ id: string; name: string }>(
    `select id, bot_id || '/' || alert_id || '/' || block_number || '/' || coalesce(thing, '') as name
       from tocsin.finding where bot_id <> 'tocsin'
     union all select x.id, 'execution:' || f.block_number
       from tocsin.execution x join tocsin.finding f on f.id = x.finding_id`,
  )
  for (const { id, name } of ids) names.set(id, name)
  return (text) =>
    text.replace(
      /0x[0-9a-f]{64}|\b[a-z]_[0-9a-f]{24,64}\b|\b[0-9a-f]{24,64}\b/g,
      (found) => names.get(found) ?? found,
    )
}

const sortKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  )
}

export const collectFacts = async (world: World, robberies: number): Promise<Facts> => {
  const { stack, sink } = world
  const { anvil, store, deployment } = stack
  const nameIn = await nameHashes(world)
  const query = async (text: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
    (await store.pool.query<Row>(text, [...values])).rows
  const lines = async (text: string, values: readonly unknown[] = []): Promise<string[]> =>
    (await query(text, values)).map((row) => nameIn(JSON.stringify(sortKeys(row)))).sort()
  const problems: string[] = []
  const expectEqual = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected)
      problems.push(`${what}: ${String(found)} instead of ${String(expected)}`)
  }

  const first = `(select f.block_number || '/' || f.unique_key || '/' || coalesce(f.tx_hash, '')
    from tocsin.alert_finding m join tocsin.finding f on f.id = m.finding_id
    where m.alert_id = a.id order by f.block_number, f.seq limit 1)`
  const sections: Record<string, readonly string[]> = {
    findings: await lines(`select bot_id, alert_id, alert_kind, condition, chain_id, block_number,
      block_hash, case when bot_id <> 'tocsin' then block_timestamp_s end as block_timestamp_s,
      tx_hash, unique_key, name, description, severity, type, thing, owner,
      metadata, addresses, status = 'retracted' as retracted from tocsin.finding f where not ${isSelf('f')}`),
    alerts: await lines(`select key, kind, status, severity, title, summary, thing, owner, findings,
      first_block, last_block, condition, channels, changes, closed_by from tocsin.alert a where not ${isSelf('a')}`),
    'findings in alerts':
      await lines(`select a.key, m.severity, m.retracted, f.block_hash, f.tx_hash, f.unique_key
      from tocsin.alert_finding m join tocsin.alert a on a.id = m.alert_id
      join tocsin.finding f on f.id = m.finding_id where not ${isSelf('f')}`),
    incidents: await lines(`select subject, status, severity, title, owner from tocsin.incident
      where subject <> 'tocsin/PROCESS-RESTARTED'`),
    messages: await lines(`select a.key, ${first} as first, o.channel, o.severity, o.status,
      o.payload->>'change' as change, o.payload->>'ordinal' as ordinal, o.payload->>'status' as told
      from tocsin.outbox o join tocsin.alert a on a.id = o.alert_id where not ${isSelf('a')}`),
    deliveries: await lines(
      `select a.key, ${first} as first, o.payload->>'change' as change,
      o.payload->>'ordinal' as ordinal from tocsin.outbox o join tocsin.alert a on a.id = o.alert_id
      where not ${isSelf('a')} and o.dedup_key = any($1)`,
      [[...sink.received().keys()]],
    ),
    executions: await lines(`select x.action_id, x.epoch, x.status, x.reason_code, x.mode, x.nonce,
      cardinality(x.tx_hashes) as sent, x.mined_tx_hash, x.mined_block, f.bot_id, f.alert_id, f.block_hash
      from tocsin.execution x join tocsin.finding f on f.id = x.finding_id`),
    'bot state': await lines(`select * from (select distinct on (bot_id, key) bot_id, key, value
      from tocsin.bot_state order by bot_id, key, block_number desc) s where value is not null`),
    'bot health': await lines(
      'select bot_id, status, blocks_failed, last_error, findings from tocsin.bot_health',
    ),
    cursor: await lines('select number, hash from tocsin.chain_cursor'),
  }

  const logs = await readWatchedLogs(stack)
  const onChain = logs.map((log) =>
    JSON.stringify([
      Number(log.blockNumber),
      log.blockHash,
      log.transactionHash,
      Number(log.logIndex),
      log.address.toLowerCase(),
      log.topics,
      log.data,
    ]),
  )
  const indexed = (
    await query(
      'select block_number::int as n, block_hash, tx_hash, log_index, address, topics, data from indexer.event',
    )
  ).map((row) =>
    JSON.stringify([
      row['n'],
      row['block_hash'],
      row['tx_hash'],
      row['log_index'],
      String(row['address']).toLowerCase(),
      row['topics'],
      row['data'],
    ]),
  )
  sections['indexed events'] = indexed.map(nameIn).sort()
  const known = new Set(onChain)
  const stored = new Set(indexed)
  expectEqual('events indexed twice', indexed.length - stored.size, 0)
  expectEqual('logs not indexed', onChain.filter((log) => !stored.has(log)).length, 0)
  expectEqual('events not on the chain', indexed.filter((log) => !known.has(log)).length, 0)

  const paused = logs.filter(
    ({ address, topics }) =>
      address.toLowerCase() === deployment.vault.address && topics[0] === PAUSED,
  )
  sections['pauses on chain'] = paused.map((log) => nameIn(log.transactionHash)).sort()
  expectEqual('pauses on chain', paused.length, robberies)
  const nonce = await anvil.rpc<string>('eth_getTransactionCount', [
    deployment.actors.pauser.address,
    'latest',
  ])
  expectEqual('transactions of the signer', Number(nonce), robberies)
  expectEqual('executions', sections['executions']?.length, robberies)

  const [outbox] = await query(
    "select array_agg(dedup_key) as ids from tocsin.outbox where channel = 'pager'",
  )
  const told = new Set(Array.isArray(outbox?.['ids']) ? outbox['ids'].map(String) : [])
  const received = sink.received()
  expectEqual('messages never delivered', [...told].filter((id) => !received.has(id)).length, 0)
  expectEqual(
    'deliveries of unknown messages',
    [...received.keys()].filter((id) => !told.has(id)).length,
    0,
  )
  expectEqual('deliveries with a wrong signature', sink.forged(), 0)

  const [restarts] = await query(
    `select count(*)::int as n from tocsin.finding f where ${isSelf('f')}`,
  )
  expectEqual('findings about restarts', restarts?.['n'], countRestarts(world.events))
  const log = await verifyExecutionLog(store.db)
  if (!log.ok) problems.push(`execution log: ${log.message}`)
  const repeats = [...received.values()].reduce((sum, times) => sum + times - 1, 0)
  const { hash: headHash } = await anvil.rpc<{ hash: string }>('eth_getBlockByNumber', [
    'latest',
    false,
  ])
  return { sections, problems, repeats, headHash }
}
