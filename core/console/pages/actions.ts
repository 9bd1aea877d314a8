import { and, asc, desc, eq, lt, or } from 'drizzle-orm'
import { z } from 'zod'
import { tables } from '../../store/index.ts'
import { EXECUTION_STATUSES } from '../api/lists.ts'
import { age, latency, number } from '../format.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { askedFor, linkWith, problemNotice, problemsOf } from './findings.ts'
import { renderHalt, renderStop } from './halt.ts'
import { chainOf, type PageOptions, show, showNothing } from './kit.ts'
import {
  card,
  executionStatus,
  facts,
  hex,
  input,
  moment,
  none,
  rawJson,
  said,
  select,
  tag,
} from './parts.ts'
import { renderProposalCard } from './proposal.ts'

const PAGE = 50
const schema = z.object({
  status: z.enum(EXECUTION_STATUSES).optional(),
  action: z.string().trim().min(1).max(100).optional(),
  before: z
    .string()
    .regex(/^\d{1,16}\.[\w-]{1,100}$/)
    .optional(),
})

/** Every run of an approved action, and what waits for people above them. */
export const showActions = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const asked = askedFor(c.req.query())
  const parsed = schema.safeParse(asked)
  const filter = parsed.success ? parsed.data : {}
  const { execution: e } = tables
  const [ms, last] = filter.before?.split('.') ?? []
  const edge = ms && last ? { at: new Date(Number(ms)), id: last } : undefined
  const [found, waiting] = await Promise.all([
    db
      .select()
      .from(e)
      .where(
        and(
          filter.status ? eq(e.status, filter.status) : undefined,
          filter.action ? eq(e.actionId, filter.action) : undefined,
          edge
            ? or(lt(e.requestedAt, edge.at), and(eq(e.requestedAt, edge.at), lt(e.id, edge.id)))
            : undefined,
        ),
      )
      .orderBy(desc(e.requestedAt), desc(e.id))
      .limit(PAGE + 1),
    db.select().from(e).where(eq(e.status, 'proposed')).orderBy(asc(e.requestedAt)).limit(10),
  ])
  const rows = found.slice(0, PAGE)
  const end = rows.at(-1)
  const [halt, ...proposals] = await Promise.all([
    renderHalt(c, options, at),
    ...waiting.map((row) => renderProposalCard(c, options, row, at)),
  ])
  const notice = c.req.query('said')
  return show(c, options, {
    title: 'Actions',
    page: 'actions',
    at,
    live: 'pulse',
    body: html`<div class="headline"><h2>Actions</h2><span class="sub">what approved actions did, or wait to do</span><span class="end"><a class="btn" href="/audit">Audit</a></span></div>
${notice ? html`<div class="notice" role="status">${said(notice, 300)}</div>` : ''}${problemNotice(parsed.success ? [] : problemsOf(parsed.error))}
<div data-part="waiting">${halt}${proposals}</div>${halt === '' ? renderStop(c) : ''}
<section class="card" aria-label="Filter"><form class="filters" method="get" action="/actions" role="search">${select('status', 'Status', asked['status'], [['', 'any'], ...EXECUTION_STATUSES.map((each) => [each, each.replace('_', ' ')] as const)])}${input('action', 'Action', asked['action'])}<button class="btn main" type="submit">Show</button><a class="btn" href="/actions">Clear</a></form></section>
<section class="card" data-part="actions" aria-label="Actions">${
      rows.length === 0
        ? none('No action has run.')
        : html`<table><thead><tr><th>Asked</th><th>Status</th><th>Action</th><th>Thing</th><th>Chain</th><th>Transaction</th><th class="right">Head to mined</th></tr></thead><tbody>${rows.map(
            (row) => {
              const chain = chainOf(options.config(), row.chainId)
              const from = row.seenAtMs ?? row.requestedAt.getTime()
              return html`<tr data-row><td class="nowrap mute">${age(row.requestedAt, at)}</td><td>${executionStatus(row.status)}</td><td class="what"><span class="title"><a href="/actions/${row.id}">${said(row.actionId, 100)}</a></span>${row.reason ? html`<div class="facts"><span>${said(row.reason, 200)}</span></div>` : ''}</td><td class="small">${row.thing ? said(row.thing, 60) : '–'}</td><td class="small">${said(chain.name, 40)}</td><td class="nowrap small">${row.minedTxHash ? hex(row.minedTxHash, 'transaction', chain.explorer) : '–'}</td><td class="num right small">${row.minedAt ? latency(Math.max(0, row.minedAt.getTime() - from)) : '–'}</td></tr>`
            },
          )}</tbody></table>`
    }<div class="pager"><span>${rows.length === 0 ? '' : `${rows.length} shown`}</span><span class="end">${filter.before ? html`<a class="btn" href="${linkWith('/actions', asked, { before: undefined })}">Newest</a>` : ''}${found.length > PAGE && end ? html`<a class="btn" rel="next" href="${linkWith('/actions', asked, { before: `${end.requestedAt.getTime()}.${end.id}` })}">Older</a>` : ''}</span></div></section>`,
  })
}

/** One run of an action: what it does, what became of it, and every decision that the signer wrote down. */
export const showAction = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const id = (c.req.param('id') ?? '').slice(0, 200)
  const [row] = await db.select().from(tables.execution).where(eq(tables.execution.id, id))
  if (!row) return showNothing(c, options, 'actions', 'There is no action of this id.')
  const [log, answers] = await Promise.all([
    db
      .select()
      .from(tables.executionLog)
      .where(eq(tables.executionLog.executionId, id))
      .orderBy(asc(tables.executionLog.seq))
      .limit(300),
    db
      .select()
      .from(tables.executionApproval)
      .where(eq(tables.executionApproval.executionId, id))
      .orderBy(asc(tables.executionApproval.at))
      .limit(50),
  ])
  const chain = chainOf(options.config(), row.chainId)
  const proposal = row.status === 'proposed' ? await renderProposalCard(c, options, row, at) : ''
  const notice = c.req.query('said')
  return show(c, options, {
    title: `Action ${row.actionId}`,
    page: 'actions',
    at,
    live: 'pulse',
    body: html`<p class="crumbs"><a href="/actions">Actions</a> / <code>${said(row.id, 80)}</code></p>
${notice ? html`<div class="notice" role="status">${said(notice, 300)}</div>` : ''}
<div class="headline"><h2>${said(row.actionId, 120)}</h2><span data-part="status">${executionStatus(row.status)}</span>${row.mode ? tag(row.mode) : ''}</div>
<div data-part="proposal">${proposal}</div>
<div class="half"><div class="col">${card(
      'What became of it',
      html`<div data-part="facts">${facts([
        ['In words', row.reason && said(row.reason, 600)],
        ['Asked for', moment(row.requestedAt, at)],
        [
          'Finding',
          html`<a href="/findings/${row.findingId}"><code>${said(row.findingId, 24)}</code></a>`,
        ],
        ['Thing', row.thing && said(row.thing, 100)],
        ['Chain', said(chain.name, 60)],
        ['Target', row.target && hex(row.target, 'address', chain.explorer)],
        ['Signer', row.signerAddress && hex(row.signerAddress, 'address', chain.explorer)],
        ['Sent', row.broadcastAt && moment(row.broadcastAt, at)],
        [
          'Mined',
          row.minedAt &&
            html`${moment(row.minedAt, at)}, block <span class="num">${number(row.minedBlock)}</span>`,
        ],
        ['Transaction', row.minedTxHash && hex(row.minedTxHash, 'transaction', chain.explorer)],
        ['Stood for its confirmations', row.confirmedAt && moment(row.confirmedAt, at)],
        ['Fee', row.feeWei && html`<span class="num">${said(row.feeWei, 60)}</span> wei`],
        [
          'Answers',
          answers.length > 0 &&
            html`${answers.map((each) => html`<div>${said(each.who, 60)}: ${each.decision}${each.role ? html` as ${said(each.role, 60)}` : ''}, by ${each.via} <span class="mute">${age(each.at, at)}</span></div>`)}`,
        ],
      ])}</div>`,
    )}
${row.calldata ? card('Exact calldata', html`<pre tabindex="0">${said(row.calldata, 8_000)}</pre>`) : ''}${row.simulation ? card('Simulation', html`<details id="simulation"><summary>As the signer kept it</summary>${rawJson(row.simulation, 60_000)}</details>`) : ''}</div>
${card(html`Decisions <span class="count">${log.length}</span>`, html`<div data-part="log">${log.length === 0 ? none('The signer has not written anything yet.') : logRows(log, at)}</div>`)}</div>`,
  })
}

type LogRow = typeof tables.executionLog.$inferSelect

const logRows = (rows: readonly LogRow[], now: Date): Markup =>
  html`${rows.map(
    (row) =>
      html`<div class="row"><div class="line"><span class="num mute">${number(row.seq)}</span><span class="grow title">${said(row.event.replaceAll('_', ' '), 80)}</span><span class="end">${age(row.at, now)}</span></div><details id="log-${row.seq}"><summary><code>${said(row.hash, 18)}</code> detail</summary>${rawJson(row.detail, 20_000)}</details></div>`,
  )}`

type ChainState = { readonly at: Date; readonly text: string; readonly tone: 'ok' | 'bad' }
let chainState: ChainState | undefined
let checking: Promise<void> | undefined
const CHAIN_FRESH_MS = 30_000

/** How the hash chain of decisions stands: walked anew at most every 30 s, and nobody waits for it for long. */
const readChainState = async (options: PageOptions): Promise<ChainState | undefined> => {
  if (!checking && (!chainState || Date.now() - chainState.at.getTime() > CHAIN_FRESH_MS))
    checking = (async () => {
      const { verifyExecutionLog } = await import('../../response/index.ts')
      const result = await verifyExecutionLog(options.store.db)
      chainState = result.ok
        ? {
            at: new Date(),
            tone: 'ok',
            text: `whole: ${number(result.entries)} rows, each follows from the one before`,
          }
        : { at: new Date(), tone: 'bad', text: result.message }
    })()
      .catch(() => undefined)
      .finally(() => {
        checking = undefined
      })
  await Promise.race([checking, new Promise((resolve) => setTimeout(resolve, 60))])
  return chainState
}

/** Who did what: the signer's decisions with their hash chain, and what people did by console, API and commands. */
export const showAudit = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const before = Number(c.req.query('before') ?? Number.NaN)
  const { consoleAudit, executionLog } = tables
  const [log, deeds, chain] = await Promise.all([
    db
      .select()
      .from(executionLog)
      .where(Number.isSafeInteger(before) ? lt(executionLog.seq, before) : undefined)
      .orderBy(desc(executionLog.seq))
      .limit(40),
    db.select().from(consoleAudit).orderBy(desc(consoleAudit.seq)).limit(60),
    readChainState(options),
  ])
  const end = log.at(-1)
  return show(c, options, {
    title: 'Audit',
    page: 'actions',
    at,
    live: 'pulse',
    body: html`<p class="crumbs"><a href="/actions">Actions</a> / audit</p><div class="headline"><h2>Audit</h2><span data-part="chain">${chain ? html`<span class="tag ${chain.tone}">${chain.tone === 'ok' ? 'chain whole' : 'chain broken'}</span> <span class="sub">${said(chain.text, 200)}</span>` : html`<span class="sub">the hash chain is being walked …</span>`}</span></div>
<div class="notice"><span>Only a copy elsewhere shows that the end was cut off: <code>tocsin audit verify</code> compares with the noted head.</span></div>
<div class="half">${card('Decisions of the signer', html`<div data-part="log">${log.length === 0 ? none('Nothing was decided yet.') : html`${log.map((row) => html`<div class="row" data-row><div class="line"><span class="num mute">${number(row.seq)}</span><span class="grow title"><a href="/actions/${row.executionId}">${said(row.event.replaceAll('_', ' '), 80)}</a></span><span class="end">${age(row.at, at)}</span></div><div class="facts"><code title="${said(row.hash, 80)}">${said(row.hash, 18)}</code></div></div>`)}${log.length === 40 && end ? html`<div class="pager"><span class="end"><a class="btn" rel="next" href="/audit?before=${end.seq}">Older</a></span></div>` : ''}`}</div>`)}
${card('What people did', html`<div data-part="deeds">${deeds.length === 0 ? none('Nobody did anything by the console or its API yet.') : deeds.map((row) => html`<div class="row"><div class="line">${tag(row.result, row.result === 'done' ? 'ok' : row.result === 'failed' ? 'bad' : 'warn')}<span class="grow"><strong>${said(row.who, 60)}</strong> ${said(row.act, 80)} ${row.subject ? html`<code>${said(row.subject, 40)}</code>` : ''}</span><span class="end">${age(row.at, at)}</span></div><div class="facts"><span>by ${row.via}</span><span>from ${said(row.origin, 60)}</span></div></div>`)}</div>`)}</div>`,
  })
}
