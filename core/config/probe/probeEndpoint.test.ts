import { createServer, type Server } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { findFreePort } from '../../base/index.ts'
import { probeEndpoint } from './probeEndpoint.ts'

const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close()
})

const serve = async (status: number, body: string): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(status, { 'content-type': 'text/html' }).end(body))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

const reasonOf = async (url: string): Promise<string> =>
  (await probeEndpoint({ chain: 'local', name: 'rpc-1', url }, 5_000)).reason

test('error: an endpoint that does not serve is told in words that say what to mend', async () => {
  const page = await serve(200, '<html>Welcome</html>')
  const port = await findFreePort()
  expect(await reasonOf(`http://127.0.0.1:${port}`)).toBe('nobody listens there (ECONNREFUSED)')
  expect(await reasonOf(`ws://127.0.0.1:${port}`)).toBe('nobody listens there (ECONNREFUSED)')
  expect(await reasonOf(`http://${page}`)).toBe('what it answers is not JSON')
  expect(await reasonOf(`https://${page}`)).toBe('it does not speak TLS')
  expect(await reasonOf(`ws://${page}`)).toBe('it is no WebSocket')
  expect(await reasonOf(`wss://${page}`)).toBe('it does not speak TLS')
  expect(await reasonOf(`http://${await serve(404, 'nope')}`)).toBe('it answers HTTP 404')
  expect(await reasonOf(`http://${await serve(200, '{"a":1}')}`)).toBe(
    'what it answers is not JSON-RPC',
  )
})
