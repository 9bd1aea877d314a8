import { createLoop, type Loop, messageOf, TocsinError } from '../base/index.ts'
import type { ChainConfig } from '../config/types.ts'
import type { Logger, ProcessReport } from '../telemetry/index.ts'

/** How long an index may stand still while its chain goes on: at least this (ms), or so many usual block times. */
const PATIENCE = { leastMs: 20_000, blocks: 4 }
const LOOK_EVERY_MS = 2_000

type Place = { readonly indexed: number | null; readonly sinceMs: number }

const readPlaces = (
  report: ProcessReport,
): ReadonlyMap<string, { readonly indexed: number | null; readonly head: number }> => {
  const places = new Map<string, { indexed: number | null; head: number }>()
  const { detail } = report
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return places
  const { ready, chains } = detail
  if (ready !== true || typeof chains !== 'object' || chains === null || Array.isArray(chains))
    return places
  for (const [name, one] of Object.entries(chains)) {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) continue
    const { indexed, head } = one
    if (typeof head === 'number')
      places.set(name, { indexed: typeof indexed === 'number' ? indexed : null, head })
  }
  return places
}

/**
 * Ponder can lose a block for good when Postgres goes away at the wrong moment: it then serves on and indexes nothing.
 * A complete index that stands still behind a head that is known is called stalled, once.
 */
export const watchProgress = (options: {
  readonly chains: readonly ChainConfig[]
  readonly read: () => Promise<ProcessReport>
  readonly onStall: (error: TocsinError) => void
  readonly log: Logger
  /** Default: 20000, for tests. */
  readonly leastMs?: number
}): Loop => {
  const seen = new Map<string, Place>()
  let isTold = false
  return createLoop(
    async () => {
      if (isTold) return
      const places = readPlaces(await options.read())
      for (const chain of options.chains) {
        const now = places.get(chain.name)
        const before = seen.get(chain.name)
        if (!now || now.indexed === null || now.indexed >= now.head) {
          seen.delete(chain.name)
          continue
        }
        if (!before || before.indexed !== now.indexed) {
          seen.set(chain.name, { indexed: now.indexed, sinceMs: performance.now() })
          continue
        }
        const patienceMs = Math.max(
          options.leastMs ?? PATIENCE.leastMs,
          PATIENCE.blocks * chain.blockTimeMs,
        )
        if (performance.now() - before.sinceMs < patienceMs) continue
        isTold = true
        options.onStall(
          new TocsinError(
            'indexer.stalled',
            `The index of ${chain.name} stands at block ${now.indexed}, the chain at ${now.head}.`,
            { retry: { afterMs: 1_000 } },
          ),
        )
        return
      }
    },
    {
      pauseMs: LOOK_EVERY_MS,
      onError: (error) =>
        options.log.debug({ error: messageOf(error) }, 'The progress of the index is unknown.'),
    },
  )
}
