import type { AlertMessage, Channel, SendResult } from '../types.ts'
import { attempt, worstOf } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { describeMessage, escapeMarks, isOver } from './describeMessage.ts'
import { smsText } from './smsText.ts'

/** Three parts of a long SMS, of 153 letters each; Twilio takes 1,600 characters, and telephones show less. */
const MAX_TEXT = 459

const encodeText = (message: AlertMessage): string => {
  const { headline, summary } = describeMessage(message)
  const reply = message.buttons?.reply
  const how = reply === undefined ? [] : [`Reply ACK ${reply} to acknowledge`]
  // As long as the terminal needs it.
  const id = (message.incident ?? message.alert).slice(0, 14)
  const block = message.blocks.last > 0 ? [`block ${message.blocks.last}`] : []
  return smsText([headline, ...how, ...block, id, summary].join('. '), MAX_TEXT)
}

const MAX_SPOKEN = 300

/** What a call says, twice, and where the key goes that is pressed in it. */
const encodeCall = (message: AlertMessage, url: string): string => {
  const { headline } = describeMessage(message)
  const words = escapeMarks([...headline].slice(0, MAX_SPOKEN).join(''))
  const say = `<Say>Tocsin. ${words}. Press 1 to acknowledge.</Say><Pause length="1"/>`
  const action = escapeMarks(url).replaceAll('"', '&quot;')
  return `<Response><Gather numDigits="1" timeout="10" method="POST" action="${action}">${say}${say}</Gather></Response>`
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
  /** Whether a SEV1 calls as well. Default: not. */
  readonly voice?: boolean | undefined
  readonly perMinute: number
  readonly timeoutMs: number
}): Channel => {
  const account = `/2010-04-01/Accounts/${options.accountSid}`
  const url = channelUrl(options.name, options.url, `${account}/Messages.json`)
  const calls = channelUrl(options.name, options.url, `${account}/Calls.json`)
  const credentials = Buffer.from(`${options.accountSid}:${options.authToken}`).toString('base64')
  const post = (
    where: URL,
    fields: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<SendResult> =>
    attempt({
      signal,
      timeoutMs: options.timeoutMs,
      request: {
        url: where,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${credentials}`,
        },
        body: new URLSearchParams(fields).toString(),
      },
    })
  const sendTo = async (to: string, message: AlertMessage, signal: AbortSignal) => {
    const from = options.from.startsWith('MG') ? 'MessagingServiceSid' : 'From'
    const said = { To: to, [from]: options.from, Body: encodeText(message) }
    const call = message.buttons?.call
    const isCalled = options.voice && call !== undefined && !isOver(message)
    if (!isCalled || message.severity !== 'SEV1' || from !== 'From') return post(url, said, signal)
    const twiml = encodeCall(message, call)
    const both = await Promise.all([
      post(url, said, signal),
      post(calls, { To: to, From: options.from, Twiml: twiml }, signal),
    ])
    // One of the two is enough: the same call again would be worse than none.
    return both.find(({ kind }) => kind === 'sent') ?? worstOf(both)
  }
  return {
    name: options.name,
    kind: 'twilio',
    pace: { perMinute: Math.max(1, Math.floor(options.perMinute / options.to.length)), burst: 3 },
    timeoutMs: options.timeoutMs,
    send: async (message, signal) => {
      const numbers = message.to === undefined ? options.to : [message.to]
      const results = await Promise.all(numbers.map((to) => sendTo(to, message, signal)))
      return worstOf(results)
    },
  }
}
