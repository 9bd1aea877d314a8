import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export type StandinAnswer = { readonly status: number; readonly body: unknown }

/** Says nothing for ever, or tears the connection down. */
export type StandinSilence = 'hang' | 'reset'

export type StandinServer = {
  /** Ends with a slash. */
  readonly url: string
  /** `METHOD path` of every request. */
  readonly seen: readonly string[]
  readonly stop: () => Promise<void>
}

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  let text = ''
  for await (const part of request) text += String(part)
  return text === '' ? undefined : JSON.parse(text)
}

/** A server on this machine that plays a service of others; every answer says that it is a stand-in. */
export const startStandinServer = async (
  answer: (request: {
    readonly method: string
    readonly url: URL
    readonly headers: IncomingMessage['headers']
    readonly body: unknown
  }) => Promise<StandinAnswer | StandinSilence>,
): Promise<StandinServer> => {
  const seen: string[] = []
  const open = new Set<ServerResponse>()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://standin')
    const method = request.method ?? 'GET'
    seen.push(`${method} ${url.pathname}`)
    const body = await readBody(request)
    const result = await answer({ method, url, headers: request.headers, body })
    if (result === 'hang') return
    if (result === 'reset') {
      response.destroy()
      return
    }
    response.writeHead(result.status, { 'content-type': 'application/json', 'x-standin': '1' })
    response.end(JSON.stringify(result.body))
  }
  const server = createServer((request, response) => {
    open.add(response)
    response.once('close', () => open.delete(response))
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        for (const response of open) response.destroy()
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
