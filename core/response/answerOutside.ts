import { and, desc, eq, gt, inArray, ne, notExists, sql } from 'drizzle-orm'
import { createLoop, messageOf } from '../base/index.ts'
import type { Answer } from '../config/types.ts'
import { createListener, type Store, tables } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { isExternal } from './checkTrigger.ts'
import { requestExecutions } from './requestExecutions.ts'
import type { LoadedPolicy } from './types.ts'

/** Notifications tell of findings at once; this is for those that were missed (ms). */
const LOOK_MS = 5_000
/** What was told longer ago asks for nothing any more: the watcher may have been down. */
const WITHIN = sql`interval '15 minutes'`
const MOST = 500

/**
 * Asks for the actions that answer findings told from outside. They come into the database without the watcher, which
 * asks for its own findings as it commits them; one that names no block cannot be held against the chain and asks for
 * nothing. The signer wants one of Tocsin's own bots to agree, whatever the policy says.
 */
export const startAnsweringOutside = (options: {
  readonly store: Store
  readonly answers: () => readonly Answer[]
  readonly policies: () => readonly LoadedPolicy[]
  readonly log: Logger
}): { readonly stop: () => Promise<void> } | undefined => {
  const { store, log } = options
  const listBots = (): readonly string[] =>
    [...new Set(options.answers().flatMap(({ when }) => when.bot))].filter((botId) =>
      isExternal({ botId }),
    )
  if (listBots().length === 0) return undefined
  let asked: ReadonlySet<string> = new Set()
  const look = async (): Promise<void> => {
    const { finding, execution } = tables
    const rows = await store.db
      .select()
      .from(finding)
      .where(
        and(
          inArray(finding.botId, [...listBots()]),
          gt(finding.createdAt, sql`now() - ${WITHIN}`),
          ne(finding.blockHash, ''),
          inArray(finding.status, ['provisional', 'final']),
          notExists(
            store.db
              .select({ one: sql`1` })
              .from(execution)
              .where(eq(execution.findingId, finding.id)),
          ),
        ),
      )
      .orderBy(desc(finding.seq))
      .limit(MOST)
    const fresh = rows.filter(({ id }) => !asked.has(id))
    if (fresh.length > 0)
      await store.db.transaction((tx) =>
        requestExecutions(tx, fresh, { answers: options.answers(), policies: options.policies() }),
      )
    asked = new Set(rows.map(({ id }) => id))
  }
  const onError = (error: unknown): void =>
    log.warn({ error: messageOf(error) }, 'What was told from outside was not answered yet.')
  const loop = createLoop(look, { pauseMs: LOOK_MS, onError })
  const listener = createListener({
    url: store.url,
    topics: ['tocsin_finding'],
    onNotify: () => loop.wake(),
    onError,
  })
  return {
    stop: async () => {
      await listener.stop()
      await loop.stop()
    },
  }
}
