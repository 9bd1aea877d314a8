import type { Step } from '../../postmortem/index.ts'
import { prose } from '../format.ts'
import { html, type Markup } from '../html.ts'
import { hex, said, type Tone, tag } from './parts.ts'

const TONE: Readonly<Record<string, Tone>> = {
  opened: 'bad',
  raised: 'bad',
  escalated: 'bad',
  undelivered: 'bad',
  failed: 'bad',
  refused: 'bad',
  denied: 'bad',
  reopened: 'bad',
  unacknowledged: 'bad',
  unknown: 'warn',
  paged: 'warn',
  proposed: 'warn',
  held: 'warn',
  silenced: 'warn',
  acknowledged: 'ok',
  approved: 'ok',
  mitigated: 'ok',
  succeeded: 'ok',
  resolved: 'ok',
  closed: 'ok',
  delivered: 'ok',
}

const step = (each: Step): Markup =>
  html`<li class="${each.from === 'people' ? 'us' : ''}"><time datetime="${each.at.toISOString()}" title="${each.at.toISOString()}">${each.at.toISOString().slice(11, 19)}</time>${tag(each.kind.replaceAll('_', ' '), TONE[each.kind] ?? '')}<span><bdi>${prose(each.text, 2_000)}</bdi>${
    each.finding || each.execution || each.tx || each.channel
      ? html`<span class="more">${each.channel ? html`by ${said(each.channel, 60)} ` : ''}${each.finding ? html`<a href="/findings/${each.finding}">finding</a> ` : ''}${each.execution ? html`<a href="/actions/${each.execution}">action</a> ` : ''}${each.tx ? hex(each.tx, 'transaction') : ''}</span>`
      : ''
  }</span></li>`

/** Steps on the page; the export has all. */
const SHOWN = 60

/** Newest first, to the second, in UTC; a line for each day. */
export const renderTimeline = (steps: readonly Step[]): Markup => {
  const shown = steps.slice(-SHOWN).toReversed()
  return html`<ol class="time">${shown.map((each, index) => {
    const day = each.at.toISOString().slice(0, 10)
    const isNew = shown[index - 1]?.at.toISOString().slice(0, 10) !== day
    return html`${isNew ? html`<li class="day">${day} (UTC)</li>` : ''}${step(each)}`
  })}</ol>${steps.length > SHOWN ? html`<p class="none">${steps.length - SHOWN} earlier steps are in the post-mortem.</p>` : ''}`
}
