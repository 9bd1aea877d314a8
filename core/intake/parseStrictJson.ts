/** JSON as it came: whole numbers that a double cannot hold are bigint. Objects have no prototype. */
export type StrictJson =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly StrictJson[]
  | { readonly [key: string]: StrictJson }

export type StrictJsonAnswer =
  | { readonly ok: true; readonly value: StrictJson }
  | {
      readonly ok: false
      readonly reason: 'encoding' | 'syntax' | 'depth' | 'duplicate' | 'number' | 'size' | 'key'
      readonly say: string
    }

/** Deepest nesting that any vendor's payload comes near to. */
const MAX_DEPTH = 40
/** Most values of one body: arrays of empties are small on the wire and large in memory. */
const MAX_VALUES = 200_000

class Fault extends Error {
  readonly reason: Exclude<StrictJsonAnswer, { ok: true }>['reason']

  constructor(reason: Exclude<StrictJsonAnswer, { ok: true }>['reason'], say: string) {
    super(say)
    this.reason = reason
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const SPACE = /[ \t\n\r]*/y

const QUOTE = 0x22
const BACKSLASH = 0x5c

type Cursor = { readonly text: string; at: number; values: number }

const skipSpace = (cursor: Cursor): void => {
  SPACE.lastIndex = cursor.at
  SPACE.test(cursor.text)
  cursor.at = SPACE.lastIndex
}

const syntax = (cursor: Cursor): Fault =>
  new Fault('syntax', `This is no JSON at character ${cursor.at}.`)

/** Where the text ends that begins at the cursor, and whether it has escapes. Patterns would need memory for each character. */
const scanString = (cursor: Cursor): { readonly end: number; readonly isPlain: boolean } => {
  const { text } = cursor
  let isPlain = true
  for (let at = cursor.at + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return { end: at + 1, isPlain }
    if (code === BACKSLASH) {
      isPlain = false
      at++
    } else if (code < 0x20) break
  }
  throw syntax(cursor)
}

const readString = (cursor: Cursor): string => {
  const { end, isPlain } = scanString(cursor)
  const text = cursor.text.slice(cursor.at, end)
  try {
    const value = isPlain ? text.slice(1, -1) : String(JSON.parse(text))
    cursor.at = end
    return value
  } catch {
    throw syntax(cursor)
  }
}

const readNumber = (cursor: Cursor): number | bigint => {
  NUMBER.lastIndex = cursor.at
  if (!NUMBER.test(cursor.text)) throw syntax(cursor)
  const text = cursor.text.slice(cursor.at, NUMBER.lastIndex)
  if (text.length > 100) throw new Fault('number', 'A number is longer than 100 characters.')
  cursor.at = NUMBER.lastIndex
  const value = Number(text)
  if (!Number.isFinite(value)) throw new Fault('number', 'A number is too large.')
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value
}

const readList = (cursor: Cursor, depth: number): StrictJson[] => {
  cursor.at++
  const list: StrictJson[] = []
  skipSpace(cursor)
  if (cursor.text[cursor.at] === ']') {
    cursor.at++
    return list
  }
  for (;;) {
    list.push(readValue(cursor, depth))
    skipSpace(cursor)
    const next = cursor.text[cursor.at]
    if (next !== ',' && next !== ']') throw syntax(cursor)
    cursor.at++
    if (next === ']') return list
  }
}

const readKey = (cursor: Cursor, known: object): string => {
  skipSpace(cursor)
  if (cursor.text[cursor.at] !== '"') throw syntax(cursor)
  const key = readString(cursor)
  if (key === '__proto__') throw new Fault('key', 'A field may not be called __proto__.')
  // Two readers of one text must not see two values: what was signed is what is read.
  if (Object.hasOwn(known, key)) throw new Fault('duplicate', 'A field stands there twice.')
  skipSpace(cursor)
  if (cursor.text[cursor.at] !== ':') throw syntax(cursor)
  cursor.at++
  return key
}

const readMap = (cursor: Cursor, depth: number): { readonly [key: string]: StrictJson } => {
  cursor.at++
  const map: Record<string, StrictJson> = Object.create(null)
  skipSpace(cursor)
  if (cursor.text[cursor.at] === '}') {
    cursor.at++
    return map
  }
  for (;;) {
    const key = readKey(cursor, map)
    map[key] = readValue(cursor, depth)
    skipSpace(cursor)
    const next = cursor.text[cursor.at]
    if (next !== ',' && next !== '}') throw syntax(cursor)
    cursor.at++
    if (next === '}') return map
  }
}

const WORDS = { t: ['true', true], f: ['false', false], n: ['null', null] } as const

const readWord = (cursor: Cursor, first: keyof typeof WORDS): boolean | null => {
  const [word, value] = WORDS[first]
  if (!cursor.text.startsWith(word, cursor.at)) throw syntax(cursor)
  cursor.at += word.length
  return value
}

const readValue = (cursor: Cursor, depth: number): StrictJson => {
  skipSpace(cursor)
  if (++cursor.values > MAX_VALUES) throw new Fault('size', 'It has too many values.')
  const first = cursor.text[cursor.at]
  switch (first) {
    case '{':
    case '[':
      if (depth >= MAX_DEPTH) throw new Fault('depth', `It is nested deeper than ${MAX_DEPTH}.`)
      return first === '{' ? readMap(cursor, depth + 1) : readList(cursor, depth + 1)
    case '"':
      return readString(cursor)
    case 't':
    case 'f':
    case 'n':
      return readWord(cursor, first)
    default:
      return readNumber(cursor)
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a stranger's JSON: UTF-8 and nothing else, nested no deeper than 40, no field twice in one object, none called
 * `__proto__`, and no number that would lose a digit.
 */
export const parseStrictJson = (raw: Uint8Array): StrictJsonAnswer => {
  let text: string
  try {
    text = decoder.decode(raw)
  } catch {
    return { ok: false, reason: 'encoding', say: 'The body is not UTF-8.' }
  }
  const cursor: Cursor = { text, at: 0, values: 0 }
  try {
    const value = readValue(cursor, 0)
    skipSpace(cursor)
    if (cursor.at !== text.length) throw syntax(cursor)
    return { ok: true, value }
  } catch (error) {
    if (error instanceof Fault) return { ok: false, reason: error.reason, say: error.message }
    throw error
  }
}
