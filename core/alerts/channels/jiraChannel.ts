import type { Sev } from '../../base/index.ts'
import type { AlertMessage, Channel } from '../types.ts'
import { alertKey } from './alertKey.ts'
import { attempt } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { describeMessage, isOver, joinWithin } from './describeMessage.ts'
import { encodeLine } from './encodeLine.ts'

const PRIORITIES: Readonly<Record<Sev, string>> = {
  SEV1: 'P1',
  SEV2: 'P2',
  SEV3: 'P3',
  SEV4: 'P5',
}

/** A message may have 130 characters, a description 15,000. */
const encodeAlert = (message: AlertMessage, team: string | undefined) => {
  const { headline, summary, facts, links, runbook } = describeMessage(message)
  return {
    message: [...headline].slice(0, 130).join(''),
    alias: alertKey(message.alert, message.round),
    description: joinWithin(
      [
        summary,
        ...facts.map(({ name, value }) => `${name}: ${value}`),
        ...links.map(({ text, url }) => `${text}: ${url}`),
        ...(runbook ? [`Runbook: ${runbook}`] : []),
        message.dedupKey,
      ],
      '\n',
      12_000,
    ),
    priority: PRIORITIES[message.severity],
    source: 'Tocsin',
    entity: message.thing ?? message.chain.name,
    tags: [message.severity, message.bot, message.chain.name],
    details: { alert: message.alert, alertId: message.alertId, incident: message.incident ?? '' },
    ...(team === undefined ? {} : { responders: [{ type: 'team', name: team }] }),
  }
}

/**
 * Alerts of Jira Service Management's operations, and of Opsgenie until it ends: one alert by its alias, which is the
 * same from every process; what is resolved or taken back closes it. 202 is success, the rest happens at Atlassian.
 * @throws TocsinError `channel.bad_url`
 */
export const createJiraChannel = (options: {
  readonly name: string
  readonly url: string
  readonly apiKey: string
  readonly team?: string | undefined
  readonly perMinute: number
  readonly timeoutMs: number
}): Channel => {
  const open = channelUrl(options.name, options.url, '/v2/alerts')
  return {
    name: options.name,
    kind: 'jira',
    pace: { perMinute: options.perMinute, burst: 20 },
    timeoutMs: options.timeoutMs,
    send: (message, signal) => {
      const over = isOver(message)
      // In somebody's hands, and not over: there it stays open and rings no more.
      const deed = message.change === 'answered' ? 'acknowledge' : 'close'
      const close = `/v2/alerts/${encodeURIComponent(alertKey(message.alert, message.round))}/${deed}?identifierType=alias`
      return attempt({
        signal,
        timeoutMs: options.timeoutMs,
        request: {
          url: over ? channelUrl(options.name, options.url, close) : open,
          headers: {
            'content-type': 'application/json',
            authorization: `GenieKey ${options.apiKey}`,
          },
          body: encodeLine(
            over
              ? { source: 'Tocsin', note: describeMessage(message).headline }
              : encodeAlert(message, options.team),
          ),
        },
      })
    },
  }
}
