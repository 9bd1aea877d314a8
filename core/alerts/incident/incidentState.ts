import type { AlertRow, IncidentRow } from '../types.ts'

/** What people call the state of an incident. `unknown`: all that is open of it cannot be told now. */
export type IncidentState =
  | 'open'
  | 'acknowledged'
  | 'mitigated'
  | 'unknown'
  | 'resolved'
  | 'retracted'

/** The state of an incident, from its row and the states of its alerts. */
export const incidentState = (
  row: Pick<IncidentRow, 'status' | 'acknowledgedAt' | 'mitigatedAt'>,
  alerts: readonly Pick<AlertRow, 'status'>[],
): IncidentState => {
  if (row.status !== 'open') {
    const isGone = alerts.length > 0 && alerts.every(({ status }) => status === 'retracted')
    return isGone ? 'retracted' : 'resolved'
  }
  if (row.mitigatedAt) return 'mitigated'
  if (row.acknowledgedAt) return 'acknowledged'
  const open = alerts.filter(({ status }) => status === 'open' || status === 'unknown')
  return open.length > 0 && open.every(({ status }) => status === 'unknown') ? 'unknown' : 'open'
}
