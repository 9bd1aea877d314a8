import type { AlertMessage, Channel, SendResult, ThreadBook } from '../types.ts'
import { attempt, type HttpAnswer, judgeStatus, readJson, tryAgain, untilFound } from './attempt.ts'
import { channelUrl } from './channelUrl.ts'
import { describeMessage, escapeMarks, isOver, joinWithin } from './describeMessage.ts'
import { encodeLine } from './encodeLine.ts'

/** A message may have 4,096 characters after its marks are read. */
const MAX_TEXT = 3_900

/** A message in Telegram's HTML; text of strangers is escaped. */
export const telegramText = (message: AlertMessage): string => {
  const { headline, summary, facts, links, runbook } = describeMessage(message)
  return joinWithin(
    [
      `<b>${escapeMarks(headline)}</b>`,
      escapeMarks(summary),
      ...facts.map(
        ({ name, value }) => `<i>${escapeMarks(name)}</i> <code>${escapeMarks(value)}</code>`,
      ),
      ...links.map(
        ({ text, url }) =>
          `<a href="${escapeMarks(url).replaceAll('"', '&quot;')}">${escapeMarks(text)}</a>`,
      ),
      ...(runbook ? [`Runbook: <code>${escapeMarks(runbook)}</code>`] : []),
      `<code>${escapeMarks(message.dedupKey)}</code>`,
    ],
    '\n',
    MAX_TEXT,
  )
}

const keyboardOf = ({ buttons }: AlertMessage): Readonly<Record<string, unknown>> => {
  const row = [
    { text: 'Acknowledge', callback_data: buttons?.acknowledge },
    { text: 'Approve', callback_data: buttons?.approve },
    { text: 'Deny', callback_data: buttons?.deny },
  ].filter(({ callback_data }) => callback_data !== undefined)
  return row.length > 0 ? { reply_markup: { inline_keyboard: [row] } } : {}
}

/** Telegram says in the body how long to wait, and where a group has gone. */
const judgeTelegram = (answer: HttpAnswer, now: Date): SendResult => {
  const { ok, description, parameters } = readJson(answer)
  const after =
    typeof parameters === 'object' && parameters !== null && 'retry_after' in parameters
      ? Number(parameters.retry_after) * 1_000
      : undefined
  if (answer.status === 429 && after !== undefined)
    return tryAgain('the receiver answered 429', after)
  const judged = judgeStatus(answer, now)
  if (judged.kind === 'sent' && ok === false) return { kind: 'dead', reason: 'Telegram refused it' }
  if (judged.kind !== 'dead' || typeof description !== 'string') return judged
  const known = /chat not found|bot was blocked|upgraded to a supergroup|not enough rights/i
  const why = known.exec(description)?.[0]
  return why ? { kind: 'dead', reason: `${judged.reason}: ${why}` } : judged
}

/**
 * Telegram by a bot. What follows the first message of an incident answers it; what is resolved or taken back makes no
 * sound. The token stands in the URL, which therefore never appears in a reason.
 * @throws TocsinError `channel.bad_url`
 */
export const createTelegramChannel = (options: {
  readonly name: string
  readonly url: string
  readonly token: string
  readonly chat: string
  readonly topic?: number | undefined
  readonly perMinute: number
  readonly timeoutMs: number
  readonly threads: ThreadBook
}): Channel => {
  const url = channelUrl(options.name, options.url, `/bot${options.token}/sendMessage`)
  const send = async (message: AlertMessage, signal: AbortSignal): Promise<SendResult> => {
    const lane = `${message.incident ?? message.alert}${message.to ? `@${message.to}` : ''}`
    const first = await options.threads.find(lane)
    return attempt({
      signal,
      timeoutMs: options.timeoutMs,
      request: {
        url,
        headers: { 'content-type': 'application/json' },
        body: encodeLine({
          chat_id: message.to ?? options.chat,
          text: telegramText(message),
          ...keyboardOf(message),
          parse_mode: 'HTML',
          link_preview_options: { is_disabled: true },
          disable_notification: isOver(message),
          ...(options.topic === undefined || message.to !== undefined
            ? {}
            : { message_thread_id: options.topic }),
          ...(first === undefined
            ? {}
            : {
                reply_parameters: { message_id: Number(first), allow_sending_without_reply: true },
              }),
        }),
      },
      judge: async (answer, now) => {
        const judged = judgeTelegram(answer, now)
        const { result } = readJson(answer)
        if (judged.kind === 'sent' && first === undefined && hasMessageId(result))
          await options.threads.keep(lane, String(result.message_id))
        return judged
      },
    })
  }
  return {
    name: options.name,
    kind: 'telegram',
    pace: { perMinute: options.perMinute, burst: 3 },
    timeoutMs: options.timeoutMs,
    send: untilFound(send),
  }
}

const hasMessageId = (value: unknown): value is { readonly message_id: number } =>
  typeof value === 'object' &&
  value !== null &&
  'message_id' in value &&
  Number.isSafeInteger(value.message_id)
