import { z } from 'zod'
import type { FindingSeverity } from '../../base/index.ts'
import { isSameText } from '../../base/index.ts'
import type { ReceiverConfig } from '../../config/types.ts'
import { keysOf } from '../signatures.ts'
import type { ExternalFinding, ReceiverKind } from '../types.ts'
import { accept, refuse } from '../verdicts.ts'
import { orNone, readShape, secondsOf, severityOf, text, whole } from './shape.ts'

const labels = orNone(z.record(z.string(), z.string())).transform((found) => found ?? {})

const bodySchema = z.object({
  version: z.literal('4').nullish(),
  groupKey: text,
  truncatedAlerts: whole,
  status: z.enum(['firing', 'resolved']),
  receiver: text,
  externalURL: text,
  alerts: z
    .array(
      z.object({
        status: z.enum(['firing', 'resolved']),
        labels,
        annotations: labels,
        startsAt: z.string().max(60),
        endsAt: text,
        generatorURL: text,
        fingerprint: z.string().min(1).max(100),
      }),
    )
    .max(2_000),
})

type Alert = z.infer<typeof bodySchema>['alerts'][number]
type Settings = Extract<ReceiverConfig, { kind: 'alertmanager' }>

const own = (map: Readonly<Record<string, string>>, ...keys: string[]): string | undefined => {
  const key = keys.find((one) => Object.hasOwn(map, one))
  return key === undefined ? undefined : map[key]
}

const severityIn = (alert: Alert, settings: Settings): FindingSeverity => {
  const word = own(alert.labels, settings.severityLabel)
  if (word === undefined) return 'Medium'
  const named = Object.hasOwn(settings.severities, word) ? settings.severities[word] : undefined
  return named ?? severityOf(word) ?? 'Medium'
}

const toFinding = (alert: Alert, settings: Settings): ExternalFinding => {
  const name = own(alert.labels, 'alertname') ?? 'Alert'
  const chain = Number(own(alert.labels, 'chain_id', 'chainId', 'chain') ?? 0)
  const address = own(alert.labels, 'address', 'contract')
  const extra = Object.entries({ ...alert.annotations, ...alert.labels }).slice(0, 40)
  return {
    kind: 'finding',
    // One alert is its fingerprint and its beginning; that it goes on is no news, that it ends is.
    key: [alert.fingerprint, alert.startsAt, alert.status].join('|'),
    subject: alert.fingerprint,
    alertId: name,
    name: own(alert.annotations, 'summary', 'title') ?? name,
    description: own(alert.annotations, 'description', 'message') ?? name,
    severity: severityIn(alert, settings),
    type: 'Degraded',
    condition: alert.status === 'firing' ? 'holds' : 'ended',
    chainId: Number.isSafeInteger(chain) ? chain : 0,
    blockNumber: undefined,
    blockHash: undefined,
    timestampS: secondsOf(alert.status === 'firing' ? alert.startsAt : alert.endsAt),
    txHash: own(alert.labels, 'tx', 'tx_hash'),
    addresses: address === undefined ? [] : [address],
    metadata: {
      ...Object.fromEntries(extra),
      ...(alert.generatorURL ? { generatorURL: alert.generatorURL } : {}),
    },
    protocol: undefined,
  }
}

/** What we told Alertmanager ourselves must not come back as news. */
const isOurs = ({ labels: found }: Alert): boolean =>
  /^a_[0-9a-f]+$/.test(own(found, 'alert') ?? '') && Object.hasOwn(found, 'bot')

/**
 * Alertmanager's webhook (version 4; Grafana's is the same and more): a bearer token, for it signs nothing. Alerts are
 * conditions that hold and end.
 */
export const alertmanagerKind: ReceiverKind<Settings> = {
  kind: 'alertmanager',
  maxBytes: 1024 * 1024,
  read: async (request, settings) => {
    const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.headers['authorization'] ?? '') ?? []
    const keys = keysOf({ secret: settings.token, previous: settings.previous })
    if (!keys.map((key) => isSameText(token, key)).includes(true))
      return refuse(401, 'signature', 'The token is missing or wrong.')
    const shape = readShape(request.raw, bodySchema)
    if ('refusal' in shape) return shape.refusal
    const { alerts } = shape.value
    const news = alerts.filter((alert) => !isOurs(alert))
    const answer = { status: 200 } as const
    if (news.length === 0)
      return accept([{ kind: 'note', text: 'nothing that is news' }], { answer })
    return accept(
      news.map((alert) => toFinding(alert, settings)),
      { answer },
    )
  },
}
