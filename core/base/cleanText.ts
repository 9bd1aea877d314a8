// Controls, bidirectional overrides and marks, zero-width and line-separating characters, tags, lone surrogates:
// what can forge a second line, turn a text around, or hide in it.
const HARMFUL =
  /[\p{Cc}\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]|\p{Cs}/gu

/** Printable ASCII in single spaces: nothing of it is changed. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/

/**
 * A stranger's text, made fit for people and logs: one line, without control, bidi and zero-width characters, at most
 * `max` characters (an ellipsis marks the cut). Not HTML-escaped: that is the page's own business.
 */
export const cleanText = (value: string, max = 500): string => {
  if (value.length <= max && PLAIN.test(value)) return value
  // Bounded first: what follows must not cost more for a text of megabytes.
  const text = value
    .slice(0, max * 8)
    .replace(HARMFUL, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  const characters = [...text]
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : text
}
