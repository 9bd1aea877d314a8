import type { Sev } from '../../base/index.ts'
import type { AlertMessage, Channel } from '../types.ts'
import { alertKey } from './alertKey.ts'
import { attempt } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { describeMessage, isOver } from './describeMessage.ts'
import { encodeLine } from './encodeLine.ts'

const SEVERITIES: Readonly<Record<Sev, string>> = {
  SEV1: 'critical',
  SEV2: 'error',
  SEV3: 'warning',
  SEV4: 'info',
}

/**
 * PagerDuty's Events API v2: an alert that opens, is raised or is there again triggers, one that is resolved or taken
 * back resolves, one that somebody has in hand is acknowledged. 120 events a minute and key are taken; 202 is success.
 * @throws TocsinError `channel.bad_url`
 */
export const createPagerdutyChannel = (options: {
  readonly name: string
  readonly url: string
  readonly routingKey: string
  readonly perMinute: number
  readonly timeoutMs: number
}): Channel => {
  const url = channelUrl(options.name, options.url, '/v2/enqueue')
  return {
    name: options.name,
    kind: 'pagerduty',
    pace: { perMinute: options.perMinute, burst: 20 },
    timeoutMs: options.timeoutMs,
    send: (message, signal) =>
      attempt({
        signal,
        timeoutMs: options.timeoutMs,
        request: {
          url,
          headers: { 'content-type': 'application/json' },
          body: encodeLine({ routing_key: options.routingKey, ...encodeEvent(message) }),
        },
      }),
  }
}

const encodeEvent = (message: AlertMessage) => {
  const dedup_key = alertKey(message.alert, message.round)
  // In somebody's hands, and not over: there it stays open and rings no more.
  if (message.change === 'answered') return { event_action: 'acknowledge', dedup_key }
  if (isOver(message)) return { event_action: 'resolve', dedup_key }
  const { headline, summary, facts, links, runbook } = describeMessage(message)
  const runbooks = /^https:\/\/\S+$/.test(runbook) ? [{ text: 'Runbook', url: runbook }] : []
  return {
    event_action: 'trigger',
    dedup_key,
    client: 'Tocsin',
    payload: {
      summary: headline,
      source: message.thing ?? message.chain.name,
      severity: SEVERITIES[message.severity],
      timestamp: message.times.changed,
      component: message.thing ?? undefined,
      group: message.protocol ?? message.owner ?? undefined,
      class: message.alertId,
      custom_details: {
        summary,
        ...Object.fromEntries(facts.map(({ name, value }) => [name, value])),
        transactions: message.transactions,
        addresses: message.addresses,
        incident: message.incident,
        runbook,
      },
    },
    links: [...runbooks, ...links].map(({ text, url }) => ({ href: url, text })),
  }
}
