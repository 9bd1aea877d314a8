import { eq } from 'drizzle-orm'
import { cleanText, TocsinError } from '../../base/index.ts'
import { type Database, tables } from '../../store/index.ts'
import type { ActResult } from './acknowledgeIncident.ts'
import { type Act, type IncidentRef, lockIncident } from './findIncident.ts'
import { noteIncident } from './noteIncident.ts'

/**
 * Writes what a person says into the timeline, also after the end. It counts as news: an acknowledged SEV1 stays in
 * that person's hands.
 * @throws TocsinError `incident.unknown`, `incident.empty_comment`
 */
export const commentIncident = (
  db: Database,
  options: IncidentRef & Act & { readonly text: string },
): Promise<ActResult> =>
  db.transaction(async (tx) => {
    const words = cleanText(options.text, 2_000).trim()
    if (words === '') throw new TocsinError('incident.empty_comment', 'The comment is empty.')
    const { row, now } = await lockIncident(tx, options, options.at)
    await tx.update(tables.incident).set({ attendedAt: now }).where(eq(tables.incident.id, row.id))
    await noteIncident(tx, {
      incidentId: row.id,
      alertId: options.alertId,
      at: now,
      kind: 'comment',
      actor: options.by,
      channel: options.via,
      text: words,
    })
    return { accepted: true, incident: { ...row, attendedAt: now }, text: 'The comment is kept.' }
  })
