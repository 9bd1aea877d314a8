import { z } from 'zod'
import { stableHash } from '../../base/index.ts'
import type { ReceiverConfig } from '../../config/types.ts'
import { isFresh, isSigned, keysOf, readUnixTime } from '../signatures.ts'
import type { ExternalFinding, IntakeRequest, ReceiverKind } from '../types.ts'
import { accept, badSignature, stale } from '../verdicts.ts'
import { NETWORKS } from './networkSlugs.ts'
import { orNone, readShape, severityOf, text, texts, whole } from './shape.ts'

const reason = z.object({
  type: text,
  signature: text,
  address: text,
  condition: text,
  args: orNone(z.array(z.unknown())),
})

const eventSchema = z.object({
  type: text,
  hash: z.string().min(1).max(200),
  timestamp: orNone(z.union([z.string(), z.number()])),
  blockNumber: whole,
  blockHash: text,
  transaction: orNone(
    z.object({ transactionHash: text, from: text, to: text, blockHash: text, blockNumber: whole }),
  ),
  matchReasons: orNone(z.array(reason)),
  matchedAddresses: texts,
  monitor: orNone(
    z.object({
      id: text,
      name: text,
      network: text,
      chainId: whole,
      severityLevel: text,
      riskCategory: text,
      addresses: texts,
    }),
  ),
  sentinel: orNone(
    z.object({ id: text, name: text, network: text, chainId: whole, addresses: texts }),
  ),
  metadata: orNone(z.record(z.string(), z.unknown())),
})

const bodySchema = z.object({ events: z.array(eventSchema).min(1).max(500) })

type Event = z.infer<typeof eventSchema>
type Settings = Extract<ReceiverConfig, { kind: 'defender' }>

/** What was signed is the body as its sender's `JSON.stringify` writes it, with the time added. */
const signedText = (raw: Buffer, timestamp: string): string | undefined => {
  try {
    const body: unknown = JSON.parse(raw.toString('utf8'))
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
    return JSON.stringify({ ...body, timestamp })
  } catch {
    return undefined
  }
}

const isGenuine = ({ raw, headers }: IntakeRequest, settings: Settings): boolean => {
  const given = (headers['defender-signature'] ?? '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(given)) return false
  const time = headers['defender-timestamp'] ?? ''
  const signed = signedText(raw, time)
  return signed !== undefined && isSigned([given], keysOf(settings), [signed])
}

const timeOf = (header: string): number =>
  /^\d+$/.test(header) ? readUnixTime(header) : Date.parse(header)

const chainOf = (event: Event): number => {
  const monitor = event.monitor ?? event.sentinel
  const slug = monitor?.network ?? ''
  return monitor?.chainId ?? (Object.hasOwn(NETWORKS, slug) ? (NETWORKS[slug] ?? 0) : 0)
}

const toFinding = (event: Event, settings: Settings): ExternalFinding => {
  const monitor = event.monitor ?? event.sentinel
  const reasons = event.matchReasons ?? []
  const matched = reasons.map(({ type, signature, condition }) =>
    [type, signature, condition].filter(Boolean).join(' '),
  )
  const name = monitor?.name ?? 'Defender monitor'
  const told = event.monitor?.severityLevel
  const addresses = [
    ...event.matchedAddresses,
    ...(monitor?.addresses ?? []),
    ...[event.transaction?.to, event.transaction?.from].filter((one) => one !== undefined),
  ]
  return {
    kind: 'finding',
    key: [monitor?.id ?? name, event.hash.toLowerCase(), stableHash(matched)].join('|'),
    alertId: name,
    name,
    description: `${name} matched ${matched.slice(0, 5).join(', ') || 'a transaction'}.`,
    severity: (told === undefined ? undefined : severityOf(told)) ?? settings.severity,
    type: 'Suspicious',
    chainId: chainOf(event),
    blockNumber: event.blockNumber ?? event.transaction?.blockNumber,
    blockHash: event.blockHash ?? event.transaction?.blockHash,
    timestampS: undefined,
    txHash: event.transaction?.transactionHash ?? event.hash,
    addresses,
    metadata: {
      ...(monitor?.id ? { monitorId: monitor.id } : {}),
      ...(event.monitor?.riskCategory ? { riskCategory: event.monitor.riskCategory } : {}),
      ...(matched.length > 0 ? { matched: matched.slice(0, 10).join('; ') } : {}),
    },
    protocol: undefined,
  }
}

/**
 * Notifications as OpenZeppelin Defender's monitors sent them, and as those who took over its format still do: signed by
 * HMAC-SHA256 over the body with its time. The same signature counts once.
 */
export const defenderKind: ReceiverKind<Settings> = {
  kind: 'defender',
  maxBytes: 1024 * 1024,
  read: async (request, settings) => {
    // The strict reader first: a body that two readers understand differently has no signature worth checking.
    const shape = readShape(request.raw, bodySchema)
    if ('refusal' in shape && shape.refusal.reason !== 'shape') return shape.refusal
    if (!isGenuine(request, settings)) return badSignature()
    const time = request.headers['defender-timestamp'] ?? ''
    if (!isFresh(timeOf(time), request.atMs, settings.freshS)) return stale()
    if ('refusal' in shape) return shape.refusal
    return accept(
      shape.value.events.map((event) => toFinding(event, settings)),
      {
        once: {
          key: (request.headers['defender-signature'] ?? '').toLowerCase(),
          forMs: settings.freshS * 2_000,
          repeat: 'conflict',
        },
      },
    )
  },
}
