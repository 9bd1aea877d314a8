import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Config } from '../core/config/index.ts'
import { startConsole } from '../core/console/index.ts'
import {
  connectDatabase,
  migrateDatabase,
  type Store,
  startEmbeddedPostgres,
} from '../core/store/index.ts'
import { createLogger } from '../core/telemetry/index.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { listQuestions, startIndexedChain } from './support/indexedChain.ts'
import { percentile, printTable, printVerdicts, type Verdict } from './support/report.ts'

endOnSignal()

/**
 * Every page of the console over a large store, and every GraphQL question of the console and of docs/forensics.md: how
 * long it takes, and how much it weighs.
 */
const short = process.argv.includes('--short')
const FINDINGS = short ? 20_000 : 1_000_000
const ALERTS = short ? 2_000 : 100_000
const OPEN = short ? 200 : 2_000
const INCIDENTS = ALERTS / 20
const ROUNDS = short ? 10 : 40
const PAGE_MS = 300
const FIRST_MS = 500
const FIRST_BYTES = 100_000
/** Of the chain that the index is of; the findings of the store lie on others, but for those of its transactions. */
const CHAIN_ID = 31_337

const address = (n: number): string => `0x${n.toString(16).padStart(40, '0')}`

/** Findings of three months by 28 bots on three chains; a hundredth is grave, a thousandth retracted. */
const fill = async (url: string): Promise<void> => {
  // One session of its own, without a limit of time: the triggers that hand findings on are off in it.
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await fillBy(client)
  } finally {
    await client.end()
  }
}

const fillBy = async (client: pg.Client): Promise<void> => {
  const run = (text: string): Promise<unknown> => client.query(text)
  await run(`set session_replication_role = replica;
    insert into tocsin.finding (id, bot_id, bot_version, alert_id, alert_kind, chain_id, block_number, block_hash,
      block_timestamp_s, tx_hash, unique_key, name, description, severity, type, thing, owner, protocol, metadata,
      addresses, status, latency_ms, created_at)
    select md5(i::text) || md5((-i)::text), 'bot-' || (i % 28), '1.0.0', 'ALERT-' || (i % 60), 'event',
      (array[1, 8453, 42161])[1 + i % 3], 20000000 + i / 4, '0x' || md5((i / 4)::text) || md5((i / 4)::text),
      1750000000 + i * 8, '0x' || md5((i * 7)::text) || md5((i * 9)::text), i::text, 'Something moved in ' || (i % 500),
      'Somebody at ${address(4_096)} moved ' || i || ' units of thing ' || (i % 500) || ' to ${address(65_535)}.',
      case when i % 10000 = 0 then 'Critical' when i % 100 = 0 then 'High' when i % 10 = 0 then 'Medium' else 'Low' end,
      'Suspicious', 'thing-' || (i % 500), 'team-' || (i % 4), 'protocol-' || (i % 40),
      jsonb_build_object('amount', i::text, 'symbol', 'TKN'),
      array['0x' || lpad(to_hex(i % 5000), 40, '0'), '0x' || lpad(to_hex(i), 40, 'a')],
      case when i % 1000 = 1 then 'retracted' when i > ${FINDINGS} - 400 then 'provisional' else 'final' end,
      20, now() - (${FINDINGS} - i) * interval '8 seconds'
    from generate_series(1, ${FINDINGS}) i`)
  await run(`insert into tocsin.alert (id, key, kind, status, severity, title, summary, bot_id, alert_id, chain_id, thing,
      owner, protocol, incident_id, first_block, last_block, opened_at, updated_at, closed_at)
    select 'a_' || i, 'k' || i, 'event', case when i > ${ALERTS - OPEN} then 'open' else 'resolved' end,
      'SEV' || (1 + (case when i % 100 = 0 then 0 when i % 10 = 0 then 1 else 2 + i % 2 end)),
      'Something moved in ' || (i % 500), 'Somebody moved something at ${address(4_096)}.', 'bot-' || (i % 28),
      'ALERT-' || (i % 60), (array[1, 8453, 42161])[1 + i % 3], 'thing-' || (i % 500), 'team-' || (i % 4),
      'protocol-' || (i % 40), 'i_' || (i / 20), 20000000 + i, 20000000 + i,
      now() - (${ALERTS} - i) * interval '80 seconds', now() - (${ALERTS} - i) * interval '79 seconds',
      case when i > ${ALERTS - OPEN} then null else now() - (${ALERTS} - i) * interval '70 seconds' end
    from generate_series(1, ${ALERTS}) i`)
  await run(`insert into tocsin.alert_finding (alert_id, finding_id, severity)
    select 'a_' || (1 + i % ${ALERTS}), md5(i::text) || md5((-i)::text), 'SEV3' from generate_series(1, ${FINDINGS}) i`)
  await run(`insert into tocsin.incident (id, subject, status, severity, title, opened_at, updated_at)
    select 'i_' || i, 'protocol-' || (i % 40), case when i > ${INCIDENTS - OPEN / 20} then 'open' else 'resolved' end,
      'SEV' || (1 + i % 4), 'Something moved', now() - (${INCIDENTS} - i) * interval '1600 seconds', now()
    from generate_series(0, ${INCIDENTS}) i;
    insert into tocsin.incident_event (incident_id, alert_id, kind, text)
    select 'i_' || (i / 20), 'a_' || i, 'joined', 'Something moved' from generate_series(1, ${ALERTS}) i;
    insert into tocsin.outbox (dedup_key, channel, alert_id, incident_id, lane, severity, payload, status, sent_at)
    select 'd' || i, 'chat', 'a_' || i, 'i_' || (i / 20), 'i_' || (i / 20), 'SEV3', '{"title":"Something moved"}', 'sent', now()
    from generate_series(1, ${ALERTS}) i;
    insert into tocsin.execution (id, idempotency_key, action_id, chain_id, finding_id, status, requested_at)
    select 'x_' || i, 'x' || i, 'pause-vault', 1, md5((i * 100)::text) || md5((i * -100)::text), 'refused',
      now() - i * interval '100 seconds' from generate_series(1, ${FINDINGS / 200}) i;
    insert into tocsin.bot_health (chain_id, bot_id, status, findings)
    select 1, 'bot-' || i, 'ok', ${Math.floor(FINDINGS / 28)} from generate_series(0, 27) i;
    set session_replication_role = default`)
  await run('vacuum analyze')
}

const pages = (ids: { readonly finding: string; readonly incident: string }): readonly string[] => [
  '/',
  '/incidents',
  `/incidents/${ids.incident}`,
  '/alerts',
  '/alerts?status=all&severity=SEV1',
  '/alerts?status=all&bot=bot-7',
  '/findings',
  '/findings?bot=bot-7',
  '/findings?severity=Critical',
  '/findings?status=retracted',
  '/findings?chain=8453&severity=High',
  '/findings?bot=bot-7&severity=Critical',
  `/findings?address=${address(77)}`,
  '/findings?thing=thing-77',
  '/findings?to=2020-01-01',
  `/findings?before=${Math.floor(FINDINGS / 2)}`,
  `/findings/${ids.finding}`,
  '/actions',
  '/audit',
  '/bots',
  '/watchlist',
  '/silences',
  '/on-call',
  '/deliveries',
  '/query',
  '/users',
  '/account',
]

type Timed = { readonly first: number; readonly p95: number; readonly bytes: number }

/** How long something takes, each answer read whole and looked at. */
const time = async (
  ask: () => Promise<Response>,
  check: (body: string) => void = () => undefined,
): Promise<Timed> => {
  const times: number[] = []
  let bytes = 0
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    const answer = await ask()
    const body = await answer.text()
    times.push(performance.now() - start)
    if (!answer.ok)
      throw new Error(`${answer.url} answered ${answer.status}: ${body.slice(0, 300)}`)
    check(body)
    bytes = Buffer.byteLength(body)
  }
  return { first: times[0] ?? 0, p95: percentile(times, 95), bytes }
}

const rowOf = (name: string, { first, p95, bytes }: Timed): string[] => [
  name.slice(0, 60),
  first.toFixed(0),
  p95.toFixed(1),
  (bytes / 1_000).toFixed(1),
]

/** Findings, alerts and executions of transactions that the index holds, so that the questions have something to join. */
const tieToIndex = async ({ pool }: Store): Promise<{ readonly finding: string }> => {
  await pool.query(`set session_replication_role = replica;
    with known as (
      select hash, row_number() over (order by hash) as n from indexer.transaction limit 400
    ), chosen as (
      select id, row_number() over (order by seq desc) as n from tocsin.finding where severity = 'High' limit 400
    )
    update tocsin.finding f set tx_hash = k.hash, chain_id = ${CHAIN_ID}
    from known k join chosen c on c.n = k.n where f.id = c.id;
    update tocsin.execution e set mined_tx_hash = f.tx_hash, chain_id = ${CHAIN_ID} from tocsin.finding f
    where f.id = e.finding_id and f.chain_id = ${CHAIN_ID};
    set session_replication_role = default`)
  const { rows } = await pool.query<{ id: string }>(
    `select id from tocsin.finding where chain_id = ${CHAIN_ID} order by seq desc limit 1`,
  )
  return { finding: rows[0]?.id ?? '' }
}

const config = {
  name: 'bench',
  env: undefined,
  hash: 'bench',
  chains: [
    { id: 1, name: 'mainnet' },
    { id: 8453, name: 'base' },
    { id: 42_161, name: 'arbitrum' },
  ],
  watch: [],
  bots: {},
  channels: [],
  routes: [],
  answers: [],
  // Whoever is at the machine may see every page.
  console: { host: '127.0.0.1', port: 0, open: true },
  people: { secret: 'x'.repeat(40), haltToken: '', hasSecret: true, channels: {} },
} as unknown as Config

const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-bench-'))
await chmod(dataDir, 0o755)
const postgres = await startEmbeddedPostgres({ dataDir })
const store = await connectDatabase({ url: postgres.url, name: 'bench' })
const verdicts: Verdict[] = []
let index: Awaited<ReturnType<typeof startIndexedChain>> | undefined
try {
  await migrateDatabase(store)
  console.log(`Console: storing ${FINDINGS} findings and ${ALERTS} alerts.`)
  const began = performance.now()
  await fill(postgres.url)
  console.log(`  stored in ${Math.round((performance.now() - began) / 1_000)} s`)
  index = await startIndexedChain({
    databaseUrl: postgres.url,
    chainId: CHAIN_ID,
    blocks: short ? 20 : 60,
  })
  const tied = await tieToIndex(store)
  const reader = await connectDatabase({ url: postgres.url, name: 'console' })
  const log = createLogger({ service: 'bench', level: 'warn' })
  const page = await startConsole({
    config: { ...config, dataDir, actionsDir: join(dataDir, 'actions') },
    store: reader,
    log,
    graphqlUrl: index.graphqlUrl,
  })
  const { rows } = await reader.pool.query<{ id: string }>(
    "select id from tocsin.finding where severity = 'Critical' order by seq desc limit 1",
  )
  const table: string[][] = [['page', 'first ms', 'p95 ms', 'kB']]
  for (const path of pages({ finding: rows[0]?.id ?? '', incident: `i_${INCIDENTS - 1}` })) {
    const timed = await time(() => fetch(page.url + path))
    const { first, p95, bytes } = timed
    table.push(rowOf(path, timed))
    verdicts.push({
      what: path.slice(0, 60),
      measured: `p95 ${p95.toFixed(0)} ms, first ${first.toFixed(0)} ms, ${(bytes / 1_000).toFixed(0)} kB`,
      target: `${PAGE_MS} ms, ${FIRST_MS} ms, ${FIRST_BYTES / 1_000} kB`,
      ok: p95 < PAGE_MS && first < FIRST_MS && bytes < FIRST_BYTES,
    })
  }
  const variables = {
    id: tied.finding,
    proxy: index.proxy,
    safe: index.safe,
    from: index.sender,
    since: '0',
  }
  for (const { name, query } of await listQuestions()) {
    const asked = Object.entries(variables).filter(([key]) => query.includes(`$${key}:`))
    const body = JSON.stringify({ query, variables: Object.fromEntries(asked) })
    const headers = { 'content-type': 'application/json' }
    const timed = await time(
      () => fetch(`${page.url}/graphql`, { method: 'POST', headers, body }),
      (answer) => {
        const { errors } = JSON.parse(answer) as { errors?: readonly { message: string }[] }
        if (errors) throw new Error(`${name}: ${errors[0]?.message}`)
      },
    )
    table.push(rowOf(name, timed))
    verdicts.push({
      what: `GraphQL, ${name.slice(0, 50)}`,
      measured: `p95 ${timed.p95.toFixed(0)} ms`,
      target: `${PAGE_MS} ms`,
      ok: timed.p95 < PAGE_MS,
    })
  }
  printTable(table)
  await page.stop()
  await reader.stop()
} finally {
  await index?.stop()
  await store.stop()
  await postgres.stop()
  await rm(dataDir, { recursive: true, force: true })
}
printVerdicts(verdicts)
if (!short && verdicts.some(({ ok }) => !ok)) process.exitCode = 1
