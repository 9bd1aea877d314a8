import { sql } from 'drizzle-orm'
import { createLoop, messageOf } from '../base/index.ts'
import type { ChainHealth, EndpointHealth } from '../chain/index.ts'
import type { ChainConfig } from '../config/types.ts'
import type { Store } from '../store/index.ts'
import { type Logger, recordSelfFinding } from '../telemetry/index.ts'

export type WatchSigns = {
  readonly feed: ChainHealth | undefined
  readonly endpoints: readonly EndpointHealth[]
  readonly trouble: { readonly reason: string; readonly sinceMs: number } | undefined
  readonly halted: string | undefined
  /** Why the feed was started again, until a block comes through. */
  readonly failing: string | undefined
}

export type ChainWatchHealth = {
  readonly read: () => ChainHealth
  readonly stop: () => Promise<void>
}

const PAUSE_MS = 1_000
const SHOWN_AFTER_MS = 2_000
const STALLED_AFTER_MS = 8_000
/** A stall that lasts this long is told to people (ms). */
const TOLD_AFTER_MS = 60_000
/** The row is written this often even when nothing changed (ms). */
const REFRESH_MS = 10_000

/** One status out of the feed's, the engine's and the store's signs; the gravest wins. */
const assess = (chain: ChainConfig, signs: WatchSigns): ChainHealth => {
  const { feed, trouble, halted, failing } = signs
  const base: ChainHealth = feed ?? {
    chainId: chain.id,
    name: chain.name,
    status: 'degraded',
    reason: 'The feed has not begun yet.',
    head: undefined,
    processed: undefined,
    finalized: undefined,
    endpoints: signs.endpoints,
  }
  if (halted !== undefined) return { ...base, status: 'halted', reason: halted }
  if (base.status === 'stalled' || base.status === 'halted') return base
  const troubleMs = trouble ? Date.now() - trouble.sinceMs : 0
  if (trouble && troubleMs > STALLED_AFTER_MS)
    return { ...base, status: 'stalled', reason: trouble.reason }
  if (trouble && troubleMs > SHOWN_AFTER_MS)
    return { ...base, status: 'degraded', reason: trouble.reason }
  if (failing !== undefined) return { ...base, status: 'degraded', reason: failing }
  return base
}

/** Keeps the health of one chain in its row, within seconds of any change, and tells people of a stall that lasts. */
export const createWatchHealth = (options: {
  readonly chain: ChainConfig
  readonly store: Store
  readonly log: Logger
  readonly read: () => WatchSigns
}): ChainWatchHealth => {
  const { chain, store, log } = options
  const read = (): ChainHealth => assess(chain, options.read())
  let written = ''
  let writtenAt = 0
  let stalledSince: number | undefined
  let isTold = false

  const write = async (health: ChainHealth): Promise<void> => {
    const told = `${health.status} ${health.reason}`
    if (told === written && Date.now() - writtenAt < REFRESH_MS) return
    await store.db.execute(
      sql`update tocsin.chain_cursor set health = ${JSON.stringify(health)}::jsonb, head = greatest(head, ${health.head ?? null}::bigint)
        where chain_id = ${chain.id}`,
    )
    if (told !== written)
      log.info(
        { chain: chain.name, status: health.status, reason: health.reason },
        'The health of the chain changed.',
      )
    written = told
    writtenAt = Date.now()
  }
  const tell = async (health: ChainHealth): Promise<void> => {
    if (health.status !== 'stalled') {
      stalledSince = undefined
      isTold = false
      return
    }
    stalledSince ??= Date.now()
    if (isTold || Date.now() - stalledSince < TOLD_AFTER_MS) return
    await recordSelfFinding(store.db, {
      alertId: 'CHAIN-STALLED',
      name: `${chain.name} cannot be followed`,
      description: `For more than ${TOLD_AFTER_MS / 1_000} s: ${health.reason} Nothing new on this chain is seen meanwhile.`,
      severity: 'High',
      uniqueKey: `${chain.name}:${stalledSince}`,
      metadata: { chain: chain.name, reason: health.reason },
    })
    isTold = true
  }
  const loop = createLoop(
    async () => {
      const health = read()
      await write(health)
      await tell(health)
    },
    {
      pauseMs: PAUSE_MS,
      onError: (error) =>
        log.debug({ chain: chain.name, error: messageOf(error) }, 'The health was not written.'),
    },
  )
  return { read, stop: loop.stop }
}
