import type { PingAnswer } from './ping.ts'

export type DeadManConfig = {
  readonly style: 'healthchecks' | 'plain'
  readonly everyS: number
}

export type DeadManState = {
  readonly lastPingAt: Date | undefined
  readonly lastError: string
  /** Calls that failed, one after another. */
  readonly missed: number
  /** Why it was not told that all is well; empty when it was. */
  readonly withheld: readonly string[]
}

/**
 * The dead man's switch: whoever is outside hears from us while all is well and rings when it does not. Called after a
 * round trip to Postgres that brought `reasons`, never by a timer of its own: what cannot look must not say that all is
 * well. The path is put behind the URL; a `plain` receiver hears nothing but that all is well.
 */
export const createDeadMan = (options: {
  readonly ping: (path: '' | '/start' | '/fail', body: string) => Promise<PingAnswer>
}): {
  readonly turn: (now: Date, config: DeadManConfig, reasons: readonly string[]) => Promise<void>
  readonly state: () => DeadManState
} => {
  let state: DeadManState = { lastPingAt: undefined, lastError: '', missed: 0, withheld: [] }
  let calledAt = -Infinity
  let started = false
  let wasWell = true

  const call = async (path: '' | '/start' | '/fail', body: string, now: Date): Promise<void> => {
    const answer = await options.ping(path, body)
    state = answer.ok
      ? { ...state, lastPingAt: now, lastError: '', missed: 0 }
      : { ...state, lastError: answer.reason, missed: state.missed + 1 }
  }
  return {
    state: () => state,
    turn: async (now, config, reasons) => {
      const isWell = reasons.length === 0
      state = { ...state, withheld: reasons }
      const speaks = config.style === 'healthchecks'
      if (!started) {
        started = true
        if (speaks) await call('/start', '', now)
      }
      // A failed call is made up for soon; what goes wrong is told at once.
      const everyMs = state.missed > 0 ? Math.min(config.everyS, 10) * 1_000 : config.everyS * 1_000
      const isNews = !isWell && wasWell
      if (!isNews && now.getTime() - calledAt < everyMs) return
      calledAt = now.getTime()
      wasWell = isWell
      if (isWell) await call('', '', now)
      else if (speaks) await call('/fail', reasons.join('\n').slice(0, 2_000), now)
    },
  }
}
