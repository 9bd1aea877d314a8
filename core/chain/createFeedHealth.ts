import type { RpcPool } from './rpcTypes.ts'
import type { ChainHealth } from './types.ts'

export type FeedHealth = {
  /** Something needed cannot be had at present. */
  readonly problem: (reason: string) => void
  /** A block came through. */
  readonly progress: () => void
  /** What the endpoints disagree on; undefined clears it. */
  readonly dissent: (reason: string | undefined) => void
  readonly halt: (reason: string) => void
  readonly read: (now: {
    readonly head: number | undefined
    readonly processed: number | undefined
    readonly finalized: number | undefined
    readonly heardAtMs: number
    readonly notes: readonly string[]
  }) => ChainHealth
}

/** A problem that lasts this long is shown (ms). */
const SHOWN_MS = 2_000
const STALLED_MS = 8_000
const BEHIND_BLOCKS = 2

/** Turns what happens to a feed into one status and one sentence; says within ten seconds when data cannot be had. */
export const createFeedHealth = (pool: RpcPool): FeedHealth => {
  let since: number | undefined
  let reason = ''
  let dissent: { reason: string; at: number } | undefined
  let halted: string | undefined

  const assess = (
    now: Parameters<FeedHealth['read']>[0],
  ): Pick<ChainHealth, 'status' | 'reason'> => {
    const at = performance.now()
    if (halted !== undefined) return { status: 'halted', reason: halted }
    const endpoints = pool.health()
    const failing = endpoints.filter(({ ok }) => !ok)
    const unheardMs = at - now.heardAtMs
    if (unheardMs > STALLED_MS || failing.length === endpoints.length) {
      const [first] = failing
      return {
        status: 'stalled',
        reason: `No endpoint answers: ${first?.lastError ?? `nothing heard for ${Math.round(unheardMs / 1_000)} s`}`,
      }
    }
    const blockedMs = since === undefined ? 0 : at - since
    if (blockedMs > STALLED_MS) return { status: 'stalled', reason }
    if (blockedMs > SHOWN_MS) return { status: 'degraded', reason }
    if (dissent) return { status: 'degraded', reason: dissent.reason }
    const [first] = failing
    if (first)
      return {
        status: 'degraded',
        reason: `Endpoint ${first.name} (${first.url}): ${first.lastError ?? 'not usable'}`,
      }
    if (now.head !== undefined && now.head - (now.processed ?? -1) > BEHIND_BLOCKS)
      return {
        status: 'catching_up',
        reason: `${now.head - (now.processed ?? 0)} blocks behind the head.`,
      }
    const [note] = now.notes
    return note === undefined ? { status: 'ok', reason: '' } : { status: 'degraded', reason: note }
  }

  return {
    problem: (text) => {
      since ??= performance.now()
      reason = text
    },
    progress: () => {
      since = undefined
    },
    dissent: (text) => {
      dissent = text === undefined ? undefined : { reason: text, at: performance.now() }
    },
    halt: (text) => {
      halted = text
    },
    read: (now) => ({
      chainId: pool.chainId,
      name: pool.chainName,
      ...assess(now),
      head: now.head,
      processed: now.processed,
      finalized: now.finalized,
      endpoints: pool.health(),
    }),
  }
}
