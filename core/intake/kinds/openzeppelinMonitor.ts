import { z } from 'zod'
import { type FindingSeverity, stableHash } from '../../base/index.ts'
import type { ReceiverConfig } from '../../config/types.ts'
import { isFresh, isSigned, keysOf, readUnixTime } from '../signatures.ts'
import type { ExternalFinding, IntakeRequest, ReceiverKind } from '../types.ts'
import { accept, badShape, badSignature, stale } from '../verdicts.ts'
import { NETWORKS } from './networkSlugs.ts'
import { orNone, readShape, text, whole } from './shape.ts'
import { shownValue } from './shownValue.ts'

const argument = z.object({ name: text, value: orNone(z.unknown()), kind: text })
const params = orNone(z.array(z.object({ signature: z.string(), args: orNone(z.array(argument)) })))
const conditions = orNone(z.array(z.object({ signature: z.string(), expression: text })))

const matchSchema = z.object({
  monitor: z.object({
    name: z.string().min(1),
    networks: orNone(z.array(z.string())),
    addresses: orNone(z.array(z.object({ address: text }))),
  }),
  transaction: z.object({
    hash: z.string().min(1).max(200),
    from: text,
    to: text,
    blockNumber: whole,
    blockHash: text,
  }),
  receipt: orNone(z.object({ blockNumber: whole, blockHash: text, status: text })),
  network_slug: text,
  matched_on: z.object({
    functions: conditions,
    events: conditions,
    transactions: orNone(z.array(z.object({ status: text, expression: text }))),
  }),
  matched_on_args: orNone(z.object({ functions: params, events: params })),
})

const bodySchema = z.union([
  z.object({ EVM: matchSchema }),
  z.object({ title: z.string(), body: z.string() }),
])

type Match = z.infer<typeof matchSchema>
type Settings = Extract<ReceiverConfig, { kind: 'openzeppelin-monitor' }>

/** Rust's way to write a string for its programmers: early versions signed that and not what they sent. */
const rustText = (value: string): string =>
  `"${value.replace(/[\\"\n\r\t\0]/g, (one) => `\\${{ '\n': 'n', '\r': 'r', '\t': 't', '\0': '0' }[one] ?? one}`)}"`

const earlyForm = (raw: Buffer): string | undefined => {
  const shape = readShape(raw, z.object({ title: z.string(), body: z.string() }))
  return 'value' in shape
    ? `WebhookMessage { title: ${rustText(shape.value.title)}, body: ${rustText(shape.value.body)} }`
    : undefined
}

const isGenuine = ({ raw, headers }: IntakeRequest, settings: Settings): boolean => {
  const given = (headers['x-signature'] ?? '').toLowerCase()
  const time = headers['x-timestamp'] ?? ''
  if (!/^[0-9a-f]{64}$/.test(given)) return false
  const keys = keysOf(settings)
  if (isSigned([given], keys, [raw, time])) return true
  const early = raw.length > 65_536 ? undefined : earlyForm(raw)
  return early !== undefined && isSigned([given], keys, [early, time])
}

const severityIn = (settings: Settings, monitor: string): FindingSeverity =>
  Object.hasOwn(settings.severities, monitor)
    ? (settings.severities[monitor] ?? settings.severity)
    : settings.severity

const argumentsOf = (match: Match): Record<string, string> => {
  const found: Record<string, string> = {}
  const all = [
    ...(match.matched_on_args?.events ?? []),
    ...(match.matched_on_args?.functions ?? []),
  ]
  for (const { signature, args } of all.slice(0, 5))
    for (const { name, value } of (args ?? []).slice(0, 10))
      found[`${signature.split('(')[0]}.${name ?? ''}`] = shownValue(value)
  return found
}

const fromMatch = (match: Match, settings: Settings): ExternalFinding => {
  const { monitor, transaction, matched_on: on } = match
  const slug = match.network_slug ?? monitor.networks?.[0] ?? ''
  const matched = [
    ...(on.events ?? []).map(({ signature }) => signature),
    ...(on.functions ?? []).map(({ signature }) => signature),
    ...(on.transactions ?? []).map(({ status }) => `transaction: ${status ?? 'Any'}`),
  ]
  const addresses = [
    ...(monitor.addresses ?? []).map(({ address }) => address),
    transaction.to,
    transaction.from,
  ].filter((address) => address !== undefined)
  const chainOf = (book: Readonly<Record<string, number>>): number | undefined =>
    Object.hasOwn(book, slug) ? book[slug] : undefined
  return {
    kind: 'finding',
    key: [monitor.name, slug, transaction.hash.toLowerCase(), stableHash(matched)].join('|'),
    alertId: monitor.name,
    name: monitor.name,
    description: `${monitor.name} matched ${matched.slice(0, 5).join(', ') || 'a transaction'}.`,
    severity: severityIn(settings, monitor.name),
    type: 'Suspicious',
    chainId: chainOf(settings.networks) ?? chainOf(NETWORKS) ?? 0,
    blockNumber: match.receipt?.blockNumber ?? transaction.blockNumber,
    blockHash: match.receipt?.blockHash ?? transaction.blockHash,
    timestampS: undefined,
    txHash: transaction.hash,
    addresses,
    metadata: { network: slug, ...argumentsOf(match) },
    protocol: undefined,
  }
}

/**
 * OpenZeppelin Monitor's webhook trigger: the raw match, or its title and body. Signed by HMAC-SHA256 over the body and
 * the time in `X-Timestamp`. The same bytes with the same signature count once.
 */
export const openzeppelinMonitorKind: ReceiverKind<Settings> = {
  kind: 'openzeppelin-monitor',
  // The raw match holds the ABI of every contract that is watched.
  maxBytes: 1024 * 1024,
  read: async (request, settings) => {
    if (!isGenuine(request, settings)) return badSignature()
    const signature = request.headers['x-signature'] ?? ''
    const time = request.headers['x-timestamp'] ?? ''
    if (!isFresh(readUnixTime(time), request.atMs, settings.freshS)) return stale()
    const shape = readShape(request.raw, bodySchema)
    if ('refusal' in shape) return shape.refusal
    const once = {
      key: `${time} ${signature.toLowerCase()}`,
      forMs: settings.freshS * 2_000,
      repeat: 'conflict' as const,
    }
    if ('EVM' in shape.value) return accept([fromMatch(shape.value.EVM, settings)], { once })
    const { title, body } = shape.value
    if (title === '' && body === '') return badShape('title and body are empty')
    const name = title || 'OpenZeppelin Monitor'
    const finding: ExternalFinding = {
      kind: 'finding',
      key: `${time} ${stableHash(title, body)}`,
      alertId: name,
      name,
      description: body,
      severity: severityIn(settings, name),
      type: 'Suspicious',
      chainId: 0,
      blockNumber: undefined,
      blockHash: undefined,
      timestampS: Math.floor(readUnixTime(time) / 1_000),
      txHash: /0x[0-9a-fA-F]{64}\b/.exec(body)?.[0],
      addresses: [],
      metadata: {},
      protocol: undefined,
    }
    return accept([finding], { once })
  },
}
