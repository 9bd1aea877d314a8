import type { Sev } from '../../base/index.ts'
import type { AlertMessage, Channel } from '../types.ts'
import { attempt, worstOf } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { describeMessage, isOver, joinWithin } from './describeMessage.ts'
import { encodeLine } from './encodeLine.ts'

const SEVERITIES: readonly Sev[] = ['SEV1', 'SEV2', 'SEV3', 'SEV4']

const labelsOf = (message: AlertMessage, severity: Sev): Readonly<Record<string, string>> => {
  const labels = {
    alertname: message.alertId,
    severity,
    bot: message.bot,
    chain: message.chain.name,
    thing: message.thing ?? '',
    protocol: message.protocol ?? '',
    owner: message.owner ?? '',
    alert: message.alert,
  }
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
}

/**
 * Prometheus' Alertmanager, every instance of a cluster by itself: all must take a message. An alert there is told by
 * its labels, of which the severity is one, so a graver turn ends the alert of the milder one. Alertmanager forgets its
 * alerts when it restarts: good to have beside a pager, not in its place.
 * @throws TocsinError `channel.bad_url`
 */
export const createAlertmanagerChannel = (options: {
  readonly name: string
  readonly urls: readonly string[]
  readonly token?: string | undefined
  readonly holdS: number
  readonly timeoutMs: number
}): Channel => {
  const urls = options.urls.map((url) => channelUrl(options.name, url, '/api/v2/alerts'))
  const encode = (message: AlertMessage): string => {
    const { headline, summary, facts, runbook } = describeMessage(message)
    const now = Date.now()
    const startsAt = new Date(Math.min(Date.parse(message.times.opened), now - 1)).toISOString()
    const ends = new Date(now).toISOString()
    const holds = new Date(now + options.holdS * 1_000).toISOString()
    const annotations = {
      summary: headline,
      description: joinWithin(
        [summary, ...facts.map(({ name, value }) => `${name}: ${value}`)],
        '\n',
        8_000,
      ),
      dedup_key: message.dedupKey,
      ...(runbook ? { runbook } : {}),
    }
    // That somebody has it in hand ends nothing: it fires until it is over.
    const over = isOver(message) && message.change !== 'answered'
    const ended = over || message.change === 'raised' ? SEVERITIES : []
    return encodeLine(
      [
        ...ended.filter((each) => over || each !== message.severity),
        ...(over ? [] : [message.severity]),
      ].map((severity) => ({
        labels: labelsOf(message, severity),
        annotations,
        startsAt,
        endsAt: !over && severity === message.severity ? holds : ends,
      })),
    )
  }
  return {
    name: options.name,
    kind: 'alertmanager',
    timeoutMs: options.timeoutMs,
    send: async (message, signal) => {
      const body = encode(message)
      const results = await Promise.all(
        urls.map((url) =>
          attempt({
            signal,
            timeoutMs: options.timeoutMs,
            request: {
              url,
              body,
              headers: {
                'content-type': 'application/json',
                ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
              },
            },
          }),
        ),
      )
      return worstOf(results)
    },
  }
}
