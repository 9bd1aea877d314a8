import { cleanText, isSameText, messageOf, withTimeout } from '../base/index.ts'
import type { Config, IntakeConfig, ReceiverConfig } from '../config/types.ts'
import type { Database } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { IntakeMetrics } from './intakeMetrics.ts'
import { createLanes } from './lanes.ts'
import { createRateLimit } from './rateLimit.ts'
import { type Stored, storeDelivery } from './storeDelivery.ts'
import type {
  Acceptance,
  HandleAcknowledgement,
  IntakeRequest,
  ReceiverKind,
  Refusal,
  Verdict,
} from './types.ts'
import { refuse } from './verdicts.ts'

/** Settings are those of the kind's own section; the desk gives each kind its own. */
export type AnyReceiverKind = ReceiverKind<never>

/** A request before its body is read. */
export type Delivery = {
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  /** Address of the caller. */
  readonly remote: string
  readonly readBody: (maxBytes: number) => Promise<Buffer | Refusal>
}

export type DeskAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Desk = {
  readonly take: (delivery: Delivery) => Promise<DeskAnswer>
  /** By receiver: what became of its deliveries since the start. */
  readonly tally: () => Readonly<Record<string, Readonly<Record<string, number>>>>
}

export type DeskOptions = {
  readonly config: () => Config
  readonly kinds: readonly AnyReceiverKind[]
  readonly db: Database
  readonly log: Logger
  readonly metrics: IntakeMetrics
  readonly onAcknowledgement: HandleAcknowledgement
  /** Default: the clock. */
  readonly now?: () => number
}

/** Largest body, unless the kind says otherwise. */
const MAX_BYTES = 262_144
/** Bodies that are read, and deliveries that are stored, at once for one receiver. */
const BODIES = 16
const STORES = 2
const LINE = 64
/** The strictest vendor gives up after 3 s (Slack), most after 5. */
const STORE_LIMIT_MS = 2_800

const NOWHERE = refuse(404, 'unknown', 'There is nothing here.')

type Place = {
  readonly receiver: ReceiverConfig
  readonly path: string
  readonly query: URLSearchParams
}

/** The receiver that a target names, when its secret is right. Who knows neither cannot tell which one was wrong. */
const findPlace = (intake: IntakeConfig | undefined, target: string): Place | undefined => {
  if (target.length > 2_048) return undefined
  const [pathname = '', ...search] = target.split('?')
  const [empty, door, name, ...rest] = pathname.split('/')
  if (empty !== '' || door !== 'in') return undefined
  const receiver = intake?.receivers.find((one) => one.name === name && one.enabled)
  const secret = receiver && 'path' in receiver ? receiver.path : undefined
  const isRight = isSameText(rest[0] ?? '', secret ?? '')
  if (!receiver) return undefined
  const query = new URLSearchParams(search.join('?'))
  if (secret === undefined)
    return { receiver, path: rest.length > 0 ? `/${rest.join('/')}` : '', query }
  if (!isRight || secret === '') return undefined
  return { receiver, path: rest.length > 1 ? `/${rest.slice(1).join('/')}` : '', query }
}

const isMethod = (method: string): method is IntakeRequest['method'] =>
  method === 'POST' || method === 'GET'

/** Why the headers alone are enough to refuse it. */
const checkHeaders = (delivery: Delivery, kind: AnyReceiverKind): Refusal | undefined => {
  const { headers } = delivery
  if (delivery.method !== 'POST') return undefined
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const types = kind.contentTypes ?? ['application/json']
  if (!types.includes(type)) return refuse(415, 'content_type', `Send ${types.join(' or ')}.`)
  const charset = /charset="?([^";\s]+)/i.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase()
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
    return refuse(415, 'charset', 'Send UTF-8.')
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'identity') return refuse(415, 'encoding', 'Send the body as it is.')
  if (Number(headers['content-length'] ?? 0) > (kind.maxBytes ?? MAX_BYTES))
    return refuse(413, 'size', 'The body is too large.')
  return undefined
}

const toAnswer = (
  refusal: Refusal,
  headers: Readonly<Record<string, string>> = {},
): DeskAnswer => ({
  status: refusal.status,
  headers: {
    'content-type': 'application/json',
    ...(refusal.retryAfterS === undefined ? {} : { 'retry-after': String(refusal.retryAfterS) }),
    ...headers,
  },
  body: JSON.stringify({ error: refusal.reason, message: cleanText(refusal.say, 300) }),
})

const answerOf = (acceptance: Acceptance, stored: Stored): DeskAnswer => {
  const { answer } = acceptance
  const { status, contentType, body } = (typeof answer === 'function'
    ? answer(stored.outcomes)
    : answer) ?? { status: 202 as const }
  return {
    status,
    headers: body === undefined ? {} : { 'content-type': contentType ?? 'application/json' },
    body: body ?? '',
  }
}

/**
 * Where deliveries are judged: place, method, type, rate, size, then what the kind of the receiver says of the bytes;
 * what is accepted is stored before it is answered. Each receiver has its own rate, its own places and its own line.
 */
export const createDesk = (options: DeskOptions): Desk => {
  const { log, metrics, now = Date.now } = options
  const kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]))
  const rate = createRateLimit()
  const bodies = createLanes({ places: BODIES })
  const stores = createLanes({ places: STORES, line: LINE })
  const counts = new Map<string, Record<string, number>>()

  const count = (receiver: string, outcome: string, reason = ''): void => {
    metrics.onAnswer(receiver, outcome, reason)
    const own = counts.get(receiver) ?? {}
    counts.set(receiver, own)
    own[outcome] = (own[outcome] ?? 0) + 1
    if (reason) own[`refused_${reason}`] = (own[`refused_${reason}`] ?? 0) + 1
  }

  const tooMany = (waitMs: number): Refusal =>
    refuse(429, 'rate', 'Too many deliveries.', Math.max(1, Math.ceil(waitMs / 1_000)))

  const readBody = async (
    delivery: Delivery,
    { receiver }: Place,
    kind: AnyReceiverKind,
  ): Promise<Buffer | Refusal> => {
    if (delivery.method === 'GET') return Buffer.alloc(0)
    const leave = bodies.tryEnter(receiver.name)
    if (!leave) return tooMany(1_000)
    try {
      const maxBytes = kind.maxBytes ?? MAX_BYTES
      const body = await delivery.readBody(maxBytes)
      return Buffer.isBuffer(body) && body.length > maxBytes
        ? refuse(413, 'size', 'The body is too large.')
        : body
    } finally {
      leave()
    }
  }

  const store = async (
    acceptance: Acceptance,
    receiver: ReceiverConfig,
  ): Promise<Stored | Refusal> => {
    const leave = await stores.enter(receiver.name)
    if (!leave) return tooMany(1_000)
    const storing = storeDelivery(acceptance, {
      db: options.db,
      config: options.config(),
      receiver,
      nowMs: now(),
      onAcknowledgement: options.onAcknowledgement,
    })
    storing.then(leave, leave)
    try {
      return await withTimeout(() => storing, STORE_LIMIT_MS, 'Storing a delivery')
    } catch (error) {
      log.error(
        { receiver: receiver.name, error: messageOf(error) },
        'A delivery could not be stored; its sender was asked to repeat it.',
      )
      return refuse(503, 'store', 'It could not be stored; send it again.', 5)
    }
  }

  /** What the kind of the receiver says, once place, rate, headers and size are well. */
  const hear = async (
    delivery: Delivery,
    place: Place,
    kind: AnyReceiverKind,
    method: IntakeRequest['method'],
  ): Promise<Verdict> => {
    const { receiver, path, query } = place
    const { name } = receiver
    // Counted for each caller, so that one who cannot sign does not use up the rate of those who can.
    const waitMs = rate.take(`${name} ${delivery.remote}`, receiver.perMinute, now())
    if (waitMs > 0) return tooMany(waitMs)
    const unfit = checkHeaders(delivery, kind)
    if (unfit) return unfit
    const raw = await readBody(delivery, place, kind)
    if (!Buffer.isBuffer(raw)) return raw
    const { url } = options.config().intake ?? {}
    const request: IntakeRequest = {
      method,
      raw,
      headers: delivery.headers,
      path,
      query,
      url: url === undefined ? undefined : `${url.replace(/\/+$/, '')}${delivery.target}`,
      atMs: now(),
    }
    const verdict = await kind.read(request, receiver as never)
    if (verdict.verdict === 'refused') return verdict
    const genuineWaitMs = rate.take(name, receiver.perMinute, now())
    return genuineWaitMs > 0 ? tooMany(genuineWaitMs) : verdict
  }

  const judge = async (
    delivery: Delivery,
    place: Place,
    kind: AnyReceiverKind,
    method: IntakeRequest['method'],
  ): Promise<DeskAnswer> => {
    const { receiver } = place
    const { name } = receiver
    const startedMs = performance.now()
    const turnDown = (refusal: Refusal): DeskAnswer => {
      count(name, 'refused', refusal.reason)
      return toAnswer(refusal)
    }
    const verdict = await hear(delivery, place, kind, method)
    if (verdict.verdict === 'refused') return turnDown(verdict)
    const stored = await store(verdict, receiver)
    if ('verdict' in stored) return turnDown(stored)
    if (stored.isRepeat && verdict.once?.repeat === 'conflict')
      return turnDown(refuse(409, 'replay', 'This very delivery was taken already.'))
    count(name, stored.isRepeat ? 'repeated' : 'accepted')
    if (stored.findings > 0) metrics.onStored(name, stored.findings)
    metrics.onTaken(name, (performance.now() - startedMs) / 1_000)
    return answerOf(verdict, stored)
  }

  return {
    take: async (delivery) => {
      const place = findPlace(options.config().intake, delivery.target)
      const kind = place && kinds.get(place.receiver.kind)
      if (!place || !kind) {
        count('', 'refused', NOWHERE.reason)
        return toAnswer(NOWHERE)
      }
      const methods = kind.methods ?? ['POST']
      const { method } = delivery
      if (!isMethod(method) || !methods.includes(method)) {
        count(place.receiver.name, 'refused', 'method')
        const refusal = refuse(405, 'method', `Send ${methods.join(' or ')}.`)
        return toAnswer(refusal, { allow: methods.join(', ') })
      }
      try {
        return await judge(delivery, place, kind, method)
      } catch (error) {
        count(place.receiver.name, 'failed')
        log.error(
          { receiver: place.receiver.name, error: messageOf(error) },
          'A delivery could not be judged.',
        )
        return {
          status: 500,
          headers: { 'content-type': 'application/json' },
          body: '{"error":"fault"}',
        }
      }
    },
    tally: () => Object.fromEntries(counts),
  }
}
