import type { Sev } from '../base/index.ts'
import { text } from './format.ts'
import { html, type Markup, trusted } from './html.ts'
import type { Overview } from './overviewTypes.ts'

export const SIGN = trusted(
  '<svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M12 9v4m0 4h.01M10.3 3.9 1.8 18a2 2 0 0 0 1.7 3h17a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0Z"/></svg>',
)
const CHECK = trusted(
  '<svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="m5 12.5 4.5 4.5L19 7.5"/></svg>',
)

const MAX_REASONS = 8

/** `5 SEV1 and 7 SEV2 alerts are open`; empty when none is. */
const openAlerts = (counts: Overview['counts'], severities: readonly Sev[]): string => {
  const open = severities.filter((severity) => counts[severity] > 0)
  const total = open.reduce((sum, severity) => sum + counts[severity], 0)
  const named = open.map((severity) => `${counts[severity]} ${severity}`).join(' and ')
  return total === 0 ? '' : `${named} ${total === 1 ? 'alert is' : 'alerts are'} open`
}

/** Nobody looks, or nobody is told: worse than looking with one eye. */
const isBlind = ({ chains, processes }: Overview): boolean =>
  processes.length === 0 ||
  chains.some(({ state }) => state === 'halted' || state === 'stalled' || state === 'unknown') ||
  processes.some(
    ({ name, state }) =>
      (name === 'watcher' || name === 'notifier') &&
      (state === 'lost' || state === 'failed' || state === 'stopped'),
  )

const banner = (
  tone: 'ok' | 'warn' | 'bad',
  headline: Markup | string,
  rest: Markup | string,
): Markup =>
  html`<div class="banner ${tone}" role="${tone === 'ok' ? 'status' : 'alert'}">${tone === 'ok' ? CHECK : SIGN}<div><strong>${headline}</strong>${rest}</div></div>`

/**
 * The one sentence that is read first. Green only when everything is watched and nothing grave is open; an open SEV1, or
 * a watch that is blind, is red; an open SEV2, or a watch that is impaired, is amber at least.
 */
export const renderBanner = (overview: Overview): Markup => {
  const { reasons, counts } = overview
  const grave = openAlerts(counts, ['SEV1', 'SEV2'])
  const isImpaired = reasons.length > 0
  const isBad = counts.SEV1 > 0 || (isImpaired && isBlind(overview))
  const more = reasons.length - MAX_REASONS
  const list = html`<ul>${reasons.slice(0, MAX_REASONS).map((reason) => html`<li>${text(reason, 300)}</li>`)}</ul>${more > 0 ? html`<span class="more">and ${more} more</span>` : ''}`
  const link = (words: string): Markup => html`<a href="#incidents">${words}</a>`
  if (grave !== '')
    return banner(
      isBad ? 'bad' : 'warn',
      html`${link(grave)}${isImpaired ? ', and the watch itself is impaired' : ''}`,
      isImpaired ? list : html`<span class="more">The watch itself is well.</span>`,
    )
  if (isImpaired)
    return banner(
      isBad ? 'bad' : 'warn',
      isBad ? 'Not everything is being watched' : 'The watch is impaired',
      list,
    )
  const mild = openAlerts(counts, ['SEV3', 'SEV4'])
  return banner(
    'ok',
    mild === ''
      ? 'Everything is being watched, and nothing is open.'
      : 'Everything is being watched, and nothing grave is open.',
    mild === '' ? '' : html`<span class="more">${link(mild)}</span>`,
  )
}
