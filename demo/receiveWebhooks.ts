import { createServer, type IncomingMessage } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'

const bodySchema = z.object({
  type: z.string(),
  data: z.object({
    change: z.string(),
    severity: z.enum(['SEV1', 'SEV2', 'SEV3', 'SEV4']),
    title: z.string(),
    bot: z.string(),
    alertId: z.string(),
    thing: z.string().nullable(),
    alert: z.string(),
  }),
})

export type Delivery = z.infer<typeof bodySchema>['data'] & {
  /** `webhook-id`: repeats carry the same. */
  readonly id: string
  readonly receivedAtMs: number
}

export type WebhookReceiver = {
  readonly url: string
  /** Each message once, in order of arrival; every one of them had a valid signature. */
  readonly deliveries: () => readonly Delivery[]
  /** Requests that were refused: wrong signature, or not a message. */
  readonly refused: () => number
  readonly stop: () => Promise<void>
}

const MAX_BYTES = 64 * 1024

const readBody = async (request: IncomingMessage): Promise<string | undefined> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const part = Buffer.from(chunk)
    size += part.length
    if (size > MAX_BYTES) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

/** The pager of the demo: a receiver on loopback that takes only messages with a valid Standard Webhooks signature. */
export const receiveWebhooks = async (options: {
  readonly secret: string
  readonly port: number
  readonly onDelivery?: (delivery: Delivery) => void
}): Promise<WebhookReceiver> => {
  const webhook = new Webhook(options.secret)
  const deliveries = new Map<string, Delivery>()
  let refused = 0
  const judge = async (request: IncomingMessage): Promise<number> => {
    const body = await readBody(request)
    if (body === undefined) return 413
    try {
      const header = (name: string): string => String(request.headers[name] ?? '')
      const id = header('webhook-id')
      const verified: unknown = webhook.verify(body, {
        'webhook-id': id,
        'webhook-timestamp': header('webhook-timestamp'),
        'webhook-signature': header('webhook-signature'),
      })
      const delivery = { ...bodySchema.parse(verified).data, id, receivedAtMs: Date.now() }
      if (!deliveries.has(id)) {
        deliveries.set(id, delivery)
        options.onDelivery?.(delivery)
      }
      return 204
    } catch {
      refused++
      return 400
    }
  }
  const server = createServer((request, response) => {
    judge(request)
      .then((status) => response.writeHead(status).end())
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${options.port}/tocsin`,
    deliveries: () => [...deliveries.values()],
    refused: () => refused,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
