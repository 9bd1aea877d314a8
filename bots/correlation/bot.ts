import { type BotAlert, defineBot, EVERY_KIND, type Finding } from 'tocsin'
import { judgeIncident, judgePause } from './judge.ts'
import {
  addNote,
  type CorrelationContext,
  type Ledger,
  type Note,
  noteOf,
  subjectOf,
  type Told,
} from './ledger.ts'
import { correlationParameters } from './parameters.ts'
import { reportIncident, reportPause } from './report.ts'

/**
 * Whether it is to be told. While it goes on it is one and the same; in the block in which it is told it is told again,
 * as the same finding, with all that the block still brings.
 */
const follow = (
  ctx: CorrelationContext,
  evidence: readonly Note[] | undefined,
  told: Told | undefined,
  spanS: number,
): { readonly isTold: boolean; readonly told: Told | undefined } => {
  if (!evidence) return { isTold: false, told }
  const { number, timestampS } = ctx.block
  const isNew = !told || timestampS > told.untilS
  const isFuller = told?.block === number && evidence.length > told.notes
  const block = isNew ? number : told.block
  return {
    isTold: isNew || isFuller,
    told: { untilS: timestampS + spanS, block, notes: evidence.length },
  }
}

const examine = (alert: BotAlert, ctx: CorrelationContext): readonly Finding[] => {
  const subject = subjectOf(alert)
  const note = subject && noteOf(ctx, alert, subject.key)
  if (!note) return []
  const { parameters, state } = ctx
  const nowS = ctx.block.timestampS
  const ledger = state.get<Ledger>(subject.key)
  const notes = addNote(ledger?.notes ?? [], note, parameters)
  const isAmplifier = parameters.amplifiers.includes(note.bot)
  const incident = isAmplifier ? undefined : judgeIncident(notes, nowS, parameters)
  const pause = note.role === 'other' ? undefined : judgePause(notes, nowS, parameters)
  const first = follow(ctx, incident?.notes, ledger?.incident, parameters.windowS)
  const second = follow(ctx, pause, ledger?.pause, parameters.pauseWindowS)
  state.set(subject.key, {
    notes,
    ...(first.told ? { incident: first.told } : {}),
    ...(second.told ? { pause: second.told } : {}),
  } satisfies Ledger)
  return [
    ...(incident && first.isTold ? [reportIncident(ctx, subject, incident)] : []),
    ...(pause && second.isTold ? [reportPause(ctx, subject, pause)] : []),
  ]
}

/**
 * What single findings do not say: that they belong together. It looks at nothing of the chain itself. State: at most 64
 * short notes for each protocol, owner or thing of the watchlist, some 25 KiB each.
 */
export const correlation = defineBot({
  id: 'correlation',
  version: '1.0.0',
  summary:
    'Several bots warn of one protocol within minutes, or control changes and value leaves within the hour.',
  parameters: correlationParameters,
  kinds: EVERY_KIND,
  alerts: [
    {
      id: 'CORRELATED-INCIDENT',
      title: 'Independent warnings on one protocol',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'PAUSE-CANDIDATE',
      title: 'Change of control plus outflow',
      kind: 'event',
      severity: 'Critical',
    },
  ],
  needs: ({ parameters }) => ({ alerts: [{ minSeverity: parameters.minSeverity }] }),
  handleAlert: examine,
})
