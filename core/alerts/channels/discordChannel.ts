import { z } from 'zod'
import type { AlertMessage, Channel, SendResult, ThreadBook } from '../types.ts'
import { attempt, type HttpAnswer, judgeStatus, readJson, tryAgain, untilFound } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { describeMessage, isOver, joinWithin } from './describeMessage.ts'
import { encodeLine } from './encodeLine.ts'

const COLOURS: Readonly<Record<AlertMessage['severity'], number>> = {
  SEV1: 0xd32f2f,
  SEV2: 0xf57c00,
  SEV3: 0xfbc02d,
  SEV4: 0x9e9e9e,
}
const GREEN = 0x2e7d32

const postSchema = z.object({ id: z.string().regex(/^\d{1,25}$/), alert: z.string() })

/** Discord's Markdown, its mentions and its automatic links stay text. */
export const escapeDiscord = (text: string): string =>
  text.replace(/[\\`*_{}[\]()#+\-.!|~<>:@]/g, (mark) => `\\${mark}`)

/** All embeds of a message together may have 6,000 characters, a field 1,024, a title 256. */
const encodeEmbed = (message: AlertMessage) => {
  const { headline, summary, facts, links, runbook } = describeMessage(message)
  const said = links.map(({ text, url }) => `[${escapeDiscord(text)}](${url})`)
  const fields = facts.map(({ name, value }) => ({
    name: escapeDiscord(name).slice(0, 200),
    value: escapeDiscord(value).slice(0, 400),
    inline: value.length < 40,
  }))
  const description = joinWithin([escapeDiscord(summary), ...said], '\n', 2_500)
  let room = 5_500 - description.length - headline.length
  return {
    title: escapeDiscord(headline).slice(0, 256),
    description,
    color: isOver(message) ? GREEN : COLOURS[message.severity],
    timestamp: message.times.changed,
    fields: fields.slice(0, 25).filter(({ name, value }) => {
      room -= name.length + value.length
      return room > 700
    }),
    footer: {
      text: [runbook && `Runbook: ${runbook}`, message.dedupKey]
        .filter(Boolean)
        .join(' · ')
        .slice(0, 600),
    },
  }
}

const PRIMARY = 1
const SUCCESS = 3
const DANGER = 4

/** Buttons: only a webhook that an application owns may carry them. */
const componentsOf = ({ buttons }: AlertMessage): Readonly<Record<string, unknown>> => {
  const components = [
    { label: 'Acknowledge', style: PRIMARY, custom_id: buttons?.acknowledge },
    { label: 'Approve', style: SUCCESS, custom_id: buttons?.approve },
    { label: 'Deny', style: DANGER, custom_id: buttons?.deny },
  ]
    .filter(({ custom_id }) => custom_id !== undefined)
    .map((one) => ({ type: 2, ...one }))
  return components.length > 0 ? { components: [{ type: 1, components }] } : {}
}

/** A 429 tells in its body, to the millisecond, how long to wait. */
const judgeDiscord = (answer: HttpAnswer, now: Date): SendResult => {
  const after = answer.status === 429 ? readJson(answer)['retry_after'] : undefined
  if (typeof after === 'number') return tryAgain('the receiver answered 429', after * 1_000)
  return judgeStatus(answer, now)
}

/**
 * Discord by the webhook of a channel. Nobody is mentioned, whatever a text says; when an alert is over, its first
 * message is edited to say so.
 * @throws TocsinError `channel.bad_url`
 */
export const createDiscordChannel = (options: {
  readonly name: string
  readonly url: string
  readonly perMinute: number
  readonly timeoutMs: number
  readonly threads: ThreadBook
}): Channel => {
  const hook = channelUrl(options.name, options.url)
  hook.search = ''
  const post = new URL(hook)
  // Without it, a message that was not stored gives no error.
  post.searchParams.set('wait', 'true')
  const call = (
    request: { readonly url: URL; readonly method: 'POST' | 'PATCH' },
    message: AlertMessage,
    signal: AbortSignal,
    judge: (answer: HttpAnswer, now: Date) => SendResult | Promise<SendResult>,
  ): Promise<SendResult> =>
    attempt({
      signal,
      judge,
      timeoutMs: options.timeoutMs / 2,
      request: {
        ...request,
        headers: { 'content-type': 'application/json' },
        body: encodeLine({
          embeds: [encodeEmbed(message)],
          allowed_mentions: { parse: [] },
          ...componentsOf(message),
        }),
      },
    })
  const send = async (message: AlertMessage, signal: AbortSignal): Promise<SendResult> => {
    const kept = await options.threads.find(message.alert)
    const first = kept === undefined ? undefined : postSchema.safeParse(JSON.parse(kept)).data
    const result = await call(
      { url: post, method: 'POST' },
      message,
      signal,
      async (answer, now) => {
        const judged = judgeDiscord(answer, now)
        const { id } = readJson(answer)
        if (judged.kind === 'sent' && !first && typeof id === 'string')
          await options.threads.keep(message.alert, JSON.stringify({ id, alert: message.alert }))
        return judged
      },
    )
    if (result.kind === 'sent' && first && isOver(message)) {
      const url = new URL(`${hook.href.replace(/\/+$/, '')}/messages/${first.id}`)
      await call({ url, method: 'PATCH' }, message, signal, judgeDiscord)
    }
    return result
  }
  return {
    name: options.name,
    kind: 'discord',
    pace: { perMinute: options.perMinute, burst: 5 },
    timeoutMs: options.timeoutMs,
    send: untilFound(send),
  }
}
