import { sql } from 'drizzle-orm'
import { cleanText, messageOf } from '../base/index.ts'
import { type Store, tables } from '../store/index.ts'
import { type Logger, recordSelfFinding } from '../telemetry/index.ts'
import { fingerprintOf } from './botMarks.ts'
import type { EngineBot } from './engineBot.ts'
import type { BlockId } from './engineStore.ts'

/** Why a bot is not run over a block. */
export type Refusal = { readonly reason: string; readonly isQuarantined: boolean }

/** What is known of bots that took the process down, on one chain. It outlives the process. */
export type StrikeBook = {
  /** Reads what earlier lives left. Call it with the chain's lock held, at the start and when the bots change. */
  readonly load: (bots: readonly EngineBot[], cursor: BlockId | undefined) => Promise<void>
  readonly refuse: (botId: string, block: BlockId) => Refusal | undefined
  /**
   * True until the first block is committed: bots then run one by one, each noted before its turn. A process that dies
   * without a word (memory used up, killed from within) does so at the same place of its next life.
   */
  readonly isCareful: () => boolean
  readonly note: (botId: string, block: BlockId) => Promise<void>
  /** A block is committed. */
  readonly commit: () => Promise<void>
  /** Looks whether somebody released a bot. */
  readonly refresh: () => Promise<void>
}

/** Lives that may end over the same bot and block before it is taken for more than chance. */
const MOST_DEATHS = 3
/** So many strikes within `WITHIN` and a bot is not run any more. */
const MOST_STRIKES = 3
const WITHIN = '1 hour'
const KEPT = '7 days'

type Rows = { readonly rows: readonly Record<string, unknown>[] }
type Note = {
  readonly botId: string
  readonly hash: string
  readonly number: number
  readonly deaths: number
}

const readNote = (value: unknown): Note | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  const note = value as Record<string, unknown>
  return {
    botId: String(note['botId']),
    hash: String(note['hash']),
    number: Number(note['number']),
    deaths: Number(note['deaths']),
  }
}

export const createStrikeBook = (options: {
  readonly store: Store
  readonly chain: { readonly id: number; readonly name: string }
  readonly log: Logger
}): StrikeBook => {
  const { store, chain, log } = options
  const { db } = store
  const noteKey = `engine.careful.${chain.id}`
  let fingerprints = new Map<string, string>()
  let quarantined = new Map<string, string>()
  let struck = new Map<string, string>()
  let isCareful = true
  let isFirstLoad = true
  let left: Note | undefined

  const keyOf = (botId: string, hash: string): string => `${botId}\n${hash}`

  /** The life before this one ended while this bot ran alone. */
  const takeNote = async (cursor: BlockId | undefined): Promise<void> => {
    const { rows }: Rows = await db.execute(
      sql`select value from tocsin.key_value where key = ${noteKey}`,
    )
    const note = readNote(rows[0]?.['value'])
    if (!note || (cursor && note.number <= cursor.number)) return
    left = { ...note, deaths: note.deaths + 1 }
    if (left.deaths < MOST_DEATHS) {
      log.warn(
        { chain: chain.name, bot: note.botId, block: note.number, deaths: left.deaths },
        'The watcher ended while this bot ran alone.',
      )
      return
    }
    const fingerprint = fingerprints.get(note.botId)
    if (fingerprint === undefined) return
    await db.insert(tables.botStrike).values({
      chainId: chain.id,
      botId: note.botId,
      fingerprint,
      blockNumber: note.number,
      blockHash: note.hash,
      kind: 'died',
      certain: true,
      detail: `the process died ${left.deaths} times in a row while it ran alone (memory used up, or killed from within)`,
    })
    await db.execute(sql`delete from tocsin.key_value where key = ${noteKey}`)
    left = undefined
  }

  const readStrikes = async (): Promise<void> => {
    const { rows }: Rows = await db.execute(sql`
      select bot_id, fingerprint, block_hash, block_number, bool_or(certain) as certain, count(*)::int as times,
        count(*) filter (where at > now() - ${WITHIN}::interval)::int as recent,
        bool_or(kind = 'died' and at > now() - ${WITHIN}::interval) as died,
        (array_agg(detail order by seq desc))[1] as detail
      from tocsin.bot_strike where chain_id = ${chain.id}
      group by bot_id, fingerprint, block_hash, block_number order by max(seq)`)
    const own = rows.filter((row) => fingerprints.get(String(row['bot_id'])) === row['fingerprint'])
    // Where it cannot be told who it was, all that it may have been are guilty in the end.
    const guilty = own.filter(
      (row) => row['certain'] === true || Number(row['times']) >= MOST_DEATHS,
    )
    struck = new Map(
      guilty.map((row) => [
        keyOf(String(row['bot_id']), String(row['block_hash'])),
        cleanText(String(row['detail']), 400),
      ]),
    )
    for (const botId of new Set(guilty.map((row) => String(row['bot_id'])))) {
      const ownRows = guilty.filter((row) => row['bot_id'] === botId)
      const weights = ownRows.map((row) => {
        const recent = Number(row['recent'])
        return row['certain'] === true ? recent : Math.min(1, recent)
      })
      const strikes = weights.reduce((sum, weight) => sum + weight, 0)
      const isDeadly = ownRows.some((row) => row['died'] === true)
      const last = ownRows.at(-1)
      if (last && (isDeadly || strikes >= MOST_STRIKES))
        await quarantine(botId, cleanText(String(last['detail']), 300))
    }
  }

  const quarantine = async (botId: string, detail: string): Promise<void> => {
    if (quarantined.has(botId)) return
    const fingerprint = fingerprints.get(botId) ?? ''
    const reason = `it took the watcher down again and again; the last time ${detail}`
    await db.transaction(async (tx) => {
      const [row] = await tx
        .insert(tables.botQuarantine)
        .values({ chainId: chain.id, botId, fingerprint, reason })
        .onConflictDoNothing()
        .returning()
      if (!row) return
      await recordSelfFinding(tx, {
        alertId: 'BOT-QUARANTINED',
        name: `The bot ${botId} is in quarantine`,
        description: `On ${chain.name}: ${reason}. It is not run, and what it watches is not watched, until its version or the watchlist changes or somebody says \`tocsin bots release ${botId}\`.`,
        severity: 'High',
        uniqueKey: `${chain.id}:${botId}:${row.since.getTime()}`,
        metadata: { bot: botId, chain: chain.name },
      })
    })
    quarantined.set(botId, reason)
    log.error({ chain: chain.name, bot: botId, reason }, 'The bot is in quarantine.')
  }

  const readQuarantine = async (): Promise<void> => {
    const { rows }: Rows = await db.execute(
      sql`select bot_id, fingerprint, reason from tocsin.bot_quarantine where chain_id = ${chain.id}`,
    )
    const own = rows.filter((row) => fingerprints.get(String(row['bot_id'])) === row['fingerprint'])
    quarantined = new Map(own.map((row) => [String(row['bot_id']), String(row['reason'])]))
  }

  return {
    load: async (bots, cursor) => {
      fingerprints = new Map(bots.map((bot) => [bot.definition.id, fingerprintOf(bot)]))
      await db.execute(
        sql`delete from tocsin.bot_strike where chain_id = ${chain.id} and at < now() - ${KEPT}::interval`,
      )
      // Another version, other parameters or other things are another chance.
      for (const [botId, fingerprint] of fingerprints)
        await db.execute(sql`delete from tocsin.bot_quarantine
          where chain_id = ${chain.id} and bot_id = ${botId} and fingerprint <> ${fingerprint}`)
      if (isFirstLoad) await takeNote(cursor)
      isFirstLoad = false
      await readQuarantine()
      await readStrikes()
    },
    refuse: (botId, { hash }) => {
      if (quarantined.size === 0 && struck.size === 0) return undefined
      const reason = quarantined.get(botId)
      if (reason !== undefined) return { reason: `in quarantine: ${reason}`, isQuarantined: true }
      const detail = struck.get(keyOf(botId, hash))
      if (detail === undefined) return undefined
      return { reason: `it is left out of this block, for ${detail}`, isQuarantined: false }
    },
    isCareful: () => isCareful,
    note: async (botId, { number, hash }) => {
      const deaths = left?.botId === botId && left.hash === hash ? left.deaths : 0
      const value = { botId, number, hash, deaths }
      await db
        .insert(tables.keyValue)
        .values({ key: noteKey, value })
        .onConflictDoUpdate({ target: tables.keyValue.key, set: { value, updatedAt: sql`now()` } })
    },
    commit: async () => {
      if (!isCareful) return
      isCareful = false
      // A note of a committed block counts for nothing: it may stay where it cannot be taken away.
      await db
        .execute(sql`delete from tocsin.key_value where key = ${noteKey}`)
        .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'A note stays behind.'))
    },
    refresh: async () => {
      if (quarantined.size > 0) await readQuarantine()
    },
  }
}
