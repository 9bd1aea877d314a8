import type { RelayerDesk } from './relayerDesk.ts'

/**
 * `reset-after`, `hang-after`, `error-after`: taken, and the answer is lost. `unauthorized`: 401 for ever to whoever
 * sends. `intent`: taken with no hash, and not sent until it is resubmitted.
 */
export type RelayerFault =
  | 'none'
  | 'reset-after'
  | 'hang-after'
  | 'error-after'
  | 'unauthorized'
  | 'rate-limited'
  | 'error'
  | 'hang'
  | 'intent'
  | 'refused'

export type RelayerStandin = {
  readonly url: string
  readonly desk: RelayerDesk
  readonly seen: readonly string[]
  readonly setFault: (fault: RelayerFault) => void
  readonly stop: () => Promise<void>
}
