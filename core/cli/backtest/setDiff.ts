import { foldKey } from '../../alerts/light.ts'
import { cleanText, type Sev } from '../../base/index.ts'
import type { FindingRow } from '../../engine/index.ts'
import type { Counted } from './setTally.ts'

/** A difference between what two sets of parameters find. */
export type Difference = {
  /** `moves`: both find it, at different blocks. */
  readonly kind: 'appears' | 'disappears' | 'severity' | 'moves'
  readonly block: number
  /** Where the other set finds it; only of `moves`. */
  readonly otherBlock: number | undefined
  readonly bot: string
  readonly alertId: string
  readonly thing: string | null
  /** Severity by the first set; undefined where only the other finds it. */
  readonly before: Sev | undefined
  readonly after: Sev | undefined
  /** Whether the change adds a page, takes one away, or neither. */
  readonly pages: -1 | 0 | 1
  readonly description: string
}

export type DiffReport = {
  readonly counts: Readonly<Record<Difference['kind'], number>>
  /** By bot. */
  readonly bots: Readonly<Record<string, Readonly<Record<Difference['kind'], number>>>>
  readonly differences: readonly Difference[]
  /** Differences beyond the most that are listed. */
  readonly omitted: number
}

export type SetDiff = {
  readonly add: (before: readonly Counted[], after: readonly Counted[]) => void
  readonly report: () => DiffReport
}

const MOST = 1_000
/** Findings of one alert no further apart than this are one that moved (seconds of block time). */
const MOVE_S = 3_600

type Entry = Difference & { readonly key: string; readonly atS: number; isGone?: boolean }

const keyOf = (finding: FindingRow): string =>
  foldKey({ ...finding, addresses: [...finding.addresses] })

const none = (): Record<Difference['kind'], number> => ({
  appears: 0,
  disappears: 0,
  severity: 0,
  moves: 0,
})

const pageChange = (before: Counted | undefined, after: Counted | undefined): -1 | 0 | 1 => {
  const [old, now] = [before?.folded.isPage ?? false, after?.folded.isPage ?? false]
  return old === now ? 0 : now ? 1 : -1
}

/** Compares two sets block by block, as they run side by side. What ends an alert is no finding of its own. */
export const createSetDiff = (): SetDiff => {
  const entries: Entry[] = []
  let omitted = 0
  const put = (
    kind: Difference['kind'],
    before: Counted | undefined,
    after: Counted | undefined,
  ) => {
    const finding = (after ?? before)?.wouldBe.finding
    if (!finding) return
    if (entries.length >= MOST) {
      omitted++
      return
    }
    entries.push({
      kind,
      block: finding.blockNumber,
      otherBlock: undefined,
      bot: finding.botId,
      alertId: finding.alertId,
      thing: finding.thing,
      before: before?.wouldBe.sev,
      after: after?.wouldBe.sev,
      pages: pageChange(before, after),
      description: cleanText(finding.description, 300),
      key: keyOf(finding),
      atS: finding.blockTimestampS,
    })
  }
  const standing = (all: readonly Counted[]): Map<string, Counted> =>
    new Map(
      all
        .filter(({ wouldBe }) => wouldBe.finding.condition !== 'ended')
        .map((one) => [one.wouldBe.finding.id, one]),
    )
  /** What one set no longer finds and the other finds nearby of the same alert is one thing that moved. */
  const join = (): readonly Entry[] => {
    const open = entries.map((entry) => ({ ...entry }))
    const joined: Entry[] = []
    for (const entry of open) {
      if (entry.isGone) continue
      const twin =
        entry.kind === 'appears' || entry.kind === 'disappears'
          ? open.find(
              (other) =>
                !other.isGone &&
                other !== entry &&
                other.key === entry.key &&
                other.kind === (entry.kind === 'appears' ? 'disappears' : 'appears') &&
                Math.abs(other.atS - entry.atS) <= MOVE_S,
            )
          : undefined
      entry.isGone = true
      if (!twin) {
        joined.push(entry)
        continue
      }
      twin.isGone = true
      const [old, now] = entry.kind === 'disappears' ? [entry, twin] : [twin, entry]
      joined.push({
        ...old,
        kind: 'moves',
        otherBlock: now.block,
        after: now.after,
        pages: Math.sign(old.pages + now.pages) as -1 | 0 | 1,
      })
    }
    return joined
  }
  return {
    add: (before, after) => {
      if (before.length === 0 && after.length === 0) return
      const [old, now] = [standing(before), standing(after)]
      for (const [id, one] of old) {
        const twin = now.get(id)
        if (!twin) put('disappears', one, undefined)
        else if (twin.wouldBe.sev !== one.wouldBe.sev) put('severity', one, twin)
      }
      for (const [id, one] of now) if (!old.has(id)) put('appears', undefined, one)
    },
    report: () => {
      const differences = join()
      const counts = none()
      const bots: Record<string, Record<Difference['kind'], number>> = {}
      for (const { kind, bot } of differences) {
        counts[kind]++
        bots[bot] ??= none()
        bots[bot][kind]++
      }
      return {
        counts,
        bots,
        differences: differences.map(({ key: _key, atS: _at, isGone: _gone, ...one }) => one),
        omitted,
      }
    },
  }
}
