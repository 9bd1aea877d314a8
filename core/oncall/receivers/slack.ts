import { z } from 'zod'
import { accept, badSignature, isFresh, isSigned, keysOf, stale } from '../../intake/light.ts'
import type { ReceiverKind } from '../../intake/types.ts'
import { BUTTON, buttonPressed, note, readJson } from './pressed.ts'

const payloadSchema = z.object({
  type: z.literal('block_actions'),
  user: z.object({ id: z.string().min(1).max(32) }),
  team: z.object({ id: z.string().min(1).max(32) }).nullish(),
  response_url: z.string().max(500).nullish(),
  trigger_id: z.string().max(200).nullish(),
  actions: z
    .array(z.object({ action_id: z.string().max(255), value: z.string().max(2_000).nullish() }))
    .min(1)
    .max(25),
})

export type SlackSettings = { readonly secret: string; readonly previous?: string | undefined }

/** Slack asks for five minutes; a clock may be wrong either way. */
const FRESH_S = 300

/**
 * Slack's interactivity: a form with one field, signed with its time. The answer is empty and comes within 3 s; what
 * became of it replaces the buttons by the `response_url`.
 */
export const slackKind: ReceiverKind<SlackSettings> = {
  kind: 'slack',
  contentTypes: ['application/x-www-form-urlencoded', 'application/json'],
  read: async (request, settings) => {
    const time = request.headers['x-slack-request-timestamp'] ?? ''
    const given = request.headers['x-slack-signature'] ?? ''
    const parts = [`v0:${time}:`, request.raw]
    const isRight = isSigned([given], keysOf(settings), parts, { prefix: 'v0=' })
    if (!/^\d{9,11}$/.test(time) || !isRight) return badSignature()
    if (!isFresh(Number(time) * 1_000, request.atMs, FRESH_S)) return stale()
    const text = request.raw.toString('utf8')
    const once = { key: given, forMs: 2 * FRESH_S * 1_000, repeat: 'accept' as const }
    const answer = { status: 200 as const }
    const body = readJson(new URLSearchParams(text).get('payload') ?? text)
    const challenge = z
      .object({ type: z.literal('url_verification'), challenge: z.string().max(200) })
      .safeParse(body)
    if (challenge.success)
      return accept([note('a check of the URL')], {
        answer: { status: 200, contentType: 'text/plain', body: challenge.data.challenge },
      })
    const parsed = payloadSchema.safeParse(body)
    if (!parsed.success) return accept([note('an interaction of another sort')], { once, answer })
    const { user, team, actions, response_url } = parsed.data
    const pressed = actions.flatMap(({ action_id, value }) =>
      action_id.startsWith('tocsin_') && value && BUTTON.test(value) ? [value] : [],
    )
    return accept(
      pressed.length === 0
        ? [note('a button of somebody else')]
        : pressed.map((button) =>
            buttonPressed({
              button,
              by: `${team?.id ?? ''}/${user.id}`,
              atMs: request.atMs,
              detail: response_url ? { responseUrl: response_url } : {},
            }),
          ),
      { once, answer },
    )
  },
}
