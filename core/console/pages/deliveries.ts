import { asc, desc, eq, sql } from 'drizzle-orm'
import { readChannelFigures } from '../../alerts/index.ts'
import { type Database, tables } from '../../store/index.ts'
import { age, count, latency, number, span } from '../format.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { type PageOptions, show } from './kit.ts'
import { card, none, said, severity, tag } from './parts.ts'

/** Whether the way to people was tried of late, for the overview and this page. */
export const renderVigil = async (options: PageOptions, at: Date): Promise<Markup | string> => {
  const rows = await options.store.db
    .select()
    .from(tables.vigilCanary)
    .orderBy(desc(tables.vigilCanary.sentAt))
    .limit(3)
  const { vigil } = options.config()
  if (rows.length === 0 && !vigil) return ''
  const last = rows[0]
  const tone =
    last?.status === 'delivered' && !last.lateAt
      ? 'ok'
      : last?.status === 'lost' || last?.lateAt
        ? 'bad'
        : 'warn'
  return card(
    'Canary and dead man’s switch',
    html`<div class="row"><div class="line"><span class="dot ${last ? tone : 'warn'}"></span><span class="grow">${last ? html`canary by <strong>${said(last.channel, 60)}</strong>: ${last.status}${last.tookMs === null ? '' : html` in ${latency(last.tookMs)}`}` : 'no canary was sent yet'}</span><span class="end">${last ? age(last.sentAt, at) : ''}</span></div></div>${await renderDeadMan(options, at)}`,
  )
}

const renderDeadMan = async (options: PageOptions, at: Date): Promise<Markup | string> => {
  const rows = await options.store.db
    .select()
    .from(tables.keyValue)
    .where(sql`${tables.keyValue.key} like 'vigil.%'`)
    .limit(8)
  return html`${rows.map(
    (row) =>
      html`<div class="row"><div class="line"><span class="grow">${said(
        row.key
          .replace('vigil.', '')
          .replace(/([A-Z])/g, ' $1')
          .toLowerCase(),
        60,
      )}</span><span class="end">${age(row.updatedAt, at)}</span></div></div>`,
  )}`
}

const lastMessages = (db: Database) =>
  db
    .select({
      seq: tables.outbox.seq,
      channel: tables.outbox.channel,
      alertId: tables.outbox.alertId,
      incidentId: tables.outbox.incidentId,
      severity: tables.outbox.severity,
      status: tables.outbox.status,
      attempts: tables.outbox.attempts,
      lastError: tables.outbox.lastError,
      createdAt: tables.outbox.createdAt,
      sentAt: tables.outbox.sentAt,
      title: sql<string | null>`left(${tables.outbox.payload}->>'title', 200)`,
      change: sql<string | null>`left(${tables.outbox.payload}->>'change', 40)`,
    })
    .from(tables.outbox)
    .orderBy(desc(tables.outbox.seq))
    .limit(50)

/** What was told to whom: channels, the last messages, subscribers. */
export const showDeliveries = async (
  c: ConsoleContext,
  options: PageOptions,
): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const { subscription, subscriptionDelivery } = tables
  const [figures, messages, subscribers, troubles, vigil] = await Promise.all([
    readChannelFigures(db),
    lastMessages(db),
    db.select().from(subscription).orderBy(asc(subscription.name)).limit(200),
    db
      .select()
      .from(subscriptionDelivery)
      .where(eq(subscriptionDelivery.status, 'dead'))
      .orderBy(desc(subscriptionDelivery.createdAt))
      .limit(20),
    renderVigil(options, at),
  ])
  const channels = options.config().channels ?? []
  const names = [...new Set([...channels.map(({ name }) => name), ...Object.keys(figures)])]
  return show(c, options, {
    title: 'Deliveries',
    page: 'deliveries',
    at,
    live: 'pulse',
    body: html`<div class="headline"><h2>Deliveries</h2><span class="sub">what was told, to whom, and what did not arrive</span></div>
<div class="cols"><div class="col"><section class="card" data-part="messages" aria-label="Messages"><h2>Last messages</h2>${
      messages.length === 0
        ? none('Nobody was told of anything yet.')
        : html`<table><thead><tr><th>Written</th><th>Severity</th><th>What</th><th>Channel</th><th>Status</th><th class="right">Took</th></tr></thead><tbody>${messages.map(
            (row) =>
              html`<tr data-row><td class="nowrap mute">${age(row.createdAt, at)}</td><td>${severity(row.severity)}</td><td class="what"><span class="title"><a href="${row.incidentId ? `/incidents/${row.incidentId}` : `/alerts/${row.alertId}`}">${said(row.title ?? 'message', 160)}</a></span> ${row.change ? tag(row.change) : ''}${row.lastError && row.status !== 'sent' ? html`<div class="facts"><span>${said(row.lastError, 200)}</span></div>` : ''}</td><td class="small">${said(row.channel, 60)}</td><td>${tag(row.status === 'dead' ? 'given up' : row.status === 'pending' ? 'waiting' : 'sent', row.status === 'sent' ? 'ok' : row.status === 'dead' ? 'bad' : 'warn')}${row.attempts > 1 ? html` <span class="mute small">${row.attempts} tries</span>` : ''}</td><td class="num right small">${row.sentAt ? latency(Math.max(0, row.sentAt.getTime() - row.createdAt.getTime())) : '–'}</td></tr>`,
          )}</tbody></table>`
    }</section>${troubles.length > 0 ? card('Given up for subscribers', html`${troubles.map((row) => html`<div class="row"><div class="line"><span class="grow title">${said(row.subscription, 60)}</span><span class="end">${age(row.createdAt, at)}</span></div><p class="mute">${said(row.lastError ?? `HTTP ${row.httpStatus ?? 'nothing'}`, 200)}</p><div class="facts"><span>${said(row.eventType, 40)}</span><span><a href="/findings/${row.findingId}">finding</a></span></div></div>`)}`) : ''}</div>
<div class="col">${card(
      html`Channels <span class="count">${names.length}</span>`,
      html`<div data-part="channels">${
        names.length === 0
          ? none('The watchlist has none.')
          : names.map((name) => {
              const each = figures[name]
              const kind = channels.find((channel) => channel.name === name)?.kind
              return html`<div class="row"><div class="line"><span class="dot ${each && each.dead > 0 ? 'bad' : each && each.pending > 0 ? 'warn' : 'ok'}"></span><span class="grow title">${said(name, 60)}</span>${kind ? tag(kind) : ''}<span class="end">${each && each.dead > 0 ? html`${count(each.dead, 'message')} given up` : each && each.pending > 0 ? html`${number(each.pending)} waiting, ${span(each.oldestPendingS * 1_000)}` : 'nothing waits'}</span></div>${each?.lastError ? html`<p class="mute small">${said(each.lastError, 200)}</p>` : ''}</div>`
            })
      }</div>`,
    )}
${vigil}
${card(html`Subscribers <span class="count">${subscribers.length}</span>`, html`<div data-part="subscribers">${subscribers.length === 0 ? none('Nobody follows findings from outside.') : subscribers.map((row) => html`<div class="row"><div class="line"><span class="dot ${row.status === 'active' && row.failures === 0 ? 'ok' : row.status === 'active' ? 'warn' : 'bad'}"></span><span class="grow title">${said(row.name, 80)}</span>${tag(row.status, row.status === 'active' ? 'ok' : 'bad')}</div><div class="facts"><span class="num">up to event ${number(row.cursor)}</span>${row.failures > 0 ? html`<span>${count(row.failures, 'failure')} in a row</span>` : ''}${row.reason ? html`<span>${said(row.reason, 200)}</span>` : ''}</div></div>`)}</div>`)}</div></div>`,
  })
}
