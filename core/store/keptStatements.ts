import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type pg from 'pg'

const MARK = '/* kept */'

/**
 * Stands in front of a statement that is asked again and again in the same words: each connection has it parsed and
 * planned once. Only for few and fixed texts; what varies belongs into parameters.
 */
export const KEPT = sql.raw(MARK)

const nameOf = (text: string): string =>
  `kept_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`

const isMarked = (config: unknown): config is { readonly text: string } =>
  typeof config === 'object' &&
  config !== null &&
  'text' in config &&
  typeof config.text === 'string' &&
  config.text.startsWith(MARK)

/** Gives marked statements of a connection the name by which Postgres keeps them. */
export const keepStatements = (client: pg.ClientBase): void => {
  const names = new Map<string, string>()
  const named = (text: string): string => {
    const name = names.get(text) ?? nameOf(text)
    names.set(text, name)
    return name
  }
  const plain: (...args: readonly unknown[]) => unknown = client.query.bind(client)
  const query = (config: unknown, ...rest: readonly unknown[]): unknown =>
    plain(isMarked(config) ? { ...config, name: named(config.text) } : config, ...rest)
  client.query = query as typeof client.query
}
