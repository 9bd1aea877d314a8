import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'

export type WebhookSink = {
  readonly url: string
  /** How often each `webhook-id` came, with a valid signature. */
  readonly received: () => ReadonlyMap<string, number>
  /** What came with a valid signature, oldest first. */
  readonly messages: () => readonly unknown[]
  /** Requests whose signature was wrong. */
  readonly forged: () => number
  readonly stop: () => Promise<void>
}

const MAX_MESSAGES = 1_000

/** A receiver that believes signed messages only and counts how often each came. */
export const startWebhookSink = async (secret: string): Promise<WebhookSink> => {
  const webhook = new Webhook(secret)
  const received = new Map<string, number>()
  const messages: unknown[] = []
  let forged = 0
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const header = (name: string): string => String(request.headers[name] ?? '')
      const id = header('webhook-id')
      const body = Buffer.concat(parts).toString()
      try {
        webhook.verify(body, {
          'webhook-id': id,
          'webhook-timestamp': header('webhook-timestamp'),
          'webhook-signature': header('webhook-signature'),
        })
        received.set(id, (received.get(id) ?? 0) + 1)
        if (messages.length < MAX_MESSAGES) messages.push(JSON.parse(body))
        response.writeHead(204).end()
      } catch {
        forged++
        response.writeHead(400).end()
      }
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port for the receiver')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    received: () => received,
    messages: () => messages,
    forged: () => forged,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
