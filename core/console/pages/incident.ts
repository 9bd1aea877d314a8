import { and, desc, eq, inArray } from 'drizzle-orm'
import { isTocsinError } from '../../base/index.ts'
import {
  buildPostmortem,
  type IncidentRecord,
  type Postmortem,
  readRecord,
  renderMarkdown,
} from '../../postmortem/index.ts'
import { tables } from '../../store/index.ts'
import { age, count, number, prose, span } from '../format.ts'
import { html, type Markup, trusted } from '../html.ts'
import { type ConsoleContext, csrfField, hasRole, principalOf } from '../principal.ts'
import { readNames } from '../readNames.ts'
import { readBlast, renderBlast } from './blast.ts'
import { chainOf, type PageOptions, show, showNothing } from './kit.ts'
import {
  alertStatus,
  card,
  executionStatus,
  facts,
  hex,
  input,
  moment,
  none,
  said,
  severity,
  stamp,
  tag,
  until,
} from './parts.ts'
import { renderProposalCard } from './proposal.ts'
import { renderMarkdown as renderBook } from './renderMarkdown.ts'
import { readRunbook } from './runbook.ts'
import { renderTimeline } from './timeline.ts'

const IDS = /^[\w-]{1,100}$/
const SHOWN_ALERTS = 12
/** Rows of a kind that the page reads: more than anybody reads in the night, and quick. */
const MOST = 200

const figures = (record: IncidentRecord, report: Postmortem, now: Date): Markup => {
  const { incident } = record
  const [acknowledge, mitigate] = report.targets
  const target = (each: Postmortem['targets'][number] | undefined, words: string): Markup => {
    if (!each) return html``
    const value = each.at
      ? html`${span((each.tookS ?? 0) * 1_000)}`
      : each.verdict === 'missed'
        ? 'overdue'
        : 'not yet'
    const tone = each.verdict === 'missed' ? 'bad' : each.verdict === 'met' ? 'ok' : 'warn'
    const note = each.at
      ? html`${each.by ? html`by ${said(each.by, 60)}, ` : ''}target ${each.verdict}`
      : each.dueAt && each.verdict === 'pending'
        ? html`due: ${until(each.dueAt, now)}`
        : each.verdict === 'no target'
          ? 'no target'
          : 'target missed'
    return html`<div><div class="label">${words}</div><div class="value ${each.verdict === 'no target' ? '' : tone}">${value}</div><div class="note">${note}</div></div>`
  }
  const money = report.money[0]
  return html`<div class="big"><div><div class="label">${incident.status === 'open' ? 'Open for' : 'Lasted'}</div><div class="value">${
    incident.status === 'open'
      ? age(incident.openedAt, now, 'for')
      : span((incident.closedAt ?? now).getTime() - incident.openedAt.getTime())
  }</div><div class="note num">since ${stamp(incident.openedAt)}</div></div>${target(acknowledge, 'Acknowledged')}${target(mitigate, 'Mitigated')}
<div><div class="label">Alerts</div><div class="value">${record.alerts.filter(({ status }) => status === 'open' || status === 'unknown').length} <small class="mute">open of ${record.alerts.length}</small></div><div class="note">${count(record.findings.length, 'finding')}</div></div>${
    money
      ? html`<div><div class="label">Lost of what was at risk</div><div class="value bad">${said(`${money.lost} ${money.unit}`, 80)}</div><div class="note">of ${said(`${money.atRisk} ${money.unit}`, 80)}${money.saved ? html`; ${said(`${money.saved} ${money.unit}`, 80)} saved` : ''}${money.usd ? html`; ${money.usd.lost} US dollars` : ''}</div></div>`
      : ''
  }</div>`
}

const acts = (c: ConsoleContext, record: IncidentRecord): Markup | string => {
  const { incident } = record
  const principal = principalOf(c)
  const isOpen = incident.status === 'open'
  const download = html`<a class="btn" href="/incidents/${incident.id}/postmortem.md">Post-mortem</a><a class="btn" href="/incidents/${incident.id}/postmortem.json">JSON</a>`
  if (!hasRole(principal, 'responder'))
    return html`<div class="acts">${download}${isOpen ? html`<span class="mute small">You only look on here. To act, sign in as a responder, or use <code>tocsin incidents</code>.</span>` : ''}</div>`
  const form = (act: string, words: string, look = '', more: Markup | string = ''): Markup =>
    html`<form method="post" action="/incidents/${incident.id}/${act}">${csrfField(c)}<button class="btn ${look}" type="submit"${act === 'acknowledge' ? html` data-act="acknowledge"` : ''}>${words}</button>${more}</form>`
  return html`<div class="acts">${isOpen && !incident.acknowledgedAt ? form('acknowledge', 'Acknowledge', 'main') : ''}${isOpen && incident.acknowledgedAt && !incident.mitigatedAt ? form('mitigate', 'Harm is stopped', 'main') : ''}${isOpen ? form('resolve', 'Resolve', '', html`<label class="check small mute"><input type="checkbox" name="evenIfHolding" value="yes"> even if it still holds</label>`) : ''}<span class="aside"><a class="btn" href="/silences?thing=${encodeURIComponent(record.alerts[0]?.thing ?? '')}">Silence</a>${download}</span></div>`
}

/** Leads to the answer that somebody waits for: on a phone it stands further down. */
const waitingLine = (waiting: readonly { readonly actionId: string }[]): Markup | string => {
  const [first] = waiting
  if (!first) return ''
  const rest = waiting.length > 1 ? ` and ${waiting.length - 1} more` : ''
  return html`<p class="waits" data-part="waits"><a href="#waiting"><strong>${said(first.actionId, 100)}</strong>${rest} ${waiting.length === 1 ? 'waits' : 'wait'} for people: approve or deny</a></p>`
}

/** Stands with the timeline, out of the way of what is pressed in a hurry. */
const commentForm = (c: ConsoleContext, record: IncidentRecord): Markup | string =>
  hasRole(principalOf(c), 'responder')
    ? html`<form class="acts" method="post" action="/incidents/${record.incident.id}/comment">${csrfField(c)}${input('text', 'Say something into the timeline', '', { wide: true, required: true, max: 2_000 })}<button class="btn" type="submit">Comment</button></form>`
    : ''

/** What happened in a sentence: the gravest alert that still counts, as its bot said it. */
const lead = (record: IncidentRecord, names: ReadonlyMap<string, string>): Markup | string => {
  const [gravest] = record.alerts
    .filter(({ status }) => status !== 'retracted')
    .toSorted(
      (a, b) => a.severity.localeCompare(b.severity) || a.openedAt.getTime() - b.openedAt.getTime(),
    )
  if (!gravest?.summary) return ''
  const nameOf = (address: string) => names.get(`${gravest.chainId}:${address}`)
  return html`<p class="lead"><bdi>${prose(gravest.summary, 500, nameOf)}</bdi></p>`
}

const paged = async (options: PageOptions, record: IncidentRecord, now: Date): Promise<Markup> => {
  const { db } = options.store
  const { oncallEscalation, oncallPage } = tables
  const [escalations, pages] = await Promise.all([
    db
      .select()
      .from(oncallEscalation)
      .where(eq(oncallEscalation.incidentId, record.incident.id))
      .limit(20),
    db
      .select()
      .from(oncallPage)
      .where(eq(oncallPage.incidentId, record.incident.id))
      .orderBy(desc(oncallPage.seq))
      .limit(20),
  ])
  const channels = new Map<
    string,
    { sent: number; waiting: number; dead: number; last: Date | null; error: string | null }
  >()
  for (const row of record.deliveries) {
    const each = channels.get(row.channel) ?? {
      sent: 0,
      waiting: 0,
      dead: 0,
      last: null,
      error: null,
    }
    if (row.status === 'sent') each.sent++
    else if (row.status === 'dead') each.dead++
    else each.waiting++
    if (row.sentAt && (!each.last || row.sentAt > each.last)) each.last = row.sentAt
    if (row.status !== 'sent' && row.lastError) each.error = row.lastError
    channels.set(row.channel, each)
  }
  if (escalations.length + pages.length + channels.size === 0)
    return none('Nobody was told of it: no route leads to a channel, or it is held back.')
  return html`${escalations.map(
    (row) =>
      html`<div class="row"><div class="line"><span class="grow title">team ${said(row.team, 60)}</span>${tag(row.status, row.status === 'ended' ? 'ok' : 'warn')}<span class="end">${row.status === 'ended' ? said(row.endedBy, 40) : html`next: ${until(row.dueAt, now)}`}</span></div></div>`,
  )}${pages.map(
    (row) =>
      html`<div class="row"><div class="line"><span class="grow">${row.person ? html`<strong>${said(row.person, 60)}</strong> (${row.level})` : html`${row.level} of ${said(row.team, 60)}`} was paged</span><span class="end">${age(row.at, now)}</span></div></div>`,
  )}${[...channels].map(
    ([name, each]) =>
      html`<div class="row"><div class="line"><span class="grow">channel <strong>${said(name, 60)}</strong></span>${each.dead > 0 ? tag(`${each.dead} refused`, 'bad') : ''}${each.waiting > 0 ? tag(`${each.waiting} waiting`, 'warn') : ''}<span class="end">${each.sent > 0 ? html`${count(each.sent, 'message')}, ${age(each.last, now)}` : 'nothing yet'}</span></div>${each.error ? html`<p class="mute small">${said(each.error, 200)}</p>` : ''}</div>`,
  )}`
}

const alertRows = (
  options: PageOptions,
  record: IncidentRecord,
  names: ReadonlyMap<string, string>,
  now: Date,
): Markup => {
  const rows = record.alerts.toSorted(
    (a, b) => a.severity.localeCompare(b.severity) || b.openedAt.getTime() - a.openedAt.getTime(),
  )
  const row = (each: (typeof rows)[number]): Markup => {
    const chain = chainOf(options.config(), each.chainId)
    const newest = record.findings.findLast(
      ({ botId, alertId, thing }) =>
        botId === each.botId && alertId === each.alertId && thing === each.thing,
    )
    return html`<div class="row${each.status === 'retracted' ? ' struck' : ''}" data-row><div class="line">${severity(each.severity)}<span class="grow title"><a href="/alerts/${each.id}">${said(each.title, 160)}</a></span>${alertStatus(each)}<span class="end">${age(each.openedAt, now)}</span></div>
<p><bdi>${prose(each.summary, 500, (address) => names.get(`${each.chainId}:${address}`))}</bdi></p>
<div class="facts"><span>${said(each.botId, 60)}</span>${each.thing ? html`<span>${said(each.thing, 60)}</span>` : ''}<span>${said(chain.name, 40)}</span>${each.chainId === 0 ? '' : html`<span class="num">block ${number(each.lastBlock)}</span>`}${newest ? html`<span><a href="/findings/${newest.id}">evidence</a></span>${newest.txHash ? html`<span>tx ${hex(newest.txHash, 'transaction', chain.explorer)}</span>` : ''}<span>${newest.status}</span>` : ''}<span class="num">${count(each.findings, 'finding')}</span></div></div>`
  }
  return html`${rows.slice(0, SHOWN_ALERTS).map(row)}${rows.length > SHOWN_ALERTS ? html`<details id="more-alerts"><summary>${count(rows.length - SHOWN_ALERTS, 'more alert')}</summary>${rows.slice(SHOWN_ALERTS, 40).map(row)}</details>` : ''}`
}

const runbooks = async (options: PageOptions, record: IncidentRecord): Promise<Markup> => {
  const gravest = record.alerts.toSorted((a, b) => a.severity.localeCompare(b.severity))
  const paths = [
    ...new Set(gravest.map((row) => row.runbook ?? `bots/${row.botId}/runbook.md`)),
  ].slice(0, 6)
  const books = await Promise.all(
    paths.map(async (path) => ({ path, text: await readRunbook(options.config(), path) })),
  )
  const found = books.filter(({ text }) => text !== undefined)
  if (found.length === 0)
    return none(
      html`There is no runbook to be had here. ${paths.map((path) => html`<code>${said(path, 200)}</code> `)}`,
    )
  return html`${found.map(
    ({ path, text }, index) =>
      html`<details id="book-${index}"${index === 0 ? trusted(' open') : ''}><summary>${said(path, 200)}</summary>${renderBook(text ?? '')}</details>`,
  )}`
}

/** The page of the night: what, how bad, what to do, who knows, what waits, and everything that happened so far. */
export const showIncident = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const id = c.req.param('id') ?? ''
  const config = options.config()
  const record = IDS.test(id)
    ? await readRecord(db, config, id, MOST).catch((error: unknown) => {
        if (isTocsinError(error) && error.code === 'incident.unknown') return undefined
        throw error
      })
    : undefined
  if (!record) return showNothing(c, options, 'incidents', 'There is no incident of this id.')
  const { incident } = record
  const report = buildPostmortem(record)
  const waitingIds = record.executions
    .filter(({ status }) => status === 'proposed')
    .map((row) => row.id)
  const waiting =
    waitingIds.length === 0
      ? []
      : await db
          .select()
          .from(tables.execution)
          .where(
            and(inArray(tables.execution.id, waitingIds), eq(tables.execution.status, 'proposed')),
          )
  const names = await readNames(
    db,
    config,
    record.alerts.map(({ chainId, summary }) => ({ chainId, words: summary })),
  )
  const [people, proposals, books] = await Promise.all([
    paged(options, record, at),
    Promise.all(waiting.map((row) => renderProposalCard(c, options, row, at))),
    runbooks(options, record),
  ])
  const said_ = c.req.query('said')
  return show(c, options, {
    title: `${incident.severity} ${incident.title}`,
    page: 'incidents',
    at,
    live: 'pulse',
    body: html`<p class="crumbs"><a href="/incidents">Incidents</a> / <code>${said(incident.id, 60)}</code></p>
${said_ ? html`<div class="notice" role="status">${said(said_, 300)}</div>` : ''}
<section class="card i${incident.severity.slice(3)} ribbon" data-part="head"><div class="headline pad">${severity(incident.severity)}<h2>${said(incident.title, 200)}</h2>${
      incident.status === 'open'
        ? alertStatus({ status: 'open', acknowledgedAt: incident.acknowledgedAt })
        : tag('resolved', 'ok')
    }<span class="end sub">${said(incident.subject, 100)}${incident.owner ? html` · owner ${said(incident.owner, 60)}` : ''}${incident.acknowledgedBy ? html` · in hand of <strong>${said(incident.acknowledgedBy, 60)}</strong>` : ''}</span></div>
${lead(record, names)}${figures(record, report, at)}${waitingLine(waiting)}${acts(c, record)}</section>
<div data-part="waiting" id="waiting">${proposals}</div>
<div class="cols"><div class="col">
${card(html`What happened <span class="count">${count(record.alerts.length, 'alert')}</span>`, html`<div data-part="alerts">${alertRows(options, record, names, at)}</div>`)}
${card('What to do', books)}
${card(html`Timeline <span class="count">${count(report.timeline.length, 'step')}</span>`, html`<div data-part="timeline">${record.cut.length > 0 ? html`<p class="none">Not whole: ${said(record.cut.join('; '), 300)}. The export has more.</p>` : ''}${renderTimeline(report.timeline)}</div>${commentForm(c, record)}`)}
</div><div class="col">
${card('Who is told', html`<div data-part="people">${people}</div>`)}
${record.executions.length > 0 ? card('What is being done', html`<div data-part="done">${record.executions.map((row) => html`<div class="row"><div class="line">${executionStatus(row.status)}<span class="grow title"><a href="/actions/${row.id}">${said(row.actionId, 80)}</a></span><span class="end">${age(row.requestedAt, at)}</span></div>${row.reason ? html`<p class="mute">${said(row.reason, 240)}</p>` : ''}</div>`)}</div>`) : ''}
${renderBlast(readBlast(config, record))}
${report.knew.length > 0 ? card('Who knew when', facts(report.knew.slice(0, 12).map((each) => [each.who.slice(0, 60), html`${moment(each.at, at)}<span class="mute">, ${span(each.afterS * 1_000)} after it opened, ${said(each.how, 60)}</span>`]))) : ''}
${card(html`Gaps <span class="count">${report.gaps.length}</span>`, html`<div data-part="gaps">${report.gaps.length === 0 ? none('None.') : report.gaps.slice(0, 12).map((gap) => html`<div class="row"><div class="line"><span class="grow">${said(gap.kind, 60)}</span><span class="end">${gap.seconds === null ? '' : span(gap.seconds * 1_000)}</span></div><p class="mute">${said(gap.text, 240)}</p></div>`)}</div>`)}
</div></div>`,
  })
}

/** The post-mortem as a file. */
export const exportPostmortem = async (
  c: ConsoleContext,
  options: PageOptions,
  format: 'md' | 'json',
): Promise<Response> => {
  const id = c.req.param('id') ?? ''
  if (!IDS.test(id)) return showNothing(c, options, 'incidents', 'There is no incident of this id.')
  const report = buildPostmortem(await readRecord(options.store.db, options.config(), id))
  const isJson = format === 'json'
  return c.body(isJson ? `${JSON.stringify(report, null, 2)}\n` : renderMarkdown(report), 200, {
    'content-type': `${isJson ? 'application/json' : 'text/markdown'}; charset=utf-8`,
    'content-disposition': `attachment; filename="postmortem-${id}.${format}"`,
  })
}
