import { z } from 'zod'
import type { ReceiverConfig } from '../../config/types.ts'
import { isFresh, isSigned, keysOf } from '../signatures.ts'
import type { ExternalFinding, ReceiverKind } from '../types.ts'
import { accept, badSignature, refuse, stale } from '../verdicts.ts'
import { orNone, readShape, text, whole } from './shape.ts'

const bodySchema = z.object({
  id: z.string().min(1).max(200),
  event_type: z.enum(['TEST', 'ALERT']),
  alert: orNone(z.object({ id: text, name: text, description: text, severity: text })),
  transaction: orNone(
    z.object({
      network: whole,
      block_hash: text,
      block_number: whole,
      hash: text,
      from: text,
      to: text,
      status: orNone(z.union([z.boolean(), z.string()])),
      logs: orNone(z.array(z.object({ address: text }))),
    }),
  ),
})

type Body = z.infer<typeof bodySchema>
type Settings = Extract<ReceiverConfig, { kind: 'tenderly' }>

/** The time as Go prints it (`2023-10-25 08:30:30.386 +0000 UTC m=+35.1`), or as HTTP does; NaN for anything else. */
export const readGoTime = (header: string): number => {
  const found = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(\.\d{1,9})? ([+-]\d{2})(\d{2})\b/.exec(
    header,
  )
  if (!found) return /^[A-Z][a-z]{2}, \d/.test(header) ? Date.parse(header) : Number.NaN
  const [, day, time, fraction = '', hours, minutes] = found
  return Date.parse(`${day}T${time}${fraction.slice(0, 4)}${hours}:${minutes}`)
}

const toFinding = ({ id, alert, transaction }: Body, settings: Settings): ExternalFinding => {
  const name = alert?.name ?? 'Tenderly alert'
  const logs = (transaction?.logs ?? []).map(({ address }) => address)
  return {
    kind: 'finding',
    key: id,
    alertId: alert?.id ?? 'TENDERLY-ALERT',
    name,
    description:
      alert?.description ?? `${name} on transaction ${transaction?.hash ?? 'that was not named'}.`,
    severity: settings.severity,
    type: 'Suspicious',
    chainId: transaction?.network ?? 0,
    blockNumber: transaction?.block_number,
    blockHash: transaction?.block_hash,
    timestampS: undefined,
    txHash: transaction?.hash,
    addresses: [transaction?.to, transaction?.from, ...logs].filter((one) => one !== undefined),
    metadata: { tenderlyId: id },
    protocol: undefined,
  }
}

/** Tenderly tries five times and wants just this status. */
const OK = { status: 200 } as const
/** A day: longer than it tries again. */
const REMEMBER_MS = 86_400_000

/**
 * Tenderly's alert webhook: it asks by GET whether somebody is there, and signs by HMAC-SHA256 over the body and then
 * the text of its `Date` header. Its id is the same each time it tries.
 */
export const tenderlyKind: ReceiverKind<Settings> = {
  kind: 'tenderly',
  methods: ['POST', 'GET'],
  maxBytes: 1024 * 1024,
  read: async (request, settings) => {
    if (request.method === 'GET')
      return accept([{ kind: 'note', text: 'asked whether somebody is there' }], { answer: OK })
    const given = (request.headers['x-tenderly-signature'] ?? '').toLowerCase()
    const date = request.headers['date'] ?? ''
    if (!/^[0-9a-f]{64}$/.test(given)) return badSignature()
    if (!isSigned([given], keysOf(settings), [request.raw, date])) return badSignature()
    if (!isFresh(readGoTime(date), request.atMs, settings.freshS)) return stale()
    const shape = readShape(request.raw, bodySchema)
    if ('refusal' in shape) return shape.refusal
    const once = { key: shape.value.id, forMs: REMEMBER_MS, repeat: 'accept' as const }
    if (shape.value.event_type === 'TEST')
      return accept([{ kind: 'note', text: 'a test' }], { answer: OK })
    if (!shape.value.transaction) return refuse(400, 'shape', 'An alert without a transaction.')
    return accept([toFinding(shape.value, settings)], { once, answer: OK })
  },
}
