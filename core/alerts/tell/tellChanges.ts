import type { AlertState, Change } from '../alertBook.ts'
import { noteTransition } from '../incident/flapping.ts'
import type { IncidentNote } from '../incident/noteIncident.ts'
import { everyone } from '../routeFinding.ts'
import type { AlertChange, AlertRow, IncidentRow, RoutingConfig } from '../types.ts'
import type { Told } from '../writeMessages.ts'
import type { Budget } from './budget.ts'
import { type ChangeFacts, type Decision, decideChange } from './decideChange.ts'
import type { HeldInsert } from './heldNotices.ts'
import type { TellContext } from './tellContext.ts'

/** What becomes of the changes of a batch. */
export type Telling = {
  readonly told: readonly Told[]
  readonly held: readonly HeldInsert[]
  /** Alerts for which nothing waits any more: told after all, or over before anybody was told. */
  readonly spoken: readonly string[]
  readonly over: readonly string[]
  readonly notes: readonly IncidentNote[]
  /** Incidents whose channels hear something now. */
  readonly toldIncidents: ReadonlySet<string>
  /** By incident: the alert upstream that holds one of its alerts back. */
  readonly inhibited: ReadonlyMap<string, string>
}

/** Who hears of a change: the channels that routes gave it and that still exist, else who hears of what nobody is named for. */
export const channelsOf = (
  config: RoutingConfig,
  change: Pick<Change, 'channels' | 'severity'>,
): readonly string[] => {
  const known = new Set(config.channels.map(({ name }) => name))
  const named = change.channels.filter((name) => known.has(name))
  return named.length > 0 ? named : everyone(config, change.severity)
}

const WORDS: Readonly<Record<string, string>> = {
  opened: 'opened',
  raised: 'is graver now',
  unknown: 'cannot be told now',
  resolved: 'resolved',
  retracted: 'taken back: its block is gone',
  reopened: 'is there again',
  flapping: 'comes and goes',
}

const noteOf = (
  row: AlertRow,
  change: Change,
  decision: Decision,
  options: { readonly isFirst: boolean; readonly now: Date; readonly channels: readonly string[] },
): IncidentNote => {
  const kind = change.kind === 'opened' && !options.isFirst ? 'joined' : change.kind
  const held = decision.kind === 'hold' ? decision : undefined
  const why = held
    ? ` People are not told yet: ${held.reason}${held.heldBy ? ` by ${held.heldBy}` : ''}.`
    : ''
  return {
    incidentId: row.incidentId ?? '',
    alertId: row.id,
    at: options.now,
    // The book of an alert brings forth no digest and no repetition.
    kind: kind === 'digest' || kind === 'repeated' || kind === 'answered' ? 'raised' : kind,
    text: `${change.severity} ${row.title}${row.thing ? ` (${row.thing})` : ''}: ${WORDS[change.kind] ?? change.kind}.${why}`,
    detail: {
      severity: change.severity,
      severityBefore: change.severityBefore,
      block: row.lastBlock,
      ...(held ? { held: held.reason, heldBy: held.heldBy } : { channels: [...options.channels] }),
    },
  }
}

/** Whether a change says that the alert came or went. */
const isTransition = (change: AlertChange): boolean => change !== 'raised'

const flap = (state: AlertState, context: TellContext, isFirst: boolean) => {
  const { row } = state
  // An end and a new beginning are two alerts of one key: they flap together.
  const before = state.isNew && isFirst ? (context.predecessorOf(row) ?? row) : row
  const next = noteTransition(
    { transitions: before.transitions, since: before.flappingSince },
    context.now,
    context.settings.flapping,
  )
  row.transitions = [...next.transitions]
  row.flappingSince = next.since
  return next
}

const lastToldAt = (row: AlertRow, context: TellContext): Date | null => {
  if (row.toldAt) return row.toldAt
  const before = context.predecessorOf(row)
  return before && before.severity <= row.severity ? before.toldAt : null
}

const ENDS: ReadonlySet<AlertChange> = new Set(['resolved', 'retracted'])
const BEGINNINGS: ReadonlySet<string> = new Set(['opened', 'reopened'])

/** The channels that take a change now, and those that wait: for their minute, or for their hours. */
const shareOf = (
  change: Change,
  as: AlertChange,
  options: {
    readonly asked: readonly string[]
    readonly resting: ReadonlyMap<string, Date>
    readonly budget: Budget
  },
) => {
  const { asked, budget } = options
  // That a page is called off is never put off.
  const resting = as === 'retracted' ? new Map<string, Date>() : options.resting
  const asleep = asked.filter((name) => resting.has(name))
  const share = budget.take(
    asked.filter((name) => !resting.has(name)),
    { severity: change.severity, change: as },
  )
  const wakeMs = Math.min(...asleep.map((name) => Number(resting.get(name))))
  if (share.later.length === 0 && asleep.length > 0)
    return { now: share.now, later: asleep, reason: 'hours' as const, dueAt: new Date(wakeMs) }
  return {
    now: share.now,
    later: [...share.later, ...asleep],
    reason: 'storm' as const,
    dueAt: share.dueAt,
  }
}

/** Decides about every change of a batch, in order, and says what to write. Changes the rows of `states` accordingly. */
export const tellChanges = (
  states: readonly { readonly state: AlertState; readonly changes: readonly Change[] }[],
  options: {
    readonly context: TellContext
    readonly budget: Budget
    readonly incidents: ReadonlyMap<string, IncidentRow>
    readonly created: ReadonlySet<string>
  },
): Telling => {
  const { context, budget } = options
  const { now, config, settings } = context
  const told: Told[] = []
  const held = new Map<string, HeldInsert>()
  const spoken = new Set<string>()
  const over = new Set<string>()
  const notes: IncidentNote[] = []
  const toldIncidents = new Map<string, Date>()
  const inhibited = new Map<string, string>()
  const begun = new Set<string>()
  for (const { state, changes } of states) {
    const { row } = state
    const incidentId = row.incidentId ?? row.id
    const spokenOf: Change[] = []
    const firstOrdinal = row.changes + 1
    let waiting = context.waitingOf(row.id)?.change as AlertChange | undefined
    for (const [index, change] of changes.entries()) {
      const flapping = isTransition(change.kind)
        ? flap(state, context, index === 0)
        : { since: row.flappingSince, began: false, transitions: row.transitions }
      const facts: ChangeFacts = {
        now,
        settings,
        change: change.kind,
        isBackFromReorg: change.kind === 'reopened' && change.statusBefore === 'retracted',
        severity: change.severity,
        isTold: row.toldAt !== null,
        waiting,
        lastToldAt: lastToldAt(row, context),
        ...context.hindrances({ ...row, severity: change.severity, status: change.status }),
        flapping: { ...flapping, lastAt: flapping.transitions.at(-1) ?? now.getTime() },
        incidentToldAt:
          toldIncidents.get(incidentId) ?? options.incidents.get(incidentId)?.toldAt ?? null,
      }
      const decision = decideChange(facts)
      const asked = channelsOf(config, change)
      const isFirst = options.created.has(incidentId) && !begun.has(incidentId)
      begun.add(incidentId)
      const base = {
        alertId: row.id,
        incidentId,
        change: change.kind as string,
        severity: change.severity,
        heldAt: now,
      }
      if (decision.kind === 'drop') {
        if (waiting !== undefined) over.add(row.id)
        held.delete(row.id)
        waiting = undefined
        notes.push(noteOf(row, change, decision, { isFirst, now, channels: [] }))
        continue
      }
      if (decision.kind === 'hold') {
        const keeps = waiting !== undefined && row.toldAt === null && change.kind === 'raised'
        held.set(row.id, {
          ...base,
          change: keeps ? (waiting ?? change.kind) : change.kind,
          reason: decision.reason,
          heldBy: decision.heldBy,
          dueAt: decision.dueAt,
          channels: [...asked],
        })
        over.delete(row.id)
        spoken.delete(row.id)
        waiting ??= change.kind
        if (decision.reason === 'inhibited') inhibited.set(incidentId, decision.heldBy)
        notes.push(noteOf(row, change, decision, { isFirst, now, channels: [] }))
        if (decision.reason === 'silenced' || decision.reason === 'inhibited')
          notes.push({
            incidentId,
            alertId: row.id,
            at: now,
            kind: decision.reason,
            text: `${row.title}: ${decision.reason} by ${decision.heldBy}.`,
            detail: { by: decision.heldBy, until: decision.dueAt?.toISOString() ?? null },
          })
        continue
      }
      const partly = held.get(row.id) ?? context.waitingOf(row.id)
      // These have heard nothing of it yet, though others have.
      const unheard =
        waiting !== undefined &&
        BEGINNINGS.has(waiting) &&
        (partly?.reason === 'hours' || partly?.reason === 'storm')
          ? (partly.channels ?? [])
          : []
      const isEnd = ENDS.has(change.kind)
      const share = shareOf(change, decision.as, {
        asked: isEnd ? asked.filter((name) => !unheard.includes(name)) : asked,
        resting: context.resting({ ...row, severity: change.severity }),
        budget,
      })
      if (share.later.length > 0) {
        const isFirstWord =
          change.kind === 'raised' && share.later.every((name) => unheard.includes(name))
        held.set(row.id, {
          ...base,
          change: isFirstWord ? (waiting ?? change.kind) : change.kind,
          reason: share.reason,
          heldBy: '',
          dueAt: share.dueAt,
          channels: [...share.later],
        })
        waiting ??= change.kind
      } else {
        if (waiting !== undefined) (unheard.length > 0 && isEnd ? over : spoken).add(row.id)
        held.delete(row.id)
        waiting = undefined
      }
      if (share.now.length > 0 || (asked.length === 0 && share.later.length === 0)) {
        const summary =
          decision.as === 'flapping'
            ? `It came and went ${row.transitions.length} times of late. You hear of it again when it has been stable for ${Math.round(settings.flapping.stableS / 60)} minutes. ${change.summary}`
            : change.summary
        spokenOf.push({ ...change, kind: decision.as, channels: share.now, summary })
        // A cooldown counts from when people heard that it is there.
        if (change.kind !== 'resolved' && change.kind !== 'retracted') row.toldAt = now
        toldIncidents.set(incidentId, now)
        if (decision.as === 'flapping')
          notes.push({ incidentId, alertId: row.id, at: now, kind: 'flapping', text: summary })
      }
      const shown: Decision =
        share.now.length === 0 && share.later.length > 0
          ? { kind: 'hold', reason: share.reason, heldBy: '', dueAt: share.dueAt }
          : decision
      notes.push(noteOf(row, change, shown, { isFirst, now, channels: share.now }))
    }
    row.changes += spokenOf.length
    told.push({ row, changes: spokenOf, firstOrdinal })
  }
  return {
    told,
    held: [...held.values()],
    spoken: [...spoken],
    over: [...over],
    notes,
    toldIncidents: new Set(toldIncidents.keys()),
    inhibited,
  }
}
