import { desc, eq } from 'drizzle-orm'
import { tables } from '../../store/index.ts'
import { latency, number, prose } from '../format.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { readNames } from '../readNames.ts'
import { chainOf, type PageOptions, show, showNothing } from './kit.ts'
import {
  alertStatus,
  card,
  executionStatus,
  facts,
  fieldOf,
  findingStatus,
  hex,
  moment,
  none,
  rawJson,
  said,
  severity,
  tag,
} from './parts.ts'

type Row = typeof tables.finding.$inferSelect

/** A step of a call path, as bots give it: `metadata.path` is a list in JSON, or steps parted by arrows. */
const stepsOf = (metadata: Row['metadata']): readonly string[] => {
  const given = metadata['path'] ?? metadata['callPath'] ?? metadata['calls']
  if (!given) return []
  try {
    const parsed: unknown = JSON.parse(given)
    if (Array.isArray(parsed))
      return parsed
        .slice(0, 60)
        .map((step: unknown) =>
          typeof step === 'string'
            ? step
            : [fieldOf(step, 'from'), fieldOf(step, 'to'), fieldOf(step, 'function')]
                .filter((part) => typeof part === 'string')
                .join(' → '),
        )
  } catch {
    // Not JSON: arrows part it.
  }
  return given.split(/\s*(?:→|->|>)\s*/).slice(0, 60)
}

const HEX40 = /^0x[0-9a-fA-F]{40}$/
const HEX64 = /^0x[0-9a-fA-F]{64}$/

const evidenceRows = (
  row: Row,
  explorer: string | undefined,
  nameOf: (a: string) => string | undefined,
) =>
  Object.entries(row.metadata).map(([key, value]) => {
    const name = nameOf(value.toLowerCase())
    const shown = HEX40.test(value)
      ? html`${name ? html`${said(name, 60)} ` : ''}${hex(value, 'address', explorer)}`
      : HEX64.test(value)
        ? hex(value, 'transaction', explorer)
        : html`<bdi>${prose(value, 1_000, nameOf)}</bdi>`
    return [key.slice(0, 80), shown] as const
  })

const related = async (options: PageOptions, id: string) => {
  const { db } = options.store
  const [alerts, executions] = await Promise.all([
    db
      .select({
        id: tables.alert.id,
        title: tables.alert.title,
        severity: tables.alert.severity,
        status: tables.alert.status,
        acknowledgedAt: tables.alert.acknowledgedAt,
        incidentId: tables.alert.incidentId,
      })
      .from(tables.alertFinding)
      .innerJoin(tables.alert, eq(tables.alert.id, tables.alertFinding.alertId))
      .where(eq(tables.alertFinding.findingId, id))
      .limit(20),
    db
      .select()
      .from(tables.execution)
      .where(eq(tables.execution.findingId, id))
      .orderBy(desc(tables.execution.requestedAt))
      .limit(20),
  ])
  return { alerts, executions }
}

/** One finding: what it says, what it rests on, and what came of it. */
export const showFinding = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const { db } = options.store
  const id = (c.req.param('id') ?? '').slice(0, 200)
  const [row] = await db.select().from(tables.finding).where(eq(tables.finding.id, id))
  if (!row) return showNothing(c, options, 'findings', 'There is no finding of this id.')
  const chain = chainOf(options.config(), row.chainId)
  const { alerts, executions } = await related(options, id)
  const names = await readNames(db, options.config(), [
    {
      chainId: row.chainId,
      words: `${row.description} ${row.addresses.join(' ')} ${Object.values(row.metadata).join(' ')}`,
    },
  ])
  const nameOf = (address: string): string | undefined => names.get(`${row.chainId}:${address}`)
  const evidence = evidenceRows(row, chain.explorer, nameOf)
  const steps = stepsOf(row.metadata)
  const labels = Array.isArray(row.labels) ? row.labels : []
  return show(c, options, {
    title: `Finding ${row.name}`,
    page: 'findings',
    at,
    live: 'pulse',
    body: html`<p class="crumbs"><a href="/findings">Findings</a> / <code>${said(row.id, 80)}</code></p>
<div class="headline">${severity(row.severity)}<h2>${said(row.name, 200)}</h2><span data-part="status">${findingStatus(row.status)}</span><span class="end"><a class="btn" href="/api/findings/${row.id}">JSON</a></span></div>
<div class="half"><div class="col">${card(
      'What it says',
      html`<p class="form"><bdi>${prose(row.description, 4_000, nameOf)}</bdi></p>${facts([
        [
          'Bot',
          html`<a href="/findings?bot=${encodeURIComponent(row.botId)}">${said(row.botId, 60)}</a> ${tag(row.botVersion)}`,
        ],
        [
          'Alert',
          html`<code>${said(row.alertId, 100)}</code> ${tag(row.alertKind)}${row.condition ? tag(`condition ${row.condition}`) : ''}`,
        ],
        ['Type', row.type],
        [
          'Thing',
          row.thing &&
            html`<a href="/findings?thing=${encodeURIComponent(row.thing)}">${said(row.thing, 100)}</a>`,
        ],
        ['Protocol', row.protocol && said(row.protocol, 100)],
        ['Owner', row.owner && said(row.owner, 100)],
      ])}`,
    )}${card(
      'Where and when',
      facts([
        [
          'Chain',
          html`${said(chain.name, 60)} ${row.chainId === 0 ? '' : html`<span class="mute">(${row.chainId})</span>`}`,
        ],
        [
          'Block',
          row.chainId === 0
            ? null
            : html`<span class="num">${number(row.blockNumber)}</span> ${hex(row.blockHash, 'hash')}`,
        ],
        [
          'Block time',
          row.chainId === 0 ? null : moment(new Date(row.blockTimestampS * 1_000), at),
        ],
        ['Transaction', row.txHash && hex(row.txHash, 'transaction', chain.explorer)],
        ['Found', moment(row.createdAt, at)],
        ['After the head', row.latencyMs === null ? null : latency(row.latencyMs)],
        ['Final', row.finalizedAt && moment(row.finalizedAt, at)],
        ['Taken back', row.retractedAt && moment(row.retractedAt, at)],
      ]),
    )}</div>
<div class="col">${card(html`Evidence <span class="count">${evidence.length}</span>`, evidence.length === 0 ? none('It gives no facts beside its words.') : facts(evidence))}
${steps.length > 1 ? card('Call path', html`<ol class="path">${steps.map((step) => html`<li><bdi>${prose(step, 300, nameOf)}</bdi></li>`)}</ol>`) : ''}
${
  row.addresses.length === 0
    ? ''
    : card(
        html`Addresses <span class="count">${row.addresses.length}</span>`,
        html`<div class="scroll"><table><tbody>${row.addresses
          .slice(0, 100)
          .map(
            (address) =>
              html`<tr><td>${hex(address, 'address', chain.explorer)}</td><td>${nameOf(address) ? said(nameOf(address), 80) : html`<span class="mute">no name</span>`}</td><td><a href="/findings?address=${encodeURIComponent(address)}">findings</a></td></tr>`,
          )}</tbody></table></div>`,
      )
}
${labels.length === 0 ? '' : card(html`Labels <span class="count">${labels.length}</span>`, rawJson(labels, 20_000))}
${card(
  'What came of it',
  html`<div data-part="related">${alerts.map(
    (each): Markup =>
      html`<div class="row"><div class="line">${severity(each.severity)}<span class="grow title"><a href="${each.incidentId ? `/incidents/${each.incidentId}` : `/alerts/${each.id}`}">${said(each.title, 160)}</a></span>${alertStatus(each)}</div></div>`,
  )}${executions.map(
    (each): Markup =>
      html`<div class="row"><div class="line">${executionStatus(each.status)}<span class="grow title"><a href="/actions/${each.id}">${said(each.actionId, 100)}</a></span></div></div>`,
  )}${alerts.length + executions.length === 0 ? none('No alert holds it, and no action was asked for.') : ''}</div>`,
)}</div></div>
<section class="card"><details id="raw"><summary>Raw JSON</summary>${rawJson(row)}</details></section>`,
  })
}
