import type { AlertState } from './alertBook.ts'
import type { AlertRow } from './types.ts'

/** An alert as it is once somebody, or the quiet, has closed it, with the change that its channels hear of. */
export const closedAlert = (
  row: AlertRow,
  now: Date,
  closedBy: string,
  summary: string,
): AlertState => ({
  row: { ...row, status: 'resolved', closedAt: now, updatedAt: now, closedBy },
  isNew: false,
  members: undefined,
  touched: new Map(),
  changes: [
    {
      kind: 'resolved',
      status: 'resolved',
      statusBefore: row.status,
      severity: row.severity,
      severityBefore: row.severity,
      channels: row.channels,
      summary,
    },
  ],
})
