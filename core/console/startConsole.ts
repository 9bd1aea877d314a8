import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { messageOf, TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import type { Logger, RunningProcess } from '../telemetry/index.ts'
import { createApp } from './createApp.ts'
import { createPageHub } from './createPageHub.ts'

export type ConsoleOptions = {
  readonly config: Config
  readonly store: Store
  readonly log: Logger
  /** The indexer's GraphQL, offered under /graphql. */
  readonly graphqlUrl?: string
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/**
 * Serves the web console and its read-only API.
 * @throws TocsinError `port.in_use`
 */
export const startConsole = async (
  options: ConsoleOptions,
): Promise<RunningProcess & { readonly url: string }> => {
  const { config, store, log } = options
  const { host, port } = config.console
  const hub = createPageHub({ store, config, log })
  const app = createApp({
    config,
    store,
    hub,
    log,
    graphqlUrl: options.graphqlUrl,
    hosts: new Set([...LOOPBACK, host.toLowerCase()]),
  })
  const listen = (): Promise<{ readonly server: Server; readonly port: number }> =>
    new Promise((resolve, reject) => {
      const server = serve({ fetch: app.fetch, hostname: host, port }, (info) =>
        resolve({ server, port: info.port }),
      ) as Server
      server.once('error', reject)
    })
  const { server, port: actual } = await listen().catch(async (cause: unknown) => {
    await hub.stop()
    const taken =
      typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'EADDRINUSE'
    throw new TocsinError(
      taken ? 'port.in_use' : 'console.cannot_listen',
      taken
        ? `Port ${port} on ${host} is taken, so the console cannot be served there.`
        : `The console cannot listen on ${host}:${port}: ${messageOf(cause)}`,
      {
        cause,
        exitCode: taken ? 4 : 1,
        hints: ['Name another `console.port` in the watchlist, or stop what listens there.'],
      },
    )
  })
  const url = `http://${host}:${actual}`
  log.info({ url: `${host}:${actual}` }, 'The console is up.')
  return {
    url,
    report: () => {
      const fault = hub.fault()
      return { status: fault ? 'degraded' : 'ok', reason: fault, detail: { port: actual } }
    },
    stop: async () => {
      await hub.stop()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}
