import type { AlertMessage, SendResult } from '../alerts/light.ts'
import type { Sev } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { type DirectFinding, directMessage } from './directMessage.ts'

/** Findings that are remembered while they cannot be stored; the oldest goes when there are more. */
const RING = 100

type Entry = { readonly finding: DirectFinding; readonly since: number; sent: boolean }

export type LastGasp = {
  /** Findings that could not be stored: the SEV1 among them are kept until they are. */
  readonly onFailed: (findings: readonly DirectFinding[], nowMs: number) => void
  readonly onStored: (findings: readonly Pick<DirectFinding, 'id'>[]) => void
  /** Sends what has waited for too long, each once, the oldest first. */
  readonly turn: (nowMs: number) => Promise<void>
  readonly waiting: () => number
}

/**
 * Pages SEV1 findings directly while Postgres is away. They stay in a bounded ring in memory, by the key that the usual
 * way will have, so that a pager folds what comes twice. `send` never throws.
 */
export const createLastGasp = (options: {
  readonly channel: string
  readonly afterMs: number
  readonly chains: Config['chains']
  readonly severityOf: (finding: DirectFinding) => Sev
  readonly send: (message: AlertMessage) => Promise<SendResult>
  readonly onSent?: (message: AlertMessage) => void
}): LastGasp => {
  const ring = new Map<string, Entry>()
  return {
    waiting: () => ring.size,
    onFailed: (findings, nowMs) => {
      for (const finding of findings) {
        if (ring.has(finding.id) || options.severityOf(finding) !== 'SEV1') continue
        ring.set(finding.id, { finding, since: nowMs, sent: false })
        const [oldest] = ring.keys()
        if (ring.size > RING && oldest !== undefined) ring.delete(oldest)
      }
    },
    onStored: (findings) => {
      for (const { id } of findings) ring.delete(id)
    },
    turn: async (nowMs) => {
      for (const entry of [...ring.values()]) {
        if (entry.sent || nowMs - entry.since < options.afterMs) continue
        const message = directMessage(entry.finding, {
          channel: options.channel,
          severity: 'SEV1',
          chains: options.chains,
          now: new Date(nowMs),
        })
        const { kind } = await options.send(message)
        if (kind !== 'sent') return
        entry.sent = true
        options.onSent?.(message)
      }
    },
  }
}
