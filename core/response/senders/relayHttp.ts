import { cleanText, isTocsinError, messageOf, redactUrl, TocsinError } from '../../base/index.ts'

const MAX_BODY = 1_048_576
const MAX_MESSAGE = 300

export type RelayResponse = { readonly status: number; readonly body: unknown }

export type RelayHttp = (
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
) => Promise<RelayResponse>

/**
 * The base address of a sender: https, or plain http on this machine alone, for keys travel with every request.
 * @throws TocsinError `relay.url`
 */
export const parseSenderUrl = (sender: string, text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLocal = url !== undefined && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if (url && (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))) {
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    return url
  }
  throw new TocsinError(
    'relay.url',
    `The address of the sender "${sender}" is neither https nor on this machine: ${redactUrl(text)}`,
    { hints: [`Correct \`signer.senders.${sender}.url\`.`], exitCode: 2 },
  )
}

const readBounded = async (response: Response): Promise<string> => {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.length
    if (size > MAX_BODY) throw new TocsinError('relay.answer', 'The answer is larger than 1 MB.')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

const parseBody = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Requests to one sender: bounded in time and size, no redirects. Throws `relay.unreachable` without an answer. */
export const createRelayHttp = (options: {
  readonly sender: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
}): RelayHttp => {
  const base = parseSenderUrl(options.sender, options.url)
  return async (method, path, body, signal) => {
    const limit = AbortSignal.timeout(options.timeoutMs)
    try {
      const response = await fetch(new URL(path, base), {
        method,
        redirect: 'error',
        headers: { ...options.headers, 'content-type': 'application/json' },
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: parseBody(await readBounded(response)) }
    } catch (cause) {
      if (isTocsinError(cause)) throw cause
      throw new TocsinError(
        'relay.unreachable',
        `The sender "${options.sender}" did not answer: ${cleanText(messageOf(cause), MAX_MESSAGE)}`,
        { cause },
      )
    }
  }
}

/** What an answer says in words, for logs and people: bounded, without control characters. */
export const describeResponse = ({ status, body }: RelayResponse): string => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return cleanText(`HTTP ${status} ${text}`, MAX_MESSAGE)
}
