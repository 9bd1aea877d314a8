import { TocsinError } from '../../base/index.ts'

/** What an expression speaks of: arguments by name and by place, or fields of a transaction. */
export type Facts = Readonly<Record<string, unknown>>
export type Condition = (facts: Facts) => boolean

const TOKEN =
  /\s*(?:(>=|<=|==|!=|>|<|\(|\))|'([^']*)'|"([^"]*)"|(-?\d+(?:\.\d+)?(?![\w]))|([A-Za-z0-9_$][\w$]*(?:\.\w+|\[\d+\])*))/y

type Token = { readonly kind: 'sign' | 'word' | 'number' | 'text'; readonly text: string }

const wrong = (text: string, why: string): TocsinError =>
  new TocsinError(
    'monitor.expression',
    `The expression ${JSON.stringify(text.slice(0, 120))}: ${why}.`,
  )

const tokenize = (text: string): Token[] => {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  let at = 0
  while (at < text.length && text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (!found) throw wrong(text, `character ${at + 1} is not understood`)
    const [, sign, single, double, number, word] = found
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else tokens.push({ kind: 'text', text: single ?? double ?? '' })
    at = TOKEN.lastIndex
  }
  return tokens
}

const OPERATORS = [
  '>',
  '>=',
  '<',
  '<=',
  '==',
  '!=',
  'starts_with',
  'ends_with',
  'contains',
] as const
type Operator = (typeof OPERATORS)[number]

const isOperator = (text: string): text is Operator => OPERATORS.some((one) => one === text)

const pick = (value: unknown, key: string): unknown => {
  if (Array.isArray(value)) return value[Number(key)]
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}

const lookUp = (facts: Facts, path: string): unknown =>
  path
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .reduce<unknown>(pick, facts)

const asNumber = (value: unknown): bigint | number | undefined => {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  if (/^(-?\d+|0x[0-9a-fA-F]{1,64})$/.test(value)) return BigInt(value)
  return /^-?\d+\.\d+$/.test(value) ? Number(value) : undefined
}

const asText = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
    : String(value)

const sameText = (a: unknown, b: string): boolean => asText(a).toLowerCase() === b.toLowerCase()

const isSame = (value: unknown, wanted: string): boolean => {
  const [a, b] = [asNumber(value), asNumber(wanted)]
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of the same value are the same here.
  return a !== undefined && b !== undefined ? a == b : sameText(value, wanted)
}

const holds = (value: unknown, operator: Operator, wanted: string): boolean => {
  if (value === undefined) return false
  if (operator === '==') return isSame(value, wanted)
  if (operator === '!=') return !isSame(value, wanted)
  const text = asText(value).toLowerCase()
  const part = wanted.toLowerCase()
  if (operator === 'starts_with') return text.startsWith(part)
  if (operator === 'ends_with') return text.endsWith(part)
  if (operator === 'contains')
    return Array.isArray(value) ? value.some((one) => isSame(one, wanted)) : text.includes(part)
  const [a, b] = [asNumber(value), asNumber(wanted)]
  if (a === undefined || b === undefined) return false
  switch (operator) {
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '<':
      return a < b
    case '<=':
      return a <= b
  }
}

/**
 * An expression of a monitor as a condition: `> >= < <= == !=`, `starts_with`, `ends_with`, `contains`, `AND` before
 * `OR`, parentheses; texts are compared without regard to case, numbers to the last digit.
 * @throws TocsinError `monitor.expression`
 */
export const parseExpression = (text: string): Condition => {
  const tokens = tokenize(text)
  let at = 0
  const isWord = (word: string): boolean => {
    const token = tokens[at]
    return token?.kind === 'word' && token.text.toUpperCase() === word
  }
  const readOne = (): Condition => {
    const left = tokens[at++]
    if (left?.kind === 'sign' && left.text === '(') {
      const inner = readAny()
      const end = tokens[at++]
      if (end?.text !== ')') throw wrong(text, 'a parenthesis is not closed')
      return inner
    }
    if (left?.kind !== 'word' && left?.kind !== 'number')
      throw wrong(text, 'a name is missing before an operator')
    const operator = tokens[at++]?.text.toLowerCase() ?? ''
    const right = tokens[at++]
    if (!isOperator(operator)) throw wrong(text, `"${operator}" is no operator that is known`)
    if (!right || right.kind === 'sign') throw wrong(text, 'a value is missing after an operator')
    return (facts) => holds(lookUp(facts, left.text), operator, right.text)
  }
  const readAll = (): Condition => {
    let all = readOne()
    while (isWord('AND')) {
      at++
      const [before, next] = [all, readOne()]
      all = (facts) => before(facts) && next(facts)
    }
    return all
  }
  function readAny(): Condition {
    let any = readAll()
    while (isWord('OR')) {
      at++
      const [before, next] = [any, readAll()]
      any = (facts) => before(facts) || next(facts)
    }
    return any
  }
  const condition = readAny()
  if (at < tokens.length) throw wrong(text, `"${tokens[at]?.text}" is too much`)
  return condition
}
