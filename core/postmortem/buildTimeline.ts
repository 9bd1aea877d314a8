import { cleanText } from '../base/index.ts'
import type { IncidentRecord, Step } from './types.ts'

const words = (value: string, max = 400): string => cleanText(value, max)

/** Kinds of the incident's own events that other rows tell better. */
const TOLD_ELSEWHERE: readonly string[] = ['execution']

const PEOPLE: readonly string[] = [
  'acknowledged',
  'unacknowledged',
  'mitigated',
  'closed',
  'comment',
]
const CHANNEL: readonly string[] = ['paged', 'delivered', 'undelivered', 'escalated', 'repeated']

const fromFindings = ({ findings }: IncidentRecord): readonly Step[] =>
  findings.flatMap((row): readonly Step[] => {
    const about = {
      severity: row.severity,
      finding: row.id,
      chainId: row.chainId,
      ...(row.txHash ? { tx: row.txHash } : {}),
    }
    const first = new Date(row.blockTimestampS * 1_000)
    return [
      ...(row.chainId === 0
        ? []
        : [
            {
              ...about,
              at: first,
              from: 'chain' as const,
              kind: 'block',
              text: `Block ${row.blockNumber}: ${words(row.name)}`,
            },
          ]),
      {
        ...about,
        at: row.createdAt,
        from: 'finding',
        kind: row.status === 'pending' ? 'pending' : 'found',
        text: `${row.botId}: ${words(row.description)}`,
      },
      ...(row.retractedAt
        ? [
            {
              ...about,
              at: row.retractedAt,
              from: 'finding' as const,
              kind: row.status === 'dropped' ? 'dropped' : 'retracted',
              text: `Taken back: ${words(row.name)}`,
            },
          ]
        : []),
    ]
  })

/** Incidents from before there was a timeline have their alerts' own times. */
const fromAlerts = ({ alerts, events }: IncidentRecord): readonly Step[] =>
  events.length > 0
    ? []
    : alerts.flatMap((row): readonly Step[] => [
        {
          at: row.openedAt,
          from: 'alert',
          kind: 'opened',
          text: `${row.severity}: ${words(row.title)}`,
          severity: row.severity,
          alert: row.id,
        },
        ...(row.acknowledgedAt
          ? [
              {
                at: row.acknowledgedAt,
                from: 'people' as const,
                kind: 'acknowledged',
                text: `${words(row.acknowledgedBy ?? 'somebody', 100)} has it in hand.`,
                ...(row.acknowledgedBy ? { actor: row.acknowledgedBy } : {}),
                alert: row.id,
              },
            ]
          : []),
        ...(row.closedAt
          ? [
              {
                at: row.closedAt,
                from: 'alert' as const,
                kind: row.status,
                text: `${row.status === 'retracted' ? 'Taken back' : 'Over'}: ${words(row.title)}`,
                alert: row.id,
              },
            ]
          : []),
      ])

const fromEvents = ({ events }: IncidentRecord): readonly Step[] =>
  events
    .filter(({ kind }) => !TOLD_ELSEWHERE.includes(kind))
    .map((row) => ({
      at: row.at,
      from: PEOPLE.includes(row.kind) ? 'people' : CHANNEL.includes(row.kind) ? 'channel' : 'alert',
      kind: row.kind,
      text: words(row.text, 2_000),
      ...(row.actor ? { actor: row.actor } : {}),
      ...(row.channel ? { channel: row.channel } : {}),
      ...(row.alertId ? { alert: row.alertId } : {}),
    }))

/** Messages that the incident's own events do not tell. */
const fromDeliveries = ({ deliveries, events }: IncidentRecord): readonly Step[] => {
  const isTold = events.some(({ kind }) => kind === 'delivered' || kind === 'paged')
  return deliveries.flatMap((row): readonly Step[] => {
    const about = { channel: row.channel, alert: row.alertId, severity: row.severity }
    const tries = row.attempts > 1 ? `, at attempt ${row.attempts}` : ''
    if (row.status === 'sent' && row.sentAt)
      return isTold
        ? []
        : [
            {
              ...about,
              at: row.sentAt,
              from: 'channel',
              kind: 'delivered',
              text: `${words(row.channel, 100)} took "${words(row.change, 40)}"${tries}.`,
            },
          ]
    if (row.status === 'dead')
      return [
        {
          ...about,
          at: row.createdAt,
          from: 'channel',
          kind: 'undelivered',
          text: `${words(row.channel, 100)} refused "${words(row.change, 40)}" for good: ${words(row.lastError ?? 'no reason given', 200)}`,
        },
      ]
    return []
  })
}

const EVENT_TEXT: Readonly<Record<string, string>> = {
  requested: 'asked for',
  proposed: 'waits for people',
  approved: 'approved',
  denied: 'denied',
  sending: 'signed',
  sent: 'sent',
  mined: 'mined',
  succeeded: 'took effect',
  failed: 'failed',
  refused: 'refused',
}

const byOf = (detail: unknown): string | undefined => {
  const by = typeof detail === 'object' && detail !== null && 'by' in detail ? detail.by : undefined
  return typeof by === 'string' ? words(by, 100) : undefined
}

const fromExecutions = ({ executions, log, answers }: IncidentRecord): readonly Step[] => {
  const byId = new Map(executions.map((row) => [row.id, row]))
  const logged = new Set(log.map(({ executionId }) => executionId))
  const steps = log.flatMap((entry): readonly Step[] => {
    const row = byId.get(entry.executionId)
    if (!row) return []
    const by = byOf(entry.detail)
    return [
      {
        at: entry.at,
        from: by ? 'people' : 'action',
        kind: entry.event,
        text: `${words(row.actionId, 100)} ${EVENT_TEXT[entry.event] ?? words(entry.event.replaceAll('_', ' '), 60)}${by ? ` by ${by}` : ''}.`,
        execution: row.id,
        chainId: row.chainId,
        ...(by ? { actor: by } : {}),
        ...(row.minedTxHash && entry.event === 'mined' ? { tx: row.minedTxHash } : {}),
      },
    ]
  })
  const asked = executions.map(
    (row): Step => ({
      at: row.requestedAt,
      from: 'action',
      kind: 'requested',
      text: `${words(row.actionId, 100)} asked for.`,
      execution: row.id,
      chainId: row.chainId,
    }),
  )
  const unlogged = executions
    .filter(({ id }) => !logged.has(id))
    .flatMap((row): readonly Step[] => {
      const about = { from: 'action' as const, execution: row.id, chainId: row.chainId }
      return [
        ...(row.broadcastAt
          ? [
              {
                ...about,
                at: row.broadcastAt,
                kind: 'sent',
                text: `${words(row.actionId, 100)} sent.`,
              },
            ]
          : []),
        ...(row.minedAt
          ? [
              {
                ...about,
                at: row.minedAt,
                kind: 'mined',
                text: `${words(row.actionId, 100)} mined in block ${row.minedBlock ?? 'unknown'}.`,
                ...(row.minedTxHash ? { tx: row.minedTxHash } : {}),
              },
            ]
          : []),
      ]
    })
  const said = answers
    .filter(({ executionId }) => !logged.has(executionId))
    .map(
      (row): Step => ({
        at: row.at,
        from: 'people',
        kind: row.decision === 'deny' ? 'denied' : 'approved',
        text: `${byId.get(row.executionId)?.actionId ?? 'an action'} ${row.decision === 'deny' ? 'denied' : 'approved'} by ${words(row.who, 100)}.`,
        actor: row.who,
        execution: row.executionId,
      }),
    )
  const isLogged = new Set(
    steps.flatMap(({ kind, execution }) => (kind === 'requested' ? [execution] : [])),
  )
  return [
    ...asked.filter(({ execution }) => !isLogged.has(execution)),
    ...steps,
    ...unlogged,
    ...said,
  ]
}

const ORDER: readonly Step['from'][] = ['chain', 'finding', 'alert', 'channel', 'action', 'people']

/** All that happened, in order. What the chain did comes before what was found of it in the same moment. */
export const buildTimeline = (record: IncidentRecord): readonly Step[] =>
  [
    ...fromFindings(record),
    ...fromAlerts(record),
    ...fromEvents(record),
    ...fromDeliveries(record),
    ...fromExecutions(record),
  ]
    .map((step, index) => ({ step, index }))
    .sort(
      (a, b) =>
        a.step.at.getTime() - b.step.at.getTime() ||
        ORDER.indexOf(a.step.from) - ORDER.indexOf(b.step.from) ||
        a.index - b.index,
    )
    .map(({ step }) => step)
