import { asc, desc, sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Database, tables } from '../../store/index.ts'
import { age, latency, number } from '../format.ts'
import { html } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { chainOf, type PageOptions, show } from './kit.ts'
import { card, none, said, tag } from './parts.ts'

type Size = { readonly keys: number; readonly bytes: number }
const SIZES_FRESH_MS = 120_000

type Sizes = { at: number; sizes: ReadonlyMap<string, Size>; pending: Promise<void> | undefined }
const sizesOf = new WeakMap<Database, Sizes>()

/** How much each bot keeps, counted anew every two minutes; a page never waits for it. */
const readSizes = async (db: Database): Promise<ReadonlyMap<string, Size> | undefined> => {
  const known = sizesOf.get(db) ?? { at: 0, sizes: new Map<string, Size>(), pending: undefined }
  sizesOf.set(db, known)
  if (!known.pending && Date.now() - known.at > SIZES_FRESH_MS)
    known.pending = db
      .execute<{ chain_id: number; bot_id: string; keys: string; bytes: string }>(
        sql`select chain_id, bot_id, count(distinct key) as keys, coalesce(sum(pg_column_size(value)), 0) as bytes from tocsin.bot_state group by 1, 2`,
      )
      .then(({ rows }) => {
        known.sizes = new Map(
          rows.map((row) => [
            `${row.chain_id}:${row.bot_id}`,
            { keys: Number(row.keys), bytes: Number(row.bytes) },
          ]),
        )
        known.at = Date.now()
      })
      .catch(() => undefined)
      .finally(() => {
        known.pending = undefined
      })
  await Promise.race([known.pending, new Promise((resolve) => setTimeout(resolve, 100))])
  return known.at === 0 ? undefined : known.sizes
}

const botsSchema = z.record(
  z.string(),
  z
    .object({
      ms: z.number().optional(),
      meanMs: z.number().optional(),
      p99Ms: z.number().optional(),
    })
    .catch({}),
)

/** What each bot costs per block, where the watcher's heartbeat tells. */
const costsOf = (detail: unknown): Readonly<Record<string, string>> => {
  const parsed = z.object({ bots: botsSchema }).safeParse(detail)
  if (!parsed.success) return {}
  return Object.fromEntries(
    Object.entries(parsed.data.bots).flatMap(([id, { meanMs, ms }]) =>
      meanMs === undefined && ms === undefined ? [] : [[id, latency(meanMs ?? ms ?? 0)]],
    ),
  )
}

const bytes = (n: number): string =>
  n < 1_024
    ? `${n} B`
    : n < 1_048_576
      ? `${Math.round(n / 1_024)} kB`
      : `${(n / 1_048_576).toFixed(1)} MB`

/** How each bot does on each chain, what it keeps, what it costs, and which are shut out. */
export const showBots = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const { botHealth, botQuarantine, botStrike, processStatus } = tables
  const [health, quarantine, strikes, sizes, watcher, last] = await Promise.all([
    db.select().from(botHealth).orderBy(asc(botHealth.botId), asc(botHealth.chainId)).limit(500),
    db.select().from(botQuarantine).limit(100),
    db.select().from(botStrike).orderBy(desc(botStrike.seq)).limit(20),
    readSizes(db),
    db.select().from(processStatus).where(sql`${processStatus.name} = 'watcher'`),
    db.execute<{ bot_id: string; id: string; name: string; created_at: string }>(sql`
      select b.bot_id, f.id, f.name, f.created_at::text from (select distinct bot_id from tocsin.bot_health) b
      cross join lateral (select id, name, created_at from tocsin.finding where bot_id = b.bot_id order by seq desc limit 1) f`),
  ])
  const lastOf = new Map(last.rows.map((row) => [row.bot_id, row]))
  const shut = new Map(quarantine.map((row) => [`${row.chainId}:${row.botId}`, row]))
  const costs = costsOf(watcher[0]?.detail)
  const hasCosts = Object.keys(costs).length > 0
  const failing = health.filter(({ status }) => status !== 'ok').length
  return show(c, options, {
    title: 'Bots',
    page: 'bots',
    at,
    live: 'pulse',
    body: html`<div class="headline"><h2>Bots</h2><span class="sub">${failing + quarantine.length === 0 ? 'all do their work' : `${failing} failing, ${quarantine.length} shut out`}</span></div>
${quarantine.length === 0 ? '' : card('Shut out', html`${quarantine.map((row) => html`<div class="row"><div class="line">${tag('quarantine', 'bad')}<span class="grow title">${said(row.botId, 80)}</span><span class="end">${said(chainOf(options.config(), row.chainId).name, 40)}, ${age(row.since, at)}</span></div><p>${said(row.reason, 400)}</p><div class="facts"><span>Until its version or the watchlist changes, or <code>tocsin bots release</code>.</span></div></div>`)}`)}
<section class="card" data-part="bots" aria-label="Bots">${
      health.length === 0
        ? none('No bot has run yet.')
        : html`<table><thead><tr><th>Bot</th><th>Chain</th><th>Status</th><th class="right">Findings</th><th>Last finding</th><th class="right">State</th>${hasCosts ? html`<th class="right">Per block</th>` : ''}<th class="right">Blocks failed</th></tr></thead><tbody>${health.map(
            (row) => {
              const key = `${row.chainId}:${row.botId}`
              const size = sizes?.get(key)
              const newest = lastOf.get(row.botId)
              const status = shut.has(key) ? 'shut out' : row.status
              return html`<tr data-row><td class="what"><span class="title"><a href="/findings?bot=${encodeURIComponent(row.botId)}">${said(row.botId, 60)}</a></span>${row.lastError && row.status !== 'ok' ? html`<div class="facts"><span>${said(row.lastError, 300)}</span></div>` : ''}</td><td class="small">${said(chainOf(options.config(), row.chainId).name, 40)}</td><td>${tag(status, status === 'ok' ? 'ok' : status === 'disabled' ? '' : 'bad')}</td><td class="num right">${number(row.findings)}</td><td class="small">${newest ? html`<a href="/findings/${newest.id}">${said(newest.name, 80)}</a> <span class="mute">${age(new Date(newest.created_at), at)}</span>` : html`<span class="mute">none</span>`}</td><td class="num right small">${sizes ? (size ? html`${bytes(size.bytes)}<div class="mute">${number(size.keys)} keys</div>` : '–') : html`<span class="mute">being counted</span>`}</td>${hasCosts ? html`<td class="num right small">${costs[row.botId] ?? '–'}</td>` : ''}<td class="num right">${row.blocksFailed === 0 ? html`<span class="mute">0</span>` : number(row.blocksFailed)}</td></tr>`
            },
          )}</tbody></table>`
    }</section>
${strikes.length === 0 ? '' : card('Times a bot took the watcher down', html`${strikes.map((row) => html`<div class="row"><div class="line">${tag(row.kind, 'bad')}<span class="grow title">${said(row.botId, 80)}</span><span class="end">block ${number(row.blockNumber)}, ${age(row.at, at)}</span></div><p class="mute">${said(row.detail, 300)}${row.certain ? '' : ' It cannot be told for certain that it was this bot.'}</p></div>`)}`)}`,
  })
}
