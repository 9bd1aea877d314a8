import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Hub } from './createHub.ts'
import { proxyGraphql } from './proxyGraphql.ts'
import { listAlerts, listExecutions, listFindings, listIncidents } from './queries.ts'
import { renderPage } from './renderPage.ts'
import { routePeople } from './routePeople.ts'
import { type ConsoleVariables, secure } from './security.ts'

const limit = z.coerce.number().int().min(1).max(1_000).default(100)
const word = z.string().min(1).max(100).optional()
const findingsQuery = z.object({
  limit,
  bot: word,
  severity: z.enum(['Critical', 'High', 'Medium', 'Low', 'Info']).optional(),
  status: z.enum(['provisional', 'final', 'retracted', 'pending', 'landed', 'dropped']).optional(),
  since: z.coerce.date().optional(),
})
const alertsQuery = z.object({ limit, status: z.enum(['open', 'closed', 'all']).default('open') })
const incidentsQuery = z.object({ limit, status: z.enum(['open', 'all']).default('open') })
const executionsQuery = z.object({ limit })

type ConsoleContext = Context<{ Variables: ConsoleVariables }>

/** Answers with rows, or with 400 and what is wrong with the query, or with 503 when the database cannot be read. */
const answer = async <T>(
  c: ConsoleContext,
  schema: z.ZodType<T>,
  read: (query: T) => Promise<unknown>,
): Promise<Response> => {
  const query = schema.safeParse(c.req.query())
  if (!query.success) {
    const problems = query.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    return c.json({ error: { code: 'query.invalid', message: problems.join('; ') } }, 400)
  }
  return c.json((await read(query.data)) as object)
}

/** The console's routes. Everything is read only but for the answers of people and the stop of everything. */
export const createApp = (options: {
  readonly config: () => Config
  readonly store: Store
  readonly hub: Hub
  readonly log: Logger
  readonly graphqlUrl: string | undefined
  /** Host names, beside localhost and addresses, under which the console is called. */
  readonly hosts: readonly string[]
}): Hono<{ Variables: ConsoleVariables }> => {
  const { hub, log } = options
  const { db } = options.store
  const app = new Hono<{ Variables: ConsoleVariables }>()
  app.use('*', secure(options.hosts))
  app.onError((error, c) => {
    log.warn({ error: messageOf(error), path: c.req.path }, 'A request failed.')
    const message = 'The database cannot be read. Nothing is known about the present state.'
    return c.req.path.startsWith('/api/')
      ? c.json({ error: { code: 'store.unreadable', message } }, 503)
      : c.text(`Tocsin: ${message}\n`, 503)
  })
  app.notFound((c) =>
    c.json({ error: { code: 'not_found', message: 'There is no such page.' } }, 404),
  )

  app.get('/', async (c) => {
    const { overview, sections } = await hub.snapshot()
    const { name, env } = options.config()
    return c.html(renderPage({ overview, sections, name, env, nonce: c.get('nonce') }))
  })
  app.get('/api/events', (c) => {
    const stream = hub.subscribe()
    if (!stream) return c.text('Too many pages are open.\n', 503, { 'retry-after': '10' })
    return c.body(stream, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
  })
  app.get('/api/status', async (c) => {
    const { overview } = await hub.snapshot()
    const { at, verdict, reasons, counts, processes, chains, channels, failingBots } = overview
    return c.json({ at, verdict, reasons, counts, processes, chains, channels, failingBots })
  })
  app.get('/api/processes', async (c) => c.json((await hub.snapshot()).overview.processes))
  app.get('/api/chains', async (c) => c.json((await hub.snapshot()).overview.chains))
  app.get('/api/findings', (c) => answer(c, findingsQuery, (query) => listFindings(db, query)))
  app.get('/api/alerts', (c) =>
    answer(c, alertsQuery, ({ status, ...query }) => listAlerts(db, { ...query, which: status })),
  )
  app.get('/api/incidents', (c) =>
    answer(c, incidentsQuery, ({ status, ...query }) =>
      listIncidents(db, { ...query, isOpen: status === 'open' }),
    ),
  )
  app.get('/api/executions', (c) =>
    answer(c, executionsQuery, (query) => listExecutions(db, query)),
  )
  app.get('/health', (c) => c.text('ok\n'))
  app.get('/ready', async (c) => {
    await hub.snapshot()
    return c.text('ok\n')
  })
  routePeople(app, options)
  app.all('/graphql', (c) => proxyGraphql(c, options.graphqlUrl))
  return app
}
