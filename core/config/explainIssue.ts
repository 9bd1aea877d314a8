import type { z } from 'zod'
import { type Fault, shown } from './fault.ts'
import {
  type ConfigPath,
  keyPlaceOf,
  type Located,
  nodeAt,
  pathText,
  placeOf,
  plainOf,
} from './located.ts'
import { schemaAt, shapeOf } from './schemaShape.ts'
import { suggestion, suggestName } from './suggestName.ts'

type Issue = z.core.$ZodIssue

const articles: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  bigint: 'a whole number',
}
const nounOf = (type: string): string => articles[type] ?? type

/** Values under these keys may be secrets: what is wrong is said without showing them. */
const isSensitive = (path: ConfigPath): boolean =>
  path.some((key) => ['url', 'http', 'ws', 'rpc', 'secret', 'password'].includes(String(key)))

const describeValue = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? `"${shown(value, 60)}"` : shown(value, 60)
}

type Explained = { readonly problem: string; readonly mend: string; readonly onKey?: boolean }

const quantity = (issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): Explained => {
  const isSmall = issue.code === 'too_small'
  const limit = isSmall ? issue.minimum : issue.maximum
  const noun = issue.origin === 'array' ? ' items' : issue.origin === 'string' ? ' characters' : ''
  const edge =
    issue.inclusive === false
      ? isSmall
        ? 'more than'
        : 'less than'
      : isSmall
        ? 'at least'
        : 'at most'
  const what = issue.origin === 'array' ? 'the list is too ' : 'the value is too '
  const size =
    issue.origin === 'array' || issue.origin === 'string' ? ['short', 'long'] : ['small', 'large']
  return { problem: `${what}${isSmall ? size[0] : size[1]}`, mend: `Give ${edge} ${limit}${noun}.` }
}

const explain = (issue: Issue, value: unknown, isAbsent: boolean): Explained => {
  switch (issue.code) {
    case 'invalid_type':
      return isAbsent
        ? { problem: 'is missing', mend: `Give ${nounOf(issue.expected)}.` }
        : {
            problem: `${describeValue(value)} is not ${nounOf(issue.expected)}`,
            mend: `Give ${nounOf(issue.expected)}.`,
          }
    case 'invalid_value': {
      const allowed = issue.values.map(String)
      const near = typeof value === 'string' ? suggestName(value, allowed) : undefined
      const guess = near === undefined ? '' : ` Did you mean "${near}"?`
      const problem = isAbsent ? 'is missing' : `${describeValue(value)} is not allowed`
      const mend =
        allowed.length === 1 ? `Write ${allowed[0]}.` : `Allowed: ${allowed.join(', ')}.${guess}`
      return { problem, mend }
    }
    case 'too_small':
    case 'too_big':
      return quantity(issue)
    case 'invalid_format': {
      const own = issue.message.startsWith('Invalid ')
        ? `it must match ${shown(issue.pattern ?? issue.format)}`
        : issue.message
      return { problem: `${describeValue(value)} does not fit`, mend: `Expected: ${own}.` }
    }
    case 'invalid_key': {
      const first = issue.issues[0]
      return {
        problem: 'this name is not allowed',
        mend: `Rule: ${first?.message ?? 'see the schema'}.`,
        onKey: true,
      }
    }
    case 'not_multiple_of':
      return {
        problem: `${describeValue(value)} does not fit`,
        mend: `Give a multiple of ${issue.divisor}.`,
      }
    default:
      return {
        problem: shown(issue.message.replace(/\.$/, ''), 200),
        mend: 'See the schema: `tocsin check --schema`.',
      }
  }
}

/** True for the members `{env}` or `{file}` of a secret. */
const expectsSecret = (schema: z.core.$ZodType | undefined): 'only' | 'also' | 'no' => {
  const keys = schema && shapeOf(schema, {})?.keys
  if (!keys?.has('env') || !keys.has('file') || keys.size !== 2) return 'no'
  return schema && JSON.stringify(schema._zod.def.type) === '"union"' && unionTakesText(schema)
    ? 'also'
    : 'only'
}
const unionTakesText = (schema: z.core.$ZodType): boolean => {
  const def = schema._zod.def as { readonly options?: readonly z.core.$ZodType[] }
  return (def.options ?? []).some((option) => option._zod.def.type === 'string')
}

const depthOf = (issues: readonly Issue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length))

/**
 * Turns one zod issue into faults with the place of the value (or of the thing around it when it is absent).
 * @param base path of the value within the file that was validated
 */
export const explainIssue = (
  issue: Issue,
  context: { readonly root: Located; readonly schema: z.core.$ZodType; readonly base?: ConfigPath },
): readonly Fault[] => {
  const { root, schema } = context
  const base = context.base ?? []
  const within = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))
  const path: ConfigPath = [...base, ...within]
  const node = nodeAt(root, path)
  const plain = node && plainOf(node)
  const value = typeof plain === 'string' && plain && isSensitive(path) ? '[not shown]' : plain
  const outer = nodeAt(root, base)
  const governing = schemaAt(schema, within, outer && plainOf(outer))
  const at = placeOf(root, path)
  const text = pathText(root, path)

  if (issue.code === 'unrecognized_keys') {
    const known = governing ? [...(shapeOf(governing, value)?.keys.keys() ?? [])] : []
    return issue.keys.map((key) => ({
      ...keyPlaceOf(root, [...path, key]),
      path: pathText(root, [...path, key]),
      problem: `unknown key "${shown(key)}"`,
      mend: suggestion(key, known, 'keys'),
    }))
  }
  if (issue.code === 'invalid_union')
    return explainUnion(issue, { ...context, path, value, governing })
  const { onKey, ...rest } = explain(issue, value, node === undefined)
  return [{ ...(onKey ? keyPlaceOf(root, path) : at), path: text, ...rest }]
}

const explainUnion = (
  issue: Extract<Issue, { code: 'invalid_union' }>,
  context: {
    readonly root: Located
    readonly schema: z.core.$ZodType
    readonly base?: ConfigPath
    readonly path: ConfigPath
    readonly value: unknown
    readonly governing: z.core.$ZodType | undefined
  },
): readonly Fault[] => {
  const { root, path, value, governing } = context
  const at = placeOf(root, path)
  const text = pathText(root, path)
  const one = (problem: string, mend: string): readonly Fault[] => [
    { ...at, path: text, problem, mend },
  ]
  if ('options' in issue && Array.isArray(issue.options)) {
    const allowed = issue.options.map(String)
    const near = typeof value === 'string' ? suggestName(value, allowed) : undefined
    const guess = near === undefined ? '' : ` Did you mean "${near}"?`
    const problem = value === undefined ? 'is missing' : `${describeValue(value)} is not allowed`
    return one(problem, `Allowed: ${allowed.join(', ')}.${guess}`)
  }
  const secret = expectsSecret(governing)
  if (secret === 'only' && typeof value !== 'object')
    return value === undefined
      ? one('is missing', 'Write {env: NAME_OF_VARIABLE} or {file: path}.')
      : one('a secret must not stand in the file', 'Write {env: NAME_OF_VARIABLE} or {file: path}.')
  if (secret !== 'no' && (typeof value !== 'string' || value === ''))
    return one(
      value === undefined ? 'is missing' : 'this is not a secret reference',
      `Write ${secret === 'also' ? 'a URL, ' : ''}{env: NAME_OF_VARIABLE} or {file: path}, one of them.`,
    )
  // Of the ways in which the value could have been meant, the one that got furthest speaks.
  const nodeIsAbsent = value === undefined
  const close = issue.errors
    .filter(
      (branch) => !branch.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'),
    )
    .sort((a, b) => depthOf(b) - depthOf(a) || a.length - b.length)
  const best = close[0]
  if (!best || nodeIsAbsent) {
    const wanted = issue.errors.flat().map((inner) => {
      if (inner.code === 'invalid_type') return nounOf(inner.expected)
      return inner.code === 'invalid_value'
        ? inner.values.map((v) => `"${String(v)}"`).join(', ')
        : ''
    })
    const list = [...new Set(wanted.filter(Boolean))].join(' or ')
    return one(
      nodeIsAbsent ? 'is missing' : `${describeValue(value)} does not fit`,
      list ? `Give ${list}.` : 'See `tocsin check --schema`.',
    )
  }
  const offset = path.length - (context.base?.length ?? 0)
  const prefix = path.slice(context.base?.length ?? 0, (context.base?.length ?? 0) + offset)
  return best.flatMap((inner) =>
    explainIssue({ ...inner, path: [...prefix, ...inner.path] }, context),
  )
}
