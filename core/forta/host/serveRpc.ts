import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { messageOf } from '../../base/index.ts'
import type { RpcDesk } from './createRpcDesk.ts'

/** JSON-RPC on loopback, as one hosted chain offers it to its bots. */
export type RpcServer = { readonly port: number; readonly stop: () => Promise<void> }

const MOST_BYTES = 8 * 2 ** 20
const MOST_CALLS = 1_000

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const readBody = (request: IncomingMessage): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MOST_BYTES) chunks.push(chunk)
    })
    request.on('end', () =>
      resolve(size > MOST_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')),
    )
    request.on('error', reject)
  })

const answerOne = async (desk: RpcDesk, call: unknown): Promise<string> => {
  if (!isRecord(call) || typeof call['method'] !== 'string')
    return '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no JSON-RPC call"}}'
  const params: readonly unknown[] = Array.isArray(call['params']) ? call['params'] : []
  const id = JSON.stringify(call['id'] ?? null)
  return `{"jsonrpc":"2.0","id":${id},${await desk.answer(call['method'], params)}}`
}

/** A web page that somebody has open must not reach the bots' node. */
const isOurs = ({ headers }: IncomingMessage): boolean =>
  headers.origin === undefined && /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '')

/**
 * Serves a desk to bots of this machine.
 * @param options.other answers requests to other paths than `/`; undefined: there is nothing
 */
export const serveRpc = async (
  desk: RpcDesk,
  options: {
    readonly port?: number
    readonly other?: (path: string, body: string) => Promise<string | undefined>
  } = {},
): Promise<RpcServer> => {
  const respond = (response: ServerResponse, status: number, body: string): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST' || !isOurs(request)) return respond(response, 403, '{}')
    const body = await readBody(request)
    if (body === undefined) return respond(response, 413, '{}')
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    if (path !== '/') {
      const text = await options.other?.(path, body)
      return respond(response, text === undefined ? 404 : 200, text ?? '{}')
    }
    let asked: unknown
    try {
      asked = JSON.parse(body)
    } catch {
      return respond(response, 400, '{}')
    }
    if (!Array.isArray(asked)) return respond(response, 200, await answerOne(desk, asked))
    if (asked.length > MOST_CALLS) return respond(response, 413, '{}')
    const answers = await Promise.all(asked.map((call) => answerOne(desk, call)))
    respond(response, 200, `[${answers.join(',')}]`)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent)
        respond(
          response,
          500,
          JSON.stringify({ error: { code: -32_000, message: messageOf(error) } }),
        )
    })
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
