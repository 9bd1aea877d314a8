import type { ProbeResult } from '../types.ts'

export type DrillStep = {
  readonly name: string
  /** Milliseconds that the step itself took. */
  readonly tookMs: number
  /** One sentence. */
  readonly detail: string
}

export type DrillReport = {
  readonly policy: string
  readonly chain: number
  readonly kind: 'fork' | 'dry-run'
  /** Block that was forked, or on which the dry run looked. */
  readonly block: number
  readonly ok: boolean
  /** How it ended, in one sentence. */
  readonly outcome: string
  readonly steps: readonly DrillStep[]
  /** From the finding to the first broadcast, and to the effect; null where it did not come so far. */
  readonly toBroadcastMs: number | null
  readonly toEffectMs: number | null
  readonly probes: readonly ProbeResult[]
  /** In what the rehearsal differed from the policy. */
  readonly notes: readonly string[]
}
