import { age, count, number, prose, text } from './format.ts'
import { html, type Markup } from './html.ts'
import type { AlertView, IncidentView, Overview } from './overviewTypes.ts'
import { namesOn } from './readNames.ts'

export const severityTag = (severity: string): Markup =>
  html`<span class="tag sev ${severity}">${severity}</span>`

const stateTag = (row: AlertView): Markup => {
  switch (row.status) {
    case 'unknown':
      return html`<span class="tag warn">unknown</span>`
    case 'retracted':
      return html`<span class="tag">retracted</span>`
    case 'resolved':
      return html`<span class="tag ok">resolved</span>`
    case 'open':
      return row.acknowledgedAt
        ? html`<span class="tag ok">acknowledged</span>`
        : html`<span class="tag bad">open</span>`
  }
}

const chainName = (overview: Overview, id: number): string =>
  id === 0
    ? 'tocsin'
    : (overview.chains.find(({ chainId }) => chainId === id)?.name ?? `chain ${id}`)

const alertRow = (row: AlertView, overview: Overview): Markup => {
  const blocks =
    row.firstBlock === row.lastBlock
      ? `block ${number(row.lastBlock)}`
      : `blocks ${number(row.firstBlock)} to ${number(row.lastBlock)}`
  return html`<div data-row class="row${row.status === 'retracted' ? ' struck' : ''}">
<div class="line">${severityTag(row.severity)}<span class="grow title"><a href="${row.incidentId ? `/incidents/${row.incidentId}` : `/alerts/${row.id}`}">${text(row.title, 160)}</a></span>${stateTag(row)}<span class="end">${age(row.openedAt, overview.at, 'for')}</span></div>
<p class="mute">${prose(row.summary, 400, namesOn(overview, row.chainId))}</p>
<div class="facts"><span>${text(row.botId, 60)}</span>${row.thing ? html`<span>${text(row.thing, 60)}</span>` : ''}<span>${chainName(overview, row.chainId)}</span>${row.chainId === 0 ? '' : html`<span class="num">${blocks}</span>`}<span class="num">${count(row.findings, 'finding')}</span>${row.owner ? html`<span>owner ${text(row.owner, 60)}</span>` : ''}${row.acknowledgedBy ? html`<span>taken by ${text(row.acknowledgedBy, 60)}</span>` : ''}${row.runbook ? html`<span>runbook <code>${text(row.runbook, 120)}</code></span>` : ''}<span><code>${row.id.slice(0, 12)}</code></span></div>
</div>`
}

/** How many incidents, alerts of each, and alerts without one are shown; the rest stands on pages of its own. */
const MAX_INCIDENTS = 12
const SHOWN = 3
const MAX_ALONE = 8
const MAX_CLOSED = 10

const incidentBlock = (incident: IncidentView, overview: Overview): Markup => {
  const alerts = overview.alerts.filter(({ incidentId }) => incidentId === incident.id)
  const rest = alerts.slice(SHOWN)
  return html`<div data-row class="incident i${incident.severity.slice(3)}">
<div class="head"><div class="line">${severityTag(incident.severity)}<span class="grow title"><a data-open href="/incidents/${incident.id}">${text(incident.subject, 120)}</a></span><span class="end">open for ${age(incident.openedAt, overview.at, 'for')}</span></div>
<div class="facts"><span>incident <code>${incident.id.slice(0, 12)}</code></span><span>${count(alerts.length, 'open alert')}</span>${incident.owner ? html`<span>owner ${text(incident.owner, 60)}</span>` : ''}</div></div>
${alerts.slice(0, SHOWN).map((row) => alertRow(row, overview))}
${rest.length > 0 ? html`<div class="row"><a href="/incidents/${incident.id}">${count(rest.length, 'more alert')}: ${bySeverity(rest)}</a></div>` : ''}</div>`
}

/** `2 SEV1, 3 SEV2`. */
const bySeverity = (alerts: readonly AlertView[]): string =>
  (['SEV1', 'SEV2', 'SEV3', 'SEV4'] as const)
    .map((severity) => [alerts.filter((row) => row.severity === severity).length, severity])
    .filter(([n]) => n !== 0)
    .map(([n, severity]) => `${n} ${severity}`)
    .join(', ')

/** Open incidents with their alerts, then what closed within a day. */
export const renderIncidents = (overview: Overview): Markup => {
  const { incidents, alerts, closedAlerts } = overview
  const grouped = new Set(incidents.map(({ id }) => id))
  const alone = alerts.filter(({ incidentId }) => incidentId === null || !grouped.has(incidentId))
  return html`<h2>Open incidents <span class="count">${incidents.length}</span><span class="end">${count(alerts.length, 'open alert')}</span></h2>
${incidents.length === 0 && alone.length === 0 ? html`<p class="none">Nothing is open.</p>` : ''}
${incidents.slice(0, MAX_INCIDENTS).map((incident) => incidentBlock(incident, overview))}
${incidents.length > MAX_INCIDENTS ? html`<div class="row"><a href="/incidents?status=open">${count(incidents.length - MAX_INCIDENTS, 'more open incident')}</a></div>` : ''}
${alone.slice(0, MAX_ALONE).map((row) => alertRow(row, overview))}
${alone.length > MAX_ALONE ? html`<div class="row"><a href="/alerts">${count(alone.length - MAX_ALONE, 'more open alert')}</a></div>` : ''}
${closedAlerts.length > 0 ? html`<details id="closed"><summary>${count(closedAlerts.length, 'alert')} closed within 24 hours</summary>${closedAlerts.slice(0, MAX_CLOSED).map((row) => alertRow(row, overview))}</details>` : ''}`
}
