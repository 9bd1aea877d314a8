import { z } from 'zod'
import { isSameText } from '../../base/index.ts'
import { accept, badSignature, keysOf } from '../../intake/light.ts'
import type { ReceiverKind } from '../../intake/types.ts'
import { BUTTON, buttonPressed, note, readJson } from './pressed.ts'

const updateSchema = z.object({
  update_id: z.int(),
  callback_query: z
    .object({
      id: z.string().min(1).max(100),
      from: z.object({ id: z.int() }),
      data: z.string().max(64).nullish(),
      message: z.object({ message_id: z.int(), chat: z.object({ id: z.int() }) }).nullish(),
    })
    .nullish(),
})

export type TelegramSettings = { readonly secret: string; readonly previous?: string | undefined }

/** Telegram tries again for about a day. */
const REPEATS_MS = 2 * 86_400_000

/**
 * Telegram's updates, known by the token that `setWebhook` was given. A pressed button is answered in the same breath:
 * the answer to the webhook is a call of `answerCallbackQuery`.
 */
export const telegramKind: ReceiverKind<TelegramSettings> = {
  kind: 'telegram',
  read: async (request, settings) => {
    const given = request.headers['x-telegram-bot-api-secret-token'] ?? ''
    const matches = keysOf(settings).map((key) => isSameText(given, key))
    if (!matches.includes(true)) return badSignature()
    const parsed = updateSchema.safeParse(readJson(request.raw.toString('utf8')))
    const answer = { status: 200 as const }
    if (!parsed.success) return accept([note('an update of another shape')], { answer })
    const { update_id, callback_query: query } = parsed.data
    const once = { key: String(update_id), forMs: REPEATS_MS, repeat: 'accept' as const }
    if (!query?.data || !BUTTON.test(query.data))
      return accept([note('an update that is no button of ours')], { once, answer })
    const { message } = query
    return accept(
      [
        buttonPressed({
          button: query.data,
          by: String(query.from.id),
          atMs: request.atMs,
          detail: message
            ? { chat: String(message.chat.id), message: String(message.message_id) }
            : {},
        }),
      ],
      {
        once,
        answer: ([outcome]) => ({
          status: 200,
          contentType: 'application/json',
          body: JSON.stringify({
            method: 'answerCallbackQuery',
            callback_query_id: query.id,
            text: (outcome?.text ?? 'Nothing was done.').slice(0, 200),
          }),
        }),
      },
    )
  },
}
