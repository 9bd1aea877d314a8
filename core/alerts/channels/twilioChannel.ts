import type { AlertMessage, Channel, SendResult } from '../types.ts'
import { attempt, worstOf } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { describeMessage, joinWithin } from './describeMessage.ts'

/** Three parts of a long SMS; Twilio takes 1,600 characters, and telephones show less. */
const MAX_TEXT = 400

const encodeText = (message: AlertMessage): string => {
  const { headline, summary } = describeMessage(message)
  const where = `${message.chain.name} block ${message.blocks.last}`
  return joinWithin([headline, where, summary, message.alert], '. ', MAX_TEXT) || headline
}

/**
 * SMS by Twilio, to each number on its own. A message that one number has and another lacks is sent again to both: a
 * repeated SMS is better than a missing one.
 * @throws TocsinError `channel.bad_url`
 */
export const createTwilioChannel = (options: {
  readonly name: string
  readonly url: string
  readonly accountSid: string
  readonly authToken: string
  /** A number, or a messaging service (`MG…`). */
  readonly from: string
  readonly to: readonly string[]
  readonly perMinute: number
  readonly timeoutMs: number
}): Channel => {
  const path = `/2010-04-01/Accounts/${options.accountSid}/Messages.json`
  const url = channelUrl(options.name, options.url, path)
  const credentials = Buffer.from(`${options.accountSid}:${options.authToken}`).toString('base64')
  const sendTo = (to: string, text: string, signal: AbortSignal): Promise<SendResult> =>
    attempt({
      signal,
      timeoutMs: options.timeoutMs,
      request: {
        url,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${credentials}`,
        },
        body: new URLSearchParams({
          To: to,
          [options.from.startsWith('MG') ? 'MessagingServiceSid' : 'From']: options.from,
          Body: text,
        }).toString(),
      },
    })
  return {
    name: options.name,
    kind: 'twilio',
    pace: { perMinute: Math.max(1, Math.floor(options.perMinute / options.to.length)), burst: 3 },
    timeoutMs: options.timeoutMs,
    send: async (message, signal) => {
      const text = encodeText(message)
      const results = await Promise.all(options.to.map((to) => sendTo(to, text, signal)))
      return worstOf(results)
    },
  }
}
