/** What is known about Tocsin itself at one moment, all by the clock of the database. */
export type Facts = {
  readonly now: Date
  readonly processes: readonly {
    readonly name: string
    readonly status: 'starting' | 'ok' | 'degraded' | 'stopped' | 'failed'
    readonly reason: string
    readonly heartbeatAt: Date
  }[]
  readonly chains: readonly {
    readonly name: string
    readonly number: number
    readonly head: number
    /** When the last block was committed. */
    readonly progressAt: Date
    readonly blockTimeMs: number
  }[]
  readonly channels: readonly {
    readonly name: string
    readonly pending: number
    readonly oldestS: number
    /** Age of the oldest SEV1 that waits. */
    readonly oldestPageS: number
  }[]
  /** Age of the oldest finding that no notifier has folded. */
  readonly oldestUnfoldedS: number
  readonly canary:
    | { readonly channel: string; readonly travellingS: number; readonly isLost: boolean }
    | undefined
  /** Calls of the dead man's switch that failed, one after another. */
  readonly missedPings: number
}

export type Limits = {
  readonly silence: { readonly blocks: number; readonly leastS: number }
  readonly lagBlocks: number
  readonly outbox: { readonly oldestS: number; readonly pending: number }
  readonly canaryLateS: number
  /** A signer is part of this installation. */
  readonly hasSigner: boolean
}

/** Something that is wrong with Tocsin and lasts. */
export type Problem = {
  readonly alertId: string
  /** What it is about: of one alertId each is an alert of its own. */
  readonly key: string
  readonly name: string
  readonly description: string
  readonly severity: 'Critical' | 'High' | 'Medium'
  /** The dead man's switch must not be told that all is well. */
  readonly isFatal: boolean
  /** The channel that it is about: others tell of it. */
  readonly avoid?: string
  /** The usual way is what does not work: told by the alarm channel directly. */
  readonly isDirect?: boolean
}

/** A process that said nothing for so long is lost (s): supervised ones have been started again by then. */
const LOST_AFTER_S = 30
/** Findings wait no longer than this for a notifier that works (s). */
const UNFOLDED_S = 60
/** A page that waits longer makes the notifier one that does not drain (s). */
const PAGE_LATE_S = 120
const MISSED_PINGS = 3

const secondsSince = (at: Date, now: Date): number =>
  Math.max(0, Math.round((now.getTime() - at.getTime()) / 1_000))

const judgeProcesses = ({ processes, now }: Facts): Problem[] =>
  processes.flatMap(({ name, status, heartbeatAt }) => {
    const silentS = secondsSince(heartbeatAt, now)
    if (status === 'stopped' || silentS <= LOST_AFTER_S) return []
    const isWatcher = name === 'watcher'
    return [
      {
        alertId: 'PROCESS-LOST',
        key: name,
        name: `The ${name} gives no sign of life`,
        description: isWatcher
          ? `Its last heartbeat is ${silentS} s old. Nothing is watched until it runs again.`
          : `Its last heartbeat is ${silentS} s old.`,
        severity: isWatcher ? ('Critical' as const) : ('High' as const),
        isFatal: isWatcher || name === 'signer',
      },
    ]
  })

const judgeChains = ({ chains, now }: Facts, limits: Limits): Problem[] =>
  chains.flatMap(({ name, number, head, progressAt, blockTimeMs }): Problem[] => {
    const silentS = secondsSince(progressAt, now)
    const limitS = Math.max(limits.silence.leastS, (limits.silence.blocks * blockTimeMs) / 1_000)
    if (silentS > limitS)
      return [
        {
          alertId: 'CHAIN-SILENT',
          key: name,
          name: `No block of ${name} comes through`,
          description: `The last one, ${number}, was processed ${silentS} s ago; ${Math.round(blockTimeMs / 1_000)} s is usual.`,
          severity: 'High',
          isFatal: true,
        },
      ]
    const lag = head - number
    if (lag <= limits.lagBlocks) return []
    return [
      {
        alertId: 'CHAIN-LAGGING',
        key: name,
        name: `${name} is watched too late`,
        description: `Block ${number} is the newest that was processed, ${head} the newest there is.`,
        severity: 'High',
        isFatal: true,
      },
    ]
  })

const judgeChannels = (facts: Facts, limits: Limits): Problem[] =>
  facts.channels.flatMap(({ name, pending, oldestS }): Problem[] => {
    if (oldestS <= limits.outbox.oldestS && pending <= limits.outbox.pending) return []
    return [
      {
        alertId: 'OUTBOX-GROWING',
        key: name,
        name: `Messages to channel ${name} pile up`,
        description: `${pending} messages wait, the oldest for ${Math.round(oldestS)} s.`,
        severity: 'High',
        isFatal: false,
        avoid: name,
      },
    ]
  })

const judgeCanary = ({ canary }: Facts, limits: Limits): Problem[] => {
  if (!canary || (!canary.isLost && canary.travellingS <= limits.canaryLateS)) return []
  return [
    {
      alertId: 'CANARY-LATE',
      key: canary.channel,
      name: `The canary does not reach channel ${canary.channel}`,
      description: canary.isLost
        ? `Channel ${canary.channel} refused it. Whatever else is sent there may not arrive either.`
        : `It left ${Math.round(canary.travellingS)} s ago and did not arrive. Findings may not reach people.`,
      severity: 'High',
      isFatal: true,
      avoid: canary.channel,
    },
  ]
}

const judgeNotifier = (facts: Facts): Problem[] => {
  const found: Problem[] = []
  if (facts.oldestUnfoldedS > UNFOLDED_S)
    found.push({
      alertId: 'FINDINGS-UNFOLDED',
      key: 'notifier',
      name: 'Findings do not become alerts',
      description: `The oldest waits for ${Math.round(facts.oldestUnfoldedS)} s. Look at the findings: \`tocsin findings\`.`,
      severity: 'Critical',
      isFatal: true,
      isDirect: true,
    })
  if (facts.missedPings >= MISSED_PINGS)
    found.push({
      alertId: 'HEARTBEAT-UNHEARD',
      key: 'dead-man',
      name: "The dead man's switch cannot be reached",
      description: `${facts.missedPings} calls in a row failed: it will ring although all may be well, and nobody outside watches.`,
      severity: 'Medium',
      isFatal: false,
    })
  return found
}

/** Everything that is wrong at a moment. A pure function: the same facts give the same problems. */
export const findProblems = (facts: Facts, limits: Limits): readonly Problem[] => [
  ...judgeNotifier(facts),
  ...judgeProcesses(facts),
  ...judgeChains(facts, limits),
  ...judgeChannels(facts, limits),
  ...judgeCanary(facts, limits),
]

/**
 * Why the dead man's switch must not be told that all is well; empty when it may: the watcher's heads are fresh, the
 * notifier drains, the signer is ready.
 */
export const listReasons = (
  facts: Facts,
  problems: readonly Problem[],
  hasSigner: boolean,
): readonly string[] => {
  const reasons = problems.filter(({ isFatal }) => isFatal).map(({ name }) => name)
  const of = (name: string) => facts.processes.find((row) => row.name === name)
  for (const name of hasSigner ? ['watcher', 'signer'] : ['watcher']) {
    const status = of(name)?.status
    if (status === undefined) reasons.push(`The ${name} has never run`)
    else if (status === 'stopped' || status === 'failed') reasons.push(`The ${name} is ${status}`)
    else if (name === 'signer' && status === 'degraded') reasons.push('The signer is not ready')
  }
  for (const { name, oldestPageS } of facts.channels)
    if (oldestPageS > PAGE_LATE_S) reasons.push(`A page to channel ${name} waits`)
  return reasons
}
