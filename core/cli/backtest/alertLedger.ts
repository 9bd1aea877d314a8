import { foldKey } from '../../alerts/light.ts'
import type { Sev } from '../../base/index.ts'
import type { WouldBe } from './wouldBe.ts'

/** What a finding would have done to the alerts that people see. */
export type Folded = {
  /** `opened`: a new alert. `raised`: an open one became graver. `duplicate`: it was folded into an open one. */
  readonly kind: 'opened' | 'raised' | 'duplicate' | 'ended'
  /** Somebody's phone would have rung. */
  readonly isPage: boolean
}

export type AlertLedger = { readonly fold: (wouldBe: WouldBe) => Folded }

/** As the notifier does: an event closes when nothing further was found for a day. */
const QUIET_S = 86_400
const RANK: Readonly<Record<Sev, number>> = { SEV1: 1, SEV2: 2, SEV3: 3, SEV4: 4 }

type Open = { sev: Sev; lastS: number; readonly isEvent: boolean }

const pages = (sev: Sev): boolean => sev === 'SEV1' || sev === 'SEV2'

/** Folds findings into alerts as the notifier would have, with the blocks' time for its clock; nobody closes one by hand. */
export const createAlertLedger = (): AlertLedger => {
  const open = new Map<string, Open>()
  return {
    fold: ({ finding, sev }) => {
      const key = foldKey({ ...finding, addresses: [...finding.addresses] })
      const nowS = finding.blockTimestampS
      let known = open.get(key)
      if (known?.isEvent && known.lastS <= nowS - QUIET_S) {
        open.delete(key)
        known = undefined
      }
      if (finding.condition === 'ended') {
        open.delete(key)
        return { kind: 'ended', isPage: false }
      }
      if (!known) {
        open.set(key, { sev, lastS: nowS, isEvent: finding.alertKind === 'event' })
        return { kind: 'opened', isPage: pages(sev) }
      }
      known.lastS = nowS
      if (RANK[sev] >= RANK[known.sev]) return { kind: 'duplicate', isPage: false }
      known.sev = sev
      return { kind: 'raised', isPage: pages(sev) }
    },
  }
}
