import type { Sev } from '../base/index.ts'
import { age, latency, number, text } from './format.ts'
import { html, type Markup, trusted } from './html.ts'
import type { Overview } from './overviewTypes.ts'
import { renderExecutions, renderFindings } from './renderActivity.ts'
import { renderBanner, SIGN } from './renderBanner.ts'
import { renderChains, renderChanges, renderProcesses } from './renderHealth.ts'
import { renderIncidents } from './renderIncidents.ts'
import { SCRIPT } from './script.ts'
import { STYLE } from './style.ts'

const BELL = trusted(
  '<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M12 3v2M6 17c1.2-1.2 1.7-2.6 1.7-5.2V11a4.3 4.3 0 0 1 8.6 0v.8c0 2.6.5 4 1.7 5.2Z"/><path d="M10 20a2 2 0 0 0 4 0M3 9c.3-1.900 1.200-3.600 2.600-4.900M21 9c-.3-1.900-1.200-3.600-2.600-4.900"/></svg>',
)
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' height='24' rx='5' fill='%233257d6'/%3E%3Cpath d='M6.500 16.500c1-1 1.300-2.200 1.300-4.300a4.200 4.200 0 0 1 8.400 0c0 2.100.3 3.300 1.300 4.300ZM10.500 19h3' fill='none' stroke='white' stroke-width='1.800' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"

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

const SECTIONS: Readonly<Record<string, (overview: Overview) => Markup>> = {
  banner: renderBanner,
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

/** The whole page. `nonce` lets its own style and script through the content security policy, and nothing else. */
export const renderPage = (options: {
  readonly overview: Overview
  readonly sections: Readonly<Record<string, string>>
  readonly name: string
  readonly env: string | undefined
  readonly nonce: string
}): string => {
  const { overview, nonce } = options
  const at = (id: string): Markup => trusted(options.sections[id] ?? '')
  const card = (id: string): Markup => html`<section class="card" id="${id}">${at(id)}</section>`
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${pageTitle(overview, options.name)}</title><link rel="icon" href="${trusted(ICON)}">
<style nonce="${nonce}">${trusted(STYLE)}</style></head>
<body data-at="${overview.at.getTime()}"><a class="skip" href="#main">Skip to content</a>
<header><div class="bar">${BELL}<h1>Tocsin <span class="name">${text(options.name, 60)}${options.env ? ` · ${text(options.env, 40)}` : ''}</span></h1>
<div class="right"><span class="clock num" id="clock">${overview.at.toISOString().slice(11, 19)} UTC</span><span class="live"><span class="dot" id="live-dot"></span><span id="live-text">snapshot</span></span></div></div></header>
<main id="main"><div class="banner bad" id="lost" role="alert" hidden>${SIGN}<div><strong>This page is not being updated.</strong><span class="more">Nothing was heard from the console for <span id="lost-age"></span>; what stands below is that old.</span></div></div>
<div id="banner">${at('banner')}</div>
<div class="tiles" id="tiles">${at('tiles')}</div>
<div class="cols"><div class="col">${card('incidents')}${card('executions')}${card('findings')}</div>
<div class="col">${card('chains')}${card('processes')}${card('changes')}</div></div></main>
<footer><span>Read only. Acknowledge with <code>tocsin alerts ack</code>.</span><span>API: <code>/api/status</code>, <code>/api/alerts</code>, <code>/api/findings</code>, <code>/graphql</code></span></footer>
<script nonce="${nonce}">${trusted(SCRIPT)}</script></body></html>`.markup
}
