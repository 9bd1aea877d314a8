import { randomBytes } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { messageOf, sleep } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import { tables } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { PageHub } from './createPageHub.ts'
import { proxyGraphql } from './proxyGraphql.ts'
import { listAlerts, listExecutions, listFindings, listIncidents } from './queries.ts'
import { readChains, viewProcess } from './readProcesses.ts'
import { renderPage } from './renderPage.ts'

const MAX_BODY_BYTES = 64 * 1024
const MAX_STREAMS = 50

export type AppOptions = {
  readonly config: Config
  readonly store: Store
  readonly hub: PageHub
  readonly log: Logger
  readonly graphqlUrl?: string | undefined
  /** Host names that a browser may use; others are refused, so that no page elsewhere can point its name here. */
  readonly hosts: ReadonlySet<string>
}

const limit = z.coerce.number().int().min(1).max(500).catch(100)

/** Name of a Host header without its port; brackets of IPv6 stay. */
const hostName = (header: string): string => header.replace(/:\d+$/, '').toLowerCase()

const secure = (context: Context, nonce: string): void => {
  context.header(
    'content-security-policy',
    `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  )
  context.header('x-content-type-options', 'nosniff')
  context.header('x-frame-options', 'DENY')
  context.header('referrer-policy', 'no-referrer')
  context.header('cross-origin-opener-policy', 'same-origin')
  context.header('cache-control', 'no-store')
}

/** The console's routes: the page, its live events, the read-only API, and the way to the indexer's GraphQL. */
export const createApp = (options: AppOptions): Hono => {
  const { config, store, hub, hosts } = options
  const app = new Hono()
  let streams = 0

  app.use(async (context, next) => {
    if (!hosts.has(hostName(context.req.header('host') ?? '')))
      return context.text('This console does not answer under that name.\n', 421)
    secure(context, '')
    await next()
    return undefined
  })
  app.onError((error, context) => {
    // What Hono itself refuses (a body too large) already knows its answer.
    if ('getResponse' in error) return error.getResponse()
    options.log.warn({ error: messageOf(error), path: context.req.path }, 'A request failed.')
    return context.json(
      { error: { code: 'console.unavailable', message: 'The database cannot be read just now.' } },
      503,
    )
  })
  app.notFound((context) =>
    context.json({ error: { code: 'console.not_found', message: 'There is nothing here.' } }, 404),
  )

  app.get('/', async (context) => {
    const nonce = randomBytes(16).toString('base64')
    secure(context, nonce)
    const { overview, sections } = await hub.current()
    return context.html(
      renderPage({ overview, sections, name: config.name, env: config.env, nonce }),
    )
  })
  app.get('/health', (context) => context.text('ok\n'))
  app.get('/ready', (context) => {
    const fault = hub.fault()
    return context.text(`${fault || 'ok'}\n`, fault ? 503 : 200)
  })
  app.get('/api/events', (context) => {
    if (streams >= MAX_STREAMS) return context.text('Too many look on.\n', 503)
    streams++
    return streamSSE(context, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      const leave = hub.subscribe((data) => {
        stream.writeSSE({ event: 'page', data }).catch(() => gone.abort())
      })
      while (!gone.signal.aborted) await sleep(30_000, gone.signal)
      leave()
      streams--
    })
  })
  app.get('/api/status', async (context) => {
    const { overview } = await hub.current()
    const { at, verdict, reasons, counts, processes, chains, failingBots } = overview
    return context.json({ at, verdict, reasons, counts, processes, chains, failingBots })
  })
  app.get('/api/processes', async (context) => {
    const rows = await store.db.select().from(tables.processStatus)
    return context.json(rows.map((row) => viewProcess(row, new Date())))
  })
  app.get('/api/chains', async (context) => {
    const rows = await store.db.select().from(tables.processStatus)
    return context.json(await readChains(store.db, config, rows, new Date()))
  })
  app.get('/api/alerts', async (context) => {
    const which = z.enum(['open', 'closed', 'all']).catch('all').parse(context.req.query('which'))
    return context.json(
      await listAlerts(store.db, { which, limit: limit.parse(context.req.query('limit')) }),
    )
  })
  app.get('/api/incidents', async (context) =>
    context.json(
      await listIncidents(store.db, {
        isOpen: context.req.query('which') === 'open',
        limit: limit.parse(context.req.query('limit')),
      }),
    ),
  )
  app.get('/api/findings', async (context) => {
    const { bot, severity } = context.req.query()
    const status = z
      .enum(['provisional', 'final', 'retracted'])
      .optional()
      .catch(undefined)
      .parse(context.req.query('status'))
    return context.json(
      await listFindings(store.db, {
        bot,
        severity,
        status,
        limit: limit.parse(context.req.query('limit')),
      }),
    )
  })
  app.get('/api/executions', async (context) =>
    context.json(
      await listExecutions(store.db, { limit: limit.parse(context.req.query('limit')) }),
    ),
  )
  app.post('/graphql', bodyLimit({ maxSize: MAX_BODY_BYTES }), (context) =>
    proxyGraphql(context, options.graphqlUrl),
  )
  return app
}
