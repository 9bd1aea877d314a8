import { createServer } from 'node:http'

/**
 * A fast receiver of webhooks as a process of its own: takes everything, remembers what it was and when it came, and
 * tells by GET. Says its port to its parent.
 */
type Taken = {
  readonly path: string
  readonly id: string
  readonly change: string
  readonly alertId: string
  readonly at: number
}

let taken: Taken[] = []
let count = 0
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    const answer = JSON.stringify({ count, taken })
    if (request.url === '/clear') {
      taken = []
      count = 0
    }
    response.end(answer)
    return
  }
  const at = Date.now()
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    count += 1
    response.writeHead(204).end()
    if (request.url === '/count') return
    const { data } = JSON.parse(Buffer.concat(chunks).toString()) as {
      data: { dedupKey: string; change: string; alertId: string }
    }
    const { dedupKey, change, alertId } = data
    taken.push({ path: request.url ?? '', id: dedupKey, change, alertId, at })
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' && address ? address.port : 0)
})
process.once('disconnect', () => process.exit(0))
