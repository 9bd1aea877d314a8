import { and, desc, eq, inArray, lt, or, type SQL } from 'drizzle-orm'
import { z } from 'zod'
import { tables } from '../../store/index.ts'
import { age, count, number, prose } from '../format.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { readNames } from '../readNames.ts'
import { askedFor, linkWith, problemNotice, problemsOf } from './findings.ts'
import { chainOf, type PageOptions, show, showNothing } from './kit.ts'
import {
  alertStatus,
  card,
  facts,
  findingStatus,
  input,
  moment,
  none,
  said,
  select,
  severity,
  tag,
} from './parts.ts'

const PAGE = 50
const word = z.string().trim().min(1).max(100).optional()
/** `<ms>.<id>` of the last row of the page before. */
const before = z
  .string()
  .regex(/^\d{1,16}\.[\w-]{1,100}$/)
  .optional()
const filterSchema = z.object({
  status: z.enum(['open', 'resolved', 'retracted', 'unknown', 'all']).default('open'),
  severity: z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4']).optional(),
  bot: word,
  thing: word,
  owner: word,
  before,
})

/** Rows older than the last one of the page before. */
const olderThan = (
  column: typeof tables.alert.openedAt | typeof tables.incident.openedAt,
  id: typeof tables.alert.id | typeof tables.incident.id,
  place: string | undefined,
): SQL | undefined => {
  const [ms, last] = place?.split('.') ?? []
  if (!ms || !last) return undefined
  const at = new Date(Number(ms))
  return or(lt(column, at), and(eq(column, at), lt(id, last)))
}

export const pager = (
  path: string,
  asked: Readonly<Record<string, string>>,
  rows: readonly { readonly openedAt: Date; readonly id: string }[],
  hasMore: boolean,
): Markup => {
  const last = rows.at(-1)
  return html`<div class="pager"><span>${rows.length === 0 ? '' : `${rows.length} shown`}</span><span class="end">${asked['before'] ? html`<a class="btn" href="${linkWith(path, asked, { before: undefined })}">Newest</a>` : ''}${hasMore && last ? html`<a class="btn" rel="next" href="${linkWith(path, asked, { before: `${last.openedAt.getTime()}.${last.id}` })}">Older</a>` : ''}</span></div>`
}

const SEVS = [
  ['', 'any'],
  ['SEV1', 'SEV1'],
  ['SEV2', 'SEV2'],
  ['SEV3', 'SEV3'],
  ['SEV4', 'SEV4'],
] as const

/** Every alert, by status, severity, bot, thing and owner. */
export const showAlerts = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const asked = askedFor(c.req.query())
  const parsed = filterSchema.safeParse(asked)
  const filter = parsed.success ? parsed.data : filterSchema.parse({})
  const { alert: a } = tables
  const found = await db
    .select()
    .from(a)
    .where(
      and(
        filter.status === 'all'
          ? undefined
          : filter.status === 'open'
            ? inArray(a.status, ['open', 'unknown'])
            : eq(a.status, filter.status),
        filter.severity ? eq(a.severity, filter.severity) : undefined,
        filter.bot ? eq(a.botId, filter.bot) : undefined,
        filter.thing ? eq(a.thing, filter.thing) : undefined,
        filter.owner ? eq(a.owner, filter.owner) : undefined,
        olderThan(a.openedAt, a.id, filter.before),
      ),
    )
    .orderBy(desc(a.openedAt), desc(a.id))
    .limit(PAGE + 1)
  const rows = found.slice(0, PAGE)
  const names = await readNames(
    db,
    options.config(),
    rows.map(({ chainId, summary }) => ({ chainId, words: summary })),
  )
  return show(c, options, {
    title: 'Alerts',
    page: 'alerts',
    at,
    live: 'pulse',
    body: html`<div class="headline"><h2>Alerts</h2><span class="sub">findings of one kind about one thing, with a life of their own</span></div>
${problemNotice(parsed.success ? [] : problemsOf(parsed.error))}
<section class="card" aria-label="Filter"><form class="filters" method="get" action="/alerts" role="search">
${select('status', 'Status', asked['status'] ?? '', [
  ['', 'open'],
  ['resolved', 'resolved'],
  ['retracted', 'retracted'],
  ['unknown', 'unknown'],
  ['all', 'all'],
])}
${select('severity', 'Severity', asked['severity'], SEVS)}
${input('bot', 'Bot', asked['bot'])}${input('thing', 'Thing', asked['thing'])}${input('owner', 'Owner', asked['owner'])}
<button class="btn main" type="submit">Show</button><a class="btn" href="/alerts">Clear</a></form></section>
<section class="card" data-part="alerts" aria-label="Alerts">${
      rows.length === 0
        ? none(filter.status === 'open' ? 'Nothing is open.' : 'Nothing fits this filter.')
        : html`<table><thead><tr><th>Opened</th><th>Severity</th><th>What</th><th>Bot, thing</th><th>Chain</th><th class="right">Findings</th><th>Status</th></tr></thead><tbody>${rows.map(
            (row) =>
              html`<tr data-row class="${row.status === 'retracted' ? 'gone' : ''}"><td class="nowrap mute">${age(row.openedAt, at)}</td><td>${severity(row.severity)}</td>
<td class="what"><span class="title"><a href="${row.incidentId ? `/incidents/${row.incidentId}` : `/alerts/${row.id}`}">${said(row.title, 160)}</a></span><div class="facts"><span><bdi>${prose(row.summary, 200, (address) => names.get(`${row.chainId}:${address}`))}</bdi></span></div></td>
<td class="small">${said(row.botId, 40)}${row.thing ? html`<div class="mute">${said(row.thing, 40)}</div>` : ''}</td><td class="small">${said(chainOf(options.config(), row.chainId).name, 40)}</td><td class="num right">${number(row.findings)}</td><td>${alertStatus(row)}</td></tr>`,
          )}</tbody></table>`
    }${pager('/alerts', asked, rows, found.length > PAGE)}</section>`,
  })
}

/** One alert, for the few that belong to no incident, and for links. */
export const showAlert = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const id = (c.req.param('id') ?? '').slice(0, 100)
  const [row] = await db.select().from(tables.alert).where(eq(tables.alert.id, id))
  if (!row) return showNothing(c, options, 'alerts', 'There is no alert of this id.')
  const findings = await db
    .select({ finding: tables.finding })
    .from(tables.alertFinding)
    .innerJoin(tables.finding, eq(tables.finding.id, tables.alertFinding.findingId))
    .where(eq(tables.alertFinding.alertId, id))
    .orderBy(desc(tables.finding.seq))
    .limit(100)
  return show(c, options, {
    title: row.title,
    page: 'alerts',
    at,
    live: 'pulse',
    body: html`<p class="crumbs"><a href="/alerts">Alerts</a> / <code>${said(row.id, 80)}</code></p>
<div class="headline">${severity(row.severity)}<h2>${said(row.title, 200)}</h2>${alertStatus(row)}</div>
<div class="half">${card(
      'What it is',
      html`<p class="form"><bdi>${prose(row.summary, 2_000)}</bdi></p>${facts([
        [
          'Incident',
          row.incidentId &&
            html`<a href="/incidents/${row.incidentId}"><code>${said(row.incidentId, 60)}</code></a>`,
        ],
        [
          'Bot',
          html`${said(row.botId, 60)} <code>${said(row.alertId, 80)}</code> ${tag(row.kind)}`,
        ],
        ['Thing', row.thing && said(row.thing, 100)],
        ['Owner', row.owner && said(row.owner, 100)],
        ['Chain', said(chainOf(options.config(), row.chainId).name, 60)],
        ['Opened', moment(row.openedAt, at)],
        ['Closed', row.closedAt && moment(row.closedAt, at)],
        ['Taken by', row.acknowledgedBy && said(row.acknowledgedBy, 100)],
        ['Runbook', row.runbook && html`<code>${said(row.runbook, 200)}</code>`],
      ])}`,
    )}
${card(
  html`Findings <span class="count">${count(row.findings, 'finding')}</span>`,
  html`<div data-part="findings">${findings.map(
    ({ finding }) =>
      html`<div class="row" data-row><div class="line">${severity(finding.severity)}<span class="grow title"><a href="/findings/${finding.id}">${said(finding.name, 160)}</a></span>${findingStatus(finding.status)}<span class="end">${age(finding.createdAt, at)}</span></div></div>`,
  )}</div>`,
)}</div>`,
  })
}

/** Every incident, open ones first asked for. */
export const showIncidents = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const asked = askedFor(c.req.query())
  const schema = z.object({
    status: z.enum(['open', 'resolved', 'all']).default('all'),
    severity: z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4']).optional(),
    before,
  })
  const parsed = schema.safeParse(asked)
  const filter = parsed.success ? parsed.data : schema.parse({})
  const { incident: i } = tables
  const found = await db
    .select()
    .from(i)
    .where(
      and(
        filter.status === 'all' ? undefined : eq(i.status, filter.status),
        filter.severity ? eq(i.severity, filter.severity) : undefined,
        olderThan(i.openedAt, i.id, filter.before),
      ),
    )
    .orderBy(desc(i.openedAt), desc(i.id))
    .limit(PAGE + 1)
  const rows = found.slice(0, PAGE)
  return show(c, options, {
    title: 'Incidents',
    page: 'incidents',
    at,
    live: 'pulse',
    body: html`<div class="headline"><h2>Incidents</h2><span class="sub">alerts that belong together</span></div>
${problemNotice(parsed.success ? [] : problemsOf(parsed.error))}
<section class="card" aria-label="Filter"><form class="filters" method="get" action="/incidents" role="search">
${select('status', 'Status', asked['status'] ?? '', [
  ['', 'all'],
  ['open', 'open'],
  ['resolved', 'resolved'],
])}${select('severity', 'Severity', asked['severity'], SEVS)}
<button class="btn main" type="submit">Show</button><a class="btn" href="/incidents">Clear</a></form></section>
<section class="card" data-part="incidents" aria-label="Incidents">${
      rows.length === 0
        ? none('There is none.')
        : html`<table><thead><tr><th>Opened</th><th>Severity</th><th>What</th><th>In hand</th><th>Owner</th><th>Ended</th><th>Status</th></tr></thead><tbody>${rows.map(
            (row) =>
              html`<tr data-row><td class="nowrap mute">${age(row.openedAt, at)}</td><td>${severity(row.severity)}</td><td class="what"><span class="title"><a href="/incidents/${row.id}">${said(row.title, 200)}</a></span><div class="facts"><span>${said(row.subject, 120)}</span></div></td>
<td class="small">${row.acknowledgedBy ? said(row.acknowledgedBy, 60) : html`<span class="mute">nobody</span>`}</td><td class="small">${row.owner ? said(row.owner, 60) : '–'}</td><td class="nowrap small">${row.closedAt ? age(row.closedAt, at) : '–'}</td><td>${row.status === 'open' ? alertStatus({ status: 'open', acknowledgedAt: row.acknowledgedAt }) : tag('resolved', 'ok')}</td></tr>`,
          )}</tbody></table>`
    }${pager('/incidents', asked, rows, found.length > PAGE)}</section>`,
  })
}
