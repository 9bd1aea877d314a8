import type { Sev } from '../../base/index.ts'
import type { IncidentSettings } from '../incident/incidentSettings.ts'
import type { AlertChange } from '../types.ts'

export type HoldReason =
  | 'silenced'
  | 'inhibited'
  | 'grouped'
  | 'cooldown'
  | 'flapping'
  | 'storm'
  /** Its routes tell in certain hours alone. */
  | 'hours'

/** What is to become of a change of an alert. */
export type Decision =
  | { readonly kind: 'tell'; readonly as: AlertChange }
  | {
      readonly kind: 'hold'
      readonly reason: HoldReason
      /** Of the silence or the alert upstream, or the words of a maintenance window. */
      readonly heldBy: string
      /** Null: when what holds it back ends. */
      readonly dueAt: Date | null
    }
  /** Nobody was told of its beginning, so nobody is told of its end. */
  | { readonly kind: 'drop' }

export type ChangeFacts = {
  readonly now: Date
  readonly settings: IncidentSettings
  readonly change: AlertChange
  /** What the change was before: a block that comes back is told at once. */
  readonly isBackFromReorg: boolean
  readonly severity: Sev
  /** Whether the channels know of this alert. */
  readonly isTold: boolean
  /** The change that waits to be told already. */
  readonly waiting: AlertChange | undefined
  /** When the same thing was last told at least as grave. */
  readonly lastToldAt: Date | null
  readonly silence: { readonly id: string; readonly until: Date } | undefined
  readonly maintenance: { readonly reason: string; readonly until: Date } | undefined
  /** Alert upstream that explains this one. */
  readonly cause: string | undefined
  readonly flapping: {
    readonly since: Date | null
    readonly began: boolean
    readonly lastAt: number
  }
  /** When the channels last heard of the incident; null: never. */
  readonly incidentToldAt: Date | null
}

const later = (from: Date | number, s: number): Date => new Date(Number(from) + s * 1_000)

const decideEnd = (facts: ChangeFacts): Decision => {
  if (!facts.isTold) return { kind: 'drop' }
  const { flapping, settings } = facts
  if (flapping.since && facts.change === 'resolved') {
    const dueAt = later(flapping.lastAt, settings.flapping.stableS)
    return { kind: 'hold', reason: 'flapping', heldBy: '', dueAt }
  }
  return { kind: 'tell', as: facts.change }
}

const cooldownEnd = (facts: ChangeFacts): Date | undefined => {
  const { lastToldAt, settings, severity } = facts
  if (!lastToldAt || facts.change === 'raised' || facts.isBackFromReorg) return undefined
  const end = later(lastToldAt, settings.cooldownS[severity])
  return end > facts.now ? end : undefined
}

const groupEnd = (facts: ChangeFacts): Date | undefined => {
  const { incidentToldAt, settings, severity } = facts
  if (!incidentToldAt || facts.isTold) return undefined
  const end = later(incidentToldAt, settings.groupWaitS[severity])
  return end > facts.now ? end : undefined
}

/**
 * Whether people are told of a change now, later, or not at all. In this order: an end is told to whoever heard of the
 * beginning; silences and maintenance; a SEV1 leaves at once, unless the same was told seconds ago; flapping; then what something upstream explains, what
 * became graver, cooldown and grouping.
 */
export const decideChange = (facts: ChangeFacts): Decision => {
  const { change, flapping, settings, waiting } = facts
  if (change === 'resolved' || change === 'retracted') return decideEnd(facts)
  // Nobody heard of it yet, so for people this is the beginning.
  const as = change === 'raised' && waiting !== undefined && !facts.isTold ? waiting : change
  if (facts.silence) {
    const { id, until } = facts.silence
    return { kind: 'hold', reason: 'silenced', heldBy: id, dueAt: until }
  }
  if (facts.maintenance) {
    const { reason, until } = facts.maintenance
    return { kind: 'hold', reason: 'silenced', heldBy: reason, dueAt: until }
  }
  const cooldown = cooldownEnd(facts)
  const cooling: Decision | undefined = cooldown && {
    kind: 'hold',
    reason: 'cooldown',
    heldBy: '',
    dueAt: cooldown,
  }
  // Whoever can make a contract flap must not be able to hold a page back for longer than its own cooldown.
  if (facts.severity === 'SEV1') return cooling ?? { kind: 'tell', as }
  if (flapping.began) return { kind: 'tell', as: 'flapping' }
  if (flapping.since && change !== 'raised') {
    const dueAt = later(flapping.lastAt, settings.flapping.stableS)
    return { kind: 'hold', reason: 'flapping', heldBy: '', dueAt }
  }
  if (facts.cause !== undefined)
    return { kind: 'hold', reason: 'inhibited', heldBy: facts.cause, dueAt: null }
  if (change === 'raised' && facts.isTold) return { kind: 'tell', as }
  if (cooling) return cooling
  const group = groupEnd(facts)
  if (group) return { kind: 'hold', reason: 'grouped', heldBy: '', dueAt: group }
  return { kind: 'tell', as }
}
