import type { Sev } from '../base/index.ts'
import { age, latency, number, text } from './format.ts'
import { html, type Markup, trusted } from './html.ts'
import type { Overview } from './overviewTypes.ts'
import { renderExecutions, renderFindings } from './renderActivity.ts'
import { renderBanner } from './renderBanner.ts'
import { renderChains, renderChanges, renderProcesses } from './renderHealth.ts'
import { renderIncidents } from './renderIncidents.ts'

const SEVERITIES: readonly Sev[] = ['SEV1', 'SEV2', 'SEV3', 'SEV4']

const tile = (label: string, value: Markup | string, note: Markup | string, wide = ''): Markup =>
  html`<div class="tile${wide}"><div class="label">${label}</div><div class="value">${value}</div><div class="note">${note}</div></div>`

const renderTiles = (overview: Overview): Markup => {
  const { counts, chains, processes, findings, executions, at } = overview
  const total = SEVERITIES.reduce((sum, severity) => sum + counts[severity], 0)
  const grave = SEVERITIES.filter((severity) => counts[severity] > 0)
  const chainsWell = chains.filter(({ state }) => state === 'ok').length
  const worst = chains.toSorted((a, b) => (b.lag ?? Infinity) - (a.lag ?? Infinity))[0]
  const processesWell = processes.filter(({ state }) => state === 'ok').length
  const lastFinding = findings.find(({ chainId }) => chainId !== 0)
  const lastExecution = executions[0]
  const share = (well: number, all: number): Markup =>
    html`<span class="${well === all && all > 0 ? '' : 'bad'}">${well}</span> <small>of ${all}</small>`
  return html`
${tile('Open alerts', html`<span class="${counts.SEV1 + counts.SEV2 > 0 ? 'bad' : ''}">${total}</span>`, total === 0 ? 'nothing is on fire' : grave.map((severity) => `${counts[severity]} ${severity}`).join(', '), ' wide')}
${tile('Chains well', share(chainsWell, chains.length), worst ? `${text(worst.name, 30)}: ${worst.lag === null ? 'lag unknown' : worst.lag === 0 ? 'at the head' : `${number(worst.lag)} behind`}` : 'none')}
${tile(
  'Processes well',
  share(processesWell, processes.length),
  processes.length === 0
    ? 'none has reported'
    : processes
        .filter(({ state }) => state !== 'ok')
        .map(({ name, state }) => `${name} ${state}`)
        .join(', ') || 'all report',
)}
${tile('Last finding', lastFinding ? html`${latency(lastFinding.latencyMs)} <small>after the head</small>` : '–', lastFinding ? html`${age(lastFinding.createdAt, at)} by ${text(lastFinding.botId, 40)}` : 'nothing yet')}
${tile('Last action', lastExecution ? lastExecution.status.replace('_', ' ') : '–', lastExecution ? html`${text(lastExecution.actionId, 40)} ${age(lastExecution.requestedAt, at)}` : 'none has run')}`
}

/** Actions that wait for people: what is asked first after what is on fire. */
const renderWaiting = ({ waiting, chains, at }: Overview): Markup =>
  html`${waiting
    .slice(0, 3)
    .map(
      (row) =>
        html`<div class="notice warn" role="status"><strong>${text(row.actionId, 80)} waits for people</strong><span>${row.thing ? html`on ${text(row.thing, 60)}, ` : ''}${text(chains.find(({ chainId }) => chainId === row.chainId)?.name ?? `chain ${row.chainId}`, 40)}, asked ${age(row.requestedAt, at)}</span><span class="end"><a class="btn main" data-act="approve" href="/actions/${row.id}">Approve or deny</a></span></div>`,
    )}${waiting.length > 3 ? html`<div class="notice warn"><a href="/actions?status=proposed">${waiting.length - 3} more wait for people</a></div>` : ''}`

const SECTIONS: Readonly<Record<string, (overview: Overview) => Markup>> = {
  banner: renderBanner,
  waiting: renderWaiting,
  tiles: renderTiles,
  incidents: renderIncidents,
  executions: renderExecutions,
  findings: renderFindings,
  chains: renderChains,
  processes: renderProcesses,
  changes: renderChanges,
}

/** Every part of the page that changes, by the id of its place. */
export const renderSections = (overview: Overview): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(SECTIONS).map(([id, render]) => [id, render(overview).markup.trim()]),
  )

/** What stands in the browser's tab. */
export const pageTitle = ({ counts, verdict }: Overview, name: string): string => {
  const top = SEVERITIES.find((severity) => counts[severity] > 0)
  const mark = top ? `${counts[top]} ${top}` : verdict === 'ok' ? 'well' : 'degraded'
  return text(`${mark} · Tocsin ${name}`, 100)
}

/** What stands between the header and the footer of the overview. */
export const renderOverview = (
  sections: Readonly<Record<string, string>>,
  extra: { readonly top?: Markup | string; readonly side?: Markup | string } = {},
): Markup => {
  const at = (id: string): Markup => trusted(sections[id] ?? '')
  const card = (id: string): Markup => html`<section class="card" id="${id}">${at(id)}</section>`
  return html`<h2 class="skip">Overview</h2><div id="banner">${at('banner')}</div><div class="col" id="waiting">${at('waiting')}</div>${extra.top ?? ''}
<div class="tiles" id="tiles">${at('tiles')}</div>
<div class="cols"><div class="col">${card('incidents')}${card('executions')}${card('findings')}</div>
<div class="col">${extra.side ?? ''}${card('chains')}${card('processes')}${card('changes')}</div></div>`
}
