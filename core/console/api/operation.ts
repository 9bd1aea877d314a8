import { z } from 'zod'
import { TocsinError } from '../../base/index.ts'
import type { ConsoleContext, Role, Scope } from '../principal.ts'

type Fields = z.ZodRawShape

/** One thing that the API does: its route, who may use it, what it takes, and what it answers. */
export type Operation = {
  readonly id: string
  readonly method: 'get' | 'post'
  /** Under /api/v1, with `{id}` for a part that varies. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly role: Role
  /** Of a token; left out, no token may. */
  readonly scope?: Scope | undefined
  readonly query?: z.ZodObject | undefined
  readonly body?: z.ZodObject | undefined
  readonly answer: z.ZodType
  /** Codes of problems beside those of every operation. */
  readonly problems?: readonly string[]
  readonly run: (given: Given) => Promise<unknown>
}

type Given = {
  readonly c: ConsoleContext
  readonly id: string
  readonly query: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
}

/** What an operation is given, by its own schemas. */
export type GivenOf<Q extends Fields, B extends Fields> = {
  readonly c: ConsoleContext
  /** The part of the path that varies. */
  readonly id: string
  readonly query: z.output<z.ZodObject<Q>>
  readonly body: z.output<z.ZodObject<B>>
}

/** Names an operation; unknown parameters and fields are refused. */
export const operation = <Q extends Fields = Fields, B extends Fields = Fields>(
  given: Omit<Operation, 'query' | 'body' | 'run'> & {
    readonly query?: Q
    readonly body?: B
    readonly run: (given: GivenOf<Q, B>) => Promise<unknown>
  },
): Operation => {
  const { query, body, run, ...rest } = given
  const querySchema = z.strictObject(query ?? {})
  const bodySchema = body && z.strictObject(body)
  return {
    ...rest,
    query: querySchema,
    body: bodySchema,
    // Parsed by these very schemas before it is run.
    run: (parsed) => run(parsed as unknown as GivenOf<Q, B>),
  }
}

/** @throws TocsinError `query.invalid`, `body.invalid` */
export const parseGiven = (
  schema: z.ZodObject,
  value: unknown,
  code: 'query.invalid' | 'body.invalid',
): Readonly<Record<string, unknown>> => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  throw new TocsinError(code, problems.join('; ').slice(0, 500))
}

/** Parameters of a page of a list. */
export const PAGE = {
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('Most items of a page'),
  cursor: z
    .string()
    .regex(/^[\w-]{1,200}$/, 'a cursor of an earlier answer')
    .optional()
    .describe('`next` of the page before'),
}

/** What a page of a list looks like. */
export const pageOf = (item: z.ZodType) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe('Cursor of the next page; null on the last one'),
  })

export const encodeCursor = (parts: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

/** @throws TocsinError `query.bad_cursor` */
export const decodeCursor = <T extends z.ZodTuple>(
  schema: T,
  cursor: string | undefined,
): z.output<T> | undefined => {
  if (cursor === undefined) return undefined
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
  } catch (cause) {
    throw new TocsinError('query.bad_cursor', 'This cursor is not one of an earlier answer.', {
      cause,
    })
  }
}

/** A page out of one row more than it holds. */
export const toPage = <T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => readonly (string | number)[],
): { readonly items: readonly T[]; readonly next: string | null } => {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last ? encodeCursor(cursorOf(last)) : null }
}

/** Of a row what the schema names; the rest stays inside. */
export const viewOf = (schema: z.ZodObject, row: object): Record<string, unknown> => {
  const values = row as Record<string, unknown>
  return Object.fromEntries(Object.keys(schema.shape).map((key) => [key, values[key] ?? null]))
}
