import type { Json } from '../../base/index.ts'
import { age, text } from '../format.ts'
import { html, type Markup, trusted } from '../html.ts'

const COPY_ICON = trusted(
  '<svg width="12" height="12" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.200" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15V5a1 1 0 0 1 1-1h10"/></svg>',
)

/** Text that a stranger may have written: cleaned, bounded, and apart from the direction of what stands around it. */
export const said = (value: string | null | undefined, max = 300): Markup =>
  html`<bdi>${text(value, max)}</bdi>`

/** A button that copies. `what` is for those who cannot see what stands beside it. */
export const copy = (value: string, what: string): Markup =>
  html`<button class="copy" type="button" data-copy="${text(value, 4_000)}" aria-label="Copy ${what}" title="Copy ${what}">${COPY_ICON}</button>`

/** Only what can be a web address; anything else is no link. */
const isWeb = (url: string | undefined): url is string => /^https?:\/\/[^\s"'<>]+$/.test(url ?? '')

/** `0x1234…abcd` with the whole in its title, a way to copy it, and a link to the explorer where there is one. */
export const hex = (
  value: string | null | undefined,
  what: 'address' | 'transaction' | 'hash',
  explorer?: string,
): Markup => {
  if (!value) return html`–`
  const whole = text(value, 80)
  const short = whole.length > 18 ? `${whole.slice(0, 10)}…${whole.slice(-6)}` : whole
  const path = what === 'address' ? 'address' : 'tx'
  const shown = html`<code title="${whole}">${short}</code>`
  const base = explorer?.replace(/\/+$/, '')
  return html`<span class="nowrap">${
    isWeb(base) && what !== 'hash' && /^0x[0-9a-fA-F]{40,64}$/.test(whole)
      ? html`<a href="${base}/${path}/${whole}" rel="noreferrer noopener" target="_blank">${shown}</a>`
      : shown
  }${copy(whole, what)}</span>`
}

/** A moment: to the second as written, and how long ago that is. */
export const moment = (at: Date | null | undefined, now: Date): Markup =>
  at
    ? html`<span class="num">${stamp(at)}</span> <span class="mute">(${age(at, now)})</span>`
    : html`–`

/** `2026-11-21 23:01:04 UTC`. */
export const stamp = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** How long until then, kept running by the page's script. */
export const until = (at: Date, now: Date): Markup => {
  const iso = at.toISOString()
  const s = Math.max(0, Math.round((at.getTime() - now.getTime()) / 1_000))
  return html`<time data-age="left" datetime="${iso}" title="${iso}">${s < 60 ? `${s} s` : `${Math.floor(s / 60)} min`} left</time>`
}

export type Fact = readonly [string, Markup | string | number | null | undefined | false]

/** Names and values; what has no value is left out. */
export const facts = (rows: readonly Fact[]): Markup =>
  html`<dl class="facts2">${rows
    .filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '')
    .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`

export const card = (
  title: Markup | string,
  body: Markup | readonly Markup[],
  options: { readonly id?: string; readonly end?: Markup | string } = {},
): Markup =>
  html`<section class="card"${options.id ? html` id="${options.id}"` : ''}><h2>${title}${options.end ? html`<span class="end">${options.end}</span>` : ''}</h2>${body}</section>`

export const none = (words: Markup | string): Markup => html`<p class="none">${words}</p>`

/** JSON from anywhere, indented and bounded. */
export const rawJson = (value: unknown, max = 200_000): Markup => {
  const encoded = JSON.stringify(
    value,
    (_, each: unknown) =>
      typeof each === 'bigint'
        ? each.toString()
        : typeof each === 'string'
          ? text(each, 20_000)
          : each,
    2,
  )
  return html`<pre tabindex="0" aria-label="JSON"><bdi>${(encoded ?? 'null').slice(0, max)}</bdi></pre>`
}

const SEVERITY: Readonly<Record<string, string>> = {
  Critical: 'SEV1',
  High: 'SEV2',
  Medium: 'SEV3',
  Low: 'SEV4',
  Info: 'SEV4',
}

/** Severity in the words of findings or of alerts; the word says it, not the colour. */
export const severity = (value: string): Markup =>
  html`<span class="tag sev ${SEVERITY[value] ?? (/^SEV[1-4]$/.test(value) ? value : 'SEV4')}">${text(value, 10)}</span>`

export type Tone = 'ok' | 'warn' | 'bad' | ''
export const tag = (words: string, tone: Tone = ''): Markup =>
  html`<span class="tag ${tone}">${text(words, 40)}</span>`

const FINDING_TONE: Readonly<Record<string, Tone>> = {
  provisional: 'warn',
  final: 'ok',
  pending: 'warn',
}
export const findingStatus = (status: string): Markup => tag(status, FINDING_TONE[status] ?? '')

const EXECUTION_TONE: Readonly<Record<string, Tone>> = {
  requested: 'warn',
  refused: 'bad',
  proposed: 'warn',
  sending: 'warn',
  sent: 'warn',
  mined: 'warn',
  succeeded: 'ok',
  failed: 'bad',
}
export const executionStatus = (status: string): Markup =>
  tag(
    status === 'proposed' ? 'waits for people' : status.replace('_', ' '),
    EXECUTION_TONE[status] ?? '',
  )

export const alertStatus = (row: {
  readonly status: string
  readonly acknowledgedAt: Date | null
}): Markup => {
  if (row.status === 'open')
    return row.acknowledgedAt ? tag('acknowledged', 'ok') : tag('open', 'bad')
  return tag(row.status, row.status === 'unknown' ? 'warn' : row.status === 'resolved' ? 'ok' : '')
}

export type Choice = readonly [value: string, words: string]
export const select = (
  name: string,
  label: string,
  value: string | undefined,
  choices: readonly Choice[],
): Markup =>
  html`<label class="field">${label}<select name="${name}">${choices.map(
    ([each, words]) =>
      html`<option value="${each}"${each === (value ?? '') ? trusted(' selected') : ''}>${text(words, 80)}</option>`,
  )}</select></label>`

export const input = (
  name: string,
  label: string,
  value: string | undefined,
  options: {
    readonly type?: string
    readonly hint?: string
    readonly wide?: boolean
    readonly required?: boolean
    readonly max?: number
  } = {},
): Markup =>
  html`<label class="field${options.wide ? ' wide' : ''}">${label}<input name="${name}" type="${options.type ?? 'text'}" value="${text(value, 500)}" maxlength="${options.max ?? 500}" autocomplete="off"${options.hint ? html` placeholder="${options.hint}"` : ''}${options.required ? trusted(' required') : ''}></label>`

/** What a record that came out of JSON says, without believing its shape. */
export const fieldOf = (value: Json | unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
