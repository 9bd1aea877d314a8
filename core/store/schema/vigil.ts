import { doublePrecision, index, text } from 'drizzle-orm/pg-core'
import { at, tocsin } from './columns.ts'

/** Each canary: a finding made up to travel the whole way to a channel. Its rows elsewhere go once it has arrived. */
export const vigilCanary = tocsin.table(
  'vigil_canary',
  {
    /** That of the finding. */
    id: text('id').primaryKey(),
    channel: text('channel').notNull(),
    /** `travelling` until it is `delivered`; `lost` when its message was given up. */
    status: text('status').$type<'travelling' | 'delivered' | 'lost'>().notNull(),
    sentAt: at('sent_at').notNull().defaultNow(),
    /** When it stood in the outbox. */
    foldedAt: at('folded_at'),
    deliveredAt: at('delivered_at'),
    /** When it was found to be late; null when it was not. */
    lateAt: at('late_at'),
    tookMs: doublePrecision('took_ms'),
  },
  (t) => [index('vigil_canary_sent').on(t.sentAt)],
)
