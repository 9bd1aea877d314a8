import { and, eq, isNull, sql } from 'drizzle-orm'
import {
  acknowledgeIncident,
  commentIncident,
  noteIncident,
  resolveIncident,
  unacknowledgeIncident,
} from '../alerts/index.ts'
import { cleanText, isTocsinError, messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Acknowledgement, HandleAcknowledgement } from '../intake/types.ts'
import { type Database, tables } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { answerByChat } from './answerByChat.ts'
import { buttonId, replyCode } from './buttons.ts'
import { listPagerdutyKeys } from './listPagerdutyKeys.ts'
import { hasRole, type Known, personAt, shownName } from './people.ts'
import { replaceButtons, type VendorUrls } from './replaceButtons.ts'
import { ringAgainLater } from './ringAgain.ts'

type ButtonRow = typeof tables.answerButton.$inferSelect
type Receiver = { readonly name: string; readonly kind: string }
type Done = { readonly isDone: boolean; readonly text: string; readonly button?: ButtonRow }

const no = (text: string, button?: ButtonRow): Done => ({
  isDone: false,
  text,
  ...(button ? { button } : {}),
})

export type AnswerOptions = {
  readonly db: Database
  readonly config: () => Config
  readonly log: Logger
  /** For tests: where vendors are. */
  readonly urls?: VendorUrls
  /** What PagerDuty's people close and still holds rings again after this long (ms). Default: 5 minutes. */
  readonly ringAgainMs?: number
}

const unknown = (receiver: Receiver, by: string): Done =>
  no(
    `Tocsin does not know who you are (${receiver.kind} ${cleanText(by, 60)}). An administrator can add it to \`onCall.people.<you>.accounts\`.`,
  )

const findButton = async (db: Database, button: string): Promise<ButtonRow | undefined> => {
  const [row] = await db
    .select()
    .from(tables.answerButton)
    .where(eq(tables.answerButton.id, buttonId(button)))
  return row
}

/** Marks a button as used; false when it was before. */
const useUp = async (db: Database, id: string, by: string): Promise<boolean> => {
  const { rowCount } = await db
    .update(tables.answerButton)
    .set({ usedAt: sql`now()`, usedBy: by })
    .where(and(eq(tables.answerButton.id, id), isNull(tables.answerButton.usedAt)))
  return (rowCount ?? 0) > 0
}

const press = async (
  options: AnswerOptions,
  event: Acknowledgement,
  receiver: Receiver,
  known: Known | undefined,
): Promise<Done> => {
  const { db } = options
  const button = event.detail?.['button'] ?? ''
  const row = await findButton(db, button)
  if (!row) return no('This button is none of ours, or its message is too old.')
  if (!known) return { ...unknown(receiver, event.by), button: row }
  if (+row.expiresAt <= event.atMs) return no('This button has expired.', row)
  const by = shownName(known)
  if (row.act === 'acknowledge') {
    if (!hasRole(known, 'responder') || row.incidentId === null)
      return no(`${by} may look, and not acknowledge.`, row)
    const result = await acknowledgeIncident(db, {
      incidentId: row.incidentId,
      by,
      via: row.channel,
    })
    await useUp(db, row.id, by)
    // That somebody else was first belongs in the place of the button as well.
    return { isDone: true, text: result.text, button: row }
  }
  if (row.usedAt) return no(`This button was used already, by ${row.usedBy}.`, row)
  const text = await answerByChat({
    db,
    config: options.config(),
    row,
    button,
    decision: row.act,
    who: known,
  })
  await useUp(db, row.id, by)
  return { isDone: true, text, button: row }
}

/** Incidents that a person was paged for and nobody has in hand, the last page first. */
const listPaged = async (db: Database, person: string): Promise<readonly string[]> => {
  const { rows } = await db.execute<{ id: string }>(sql`
    select i.id from tocsin.incident i join tocsin.oncall_page p on p.incident_id = i.id
    where p.person = ${person} and i.status = 'open' and i.acknowledged_at is null
    group by i.id order by max(p.at) desc limit 50`)
  return rows.map(({ id }) => id)
}

const answerSms = async (
  options: AnswerOptions,
  event: Acknowledgement,
  receiver: Receiver,
  known: Known | undefined,
  code: string,
): Promise<Done> => {
  const { db } = options
  if (!known) return unknown(receiver, event.by)
  if (!hasRole(known, 'responder')) return no(`${shownName(known)} may not acknowledge.`)
  const paged = await listPaged(db, known.key)
  const meant = code === 'last' ? paged : paged.filter((id) => replyCode(id) === code)
  const [incidentId, ...others] = meant
  if (incidentId === undefined) return no('No page of yours waits for an answer.')
  // Which of several was meant is not guessed: the wrong one would fall silent.
  if (others.length > 0)
    return no(
      `Several wait. Reply one of: ${meant
        .slice(0, 8)
        .map((id) => `ACK ${replyCode(id)}`)
        .join(', ')}.`,
    )
  const acted = await acknowledgeIncident(db, {
    incidentId,
    by: shownName(known),
    via: receiver.name,
  })
  return { isDone: acted.accepted, text: acted.text }
}

/** The alerts that a pager knows by its own keys, one of each incident. */
const findAlerts = async (db: Database, keys: readonly string[]): Promise<readonly string[]> => {
  // What follows is the round of the page.
  const known = keys.map((key) => key.replace(/\.\d{1,6}$/, ''))
  const { rows } = await db.execute<{ id: string }>(sql`
    select distinct on (coalesce(incident_id, id)) id from tocsin.alert
    where 'tocsin:' || encode(sha256(convert_to(id, 'UTF8')), 'hex') = any(${sql.param(known)}::text[])
      and (status in ('open', 'unknown') or opened_at > now() - interval '7 days')
    order by coalesce(incident_id, id), opened_at desc`)
  return rows.map(({ id }) => id)
}

/** By which keys PagerDuty knows what an answer is about: of alerts that it grouped, all. */
const keysOf = async (
  options: AnswerOptions,
  event: Acknowledgement,
  receiver: Receiver,
): Promise<readonly string[]> => {
  const key = 'dedupKey' in event.about ? event.about.dedupKey : ''
  const incident = event.detail?.['vendorIncident']
  const settings = options.config().intake?.receivers.find(({ name }) => name === receiver.name)
  if (settings?.kind !== 'pagerduty' || !settings.token || !incident) return [key]
  const { token, api: url } = settings
  try {
    return [key, ...(await listPagerdutyKeys({ incident, token, url }))]
  } catch (error) {
    // The first of them is better than none.
    options.log.warn(
      { receiver: receiver.name, error: messageOf(error) },
      'Alerts that PagerDuty grouped may be missed.',
    )
    return [key]
  }
}

const resolveUpstream = async (
  options: AnswerOptions,
  alertId: string,
  by: string,
  receiver: Receiver,
): Promise<Done> => {
  const { db } = options
  const result = await resolveIncident(db, {
    alertId,
    by,
    via: receiver.name,
    config: options.config(),
  })
  if (result.accepted || result.incident.status !== 'open')
    return { isDone: result.accepted, text: result.text }
  await noteIncident(db, {
    incidentId: result.incident.id,
    alertId,
    kind: 'comment',
    actor: by,
    channel: receiver.name,
    text: 'Resolved upstream, still firing: it rings again unless it ends.',
  })
  const { ringAgainMs = 300_000 } = options
  await ringAgainLater(db, {
    alertId,
    kind: receiver.kind,
    config: options.config(),
    afterMs: ringAgainMs,
  })
  return { isDone: true, text: 'Resolved upstream, still firing.' }
}

const actUpstream = async (
  options: AnswerOptions,
  event: Acknowledgement,
  receiver: Receiver,
  known: Known | undefined,
): Promise<Done> => {
  const meant = await findAlerts(options.db, await keysOf(options, event, receiver))
  const done: Done[] = []
  for (const alertId of meant)
    done.push(await actOnAlert(options, event, { receiver, known, alertId }))
  if (done.length === 0) return no('No alert of ours has this key.')
  const text = [...new Set(done.map((one) => one.text))].join(' ')
  return { isDone: done.some(({ isDone }) => isDone), text }
}

const actOnAlert = async (
  options: AnswerOptions,
  event: Acknowledgement,
  on: {
    readonly receiver: Receiver
    readonly known: Known | undefined
    readonly alertId: string
  },
): Promise<Done> => {
  const { db } = options
  const { receiver, known, alertId } = on
  // Who may act there is PagerDuty's to say; what is told is their name.
  const by = known ? shownName(known) : cleanText(event.detail?.['name'] ?? event.by, 80)
  const act = { alertId, by, via: receiver.name }
  switch (event.act) {
    case 'acknowledge': {
      const { accepted, text } = await acknowledgeIncident(db, act)
      return { isDone: accepted, text }
    }
    case 'unacknowledge': {
      const { accepted, text } = await unacknowledgeIncident(db, act)
      return { isDone: accepted, text }
    }
    case 'resolve':
      return resolveUpstream(options, alertId, by, receiver)
    case 'comment':
    case 'escalate': {
      const said = event.text ?? `${by} escalated it at ${receiver.kind}.`
      const { accepted, text } = await commentIncident(db, { ...act, text: said })
      return { isDone: accepted, text }
    }
  }
}

/**
 * What answers to pages do here: acknowledge, give back, resolve, comment, and, from a button made for it alone, approve
 * or deny. A stranger's button does nothing. The same answer twice does the same as once.
 */
export const createAnswerHandler = (options: AnswerOptions): HandleAcknowledgement => {
  const { db, log } = options

  const answer = async (event: Acknowledgement, receiver: Receiver): Promise<Done> => {
    const config = options.config()
    const known = config.onCall && personAt(config.onCall, receiver.kind, event.by)
    try {
      if (event.detail?.['button'] !== undefined)
        return await press(options, event, receiver, known)
      const key = 'dedupKey' in event.about ? event.about.dedupKey : ''
      const sms = /^sms:(\d{4}|last)$/.exec(key)?.[1]
      if (sms !== undefined) return await answerSms(options, event, receiver, known, sms)
      if (receiver.kind !== 'pagerduty') return no('Nothing was done.')
      return await actUpstream(options, event, receiver, known)
    } catch (error) {
      // What a person may not do, or does too late, is an answer; all else is asked again.
      if (!isTocsinError(error)) throw error
      return no(error.message)
    }
  }

  return async (event, receiver) => {
    const done = await answer(event, receiver)
    const { isDone, text } = done
    log.info(
      { receiver: receiver.name, by: event.by, act: event.act, isDone, text },
      'An answer came.',
    )
    const settings = options.config().intake?.receivers.find(({ name }) => name === receiver.name)
    const token = settings?.kind === 'telegram' ? settings.token : undefined
    // A courtesy that the vendor's patience need not wait for.
    replaceButtons({
      db,
      event,
      button: done.button,
      isDone,
      text,
      vendor: receiver.kind,
      token,
      urls: options.urls,
    }).catch((error: unknown) =>
      log.warn({ receiver: receiver.name, error: messageOf(error) }, 'Buttons were not replaced.'),
    )
    return { text: isDone && receiver.kind === 'discord' ? `✓ ${text}` : text }
  }
}
