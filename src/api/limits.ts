import {
  type DocumentNode,
  type FieldNode,
  Kind,
  parse,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import type { MiddlewareHandler } from 'hono'

/** What one request may ask for. */
export const LIMITS = {
  bodyBytes: 20_000,
  depth: 18,
  aliases: 30,
  tokens: 1_000,
  /** Database queries: each list below a list is one for every row above it. */
  queries: 1_200,
  /** Rows, were every list full. */
  rows: 50_000,
} as const

const DEFAULT_ROWS = 50
const MAX_ROWS = 1_000

const MAX_VISITS = 5_000

type Cost = { queries: number; rows: number; visits: number }

const readLimit = (
  value: ValueNode | undefined,
  variables: Readonly<Record<string, unknown>>,
): number => {
  if (value === undefined || value.kind === Kind.NULL) return DEFAULT_ROWS
  if (value.kind === Kind.INT) return Math.max(0, Number(value.value))
  if (value.kind !== Kind.VARIABLE) return MAX_ROWS
  const given = variables[value.name.value]
  return typeof given === 'number' ? Math.max(0, given) : MAX_ROWS
}

/** Worst case of a query: a list costs one query for each row above it, and `limit` rows for each of them. */
const measure = (document: DocumentNode, variables: Readonly<Record<string, unknown>>): Cost => {
  const cost: Cost = { queries: 0, rows: 0, visits: 0 }
  const fragments = new Map(
    document.definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((definition) => [definition.name.value, definition.selectionSet]),
  )
  const visitField = (field: FieldNode, parents: number, open: readonly string[]): void => {
    const { name, arguments: given, selectionSet } = field
    if (!selectionSet) return
    const isList = PLURAL.test(name.value)
    const limit = given?.find((argument) => argument.name.value === 'limit')?.value
    const rows = isList ? parents * readLimit(limit, variables) : parents
    if (isList) {
      cost.queries += parents
      cost.rows += rows
    }
    visit(selectionSet, rows, open)
  }
  const visitSpread = (name: string, parents: number, open: readonly string[]): void => {
    const fragment = fragments.get(name)
    if (fragment && !open.includes(name)) visit(fragment, parents, [...open, name])
  }
  const visit = (set: SelectionSetNode, parents: number, open: readonly string[]): void => {
    for (const selection of set.selections) {
      // Fragments within fragments multiply; a query this large is refused before it is understood.
      if (++cost.visits > MAX_VISITS) return
      if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet, parents, open)
      else if (selection.kind === Kind.FRAGMENT_SPREAD)
        visitSpread(selection.name.value, parents, open)
      else visitField(selection, parents, open)
    }
  }
  for (const definition of document.definitions)
    if (definition.kind === Kind.OPERATION_DEFINITION) visit(definition.selectionSet, 1, [])
  return cost
}

// Every list of Ponder's GraphQL ends in s and holds its rows in `items`; of the fields that have fields and are no
// list, none does.
const PLURAL = /^(?!items$)[a-z]\w*s$/

const refuse = (message: string) => ({ errors: [{ message }] })

/** Refuses requests that are too large, before anything is asked of the database. */
export const limitRequests: MiddlewareHandler = async (c, next) => {
  if (c.req.method !== 'POST') return c.json(refuse('Send GraphQL by POST.'), 405)
  const text = await c.req.raw.clone().text()
  if (text.length > LIMITS.bodyBytes)
    return c.json(refuse(`The request is larger than ${LIMITS.bodyBytes} bytes.`), 413)
  let cost: Cost
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null || !('query' in body))
      return c.json(refuse('Send one JSON object with `query`.'), 400)
    const variables =
      'variables' in body && typeof body.variables === 'object' ? body.variables : {}
    cost = measure(parse(String(body.query), { maxTokens: LIMITS.tokens }), { ...variables })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return c.json(refuse(`The request cannot be read: ${why.slice(0, 300)}`), 400)
  }
  const { queries, rows, visits } = cost
  if (visits > MAX_VISITS) return c.json(refuse('The query has too many fields.'), 400)
  if (queries > LIMITS.queries || rows > LIMITS.rows)
    return c.json(
      refuse(
        `The query may read ${rows} rows in ${queries} steps; the limits are ${LIMITS.rows} and ${LIMITS.queries}. Ask for fewer by \`limit\`, also in the lists within lists.`,
      ),
      400,
    )
  return next()
}
