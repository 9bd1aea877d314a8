import type { Webhook } from 'standardwebhooks'
import type { DeskPolicy } from './deskPolicy.ts'

const MAX_ANSWER_BYTES = 64 * 1024

/** What became of one request. */
export type DeskAnswer =
  | { readonly kind: 'well' }
  /** Not yet, or no answer: ask again. */
  | {
      readonly kind: 'not_yet'
      readonly reason: string
      /** Of a status: it was told, and says otherwise. */
      readonly isReadable: boolean
    }

const notYet = (reason: string, isReadable = false): DeskAnswer => ({
  kind: 'not_yet',
  reason,
  isReadable,
})

const readBounded = async (response: Response): Promise<string> => {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const parts: Uint8Array[] = []
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(parts).toString('utf8')
    bytes += value.byteLength
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel()
      return ''
    }
    parts.push(value)
  }
}

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
          ? (inner as Record<string, unknown>)[key]
          : undefined,
      value,
    )

const networkReason = (error: unknown): string =>
  error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : 'no connection'

const stamp = (webhook: Webhook, id: string, body: string): Readonly<Record<string, string>> => {
  const now = new Date()
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': webhook.sign(id, now, body),
    'user-agent': 'tocsin-desk/1',
  }
}

type Request = {
  readonly desk: DeskPolicy
  readonly webhook: Webhook
  /** The same for every try, so that the desk acts once. */
  readonly id: string
  readonly signal: AbortSignal
}

/** Reads whether the desk stands still: the only proof. Signed like a call, over an empty body. */
export const readDesk = async ({ desk, webhook, id, signal }: Request): Promise<DeskAnswer> => {
  const { status, timeoutMs } = desk
  try {
    const response = await fetch(status.url, {
      redirect: 'error',
      headers: { ...stamp(webhook, `${id}.status`, ''), accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    const text = await readBounded(response)
    if (!response.ok) return notYet(`its status answers ${response.status}`)
    const value = at(JSON.parse(text), status.field)
    if (value === status.equals) return { kind: 'well' }
    return notYet(`${status.field} is not ${String(status.equals)}`, value !== undefined)
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'no JSON' : networkReason(error)
    return notYet(`its status cannot be read: ${reason}`)
  }
}

/** Tells the desk to stop: signed as Standard Webhooks has it, with the execution's id as idempotency key. */
export const callDesk = async (
  { desk, webhook, id, signal }: Request,
  content: object,
): Promise<DeskAnswer> => {
  const body = JSON.stringify(content)
  try {
    const response = await fetch(desk.url, {
      method: 'POST',
      redirect: 'error',
      headers: {
        ...stamp(webhook, id, body),
        'idempotency-key': id,
        'content-type': 'application/json',
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(desk.timeoutMs)]),
    })
    await readBounded(response).catch(() => '')
    return response.ok ? { kind: 'well' } : notYet(`it answers ${response.status}`)
  } catch (error) {
    return notYet(networkReason(error))
  }
}
