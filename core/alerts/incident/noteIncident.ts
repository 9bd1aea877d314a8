import { cleanText, type Json, toJson } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../../store/index.ts'

/** What can happen to an incident. */
export type IncidentEventKind =
  | 'opened'
  | 'joined'
  | 'raised'
  | 'unknown'
  | 'resolved'
  | 'reopened'
  | 'retracted'
  | 'final'
  | 'acknowledged'
  | 'unacknowledged'
  | 'mitigated'
  | 'closed'
  | 'merged'
  | 'split'
  | 'silenced'
  | 'inhibited'
  | 'held'
  | 'released'
  | 'flapping'
  | 'repeated'
  | 'escalated'
  | 'paged'
  | 'delivered'
  | 'undelivered'
  | 'execution'
  | 'comment'

export type IncidentNote = {
  readonly incidentId: string
  readonly alertId?: string | null | undefined
  /** Default: the database's now. */
  readonly at?: Date | undefined
  readonly kind: IncidentEventKind
  /** Who did it; left out when Tocsin did. */
  readonly actor?: string | null | undefined
  /** Channel of the watchlist, or `console`, `api`, `cli`. */
  readonly channel?: string | null | undefined
  /** One sentence for people; bounded and cleaned here. */
  readonly text: string
  readonly detail?: { readonly [key: string]: Json } | undefined
}

export type IncidentEventRow = typeof tables.incidentEvent.$inferSelect

/** Writes into the timeline of incidents, in the order given. Within a transaction it is told at its commit. */
export const noteIncident = async (
  db: Database | DatabaseTransaction,
  ...notes: readonly IncidentNote[]
): Promise<void> => {
  if (notes.length === 0) return
  const rows = notes.map((note) => ({
    incidentId: note.incidentId,
    alertId: note.alertId ?? null,
    ...(note.at ? { at: note.at } : {}),
    kind: note.kind,
    actor: note.actor == null ? null : cleanText(note.actor, 100),
    channel: note.channel == null ? null : cleanText(note.channel, 100),
    text: cleanText(note.text, 2_000),
    detail: toJson(note.detail ?? {}),
  }))
  for (let from = 0; from < rows.length; from += 500) {
    await db.insert(tables.incidentEvent).values(rows.slice(from, from + 500))
  }
  await notify(db, 'tocsin_alert')
}
