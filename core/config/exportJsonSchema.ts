import { z } from 'zod'
import { watchlistSchema } from './schema.ts'

/** JSON Schema of the watchlist file, for editors: `# yaml-language-server: $schema=docs/watchlist.schema.json`. */
export const exportJsonSchema = (): Readonly<Record<string, unknown>> => ({
  ...z.toJSONSchema(watchlistSchema, { io: 'input' }),
  title: 'Tocsin watchlist',
})
