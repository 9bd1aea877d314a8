import { createAdaptorServer } from '@hono/node-server'
import { portError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import { createStreams, serveSockets } from '../subscriptions/index.ts'
import type { Logger, RunningProcess } from '../telemetry/index.ts'
import { publicUrlOf } from './auth/createAuth.ts'
import { hasUsers } from './auth/users.ts'
import { checkExposure } from './checkExposure.ts'
import { createApp } from './createApp.ts'
import { createHub } from './createHub.ts'
import { isOwnHost } from './security.ts'

export type RunningConsole = RunningProcess & { readonly url: string }

/**
 * Serves the console: a page that shows live how all is, and the same as JSON.
 * @throws TocsinError `port.in_use`, `port.unusable`, `console.exposed`, `console.open_exposed`, `console.insecure_url`
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
  const { host, port, hosts, oidc } = config.console
  checkExposure(config.console, {
    publicUrl: publicUrlOf(config),
    isSignInRequired: oidc !== undefined || (await hasUsers(store.db)),
  })
  const hub = createHub({ config: () => config, store, log })
  const streams = createStreams({ config, store, log })
  const publicUrl = publicUrlOf(config)
  const publicHosts = publicUrl ? [new URL(publicUrl).hostname] : []
  const ownHosts = [host, ...(hosts ?? []), ...publicHosts].map((name) => name.toLowerCase())
  const app = createApp({
    config: () => config,
    store,
    hub,
    streams,
    log,
    graphqlUrl: options.graphqlUrl,
    hosts: ownHosts,
  })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16_384 },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch(async (cause: unknown) => {
    await hub.stop()
    await streams.stop()
    throw portError(cause, { host, port, what: 'the console', setting: 'console.port' })
  })
  const stopSockets = serveSockets({
    server,
    path: '/stream/socket',
    streams,
    log,
    isOwnHost: (name) => isOwnHost(name, ownHosts),
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
        detail: { address: url, pages: hub.clients(), readers: streams.readers() },
      }
    },
    reload: async (next) => {
      config = next
      streams.reload(next)
    },
    stop: async () => {
      stopSockets()
      await streams.stop()
      await hub.stop()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
    },
  }
}
