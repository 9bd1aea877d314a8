import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { accept, badSignature, isFresh, refuse, stale } from '../../intake/light.ts'
import type { ReceiverKind } from '../../intake/types.ts'
import { BUTTON, buttonPressed, note, readJson } from './pressed.ts'

const user = z.object({ id: z.string().max(25) })
const interactionSchema = z.object({
  id: z.string().min(1).max(25),
  type: z.int(),
  data: z.object({ custom_id: z.string().max(100).nullish() }).nullish(),
  member: z.object({ user }).nullish(),
  user: user.nullish(),
})

export type DiscordSettings = {
  /** Public key of the application, 64 hexadecimal digits. */
  readonly publicKey: string
}

const PING = 1
const COMPONENT = 3
const PONG = 1
/** Only the person who pressed sees the answer. */
const PRIVATE_ANSWER = 4
const EPHEMERAL = 64
const UPDATE = 7
const FRESH_S = 300
/** What stands before the 32 bytes of a key in its usual envelope. */
const ENVELOPE = Buffer.from('302a300506032b6570032100', 'hex')

const discordKey = (hex: string): KeyObject =>
  createPublicKey({
    key: Buffer.concat([ENVELOPE, Buffer.from(hex, 'hex')]),
    format: 'der',
    type: 'spki',
  })

const isSigned = (settings: DiscordSettings, time: string, raw: Buffer, given: string): boolean => {
  if (!/^[0-9a-fA-F]{128}$/.test(given) || !/^[0-9a-fA-F]{64}$/.test(settings.publicKey))
    return false
  const signed = Buffer.concat([Buffer.from(time), raw])
  return verify(null, signed, discordKey(settings.publicKey), Buffer.from(given, 'hex'))
}

const answer = (body: unknown) => ({
  status: 200 as const,
  contentType: 'application/json',
  body: JSON.stringify(body),
})

/** Discord's interactions: signed with the key of an application. A PING is answered by a PONG, a button in place. */
export const discordKind: ReceiverKind<DiscordSettings> = {
  kind: 'discord',
  read: async (request, settings) => {
    const time = request.headers['x-signature-timestamp'] ?? ''
    const given = request.headers['x-signature-ed25519'] ?? ''
    if (!isSigned(settings, time, request.raw, given)) return badSignature()
    if (!isFresh(Number(time) * 1_000, request.atMs, FRESH_S)) return stale()
    const parsed = interactionSchema.safeParse(readJson(request.raw.toString('utf8')))
    if (!parsed.success) return refuse(400, 'shape', 'This is no interaction.')
    const { id, type, data, member, user: sender } = parsed.data
    if (type === PING) return accept([note('a ping')], { answer: answer({ type: PONG }) })
    const button = data?.custom_id ?? ''
    const by = member?.user.id ?? sender?.id
    const silent = answer({
      type: PRIVATE_ANSWER,
      data: { content: 'Nothing was done.', flags: EPHEMERAL },
    })
    if (type !== COMPONENT || !BUTTON.test(button) || by === undefined)
      return accept([note('an interaction of another sort')], { answer: silent })
    return accept([buttonPressed({ button, by, atMs: request.atMs })], {
      once: { key: id, forMs: 2 * FRESH_S * 1_000, repeat: 'accept' },
      answer: ([outcome]) => {
        const text = (outcome?.text ?? 'Nothing was done.').slice(0, 1_800)
        const done = text.startsWith('✓')
        return answer(
          done
            ? {
                type: UPDATE,
                data: { content: text, components: [], allowed_mentions: { parse: [] } },
              }
            : { type: PRIVATE_ANSWER, data: { content: text, flags: EPHEMERAL } },
        )
      },
    })
  },
}
