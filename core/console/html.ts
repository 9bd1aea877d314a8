/** Markup that is safe as it stands: made by `html`, so every value in it was escaped. */
export type Markup = { readonly markup: string }

type Value = Markup | string | number | null | undefined | false | readonly Value[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeText = (text: string): string =>
  text.replace(/[&<>"']/g, (found) => ESCAPES[found] ?? '')

const encode = (value: Value): string => {
  if (value === null || value === undefined || value === false) return ''
  if (typeof value === 'string') return escapeText(value)
  if (typeof value === 'number') return String(value)
  if ('markup' in value) return value.markup
  return value.map(encode).join('')
}

/**
 * Builds markup; every value is escaped, in texts and in quoted attributes, unless it is markup itself.
 * @example html`<b title="${name}">${name}</b>`
 */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Markup => ({
  markup: parts.reduce((text, part, at) => text + encode(values[at - 1]) + part),
})

/** Markup of our own that must not be escaped (styles, scripts). Never for anything that came from outside. */
export const trusted = (markup: string): Markup => ({ markup })
