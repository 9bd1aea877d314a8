import { type Address, type BotAlert, type BotContext, cleanText, type Hex } from 'tocsin'
import type { CorrelationParameters } from './parameters.ts'

export type CorrelationContext = BotContext<CorrelationParameters>

/** What is kept of a finding. */
export type Note = {
  readonly id: string
  readonly bot: string
  readonly alert: string
  readonly name: string
  readonly severity: string
  readonly thing: string | null
  readonly tx: Hex | null
  readonly block: number
  readonly timestampS: number
  readonly role: 'change' | 'outflow' | 'other'
}

/** What was told, and until when (block time) it is not told again. */
export type Told = {
  readonly untilS: number
  readonly block: number
  /** How much it stood on. */
  readonly notes: number
}

/** What is known of one protocol. */
export type Ledger = {
  readonly notes: readonly Note[]
  readonly incident?: Told
  readonly pause?: Told
}

/** Newest notes that are kept of one bot, and of all. A note is short: some 400 bytes. */
const NOTES_PER_BOT = 4
const NOTES = 64

/** Whose it is: the protocol, else the owner, else the thing alone. Undefined where a finding names none. */
export const subjectOf = (
  alert: Pick<BotAlert, 'protocol' | 'owner' | 'thing'>,
): { readonly key: string; readonly name: string } | undefined => {
  const [kind, name] = alert.protocol
    ? (['protocol', alert.protocol] as const)
    : alert.owner
      ? (['owner', alert.owner] as const)
      : (['thing', alert.thing ?? ''] as const)
  const clean = cleanText(name, 100)
  return clean === '' ? undefined : { key: `${kind}:${clean}`, name: clean }
}

/** Set-up is no warning: whoever deploys changes owners and moves money. */
const isSetUp = ({ metadata }: BotAlert): boolean => (metadata['setUp'] ?? 'no') !== 'no'

/** A single transfer is an outflow when it leaves an address of the same protocol. */
const isOut = (ctx: CorrelationContext, alert: BotAlert, subject: string): boolean => {
  const { from, direction } = alert.metadata
  if (direction !== undefined) return direction === 'out'
  if (from === undefined) return true
  const source = ctx.thingAt(from as Address)
  if (!source || source.kind === 'label') return false
  const { name: thing, owner = null, protocol = null } = source
  return subjectOf({ thing, owner, protocol })?.key === subject
}

/** A finding as it counts; undefined where it never does. */
export const noteOf = (
  ctx: CorrelationContext,
  alert: BotAlert,
  subject: string,
): Note | undefined => {
  const { ignoreAlerts, changeAlerts, outflowAlerts } = ctx.parameters
  const { alertId, condition } = alert
  if (isSetUp(alert) || ignoreAlerts.includes(alertId)) return undefined
  if (condition === 'ended' || condition === 'unknown') return undefined
  const isOutflow = outflowAlerts.includes(alertId) && isOut(ctx, alert, subject)
  return {
    id: alert.id,
    bot: alert.botId,
    alert: alertId,
    name: cleanText(alert.name, 120),
    severity: alert.severity,
    thing: alert.thing,
    tx: alert.txHash,
    block: ctx.block.number,
    timestampS: ctx.block.timestampS,
    role: changeAlerts.includes(alertId) ? 'change' : isOutflow ? 'outflow' : 'other',
  }
}

/** The notes with one more: the newest of each bot, alert and thing, none older than any rule looks back. */
export const addNote = (
  notes: readonly Note[],
  note: Note,
  { windowS, pauseWindowS }: CorrelationParameters,
): readonly Note[] => {
  const oldestS = note.timestampS - Math.max(windowS, pauseWindowS)
  const counts = new Map<string, number>()
  const kept = [note]
  for (const one of [...notes].reverse()) {
    const isSame = kept.some(
      ({ bot, alert, thing, role }) =>
        bot === one.bot && alert === one.alert && thing === one.thing && role === one.role,
    )
    const count = (counts.get(one.bot) ?? (one.bot === note.bot ? 1 : 0)) + 1
    if (isSame || one.timestampS < oldestS || count > NOTES_PER_BOT || kept.length >= NOTES)
      continue
    counts.set(one.bot, count)
    kept.push(one)
  }
  return kept.reverse()
}
