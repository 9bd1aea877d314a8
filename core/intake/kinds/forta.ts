import { z } from 'zod'
import { type FindingSeverity, type FindingType, stableHash } from '../../base/index.ts'
import type { ReceiverConfig } from '../../config/types.ts'
import type { ExternalFinding, ReceiverKind } from '../types.ts'
import { accept, refuse } from '../verdicts.ts'
import { readFortaToken } from './fortaToken.ts'
import { orNone, readShape, secondsOf, severityOf, text, texts, whole } from './shape.ts'

const TYPES: Readonly<Record<string, FindingType>> = {
  EXPLOIT: 'Exploit',
  SUSPICIOUS: 'Suspicious',
  DEGRADED: 'Degraded',
  INFORMATION: 'Info',
  INFO: 'Info',
  SCAM: 'Scam',
}

const alertSchema = z.object({
  hash: z.string().min(1).max(200),
  createdAt: text,
  alertId: z.string().min(1),
  name: text,
  protocol: text,
  description: text,
  findingType: text,
  severity: text,
  metadata: orNone(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  links: orNone(z.record(z.string(), z.union([z.string(), z.null()]))),
  source: orNone(
    z.object({
      transactionHash: text,
      tx: orNone(z.object({ hash: text })),
      bot: orNone(z.object({ id: text, reference: text })),
      agent: orNone(z.object({ id: text })),
      block: orNone(z.object({ number: whole, hash: text, timestamp: text, chainId: whole })),
      sourceEvent: orNone(z.object({ botId: text, alertHash: text })),
      sourceAlert: orNone(z.object({ botId: text, hash: text, chainId: whole })),
    }),
  ),
  addresses: texts,
  relatedAlerts: texts,
  chainId: whole,
})

/** `alerts` null: a batch of measurements alone. `events` is how Defender passed such alerts on. */
const batchSchema = z
  .object({
    alerts: z.array(alertSchema).max(2_000).nullable().optional(),
    events: z
      .array(z.object({ alert: orNone(alertSchema) }))
      .max(2_000)
      .nullable()
      .optional(),
    metrics: z.array(z.unknown()).nullable().optional(),
  })
  .refine(
    ({ alerts, events, metrics }) =>
      alerts !== undefined || events !== undefined || metrics !== undefined,
    'neither alerts nor metrics',
  )

type Alert = z.infer<typeof alertSchema>

const botOf = ({ source }: Alert): string | undefined => source?.bot?.id ?? source?.agent?.id

/** An alert without a severity that we know counts as nothing more than information. */
const severityIn = ({ severity }: Alert): FindingSeverity =>
  severity === undefined ? 'Info' : (severityOf(severity) ?? 'Info')

const toFinding = (alert: Alert): ExternalFinding => {
  const { source } = alert
  const block = source?.block
  const alertHash = source?.sourceEvent?.alertHash ?? source?.sourceAlert?.hash
  const extra = {
    fortaHash: alert.hash,
    fortaBot: botOf(alert),
    fortaRelated: alert.relatedAlerts.slice(0, 10).join(' ') || undefined,
    fortaSourceAlert: alertHash,
    link: alert.links?.['explorerUrl'] ?? undefined,
  }
  const metadata = Object.entries({ ...alert.metadata, ...extra }).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [[key, String(value)] as const],
  )
  return {
    kind: 'finding',
    key: alert.hash.toLowerCase(),
    alertId: alert.alertId,
    name: alert.name ?? alert.alertId,
    description: alert.description ?? '',
    severity: severityIn(alert),
    type: TYPES[alert.findingType?.toUpperCase() ?? ''] ?? 'Unknown',
    chainId: block?.chainId ?? alert.chainId ?? source?.sourceAlert?.chainId ?? 0,
    blockNumber: block?.number,
    blockHash: block?.hash,
    timestampS: secondsOf(block?.timestamp) ?? secondsOf(alert.createdAt),
    txHash: source?.transactionHash ?? source?.tx?.hash,
    addresses: alert.addresses,
    metadata: Object.fromEntries(metadata),
    protocol: alert.protocol,
    // Each alert of a bot stands by itself unless it names an address.
    subject: stableHash(alert.hash).slice(0, 24),
  }
}

type Settings = Extract<ReceiverConfig, { kind: 'forta' }>

/**
 * Forta's webhook: `{alerts, metrics?}` to a secret URL. The body is not signed; where `signers` are named, the token of
 * one of those scan nodes must come along. An alert is known by its hash: what comes twice counts once.
 */
export const fortaKind: ReceiverKind<Settings> = {
  kind: 'forta',
  // Batches hold up to 500 alerts.
  maxBytes: 4 * 1024 * 1024,
  read: async (request, settings) => {
    if (settings.signers.length > 0) {
      const [, token = ''] =
        /^Bearer ([\w.-]+)$/i.exec(request.headers['authorization'] ?? '') ?? []
      const signer = await readFortaToken(token, request.atMs)
      if (!signer || !settings.signers.some((one) => one.toLowerCase() === signer))
        return refuse(401, 'signature', 'The token is missing, wrong, or of nobody who is allowed.')
    }
    const shape = readShape(request.raw, batchSchema)
    if ('refusal' in shape) return shape.refusal
    const { alerts, events } = shape.value
    const all = [
      ...(alerts ?? []),
      ...(events ?? []).flatMap(({ alert }) => (alert ? [alert] : [])),
    ]
    const wanted = all.filter((alert) => {
      const bot = botOf(alert)?.toLowerCase()
      return settings.bots?.some((one) => one.toLowerCase() === bot) ?? true
    })
    const events_ = wanted.map(toFinding)
    return accept(
      events_.length > 0 ? events_ : [{ kind: 'note', text: 'no alert that is wanted' }],
      { answer: { status: 200, contentType: 'application/json', body: '{}' } },
    )
  },
}
