import { createServer } from 'node:http'
import { messageOf, portError } from '../base/index.ts'
import type { ServedMeter } from './createMeter.ts'
import type { ProcessReport } from './types.ts'

export type MetricsServer = {
  readonly url: string
  readonly stop: () => Promise<void>
}

/**
 * Serves /metrics for Prometheus, /health (the process runs) and /ready (it runs and does its work).
 * @throws TocsinError `port.in_use`, `port.unusable`
 */
export const serveMetrics = async (options: {
  readonly host: string
  readonly port: number
  readonly meter: ServedMeter
  readonly report: () => ProcessReport | Promise<ProcessReport>
}): Promise<MetricsServer> => {
  const server = createServer((request, response) => {
    const answer = async (): Promise<{ status: number; type: string; body: string }> => {
      if (request.url === '/metrics') {
        const { contentType, body } = await options.meter.scrape()
        return { status: 200, type: contentType, body }
      }
      if (request.url === '/health') return { status: 200, type: 'text/plain', body: 'ok\n' }
      if (request.url === '/ready') {
        const { status, reason } = await options.report()
        return {
          status: status === 'ok' ? 200 : 503,
          type: 'text/plain',
          body: `${reason || status}\n`,
        }
      }
      return { status: 404, type: 'text/plain', body: 'not found\n' }
    }
    answer()
      .catch((error: unknown) => ({
        status: 500,
        type: 'text/plain',
        body: `${messageOf(error)}\n`,
      }))
      .then(({ status, type, body }) =>
        response.writeHead(status, { 'content-type': type }).end(body),
      )
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(portError(cause, { ...options, what: 'the metrics', setting: 'metrics.basePort' })),
    )
    server.listen(options.port, options.host, resolve)
  })
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : options.port
  return {
    url: `http://${options.host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
