import { setMaxListeners } from 'node:events'
import { backoffMs, createLoop, messageOf, sleep } from '../base/index.ts'
import type { Database } from '../store/index.ts'
import { type Logger, recordSelfFinding } from '../telemetry/index.ts'
import type { DeliveryOutcome } from './notifierMetrics.ts'
import { type Claimed, claimMessages, markDead, markForRetry, markSent } from './outbox.ts'
import type { Presence } from './presence.ts'
import type { Channel, SendResult } from './types.ts'

export type ChannelWorker = {
  readonly wake: () => void
  /** Why the channel does not deliver now; empty when it does. */
  readonly trouble: () => string
  readonly sent: () => number
  /** Waits for the messages that are under way. */
  readonly stop: () => Promise<void>
}

/** Messages of different incidents that are under way at once. */
const PARALLEL = 96
/** The same with those that were sent and are not marked yet. */
const MOST = 256
/** While there is a backlog, so many are fetched at once, not one by one. */
const FETCH = 48
/** While there is a backlog, deliveries of so many milliseconds are marked by one commit. */
const GATHER_MS = 6
/** A refusal may be a mistake that somebody is mending: only after so many is a message given up. */
const MAX_REFUSALS = 5
const MAX_BACKOFF_MS = 60_000

type Marker = { readonly mark: (seq: number) => Promise<void> }

/** Marks what comes while the database is busy with the last ones, or within `gatherMs`, all at once. */
const createMarker = (
  write: (seqs: readonly number[]) => Promise<void>,
  gatherMs: () => number,
): Marker => {
  let waiting: number[] = []
  let next: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()
  const flush = async (): Promise<void> => {
    const pauseMs = gatherMs()
    await Promise.all([last.catch(() => undefined), pauseMs > 0 ? sleep(pauseMs) : undefined])
    const seqs = waiting
    waiting = []
    next = undefined
    last = write(seqs)
    return last
  }
  return {
    mark: (seq) => {
      waiting.push(seq)
      next ??= flush()
      return next
    },
  }
}

const outcomeOf = (claimed: Claimed, result: SendResult): DeliveryOutcome => {
  if (result.kind !== 'dead') return result.kind
  return claimed.refusals + 1 >= MAX_REFUSALS ? 'dead' : 'refused'
}

/**
 * Sends what is due on one channel, for ever. A channel that fails is left alone with growing pauses and then tried
 * with a single message; every message also has pauses of its own, so one that always fails does not hold up others.
 */
export const drainChannel = (options: {
  readonly db: Database
  readonly channel: Channel
  readonly presence: Presence
  readonly log: Logger
  readonly onDelivery?: (outcome: DeliveryOutcome, seconds: number) => void
  /** First pause after a failure (ms). Default: 500. */
  readonly backoffBaseMs?: number
}): ChannelWorker => {
  const { db, channel, presence } = options
  const baseMs = options.backoffBaseMs ?? 500
  const log = options.log.child({ channel: channel.name })
  const stopping = new AbortController()
  // Every message that is under way minds it.
  setMaxListeners(0, stopping.signal)
  const underWay = new Set<Promise<void>>()
  let sending = 0
  let hasBacklog = false
  const marks = createMarker(
    (seqs) => markSent(db, seqs, presence.key),
    () => (hasBacklog && !stopping.signal.aborted ? GATHER_MS : 0),
  )
  let failures = 0
  let sent = 0
  let closedUntil = 0
  let trouble = ''

  const settle = async (claimed: Claimed, result: SendResult): Promise<void> => {
    const { seq } = claimed
    const by = presence.key
    if (result.kind === 'sent') return marks.mark(seq)
    if (result.kind === 'dead' && outcomeOf(claimed, result) === 'dead')
      return giveUp(claimed, result.reason)
    const wish = result.kind === 'retry' ? (result.afterMs ?? 0) : 0
    const afterMs = Math.max(wish, backoffMs(claimed.attempts - 1, baseMs, MAX_BACKOFF_MS))
    await markForRetry(db, {
      seq,
      by,
      afterMs,
      reason: result.reason,
      refused: result.kind === 'dead',
    })
  }

  const giveUp = async (claimed: Claimed, reason: string): Promise<void> => {
    log.error({ dedupKey: claimed.message.dedupKey, reason }, 'The message was refused for good.')
    await db.transaction(async (tx) => {
      if (!(await markDead(tx, claimed.seq, presence.key, reason))) return
      // Once per channel and day: were every lost message a finding, a refusing channel would feed itself.
      await recordSelfFinding(tx, {
        alertId: 'DELIVERY-DEAD',
        name: `Channel ${channel.name} refuses messages`,
        description: `Messages to channel ${channel.name} were given up: ${reason}.`,
        severity: 'High',
        uniqueKey: `${channel.name}:${new Date().toISOString().slice(0, 10)}`,
        // Told by any channel but this one.
        metadata: { channel: channel.name, avoid: channel.name },
      })
    })
  }

  const note = (result: SendResult): void => {
    if (result.kind === 'sent') {
      if (failures > 0) log.info('The channel delivers again.')
      failures = 0
      closedUntil = 0
      trouble = ''
      sent += 1
      return
    }
    trouble = result.reason
    if (result.kind === 'dead') return
    if (failures === 0) log.warn({ reason: result.reason }, 'The channel does not deliver.')
    const wish = Math.min(result.afterMs ?? 0, MAX_BACKOFF_MS)
    closedUntil = Date.now() + Math.max(wish, backoffMs(failures, baseMs, MAX_BACKOFF_MS))
    failures += 1
  }

  const send = async ({ message }: Claimed): Promise<SendResult> => {
    sending += 1
    try {
      return await channel.send(message, stopping.signal)
    } finally {
      sending -= 1
      // The next one need not wait until this one is marked, unless it is of the same lane.
      if (hasBacklog && PARALLEL - sending >= FETCH) loop.wake()
    }
  }

  const deliver = async (claimed: Claimed): Promise<void> => {
    const began = performance.now()
    const result = await send(claimed)
    options.onDelivery?.(outcomeOf(claimed, result), (performance.now() - began) / 1_000)
    note(result)
    // What was sent and is not marked will be sent again: worth some patience with the database.
    for (let attempt = 0; ; attempt++) {
      try {
        return await settle(claimed, result)
      } catch (error) {
        if (attempt === 0)
          log.warn({ error: messageOf(error) }, 'The outcome was not recorded yet.')
        if (stopping.signal.aborted && attempt > 2) return
        await sleep(backoffMs(attempt, 100, 2_000))
      }
    }
  }

  const start = (claimed: Claimed): void => {
    const work = deliver(claimed)
      .catch((error: unknown) => log.error({ error: messageOf(error) }, 'A delivery broke off.'))
      .finally(() => {
        underWay.delete(work)
        loop.wake()
      })
    underWay.add(work)
  }

  const loop = createLoop(
    async () => {
      if (stopping.signal.aborted || !presence.isHeld() || Date.now() < closedUntil) return
      const limit =
        failures > 0 ? 1 - underWay.size : Math.min(PARALLEL - sending, MOST - underWay.size)
      if (limit <= 0 || (hasBacklog && sending > 0 && limit < FETCH)) return
      const leaseMs = channel.timeoutMs * 2 + 10_000
      const claimed = await claimMessages(db, {
        channel: channel.name,
        by: presence.key,
        limit,
        leaseMs,
        pace: channel.pace,
      })
      hasBacklog = claimed.length === limit
      for (const row of claimed) start(row)
    },
    {
      pauseMs: Math.min(500, baseMs),
      onError: (error) => log.warn({ error: messageOf(error) }, 'The outbox could not be read.'),
    },
  )

  return {
    wake: loop.wake,
    trouble: () => trouble,
    sent: () => sent,
    stop: async () => {
      stopping.abort()
      await loop.stop()
      await Promise.all(underWay)
    },
  }
}
