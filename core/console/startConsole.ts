import { createAdaptorServer } from '@hono/node-server'
import { TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import type { Logger, RunningProcess } from '../telemetry/index.ts'
import { createApp } from './createApp.ts'
import { createHub } from './createHub.ts'

export type RunningConsole = RunningProcess & { readonly url: string }

/**
 * Serves the console: a page that shows live how all is, and the same as JSON.
 * @throws TocsinError `port.in_use`
 */
export const startConsole = async (options: {
  readonly config: Config
  readonly store: Store
  readonly log: Logger
  /** The indexer's GraphQL endpoint; queries to /graphql are passed on to it. */
  readonly graphqlUrl?: string
}): Promise<RunningConsole> => {
  const { store, log } = options
  let { config } = options
  const { host, port, hosts } = config.console
  const hub = createHub({ config: () => config, store, log })
  const app = createApp({
    config: () => config,
    store,
    hub,
    log,
    graphqlUrl: options.graphqlUrl,
    hosts: [host, ...(hosts ?? [])].map((name) => name.toLowerCase()),
  })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16_384 },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch(async (cause: NodeJS.ErrnoException) => {
    await hub.stop()
    throw translate(cause, host, port)
  })
  const address = server.address()
  const bound = address && typeof address === 'object' ? address.port : port
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const url = `http://${shown.includes(':') ? `[${shown}]` : shown}:${bound}`
  log.info({ address: url }, 'The console is up.')
  return {
    url,
    report: () => {
      const trouble = hub.trouble()
      return {
        status: trouble ? 'degraded' : 'ok',
        reason: trouble,
        detail: { address: url, pages: hub.clients() },
      }
    },
    reload: async (next) => {
      config = next
    },
    stop: async () => {
      await hub.stop()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
    },
  }
}

const translate = (cause: NodeJS.ErrnoException, host: string, port: number): TocsinError =>
  cause.code === 'EADDRINUSE'
    ? new TocsinError(
        'port.in_use',
        `Port ${port} on ${host} is taken, so the console cannot be served there.`,
        {
          cause,
          exitCode: 4,
          hints: [
            'Name another `console.port` in the watchlist, or 0 for any free port.',
            'Perhaps another Tocsin runs already: `tocsin status`.',
          ],
        },
      )
    : new TocsinError(
        'console.not_served',
        `The console cannot be served on ${host}:${port} (${cause.code ?? 'error'}).`,
        {
          cause,
          hints: ['Check `console.host` and `console.port` in the watchlist.'],
        },
      )
