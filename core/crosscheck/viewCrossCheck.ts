import type { CheckRow } from './checkProgress.ts'

/** How the comparison of the two readers stands, for people. */
export type CrossCheckView = {
  /** `waiting`: there was nothing to compare yet. `unknown`: it ought to be compared and cannot be. */
  readonly state: 'agrees' | 'differed' | 'waiting' | 'unknown'
  /** Without a full stop, e.g. `agrees up to block 120`. */
  readonly text: string
}

/** A final block that waits for so long is no longer usual (ms). */
export const LATE_MS = 60_000
/** Nobody has looked for so long (ms). */
const SILENT_MS = 60_000

type Shown = Pick<
  CheckRow,
  | 'checked'
  | 'skipped'
  | 'differences'
  | 'lastDifference'
  | 'compared'
  | 'known'
  | 'goalSince'
  | 'reason'
  | 'updatedAt'
>

const placeOf = (row: Shown): string => {
  if (row.checked === null) return 'nothing compared yet'
  const found =
    row.differences === 0
      ? `agrees up to block ${row.checked}`
      : `compared up to block ${row.checked}, ${row.differences} ${row.differences === 1 ? 'difference' : 'differences'}, the last in block ${row.lastDifference}`
  return row.skipped === 0 ? found : `${found}, ${row.skipped} blocks never compared`
}

/** Unknown is not well: a comparison that nobody makes, or that waits too long, is never shown as agreement. */
export const viewCrossCheck = (row: Shown, now: Date): CrossCheckView => {
  const place = placeOf(row)
  const silentMs = now.getTime() - row.updatedAt.getTime()
  if (silentMs > SILENT_MS)
    return { state: 'unknown', text: `${place}; the notifier, which compares, does not run` }
  const waitedMs = row.goalSince === null ? 0 : now.getTime() - row.goalSince.getTime()
  if (waitedMs > LATE_MS) {
    const why = row.reason.replace(/\.+$/, '')
    const minutes = Math.floor(waitedMs / 60_000)
    return { state: 'unknown', text: `unknown for ${minutes} min: ${why} (${place})` }
  }
  if (row.checked === null) return { state: 'waiting', text: place }
  const some =
    row.compared < row.known ? ` (${row.compared} of ${row.known} addresses known to both)` : ''
  return { state: row.differences === 0 ? 'agrees' : 'differed', text: `${place}${some}` }
}
