import { age, hash, latency, named, number, prose, text } from './format.ts'
import { html, type Markup } from './html.ts'
import type { ExecutionView, FindingView, Overview } from './overviewTypes.ts'
import { namesOn } from './readNames.ts'

const chainName = (overview: Overview, id: number): string =>
  id === 0
    ? 'tocsin'
    : (overview.chains.find(({ chainId }) => chainId === id)?.name ?? `chain ${id}`)

const SEVERITY_CLASS: Readonly<Record<string, string>> = {
  Critical: 'SEV1',
  High: 'SEV2',
  Medium: 'SEV3',
}

const STATUS_CLASS: Readonly<Record<FindingView['status'], string>> = {
  provisional: 'warn',
  final: 'ok',
  retracted: '',
  pending: 'warn',
  landed: '',
  dropped: '',
}
const GONE: readonly FindingView['status'][] = ['retracted', 'dropped']

/** The rest stands on pages of its own. */
const MAX_FINDINGS = 20
const MAX_EXECUTIONS = 6

const findingRow = (row: FindingView, overview: Overview): Markup =>
  html`<tr data-row class="${GONE.includes(row.status) ? 'gone' : ''}">
<td class="nowrap mute">${age(row.createdAt, overview.at)}</td>
<td><span class="tag sev ${SEVERITY_CLASS[row.severity] ?? 'SEV4'}">${text(row.severity, 10)}</span></td>
<td class="what"><span class="title"><a href="/findings/${row.id}">${text(row.name, 140)}</a></span><div class="facts"><span>${prose(row.description, 240, namesOn(overview, row.chainId))}</span></div></td>
<td class="nowrap small">${text(row.botId, 40)}${row.thing ? html`<div class="mute">${text(row.thing, 40)}</div>` : ''}</td>
<td class="nowrap num right small">${row.chainId === 0 ? '' : number(row.blockNumber)}<div class="mute">${chainName(overview, row.chainId)}</div></td>
<td class="nowrap small">${hash(row.txHash)}</td>
<td class="nowrap num right small">${latency(row.latencyMs)}</td>
<td><span class="tag ${STATUS_CLASS[row.status]}">${row.status}</span></td></tr>`

/** The newest findings. */
export const renderFindings = (overview: Overview): Markup =>
  html`<h2>Last findings</h2>
${
  overview.findings.length === 0
    ? html`<p class="none">Nothing was found yet.</p>`
    : html`<table><thead><tr><th>Seen</th><th>Severity</th><th>What</th><th>Bot, thing</th><th class="right">Block</th><th>Transaction</th><th class="right">Latency</th><th>Status</th></tr></thead>
<tbody>${overview.findings.slice(0, MAX_FINDINGS).map((row) => findingRow(row, overview))}</tbody></table>`
}`

const EXECUTION_CLASS: Readonly<Record<ExecutionView['status'], string>> = {
  requested: 'warn',
  refused: 'bad',
  observed: '',
  proposed: 'warn',
  sending: 'warn',
  sent: 'warn',
  mined: 'warn',
  succeeded: 'ok',
  failed: 'bad',
  not_needed: '',
}

const took = (row: ExecutionView): Markup | string => {
  const end = row.minedAt ?? row.broadcastAt
  if (!end) return ''
  const from = row.seenAtMs ?? row.requestedAt.getTime()
  const what = row.minedAt ? 'head to mined' : 'head to broadcast'
  return html`<span class="num">${latency(Math.max(0, end.getTime() - from))} ${what}</span>`
}

const executionRow = (row: ExecutionView, overview: Overview): Markup =>
  html`<div class="row" data-row><div class="line"><span class="tag ${EXECUTION_CLASS[row.status]}">${row.status.replace('_', ' ')}</span><span class="grow title"><a href="/actions/${row.id}">${text(row.actionId, 80)}</a></span>${row.mode ? html`<span class="tag">${row.mode}</span>` : ''}<span class="end">${age(row.requestedAt, overview.at)}</span></div>
${row.reason ? html`<p>${prose(row.reason, 300, namesOn(overview, row.chainId))}</p>` : ''}
<div class="facts"><span>${chainName(overview, row.chainId)}</span>${row.thing ? html`<span>${text(row.thing, 60)}</span>` : ''}${row.target ? html`<span>to ${named(row.target, namesOn(overview, row.chainId))}</span>` : ''}${(row.minedTxHash ?? row.txHashes.at(-1)) ? html`<span>tx ${hash(row.minedTxHash ?? row.txHashes.at(-1) ?? null)}</span>` : ''}${row.minedBlock === null ? '' : html`<span class="num">block ${number(row.minedBlock)}</span>`}${took(row)}${row.approvedBy ? html`<span>approved by ${text(row.approvedBy, 60)}</span>` : ''}</div></div>`

/** The newest runs of approved actions. */
export const renderExecutions = (overview: Overview): Markup =>
  html`<h2>Executions</h2>
${overview.executions.length === 0 ? html`<p class="none">No action has run.</p>` : overview.executions.slice(0, MAX_EXECUTIONS).map((row) => executionRow(row, overview))}`
