import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type NotifierConfig, startNotifier } from '../core/alerts/index.ts'
import { stableHash } from '../core/base/index.ts'
import {
  connectDatabase,
  migrateDatabase,
  type Store,
  startEmbeddedPostgres,
  tables,
} from '../core/store/index.ts'
import { createLogger } from '../core/telemetry/index.ts'
import { cpuOfTree } from './support/cpuOfTree.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { percentile, printTable, printVerdicts, type Verdict } from './support/report.ts'

endOnSignal()

/**
 * From finding to receiver: a storm of findings with three graver than all others in it, a backlog that drains, and the
 * way of single findings while nothing else happens. Receiver and Postgres are processes of their own; requests are
 * real, signed, and go over loopback.
 */
const short = process.argv.includes('--short')
const STORM = short ? { findings: 1_500, seconds: 9 } : { findings: 10_000, seconds: 60 }
const BACKLOG = short ? 4_000 : 40_000
const SINGLES = short ? 60 : 400
const PAGE_LIMIT_MS = 1_000
const MOST_MESSAGES = 10
const LEAST_PER_S = 2_000
const IDLE_LIMIT_MS = 100
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

type Taken = {
  readonly path: string
  readonly id: string
  readonly change: string
  readonly alertId: string
  readonly at: number
}
type Receiver = {
  readonly url: string
  readonly pid: number
  readonly read: (
    clear?: boolean,
  ) => Promise<{ readonly count: number; readonly taken: readonly Taken[] }>
}

/** `--part=drain` runs one of the three alone. */
const only = process.argv.find((arg) => arg.startsWith('--part='))?.slice('--part='.length)

const log = createLogger({ service: 'bench', level: 'error' })
const verdicts: Verdict[] = []

const startReceiver = async (): Promise<{
  readonly receiver: Receiver
  readonly child: ChildProcess
}> => {
  // Compiled where this is, else as it is written.
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = fileURLToPath(new URL(`./support/hookReceiver.${ending}`, import.meta.url))
  const child = fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [port] = (await once(child, 'message')) as [number]
  const url = `http://127.0.0.1:${port}`
  const read: Receiver['read'] = async (clear = false) => {
    const answer = await fetch(clear ? `${url}/clear` : url)
    return (await answer.json()) as Awaited<ReturnType<Receiver['read']>>
  }
  return { receiver: { url, pid: child.pid ?? 0, read }, child }
}

type FindingInsert = typeof tables.finding.$inferInsert
const findingOf = (
  facts: Partial<FindingInsert> & { readonly uniqueKey: string },
): FindingInsert => {
  const row = {
    botId: 'storm-bot',
    botVersion: '1.0.0',
    alertId: 'STORM',
    alertKind: 'event' as const,
    chainId: 1,
    blockNumber: 1,
    blockHash: '0xb1',
    blockTimestampS: 1_700_000_000,
    name: 'Something happened',
    description: 'It happened.',
    severity: 'Medium',
    type: 'Suspicious',
    status: 'provisional' as const,
    ...facts,
  }
  return { id: stableHash(row.botId, row.alertId, row.uniqueKey), ...row }
}

const configOf = (receiver: Receiver, path: string): NotifierConfig => {
  const hook = (name: string, minSeverity: 'SEV1' | 'SEV4') => ({
    kind: 'webhook' as const,
    name,
    minSeverity,
    url: `${receiver.url}${path}${name}`,
    secret: SECRET,
    timeoutMs: 5_000,
  })
  return {
    dataDir: '/nonexistent',
    chains: [],
    channels: [hook('pager', 'SEV1'), hook('chat', 'SEV4')],
    routes: [
      { match: { severity: ['SEV1'] }, channels: ['pager', 'chat'], continue: false },
      { match: {}, channels: ['chat'], continue: false },
    ],
  }
}

const settle = async (store: Store, table: string, limitS: number): Promise<void> => {
  for (const began = performance.now(); performance.now() - began < limitS * 1_000; ) {
    const { rows } = await store.pool.query<{ more: boolean }>(
      `select exists (select 1 from ${table}) as more`,
    )
    if (rows[0]?.more === false) return
    await delay(100)
  }
  throw new Error(`${table} did not empty within ${limitS} s`)
}

const storm = async (store: Store, receiver: Receiver): Promise<void> => {
  const { findings, seconds } = STORM
  console.log(`Storm: ${findings} findings in ${seconds} s, three of them SEV1.`)
  const notifier = await startNotifier({ config: configOf(receiver, '/'), store, log })
  const grave = new Set([0.2, 0.5, 0.8].map((share) => Math.floor(findings * share)))
  const committed = new Map<string, number>()
  const perTick = Math.ceil(findings / (seconds * 20))
  const began = performance.now()
  const beganAt = Date.now()
  for (let from = 0; from < findings; from += perTick) {
    const rows = Array.from({ length: Math.min(perTick, findings - from) }, (_, i) => {
      const n = from + i
      const isGrave = grave.has(n)
      return findingOf({
        uniqueKey: `${n}`,
        botId: `storm-bot-${n % 8}`,
        alertId: isGrave ? `GRAVE-${n}` : `STORM-${n % 5}`,
        thing: `thing-${n % 40}`,
        protocol: `protocol-${n % 3}`,
        severity: isGrave ? 'Critical' : n % 10 === 0 ? 'High' : n % 2 === 0 ? 'Medium' : 'Low',
        blockNumber: 1 + Math.floor(n / 100),
      })
    })
    await store.db.insert(tables.finding).values(rows)
    for (const { alertId } of rows)
      if (alertId.startsWith('GRAVE')) committed.set(alertId, Date.now())
    const due = (from / findings) * seconds * 1_000
    await delay(Math.max(0, due - (performance.now() - began)))
  }
  await settle(store, 'tocsin.finding_queue', 60)
  // What was held back counts too.
  await settle(store, 'tocsin.held_notice where released_at is null', 120)
  await settle(store, `tocsin.outbox where status = 'pending'`, 60)
  const during = await receiver.read(true)
  await notifier.stop()
  const { rows } = await store.pool.query<{ findings: number; folded: number; alerts: number }>(`
    select (select count(*)::int from tocsin.finding where bot_id like 'storm-bot-%') as findings,
      (select count(distinct finding_id)::int from tocsin.alert_finding) as folded,
      (select count(*)::int from tocsin.alert) as alerts`)
  const [stored] = rows
  const lateness = [...committed].map(([alertId, at]) => {
    const page = during.taken.find((one) => one.path === '/pager' && one.alertId === alertId)
    return page ? page.at - at : Number.POSITIVE_INFINITY
  })
  const messages = new Set(during.taken.map(({ id }) => id)).size
  printTable([
    ['findings', 'alerts', 'messages', 'of them pages', 'slowest page'],
    [
      String(stored?.findings),
      String(stored?.alerts),
      String(messages),
      String(during.taken.filter(({ path }) => path === '/pager').length),
      `${Math.max(...lateness)} ms`,
    ],
  ])
  for (const path of ['/pager', '/chat']) {
    const own = during.taken.filter((one) => one.path === path)
    const said = own.map(({ change, at }) => `${change} ${((at - beganAt) / 1_000).toFixed(1)} s`)
    console.log(`  ${path.slice(1)}: ${said.join(', ')}`)
  }
  verdicts.push(
    {
      what: 'storm: SEV1 pages after their commit, the slowest',
      measured: `${Math.max(...lateness)} ms`,
      target: `<= ${PAGE_LIMIT_MS} ms`,
      ok: Math.max(...lateness) <= PAGE_LIMIT_MS,
    },
    {
      what: 'storm: messages that people get',
      measured: String(messages),
      target: `<= ${MOST_MESSAGES}`,
      ok: messages <= MOST_MESSAGES,
    },
    {
      what: 'storm: findings that are in no alert',
      measured: String((stored?.findings ?? 0) - (stored?.folded ?? 0)),
      target: '0',
      ok: stored !== undefined && stored.findings === stored.folded && stored.findings === findings,
    },
  )
}

/** The process from which all others of Postgres come: this bench started it, on this machine. */
const postmasterOf = async (store: Store): Promise<number> => {
  const { rows } = await store.pool.query<{ pid: string }>(
    `select split_part(pg_read_file('postmaster.pid'), E'\n', 1) as pid`,
  )
  return Number(rows[0]?.pid)
}

const cpuOf = async (pids: { readonly postgres: number; readonly receiver: number }) => ({
  postgres: await cpuOfTree(pids.postgres),
  receiver: await cpuOfTree(pids.receiver),
})

const drain = async (store: Store, receiver: Receiver): Promise<void> => {
  console.log(`Drain: ${BACKLOG} messages of ${BACKLOG / 10} incidents wait for one channel.`)
  await store.pool.query(`truncate tocsin.outbox`)
  await store.pool.query(
    `insert into tocsin.outbox (dedup_key, channel, alert_id, lane, severity, payload)
     select 'd' || n, 'pager', 'a' || n, 'i' || n % ($1::int / 10), 'SEV' || 1 + n % 4,
       jsonb_build_object('schema', 'tocsin.alert.v1', 'dedupKey', 'd' || n, 'change', 'opened', 'severity', 'SEV' || 1 + n % 4,
         'alert', 'a' || n, 'alertId', 'DRAIN', 'title', 'Something happened', 'summary', repeat('It happened. ', 20),
         'evidence', '{}'::jsonb, 'addresses', '[]'::jsonb, 'transactions', '[]'::jsonb)
     from generate_series(1, $1::int) n`,
    [BACKLOG],
  )
  await store.pool.query('analyze tocsin.outbox')
  const config = configOf(receiver, '/')
  const [pager, ...rest] = config.channels
  if (pager?.kind !== 'webhook') throw new Error('no channel')
  const count = { ...pager, url: `${receiver.url}/count` }
  const began = performance.now()
  const others = { postgres: await postmasterOf(store), receiver: receiver.pid }
  const before = process.cpuUsage()
  const othersBefore = await cpuOf(others)
  const notifier = await startNotifier({
    config: { ...config, channels: [count, ...rest] },
    store,
    log,
  })
  await settle(store, `tocsin.outbox where status = 'pending'`, 300)
  const seconds = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(before)
  const othersAfter = await cpuOf(others)
  const { count: received } = await receiver.read(true)
  await notifier.stop()
  const perS = Math.round(BACKLOG / seconds)
  printTable([
    [
      'messages',
      'received',
      'seconds',
      'per second',
      'CPU ms each: notifier',
      'Postgres',
      'receiver',
    ],
    [
      String(BACKLOG),
      String(received),
      seconds.toFixed(1),
      String(perS),
      ((user + system) / 1_000 / BACKLOG).toFixed(2),
      ((othersAfter.postgres - othersBefore.postgres) / BACKLOG).toFixed(2),
      ((othersAfter.receiver - othersBefore.receiver) / BACKLOG).toFixed(2),
    ],
  ])
  verdicts.push({
    what: 'drain: deliveries a second, signed, over HTTP, one channel',
    measured: String(perS),
    target: `>= ${LEAST_PER_S}`,
    ok: perS >= LEAST_PER_S && received >= BACKLOG,
  })
}

const idle = async (store: Store, receiver: Receiver): Promise<void> => {
  console.log(`Idle: ${SINGLES} findings, one after another.`)
  await store.pool.query('truncate tocsin.outbox, tocsin.finding_queue')
  const notifier = await startNotifier({ config: configOf(receiver, '/'), store, log })
  await delay(1_000)
  const committed = new Map<string, number>()
  for (let n = 0; n < SINGLES; n++) {
    const alertId = `IDLE-${n}`
    const protocol = `idle-${n}`
    const finding = findingOf({ uniqueKey: alertId, alertId, protocol, severity: 'Critical' })
    await store.db.insert(tables.finding).values(finding)
    committed.set(alertId, Date.now())
    await delay(60 + 60 * Math.random())
  }
  await settle(store, `tocsin.outbox where status = 'pending'`, 60)
  const { taken } = await receiver.read(true)
  const { rows } = await store.pool.query<{ dedup_key: string; at: string }>(
    `select dedup_key, extract(epoch from created_at) * 1000 as at from tocsin.outbox where channel = 'pager'`,
  )
  await notifier.stop()
  const enqueued = new Map(rows.map(({ dedup_key, at }) => [dedup_key, Number(at)]))
  const pages = taken.filter(({ path, alertId }) => path === '/pager' && committed.has(alertId))
  const fromOutbox = pages.map(({ id, at }) => at - (enqueued.get(id) ?? Number.NaN))
  const fromCommit = pages.map(({ alertId, at }) => at - (committed.get(alertId) ?? Number.NaN))
  printTable([
    ['from', 'pages', 'p50 ms', 'p99 ms', 'max ms'],
    ...[['enqueued', fromOutbox] as const, ['finding committed', fromCommit] as const].map(
      ([from, all]) => [
        from,
        String(all.length),
        percentile(all, 50).toFixed(0),
        percentile(all, 99).toFixed(0),
        Math.max(...all).toFixed(0),
      ],
    ),
  ])
  const p99 = percentile(fromOutbox, 99)
  verdicts.push({
    what: 'idle: enqueued to receiver, p99',
    measured: `${p99.toFixed(0)} ms`,
    target: `< ${IDLE_LIMIT_MS} ms`,
    ok: p99 < IDLE_LIMIT_MS && pages.length >= SINGLES,
  })
}

const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-delivery-'))
const server = await startEmbeddedPostgres({ dataDir })
const { receiver, child } = await startReceiver()
try {
  const store = await connectDatabase({ url: server.url, name: 'bench', poolSize: 10 })
  await migrateDatabase(store)
  for (const part of [storm, drain, idle])
    if (only === undefined || part.name === only) await part(store, receiver)
  await store.stop()
} finally {
  child.disconnect()
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
}
printVerdicts(verdicts)
process.exitCode = !short && verdicts.some(({ ok }) => !ok) ? 1 : 0
