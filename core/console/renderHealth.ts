import { encodeStable } from '../base/index.ts'
import { age, count, latency, megabytes, number, text } from './format.ts'
import { html, type Markup } from './html.ts'
import type { ChainView, Overview, ProcessView } from './overviewTypes.ts'

const CHAIN_CLASS: Readonly<Record<ChainView['state'], string>> = {
  ok: 'ok',
  catching_up: 'warn',
  degraded: 'warn',
  stalled: 'bad',
  halted: 'bad',
  unknown: 'bad',
}

const spark = (values: readonly number[]): Markup | string => {
  if (values.length < 2) return ''
  const top = Math.max(...values, 1)
  const points = values.map(
    (value, at) =>
      `${((at / (values.length - 1)) * 100).toFixed(1)},${(30 - (value / top) * 28).toFixed(1)}`,
  )
  const label = `Latency of the last ${values.length} blocks, at most ${latency(top)}`
  return html`<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label="${label}"><path d="M0,32 L${points.join(' L')} L100,32 Z"/><polyline points="${points.join(' ')}"/></svg>`
}

const CHECK_CLASS = { agrees: 'ok', waiting: '', differed: 'bad', unknown: 'warn' } as const

const crossCheck = ({ crossCheck: check }: ChainView): Markup | string =>
  check === null
    ? ''
    : html`<div class="line"><span class="dot ${CHECK_CLASS[check.state]}"></span><span class="mute">cross-check ${text(check.text, 240)}</span></div>
`

const chainRow = (chain: ChainView, overview: Overview): Markup =>
  html`<div class="row"><div class="line"><span class="dot ${CHAIN_CLASS[chain.state]}"></span><span class="grow title">${text(chain.name, 60)}</span>${chain.state === 'ok' ? '' : html`<span class="tag ${CHAIN_CLASS[chain.state]}">${chain.state.replace('_', ' ')}</span>`}<span class="end">${chain.updatedAt ? age(chain.updatedAt, overview.at) : ''}</span></div>
${chain.reason ? html`<p class="mute">${text(chain.reason, 240)}</p>` : ''}
<div class="facts num"><span>block ${number(chain.processed)}</span><span>${chain.lag === null ? 'lag unknown' : chain.lag === 0 ? 'at the head' : `${number(chain.lag)} behind`}</span><span>final ${number(chain.finalized)}</span>${chain.medianLatencyMs === null ? '' : html`<span>median ${latency(chain.medianLatencyMs)}</span>`}</div>
${crossCheck(chain)}${spark(chain.latenciesMs)}
${
  chain.endpoints.length === 0
    ? ''
    : html`<ul class="endpoints">${chain.endpoints.map(
        (endpoint) =>
          html`<li><span class="dot ${endpoint.ok ? 'ok' : 'bad'}"></span><code class="url" title="${text(endpoint.lastError ?? endpoint.url, 200)}">${text(endpoint.url, 100)}</code><span class="num mute">${endpoint.latencyMs === undefined ? '' : latency(endpoint.latencyMs)}</span><span class="num mute">${Math.round(endpoint.score * 100)} %</span></li>${endpoint.ok || !endpoint.lastError ? '' : html`<li class="mute">${text(endpoint.lastError, 160)}</li>`}`,
      )}</ul>`
}</div>`

/** Chains, their lag and their endpoints. */
export const renderChains = (overview: Overview): Markup =>
  html`<h2>Chains <span class="count">${overview.chains.length}</span></h2>
${overview.chains.map((chain) => chainRow(chain, overview))}`

const PROCESS_CLASS: Readonly<Record<ProcessView['state'], string>> = {
  ok: 'ok',
  starting: 'warn',
  degraded: 'warn',
  stopped: '',
  failed: 'bad',
  lost: 'bad',
}

const processRow = (row: ProcessView, overview: Overview): Markup =>
  html`<div class="row"><div class="line"><span class="dot ${PROCESS_CLASS[row.state]}"></span><span class="grow title">${text(row.name, 40)}</span>${row.state === 'ok' ? '' : html`<span class="tag ${PROCESS_CLASS[row.state]}">${row.state}</span>`}<span class="end">heard ${age(row.heartbeatAt, overview.at)}</span></div>
${row.reason ? html`<p class="mute">${text(row.reason, 240)}</p>` : ''}
<div class="facts num"><span>pid ${row.pid}</span><span>up ${age(row.startedAt, overview.at, 'for')}</span><span>${megabytes(row.rssBytes)}</span>${row.restarts > 0 ? html`<span>${count(row.restarts, 'restart')}</span>` : ''}</div></div>`

/** The finding made up to travel the whole way: how long the last one took, or how long this one is under way. */
const canaryRow = ({ canary, at }: Overview): Markup | string => {
  if (!canary) return ''
  const { channel, status, tookMs, sentAt, lateAt, isLost } = canary
  const isBad = isLost || (status === 'travelling' && lateAt !== null)
  const said =
    status === 'delivered' && tookMs !== null
      ? `arrived in ${latency(tookMs)}`
      : isLost
        ? 'refused'
        : 'under way'
  return html`<div class="row"><div class="line"><span class="dot ${isBad ? 'bad' : 'ok'}"></span><span class="grow title">canary to ${text(channel, 60)}</span>${isBad ? html`<span class="tag bad">late</span>` : ''}<span class="end num">${said}, ${age(sentAt, at)}</span></div></div>`
}

/** Every process that ever reported, the channels to people, and the canary. */
export const renderProcesses = (overview: Overview): Markup => {
  const waiting = Object.entries(overview.channels)
  return html`<h2>Processes <span class="count">${overview.processes.length}</span></h2>
${overview.processes.length === 0 ? html`<p class="none">None has reported yet.</p>` : overview.processes.map((row) => processRow(row, overview))}
${waiting.map(
  ([name, { pending, dead, lastError }]) =>
    html`<div class="row"><div class="line"><span class="dot ${dead > 0 ? 'bad' : 'warn'}"></span><span class="grow title">channel ${text(name, 60)}</span><span class="end num">${pending} waiting${dead > 0 ? `, ${dead} given up` : ''}</span></div>${lastError ? html`<p class="mute">${text(lastError, 200)}</p>` : ''}</div>`,
)}${canaryRow(overview)}`
}

/** The last changes of the watchlist that running processes took up. */
export const renderChanges = (overview: Overview): Markup =>
  html`<h2>Configuration changes</h2>
${
  overview.configChanges.length === 0
    ? html`<p class="none">None since the start.</p>`
    : overview.configChanges.map(
        (row) =>
          html`<div class="row"><div class="line"><code class="grow">${text(row.path, 160)}</code><span class="end">${age(row.at, overview.at)}</span></div>
<p>${text(encodeStable(row.oldValue), 120)} → <strong>${text(encodeStable(row.newValue), 120)}</strong></p>
<div class="facts"><span>by ${text(row.who, 60)}</span><span>${text(row.process, 40)}</span></div></div>`,
      )
}`
