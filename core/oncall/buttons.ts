import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { AlertMessage } from '../alerts/types.ts'
import { messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { PeopleSecret, SignedClaims } from '../response/index.ts'
import { type Database, tables } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { seal } from './sealedClaims.ts'
import { type AskConfig, signForPeople } from './signForPeople.ts'

/** Signs with the secret of `people`; what it signs cannot be made from what lies in the database. */
export type ButtonKey = Pick<PeopleSecret, 'sign'>

const HOUR_MS = 3_600_000
/** An acknowledgement may come late; after that the button is dead. */
const ACKNOWLEDGE_MS = 48 * HOUR_MS

const askSchema = z.object({
  execution: z.string().min(1).max(200),
  bytesHash: z.string().regex(/^[0-9a-f]{64}$/),
  who: z.string().max(200),
  expiresS: z.int().positive(),
})

/** Under which a button is known. */
export const buttonId = (button: string): string =>
  createHash('sha256').update(button).digest('hex')

/** Four digits that tell incidents apart in an SMS. */
export const replyCode = (incident: string): string => {
  const number = createHash('sha256').update(incident).digest().readUInt32BE(0)
  return String(1_000 + (number % 9_000))
}

type ButtonRow = typeof tables.answerButton.$inferInsert
type Act = ButtonRow['act']
type ReceiverConfig = NonNullable<Config['intake']>['receivers'][number]

/** Whether an answer to what leaves by this kind of channel can come back. */
const receiverOf = (config: Pick<Config, 'intake'>, kind: string): ReceiverConfig | undefined =>
  config.intake?.receivers.find((one) => one.kind === kind && one.enabled)

const WITH_BUTTONS: ReadonlySet<string> = new Set(['slack', 'telegram', 'discord'])
const ASKS: ReadonlySet<string> = new Set([
  'opened',
  'raised',
  'unknown',
  'reopened',
  'digest',
  'repeated',
])

type Ask = { readonly row: Partial<ButtonRow>; readonly signed: readonly SignedClaims[] }

/** Makes a button, the same at every try, and writes down what it means. */
const createMaker =
  (db: Database, key: ButtonKey, now: () => number) =>
  async (act: Act, message: AlertMessage, channel: string, ask?: Ask): Promise<string> => {
    const button = key.sign('button', [message.dedupKey, channel, act]).slice(0, 32)
    const id = buttonId(button)
    await db
      .insert(tables.answerButton)
      .values({
        id,
        act,
        incidentId: message.incident,
        channel,
        dedupKey: message.dedupKey,
        expiresAt: new Date(now() + ACKNOWLEDGE_MS),
        ...ask?.row,
        ...(ask && { claims: seal({ button, id, act }, JSON.stringify(ask.signed)) }),
      })
      .onConflictDoNothing()
    return button
  }

/**
 * Puts buttons under messages as they leave, where an answer can come back: to acknowledge an incident, to approve or
 * deny a proposal. What a button carries is made from the secret of `people`, the same at every try; the database has
 * its hash, and what approvers would say by it, sealed by the button itself: whoever takes answers needs no secret that
 * could sign one. When that cannot be stored, the message goes out without buttons: a page is worth more.
 */
export const createButtons = (options: {
  readonly db: Database
  readonly config: () => AskConfig & Pick<Config, 'intake' | 'channels'>
  readonly key: ButtonKey
  readonly log: Logger
  /** Default: the clock (ms). */
  readonly now?: () => number
}): ((message: AlertMessage, channel: string) => Promise<AlertMessage>) => {
  const { db, key, log, now = Date.now } = options

  const make = createMaker(db, key, now)

  /** A message to an address of its own is none: the signer asks by channels that the watchlist names. */
  const askButtons = async (
    message: AlertMessage,
    channel: string,
    ask: z.infer<typeof askSchema>,
  ): Promise<NonNullable<AlertMessage['buttons']>> => {
    if (message.to !== undefined) return {}
    const config = options.config()
    const signed = await signForPeople({ db, config, key, ask, channel, nowMs: now() })
    if (!signed) return {}
    const { approve, deny, expiresS } = signed
    const row = {
      executionId: ask.execution,
      bytesHash: ask.bytesHash,
      expiresAt: new Date(expiresS * 1_000),
    }
    return {
      ...(approve.length > 0 && {
        approve: await make('approve', message, channel, { row, signed: approve }),
      }),
      ...(deny.length > 0 && { deny: await make('deny', message, channel, { row, signed: deny }) }),
    }
  }

  const buttonsFor = async (
    message: AlertMessage,
    channel: string,
  ): Promise<NonNullable<AlertMessage['buttons']>> => {
    const ask = askSchema.safeParse('ask' in message ? message.ask : undefined)
    if (ask.success) return askButtons(message, channel, ask.data)
    if (message.incident === null || !ASKS.has(message.change)) return {}
    return { acknowledge: await make('acknowledge', message, channel) }
  }

  const overTwilio = async (
    message: AlertMessage,
    channel: string,
    receiver: ReceiverConfig,
  ): Promise<AlertMessage> => {
    if (message.incident === null || !ASKS.has(message.change)) return message
    const reply = replyCode(message.incident)
    const { intake } = options.config()
    if (intake?.url === undefined || message.severity !== 'SEV1')
      return { ...message, buttons: { reply } }
    const secret = 'path' in receiver && receiver.path ? `/${receiver.path}` : ''
    const button = await make('acknowledge', message, channel)
    const base = intake.url.replace(/\/+$/, '')
    const call = `${base}/in/${receiver.name}${secret}?b=${button}`
    return { ...message, buttons: { reply, call } }
  }

  return async (message, channel) => {
    const config = options.config()
    const kind = config.channels.find(({ name }) => name === channel)?.kind ?? ''
    const receiver = receiverOf(config, kind)
    if (!receiver) return message
    try {
      if (kind === 'twilio') return await overTwilio(message, channel, receiver)
      if (!WITH_BUTTONS.has(kind)) return message
      const buttons = await buttonsFor(message, channel)
      return Object.keys(buttons).length > 0 ? { ...message, buttons } : message
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'A message leaves without its buttons.')
      return message
    }
  }
}
