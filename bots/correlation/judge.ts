import type { Note } from './ledger.ts'
import type { CorrelationParameters } from './parameters.ts'

const within = (notes: readonly Note[], nowS: number, spanS: number): readonly Note[] =>
  notes.filter(({ timestampS }) => nowS - timestampS <= spanS)

/** Bots that see the same have the same signal; an alert that is named itself goes with its own group. */
const signalOf = ({ bot, alert }: Note, { sameSignal }: CorrelationParameters): string => {
  const own = sameSignal.findIndex((names) => names.includes(alert))
  const group = own < 0 ? sameSignal.findIndex((names) => names.includes(bot)) : own
  return group < 0 ? bot : `group ${group}`
}

/** Whether another bot of its group that comes first tells of the same thing. */
const isEcho = (note: Note, notes: readonly Note[], { sameThing }: CorrelationParameters) =>
  sameThing.some((bots) => {
    const place = bots.indexOf(note.bot)
    return notes.some(
      ({ bot, thing }) => thing === note.thing && bots.includes(bot) && bots.indexOf(bot) < place,
    )
  })

/** The notes of an incident, amplifiers among them; undefined while too few signals agree. */
export const judgeIncident = (
  notes: readonly Note[],
  nowS: number,
  parameters: CorrelationParameters,
): { readonly notes: readonly Note[]; readonly signals: number } | undefined => {
  const recent = within(notes, nowS, parameters.windowS)
  const counted = recent.filter(({ bot }) => !parameters.amplifiers.includes(bot))
  const heard = counted.filter((note) => !isEcho(note, counted, parameters))
  const signals = new Set(heard.map((note) => signalOf(note, parameters))).size
  return signals >= parameters.warnings ? { notes: recent, signals } : undefined
}

/** Change of control and outflow, in either order. */
export const judgePause = (
  notes: readonly Note[],
  nowS: number,
  { pauseWindowS }: CorrelationParameters,
): readonly Note[] | undefined => {
  const recent = within(notes, nowS, pauseWindowS).filter(({ role }) => role !== 'other')
  const isBoth = new Set(recent.map(({ role }) => role)).size === 2
  return isBoth ? recent : undefined
}
