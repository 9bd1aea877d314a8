import { cleanText } from '../base/index.ts'
import { html, type Markup } from './html.ts'

/** Text from anywhere, fit for the page: cleaned and bounded. Escaping is `html`'s. */
export const text = (value: string | null | undefined, max = 300): string =>
  cleanText(value ?? '', max)

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`

export const number = (n: number | null): string => (n === null ? '–' : n.toLocaleString('en-US'))

/** How long ago, kept running by the page's script. */
export const age = (at: Date | null, now: Date, kind: 'ago' | 'for' = 'ago'): Markup => {
  if (at === null) return html`–`
  const iso = at.toISOString()
  return html`<time data-age="${kind}" datetime="${iso}" title="${iso}">${span(now.getTime() - at.getTime())}${kind === 'ago' ? ' ago' : ''}</time>`
}

/** A span of time in at most two units. */
export const span = (ms: number): string => {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`
}

export const latency = (ms: number | null): string => {
  if (ms === null) return '–'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 10_000 ? `${Math.round(ms)} ms` : span(ms)
}

export const megabytes = (bytes: number | null): string =>
  bytes === null ? '–' : `${Math.round(bytes / 1024 / 1024)} MB`

/** `0x1234…abcd`, whole in the title. */
export const hash = (value: string | null): Markup => {
  if (value === null || value === '') return html`–`
  const whole = text(value, 80)
  const short = whole.length > 16 ? `${whole.slice(0, 8)}…${whole.slice(-4)}` : whole
  return html`<code title="${whole}">${short}</code>`
}

/** Names of addresses on one chain. */
export type NameOf = (address: string) => string | undefined

/** An address with its name before it, when it has one. */
export const named = (value: string | null, nameOf: NameOf): Markup => {
  const name = value === null ? undefined : nameOf(value.toLowerCase())
  return name === undefined ? hash(value) : html`${text(name, 60)} (${hash(value)})`
}

/**
 * A sentence in which addresses are named and, like hashes, shortened; the whole of each stands in its title. What
 * stands in brackets has been named already.
 */
export const prose = (
  value: string,
  max = 400,
  nameOf: NameOf = () => undefined,
): readonly (Markup | string)[] =>
  text(value, max)
    .split(/(0x[0-9a-fA-F]{40,64})/)
    .map((part, at, parts) => {
      if (at % 2 === 0) return part
      return parts[at - 1]?.endsWith('(') ? hash(part) : named(part, nameOf)
    })
