import { index, primaryKey, text } from 'drizzle-orm/pg-core'
import { at, tocsin } from './columns.ts'

/**
 * Deliveries from outside that were taken, until they can no longer be passed for new ones. What was refused leaves
 * nothing behind.
 */
export const intakeDelivery = tocsin.table(
  'intake_delivery',
  {
    receiver: text('receiver').notNull(),
    /** SHA-256 of what tells the delivery from others: its id or its signature. */
    key: text('key').notNull(),
    takenAt: at('taken_at').notNull().defaultNow(),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.receiver, t.key] }),
    index('intake_delivery_expires').on(t.expiresAt),
    index('intake_delivery_taken').on(t.receiver, t.takenAt),
  ],
)
