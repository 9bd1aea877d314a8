import { backoffMs, createLoop, messageOf } from '../base/index.ts'
import type { Database } from '../store/index.ts'
import { type Logger, recordSelfFinding } from '../telemetry/index.ts'
import type { Endpoint, Outcome } from './createEndpoint.ts'
import { readEvents } from './events.ts'
import type { SessionLocks } from './sessionLocks.ts'
import {
  disableSubscription,
  endReplay,
  type OpenReplay,
  postpone,
  readReplay,
  readState,
  type Sent,
  settle,
  skipTo,
} from './subscriptionStore.ts'
import type { FindingEvent } from './types.ts'

export type SubscriptionWorker = {
  readonly wake: () => void
  /** Why nothing is delivered now; empty when it is. */
  readonly trouble: () => string
  /** Waits for the request in hand. */
  readonly stop: () => Promise<void>
}

export type DeliveryResult = 'delivered' | 'retry' | 'refused' | 'dead' | 'gone'

const BATCH = 200
/** A refusal may be a mistake that somebody is mending: only after so many is an event given up. */
const MAX_REFUSALS = 5
const MAX_BACKOFF_MS = 300_000

/**
 * Serves one webhook subscriber, for ever: one request at a time, in the order of events, the next only after the one
 * before it is settled. What is to be sent once more waits until nothing live is due.
 */
export const serveSubscription = (options: {
  readonly name: string
  readonly db: Database
  readonly locks: SessionLocks
  readonly endpoint: Endpoint
  readonly matches: (event: FindingEvent) => boolean
  readonly log: Logger
  readonly giveUpAfterMs: number
  readonly onResult?: (result: DeliveryResult, seconds: number) => void
  /** First pause after a failure (ms). Default: 1000. */
  readonly backoffBaseMs?: number
}): SubscriptionWorker => {
  const { db, name, endpoint } = options
  const baseMs = options.backoffBaseMs ?? 1_000
  const log = options.log.child({ subscription: name })
  const stopping = new AbortController()
  const { signal } = stopping
  let trouble = ''
  /** Refusals of the event that is next, since this process began. */
  let refused = { seq: 0, times: 0 }

  const giveUp = async (sent: Sent, reason: string): Promise<boolean> => {
    log.error({ event: sent.event.id, reason }, 'An event was given up.')
    return db.transaction(async (tx) => {
      if (!(await settle(tx, sent, 'dead', reason))) return false
      await recordSelfFinding(tx, {
        alertId: 'SUBSCRIPTION-DEAD',
        name: `Subscriber ${name} misses events`,
        description: `Events for subscriber ${name} were given up: ${reason}. \`tocsin subscriptions replay\` sends them once more.`,
        severity: 'Medium',
        uniqueKey: `${name}:${new Date().toISOString().slice(0, 10)}`,
      })
      return true
    })
  }

  const disable = async (reason: string): Promise<void> => {
    log.error({ reason }, 'The subscription is disabled.')
    await db.transaction(async (tx) => {
      await disableSubscription(tx, name, reason)
      await recordSelfFinding(tx, {
        alertId: 'SUBSCRIPTION-DISABLED',
        name: `Subscriber ${name} wants nothing any more`,
        description: `Subscriber ${name} answered 410 Gone and gets nothing until somebody says \`tocsin subscriptions enable ${name}\`.`,
        severity: 'Medium',
        uniqueKey: `${name}:${new Date().toISOString()}`,
      })
    })
  }

  /** Answers whether the event is settled. */
  const conclude = async (sent: Sent, outcome: Outcome, failures: number): Promise<boolean> => {
    switch (outcome.kind) {
      case 'delivered':
        if (trouble) log.info('The subscriber is reached again.')
        trouble = ''
        return settle(db, sent, 'delivered', null)
      case 'unfit':
        return skipTo(db, { ...sent, to: sent.event.seq })
      case 'gone':
        trouble = outcome.reason
        await disable(outcome.reason)
        return false
      case 'refused':
      case 'retry': {
        const { reason } = outcome
        if (!trouble) log.warn({ reason }, 'The subscriber does not take what it is sent.')
        trouble = reason
        const { seq } = sent.event
        if (outcome.kind === 'refused')
          refused = { seq, times: refused.seq === seq ? refused.times + 1 : 1 }
        const isOld = Date.now() - sent.event.at.getTime() > options.giveUpAfterMs
        if ((refused.seq === seq && refused.times >= MAX_REFUSALS) || isOld)
          return giveUp(sent, reason)
        const wish = outcome.kind === 'retry' ? (outcome.afterMs ?? 0) : 0
        await postpone(
          db,
          sent,
          Math.max(wish, backoffMs(failures, baseMs, MAX_BACKOFF_MS)),
          reason,
        )
        return false
      }
    }
  }

  const send = async (
    event: FindingEvent,
    replay: number,
    from: number,
    failures: number,
  ): Promise<boolean> => {
    const began = performance.now()
    const outcome = await endpoint.send(event, { isReplay: replay > 0, signal })
    if (signal.aborted && outcome.kind === 'retry') return false
    const tookMs = performance.now() - began
    const httpStatus = 'status' in outcome ? (outcome.status ?? null) : null
    const sent: Sent = { name, event, replay, from, tookMs, httpStatus }
    const settled = await conclude(sent, outcome, failures)
    if (outcome.kind !== 'unfit')
      options.onResult?.(
        settled && outcome.kind !== 'delivered' ? 'dead' : outcome.kind,
        tookMs / 1e3,
      )
    return settled
  }

  /** Goes through events until one must wait. Answers where it stands, undefined when it must stop here. */
  const pass = async (
    events: readonly FindingEvent[],
    start: { readonly cursor: number; readonly replay: number; readonly failures: number },
  ): Promise<number | undefined> => {
    const { replay, failures } = start
    let [cursor, saved] = [start.cursor, start.cursor]
    for (const event of events) {
      if (signal.aborted) return undefined
      if (!options.matches(event)) {
        cursor = event.seq
        continue
      }
      if (cursor !== saved) {
        if (!(await skipTo(db, { name, replay, from: saved, to: cursor }))) return undefined
        saved = cursor
      }
      if (!(await send(event, replay, saved, failures))) return undefined
      cursor = event.seq
      saved = cursor
    }
    if (cursor !== saved && !(await skipTo(db, { name, replay, from: saved, to: cursor })))
      return undefined
    return cursor
  }

  const passReplay = async (replay: OpenReplay, failures: number): Promise<boolean> => {
    const { id, from, to, cursor } = replay
    const events = await readEvents(db, { after: cursor, limit: 20, between: { from, to } })
    if (events.length === 0) {
      await endReplay(db, id)
      log.info({ replay: id }, 'The replay is through.')
      return true
    }
    return (await pass(events, { cursor, replay: id, failures })) !== undefined
  }

  const loop = createLoop(
    async () => {
      while (!signal.aborted) {
        if (!(await options.locks.hold(name))) return
        const state = await readState(db, name)
        if (state?.status === 'disabled') trouble = state.reason ?? 'disabled'
        if (!state || state.status === 'disabled' || state.waitMs > 0) return
        const { cursor, failures } = state
        const events = await readEvents(db, { after: cursor, limit: BATCH })
        if (events.length > 0) {
          if ((await pass(events, { cursor, replay: 0, failures })) === undefined) return
          continue
        }
        const replay = await readReplay(db, name)
        if (!replay || !(await passReplay(replay, failures))) return
      }
    },
    {
      pauseMs: Math.min(500, baseMs),
      onError: (error) => log.warn({ error: messageOf(error) }, 'The subscription waits.'),
    },
  )
  return {
    wake: loop.wake,
    trouble: () => trouble,
    stop: async () => {
      stopping.abort()
      await loop.stop()
      endpoint.stop()
    },
  }
}
