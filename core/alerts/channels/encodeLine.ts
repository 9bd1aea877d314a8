/**
 * JSON on one line in which control, bidi and line-separating characters stand as escapes: a second fence behind the
 * cleaning of every text, for terminals and viewers that show the raw line.
 */
export const encodeLine = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
