import { readFileSync, statSync } from 'node:fs'
import { TextDecoder } from 'node:util'
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type Tags,
  type YAMLError,
} from 'yaml'
import { messageOf } from '../base/index.ts'
import { type Fault, shown } from './fault.ts'
import type { Located, LocatedEntry } from './located.ts'
import type { Place } from './types.ts'

/** Parsing takes seconds from here on, and a change to the watchlist is taken up while the watch goes on. */
const MAX_BYTES = 1_000_000
const MAX_NODES = 200_000
const MAX_DEPTH = 60

// Without the hexadecimal form an unquoted address stays the text that it is.
const withoutHex = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'string' || !('format' in tag && tag.format === 'HEX'))

const mendOf: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'Keep one of them.',
  TAB_AS_INDENT: 'Indent with spaces.',
  BAD_ALIAS: 'Define the anchor above its first use.',
  MULTIPLE_DOCS: 'One file holds one document: remove the "---" line.',
  TAG_RESOLVE_FAILED: 'Remove the tag.',
}

const unreadable: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['there is no such file', 'Name the watchlist with --config.'],
  ENOTDIR: ['there is no such file', 'Name the watchlist with --config.'],
  EISDIR: ['this is a folder, not a file', 'Name the file in it.'],
  EACCES: ['this user may not read it', 'Change its permissions, or run as another user.'],
}

const decode = (bytes: Buffer): string | undefined => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

/** The parser's own words speak of its functions, or leave out which key is meant. */
const problemOf = (error: YAMLError, text: string): string => {
  if (error.code === 'MULTIPLE_DOCS') return 'a second document begins here'
  if (error.code !== 'DUPLICATE_KEY') return shown(error.message.replace(/\.$/, ''), 200)
  const key = /^[^\s:]+/.exec(text.slice(error.pos[0], error.pos[0] + 80))?.[0]
  return key ? `the key "${shown(key)}" stands here a second time` : 'a key stands here twice'
}

/** A scalar's value; whole numbers too long for a double stay text, digit by digit. */
const scalarValue = (node: Scalar): string | number | boolean | null => {
  const { value, source } = node
  if (typeof value === 'number') {
    const isLong = typeof source === 'string' && /^[-+]?\d{16,}$/.test(source)
    return isLong || !Number.isFinite(value) ? String(source) : value
  }
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  return String(value)
}

/**
 * Reads a YAML file (core schema, `0x…` is text) into values that know their place.
 * `root` is undefined when nothing could be read; syntax errors and doubled keys are faults.
 */
export const readYamlFile = (
  path: string,
  shownFile = path,
): { readonly root: Located | undefined; readonly faults: readonly Fault[] } => {
  const start: Place = { file: shownFile, line: 1, column: 1 }
  const whole = (problem: string, mend: string) => ({
    root: undefined,
    faults: [{ ...start, path: '', problem, mend }],
  })
  let bytes: Buffer
  try {
    if (statSync(path).size > MAX_BYTES)
      return whole('the file is larger than 1 MB', 'A watchlist is written by people: split it.')
    bytes = readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const [problem, mend] = unreadable[code] ?? [
      `it cannot be read (${shown(messageOf(error))})`,
      'Check the path and its permissions.',
    ]
    return whole(problem, mend)
  }
  const text = decode(bytes)
  if (text === undefined)
    return whole('the file is not text in UTF-8', 'Save it as UTF-8; other encodings are not read.')
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: 'core',
    customTags: withoutHex,
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    keepSourceTokens: true,
  })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file: shownFile, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults: Fault[] = [...document.errors, ...document.warnings].map((error) => ({
    ...placeAt(error.pos[0]),
    path: '',
    problem: problemOf(error, text),
    mend: mendOf[error.code] ?? 'Check the YAML around this place: indentation, quotes, colons.',
  }))
  const fault = (at: Place, problem: string, mend: string): void => {
    faults.push({ ...at, path: '', problem, mend })
  }

  const isBroken = document.errors.some((error) => error.code !== 'DUPLICATE_KEY')
  if (isBroken) return { root: undefined, faults }

  let count = 0
  const convert = (node: Node | null, fallback: Place, depth: number): Located => {
    const at = node?.range ? placeAt(node.range[0]) : fallback
    if (++count === MAX_NODES)
      fault(at, `it holds more than ${MAX_NODES} values`, 'Use fewer aliases, or split it.')
    if (count >= MAX_NODES) return { kind: 'scalar', at, value: null }
    if (depth > MAX_DEPTH) {
      fault(at, `it is nested more than ${MAX_DEPTH} levels deep`, 'Use no alias within itself.')
      count = MAX_NODES
      return { kind: 'scalar', at, value: null }
    }
    if (isAlias(node)) return { ...convert(node.resolve(document) ?? null, at, depth + 1), at }
    if (isScalar(node)) return { kind: 'scalar', at, value: scalarValue(node) }
    if (isSeq<Node>(node))
      return { kind: 'list', at, items: node.items.map((item) => convert(item, at, depth + 1)) }
    if (!isMap<Node, Node | null>(node)) return { kind: 'scalar', at, value: null }
    const entries = new Map<string, LocatedEntry>()
    for (const { key, value } of node.items) {
      const keyAt = key?.range ? placeAt(key.range[0]) : at
      if (!isScalar(key)) {
        fault(keyAt, 'a key must be plain text', 'Write a name before the colon.')
        continue
      }
      const name = typeof key.source === 'string' ? key.source : String(key.value)
      if (name === '__proto__') {
        fault(keyAt, 'this key is not allowed', 'Choose another name.')
        continue
      }
      entries.set(name, { keyAt, node: convert(value, keyAt, depth + 1) })
    }
    return { kind: 'map', at, entries }
  }
  const root = convert(document.contents, start, 0)
  // What was cut off would be missed everywhere.
  if (count >= MAX_NODES) return { root: undefined, faults }
  if (root.kind === 'map') return { root, faults }
  if (faults.length === 0) {
    const isEmpty = root.kind === 'scalar' && root.value === null
    fault(
      root.at,
      isEmpty ? 'the file is empty' : 'the file is not a map',
      'Begin with `version: 1`.',
    )
  }
  return { root: undefined, faults }
}
