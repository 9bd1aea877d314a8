import { age, number, prose } from '../format.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleContext } from '../principal.ts'
import { readNames } from '../readNames.ts'
import { chainOf, type PageOptions, show } from './kit.ts'
import { findingStatus, hex, input, none, said, select, severity } from './parts.ts'
import {
  type FindingFilter,
  type FindingListRow,
  findingFilterSchema,
  readFindings,
} from './readFindings.ts'

const ANY = ['', 'any'] as const
const choices = (values: readonly string[]) => [ANY, ...values.map((each) => [each, each] as const)]

/** What is empty in a form is not asked for. */
export const askedFor = (query: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value.trim() !== ''))

/** What does not make sense, by field, for people. */
export const problemsOf = (error: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]
}): readonly string[] => error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)

export const problemNotice = (problems: readonly string[]): Markup | string =>
  problems.length === 0
    ? ''
    : html`<div class="notice warn" role="alert"><strong>This filter makes no sense.</strong> <span>${problems.map((each) => html`${said(each, 200)} `)}</span></div>`

/** The same filter from another place on. */
export const linkWith = (
  path: string,
  asked: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | undefined>>,
): string => {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries({ ...asked, ...changes }))
    if (value !== undefined && value !== '') query.set(key, value)
  const text = query.toString()
  return text ? `${path}?${text}` : path
}

const GONE: readonly string[] = ['retracted', 'dropped']

export const findingsTable = (
  rows: readonly FindingListRow[],
  options: PageOptions,
  names: ReadonlyMap<string, string>,
  now: Date,
): Markup =>
  html`<table><thead><tr><th>Seen</th><th>Severity</th><th>What</th><th>Bot, thing</th><th class="right">Block</th><th>Transaction</th><th>Status</th></tr></thead>
<tbody>${rows.map((row) => {
    const chain = chainOf(options.config(), row.chainId)
    return html`<tr data-row class="${GONE.includes(row.status) ? 'gone' : ''}">
<td class="nowrap mute">${age(row.createdAt, now)}</td><td>${severity(row.severity)}</td>
<td class="what"><span class="title"><a href="/findings/${row.id}">${said(row.name, 140)}</a></span><div class="facts"><span><bdi>${prose(row.description, 280, (address) => names.get(`${row.chainId}:${address}`))}</bdi></span></div></td>
<td class="nowrap small"><a href="/findings?bot=${encodeURIComponent(row.botId)}">${said(row.botId, 40)}</a>${row.thing ? html`<div class="mute">${said(row.thing, 40)}</div>` : ''}</td>
<td class="nowrap num right small">${row.chainId === 0 ? '' : number(row.blockNumber)}<div class="mute">${said(chain.name, 40)}</div></td>
<td class="nowrap small">${row.txHash ? hex(row.txHash, 'transaction', chain.explorer) : html`<span class="mute">–</span>`}</td>
<td>${findingStatus(row.status)}</td></tr>`
  })}</tbody></table>`

const filters = (options: PageOptions, asked: Readonly<Record<string, string>>): Markup => {
  const config = options.config()
  const bots = [
    ...new Set([
      ...Object.keys(config.bots ?? {}),
      ...(config.forta ?? []).map(({ name }) => name),
      'tocsin',
    ]),
  ]
  if (asked['bot'] && !bots.includes(asked['bot'])) bots.push(asked['bot'])
  return html`<form class="filters" method="get" action="/findings" role="search">
${select('bot', 'Bot', asked['bot'], choices(bots.toSorted()))}
${select('severity', 'Severity', asked['severity'], choices(['Critical', 'High', 'Medium', 'Low', 'Info']))}
${select('status', 'Status', asked['status'], choices(['provisional', 'final', 'retracted', 'pending', 'landed', 'dropped']))}
${select('chain', 'Chain', asked['chain'], [ANY, ...config.chains.map(({ id, name }) => [String(id), name] as const), ['0', 'tocsin itself']])}
${input('address', 'Address', asked['address'], { hint: '0x…', wide: true })}
${input('tx', 'Transaction', asked['tx'], { hint: '0x…', wide: true })}
${input('thing', 'Thing', asked['thing'])}
${input('from', 'From (UTC)', asked['from'], { hint: '2026-11-21 14:00' })}
${input('to', 'To (UTC)', asked['to'], { hint: '2026-11-21 15:00' })}
<button class="btn main" type="submit">Show</button><a class="btn" href="/findings">Clear</a></form>`
}

/** Everything that bots found, by every filter that investigations begin with; the address of the page is the filter. */
export const showFindings = async (c: ConsoleContext, options: PageOptions): Promise<Response> => {
  const at = new Date()
  const asked = askedFor(c.req.query())
  const parsed = findingFilterSchema.safeParse(asked)
  const filter: FindingFilter = parsed.success ? parsed.data : {}
  const { rows, next } = parsed.success
    ? await readFindings(options.store.db, filter)
    : { rows: [], next: undefined }
  const names = await readNames(
    options.store.db,
    options.config(),
    rows.map(({ chainId, description }) => ({ chainId, words: description })),
  )
  const isFiltered = Object.keys(asked).some((key) => key !== 'before')
  return show(c, options, {
    title: 'Findings',
    page: 'findings',
    at,
    ...(filter.before ? {} : { live: 'pulse' as const }),
    body: html`<div class="headline"><h2>Findings</h2><span class="sub">what bots found, newest first</span></div>
${problemNotice(parsed.success ? [] : problemsOf(parsed.error))}
<section class="card" aria-label="Filter"><details open data-fold="${isFiltered ? 'asked' : ''}"><summary>Filter</summary>${filters(options, asked)}</details></section>
<section class="card" data-part="findings" aria-label="Findings">${
      rows.length === 0
        ? none(isFiltered ? 'Nothing fits this filter.' : 'Nothing was found yet.')
        : findingsTable(rows, options, names, at)
    }<div class="pager"><span>${rows.length === 0 ? '' : `${rows.length} shown`}</span><span class="end">${filter.before ? html`<a class="btn" href="${linkWith('/findings', asked, { before: undefined })}">Newest</a>` : ''}${next ? html`<a class="btn" rel="next" href="${linkWith('/findings', asked, { before: String(next) })}">Older</a>` : ''}</span></div></section>`,
  })
}
