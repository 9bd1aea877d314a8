import { Hono } from 'hono'
import { z } from 'zod'
import { isTocsinError, messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import type { Streams } from '../subscriptions/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { routeApi } from './api/routeApi.ts'
import { createAuth } from './auth/createAuth.ts'
import type { PasswordCost } from './auth/passwords.ts'
import { createPerform } from './auth/perform.ts'
import { routeSignIn } from './auth/routeSignIn.ts'
import { checkGuards } from './checkGuards.ts'
import type { Hub } from './createHub.ts'
import { answerError } from './errorAnswer.ts'
import { routePages } from './pages/routePages.ts'
import { type ConsoleContext, type ConsoleEnv, needs, open } from './principal.ts'
import { proxyGraphql } from './proxyGraphql.ts'
import { listAlerts, listExecutions, listFindings, listIncidents } from './queries.ts'
import { routePeople } from './routePeople.ts'
import { routeStreams } from './routeStreams.ts'
import { secure } from './security.ts'

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

const READ = needs('viewer', 'read')

/** The console's routes. Each says who may use it. */
export const createApp = (options: {
  readonly config: () => Config
  readonly store: Store
  readonly hub: Hub
  /** Default: nobody follows findings. */
  readonly streams?: Streams | undefined
  readonly log: Logger
  readonly graphqlUrl: string | undefined
  /** Host names, beside localhost and addresses, under which the console is called. */
  readonly hosts: readonly string[]
  /** What a guess at a password costs. Default: what OWASP asks for. */
  readonly passwordCost?: PasswordCost | undefined
}): Hono<ConsoleEnv> => {
  const { hub, log } = options
  const { db } = options.store
  const app = new Hono<ConsoleEnv>()
  const auth = createAuth(options)
  const perform = createPerform(options.store, auth)
  app.onError(async (error, c) => {
    const { code } = isTocsinError(error) ? error : { code: undefined }
    log[code ? 'debug' : 'warn'](
      { error: messageOf(error), code, path: c.req.path },
      'A request was not answered as asked.',
    )
    // Not of our making: perhaps the database is gone, and the hub says so to whoever asks how the console is.
    if (!code) await hub.snapshot().catch(() => undefined)
    return answerError(c, error)
  })
  app.notFound((c) => {
    const isRead = ['GET', 'HEAD'].includes(c.req.method)
    if (!isRead) return c.text('The console only shows.\n', 405, { allow: 'GET, HEAD' })
    return c.json({ error: { code: 'not_found', message: 'There is no such page.' } }, 404)
  })
  app.use('*', secure(options.hosts, auth.publicUrl))
  app.use('*', auth.middleware)

  routePages(app, { ...options, auth, perform })
  app.get('/api/events', needs('viewer'), (c) => {
    const stream = hub.subscribe(c.req.query('of') === 'pulse' ? 'pulse' : 'overview')
    if (!stream) return c.text('Too many pages are open.\n', 503, { 'retry-after': '10' })
    return c.body(stream, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
  })
  app.get('/api/status', READ, async (c) => {
    const { overview } = await hub.snapshot()
    const { at, verdict, reasons, counts, processes, chains, channels, failingBots } = overview
    return c.json({ at, verdict, reasons, counts, processes, chains, channels, failingBots })
  })
  app.get('/api/processes', READ, async (c) => c.json((await hub.snapshot()).overview.processes))
  app.get('/api/chains', READ, async (c) => c.json((await hub.snapshot()).overview.chains))
  app.get('/api/findings', READ, (c) =>
    answer(c, findingsQuery, (query) => listFindings(db, query)),
  )
  app.get('/api/alerts', READ, (c) =>
    answer(c, alertsQuery, ({ status, ...query }) => listAlerts(db, { ...query, which: status })),
  )
  app.get('/api/incidents', READ, (c) =>
    answer(c, incidentsQuery, ({ status, ...query }) =>
      listIncidents(db, { ...query, isOpen: status === 'open' }),
    ),
  )
  app.get('/api/executions', READ, (c) =>
    answer(c, executionsQuery, (query) => listExecutions(db, query)),
  )
  app.get('/health', open('it says nothing'), (c) => c.text('ok\n'))
  app.get('/ready', open('it says only whether the database answers'), async (c) => {
    await hub.snapshot()
    return c.text('ok\n')
  })
  routePeople(app, options)
  routeSignIn(app, { ...options, auth, cost: options.passwordCost })
  routeApi(app, { ...options, auth, perform })
  if (options.streams) routeStreams(app, options.streams)
  app.all('/graphql', READ, (c) => proxyGraphql(c, options.graphqlUrl))
  checkGuards(app)
  return app
}
