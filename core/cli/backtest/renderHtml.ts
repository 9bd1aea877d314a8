import type { Sev } from '../../base/index.ts'
import { html, type Markup, trusted } from '../../console/light.ts'
import type { BacktestReport } from './backtestReport.ts'
import { REPORT_STYLE } from './htmlStyle.ts'
import type { Detection } from './incidentScore.ts'
import { plotDelays, plotFindings, plotPages } from './plots.ts'
import { few, percent, plural, spreadText } from './renderText.ts'
import type { Difference } from './setDiff.ts'
import type { SetReport } from './setTally.ts'

const MOST_PAGES = 200
const MOST_DIFFERENCES = 150

const grouped = (value: number): string => value.toLocaleString('en-US')
const sevTag = (sev: Sev): Markup => html`<span class="sev ${sev}">${sev}</span>`
const timeOf = (seconds: number): string =>
  new Date(seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')

const tile = (label: string, value: Markup | string, note: Markup | string): Markup =>
  html`<div class="tile"><div class="label">${label}</div><div class="value">${value}</div><div class="note">${note}</div></div>`

/** What was, and where another set of parameters is shown, what would be. */
const change = (before: string, after: string | undefined): string =>
  after === undefined || after === before ? before : `${before} → ${after}`

const tiles = ({ base, other, ...report }: BacktestReport): Markup => {
  const missed = base.incidents?.filter(({ foundBy }) => foundBy.length === 0).length
  return html`<div class="tiles">
${tile('Pages a day', change(few(base.pagesPerDay), other && few(other.pagesPerDay)), `${change(grouped(base.pages.alerts), other && grouped(other.pages.alerts))} in ${few(report.days)} days`)}
${tile('Findings', change(grouped(base.findings), other && grouped(other.findings)), `${grouped(base.severities.SEV1)} SEV1, ${grouped(base.severities.SEV2)} SEV2`)}
${tile('Duplicates', change(grouped(base.duplicates), other && grouped(other.duplicates)), 'folded into an open alert')}
${base.detection && tile('Recall', change(percent(base.detection.recall), other?.detection && percent(other.detection.recall)), missed ? html`<span class="bad">${plural(missed, 'incident')} missed</span>` : `${base.detection.found} of ${base.detection.expected} incidents`)}
${base.detection && tile('Precision', change(percent(base.detection.precision), other?.detection && percent(other.detection.precision)), 'of pages')}
${base.detection && tile('Time to detect', spreadText(base.detection.delay), `blocks; lead ${spreadText(base.detection.lead)}`)}
</div>`
}

const detectionCells = (detection: Detection | undefined): Markup =>
  detection
    ? html`<td class="n">${detection.found} of ${detection.expected}</td><td class="n">${percent(detection.recall)}</td><td class="n">${percent(detection.precision)}</td><td class="n">${spreadText(detection.delay)}</td><td class="n">${spreadText(detection.lead)}</td>`
    : html``

const botTable = (set: SetReport): Markup => {
  const isLabelled = set.detection !== undefined
  return html`<div class="scroll"><table><thead><tr><th>Bot</th><th class="n">Findings</th><th class="n">Pages</th><th class="n">A day</th><th class="n">Duplicates</th><th class="n">Behind</th>${isLabelled && html`<th class="n">Found</th><th class="n">Recall</th><th class="n">Precision</th><th class="n">Delay</th><th class="n">Lead</th>`}<th>Alerts</th></tr></thead><tbody>
${set.bots.map(
  (bot) =>
    html`<tr><td class="name">${bot.bot}</td><td class="n">${grouped(bot.findings)}</td><td class="n">${grouped(bot.pages)}</td><td class="n">${few(bot.pagesPerDay)}</td><td class="n">${grouped(bot.duplicates)}</td><td class="n">${spreadText(bot.behind)}</td>${isLabelled && detectionCells(bot.detection)}<td class="wide small mute">${Object.entries(bot.alerts).map(([id, count], at) => `${at > 0 ? ', ' : ''}${id} ${count}`)}</td></tr>`,
)}
<tr class="sum"><td>All</td><td class="n">${grouped(set.findings)}</td><td class="n">${grouped(set.pages.alerts)}</td><td class="n">${few(set.pagesPerDay)}</td><td class="n">${grouped(set.duplicates)}</td><td></td>${isLabelled && detectionCells(set.detection)}<td class="small mute">${Object.entries(set.actions).map(([id, count]) => `${id} would have acted for ${plural(count, 'finding')}. `)}</td></tr>
</tbody></table></div>
${set.failures.map(({ bot, blocks, first }) => html`<p class="none bad">The bot ${bot} failed in ${plural(blocks, 'block')}; first in ${first}</p>`)}`
}

const incidentTable = (set: SetReport): Markup =>
  html`<div class="scroll"><table><thead><tr><th>Incident</th><th class="n">Block</th><th class="n">First finding</th><th class="n">Delay</th><th class="n">Lead</th><th>Paged</th><th>Found by</th><th>Not by</th></tr></thead><tbody>
${set.incidents?.map(({ name, from, foundBy, missedBy, isPaged }) => {
  const [first] = foundBy
  return html`<tr><td class="wide strong">${name}</td><td class="n">${grouped(from)}</td><td class="n">${first ? grouped(first.block) : html`<span class="bad strong">missed</span>`}</td><td class="n">${first ? first.delay : '–'}</td><td class="n">${first?.lead ?? '–'}</td><td>${isPaged ? html`<span class="good">yes</span>` : html`<span class="bad">no</span>`}</td><td class="wide">${foundBy.map(({ bot, alertId, delay }, at) => html`${at > 0 ? ', ' : ''}${bot} <span class="mute small">${alertId} +${delay}</span>`)}</td><td class="wide mute small">${missedBy.join(', ')}</td></tr>`
})}
</tbody></table></div>`

const KIND: Readonly<Record<Difference['kind'], string>> = {
  appears: 'appears',
  disappears: 'disappears',
  severity: 'changes severity',
  moves: 'moves',
}

/** What changes who is woken comes first, then the graver. */
const weightOf = ({ pages, before, after }: Difference): number => {
  const gravest = [before, after].filter((sev) => sev !== undefined).sort()[0] ?? 'SEV4'
  return (pages === 0 ? 10 : 0) + Number(gravest.slice(3))
}

const diffCard = ({ diff, other }: BacktestReport): Markup => {
  if (!diff || !other) return html``
  const { appears, disappears, severity, moves } = diff.counts
  const shown = [...diff.differences]
    .sort((a, b) => weightOf(a) - weightOf(b) || a.block - b.block)
    .slice(0, MOST_DIFFERENCES)
  const more = diff.differences.length - shown.length + diff.omitted
  return html`<section class="card"><h2>What ${other.file} changes <span class="end">${appears} appear, ${disappears} disappear, ${severity} change severity, ${moves} move</span></h2>
${
  shown.length === 0
    ? html`<p class="none">Nothing: both find the same.</p>`
    : html`<div class="scroll"><table><thead><tr><th></th><th class="n">Block</th><th>Severity</th><th>Page</th><th>Bot</th><th>What</th></tr></thead><tbody>
${shown.map(
  (one) =>
    html`<tr><td class="keep ${one.kind === 'appears' ? 'good' : one.kind === 'disappears' ? 'bad' : ''}">${KIND[one.kind]}</td><td class="n">${grouped(one.block)}${one.otherBlock !== undefined && html` → ${grouped(one.otherBlock)}`}</td><td class="keep">${one.before && sevTag(one.before)}${one.before && one.after && one.before !== one.after && ' → '}${one.after && one.after !== one.before && sevTag(one.after)}</td><td>${one.pages === 0 ? '' : one.pages > 0 ? 'one more' : 'one less'}</td><td class="name">${one.bot}</td><td class="wide"><span class="mute small">${one.alertId}${one.thing && ` · ${one.thing}`}</span><br>${one.description}</td></tr>`,
)}
</tbody></table></div>`
}
${more > 0 && html`<p class="none">… and ${grouped(more)} more.</p>`}</section>`
}

const pageList = (set: SetReport): Markup => {
  const shown = set.told.slice(0, MOST_PAGES)
  const more = set.pages.alerts - shown.length
  if (shown.length === 0) return html`<p class="none">Nobody’s phone would have rung.</p>`
  return html`<div class="scroll"><table><thead><tr><th class="n">Block</th><th>Time (UTC)</th><th>Severity</th><th>Bot</th><th>What</th></tr></thead><tbody>
${shown.map(
  (one) =>
    html`<tr><td class="n">${grouped(one.block)}</td><td class="keep mute">${timeOf(one.timestampS)}</td><td>${sevTag(one.sev)}</td><td class="name">${one.bot}</td><td class="wide"><span class="mute small">${one.alertId}${one.thing && ` · ${one.thing}`}</span><br>${one.description}${one.txHash && html`<br><code class="mute">${one.txHash}</code>`}</td></tr>`,
)}
</tbody></table></div>${more > 0 && html`<p class="none">… and ${grouped(more)} more.</p>`}`
}

const legend = (hasIncidents: boolean): Markup =>
  html`<div class="legend">${(['SEV1', 'SEV2', 'SEV3', 'SEV4'] as const).map((sev) => html`<span><i class="${sev}"></i>${sev}</span>`)}${hasIncidents && html`<span><i class="band"></i>labelled incident</span>`}</div>`

/** The report as one page: no script, nothing from elsewhere, whatever came from outside escaped. */
export const renderHtml = (report: BacktestReport): string => {
  const { base, other, chain, from, to } = report
  const isLabelled = base.incidents !== undefined
  const title = `Backtest of ${report.watchlist} on ${chain}`
  const page = html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="referrer" content="no-referrer">
<title>${title}</title><style>${trusted(REPORT_STYLE)}</style></head><body>
<h1>${title}</h1>
<p class="lead">Blocks ${grouped(from)} to ${grouped(to)}${report.since && report.until && html`, ${report.since.slice(0, 16).replace('T', ' ')} to ${report.until.slice(0, 16).replace('T', ' ')} UTC`}${other && html`; compared with ${other.file}`}</p>
${tiles(report)}
<section class="card"><h2>Findings over time <span class="end">by block${other && html`; above the watchlist’s parameters, below those of ${other.file}`}</span></h2><div class="body"><div class="scroll">${plotFindings(base.bins, other?.bins, { from, to }, base.incidents ?? [])}</div>${legend(isLabelled)}</div></section>
<div class="two"><section class="card"><h2>Pages per day <span class="end">by bot, days of block time (UTC)</span></h2><div class="body scroll">${plotPages(base.bots, report.since, report.until)}</div></section>
<section class="card"><h2>Time to detect <span class="end">${isLabelled ? 'blocks from an incident’s first block' : 'blocks behind the first word of any bot'}</span></h2><div class="body scroll">${plotDelays(base.delays)}</div></section></div>
${
  other &&
  html`<div class="two"><section class="card"><h2>Pages per day <span class="end">with ${other.file}</span></h2><div class="body scroll">${plotPages(other.bots, report.since, report.until)}</div></section>
<section class="card"><h2>Time to detect <span class="end">with ${other.file}</span></h2><div class="body scroll">${plotDelays(other.delays)}</div></section></div>`
}
${isLabelled && html`<section class="card"><h2>Labelled incidents${report.outside ? html` <span class="end">${report.outside} more out of this range</span>` : ''}</h2>${incidentTable(base)}</section>`}
<section class="card"><h2>Bots</h2>${botTable(base)}</section>
${other && html`<section class="card"><h2>Bots <span class="end">with ${other.file}</span></h2>${botTable(other)}</section>`}
${diffCard(report)}
<section class="card"><h2>Pages <span class="end">SEV1 and SEV2, each alert once</span></h2>${pageList(base)}</section>
<footer><p>${grouped(report.transactions)} transactions in ${plural(report.blocks, 'block')} took ${few(report.seconds)} s: ${grouped(Math.round(report.transactionsPerSecond))} a second.</p>
<p>A page is an alert that opens at SEV1 or SEV2, or rises to one. Findings of an alert that is open are duplicates; an event’s alert closes after a day without another, a condition’s when it ends. Nobody is assumed to close one by hand.</p>
<p>Behind: blocks from the first word of any bot about a thing to the first of this one, by stories with no hour of silence in them; median, and the largest in brackets.</p>
${isLabelled && html`<p>A finding belongs to an incident on the same thing from its first block to ${plural(report.graceBlocks, 'block')} after its last. Recall: incidents found of those expected. Precision: pages that belong to one, of all pages. Lead: blocks from the first finding to the loss.</p>`}
</footer></body></html>`
  return `<!doctype html>\n${page.markup}\n`
}
