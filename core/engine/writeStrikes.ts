import { createRequire } from 'node:module'
import type { MarkedBot } from './markLayout.ts'

/** Once that a bot took the process down. */
export type Strike = Pick<MarkedBot, 'chainId' | 'chainName' | 'botId' | 'fingerprint'> & {
  readonly blockNumber: number
  readonly blockHash: string
  readonly kind: 'blocked' | 'exited' | 'died'
  readonly isCertain: boolean
  /** What it did, to go on after the bot's name. */
  readonly detail: string
}

const PATIENCE_MS = 10_000
const PAUSE_MS = 250

const writeOnce = async (url: string, strikes: readonly Strike[]): Promise<void> => {
  // Wanted in the worst moment only: not worth its memory until then.
  const pg = createRequire(import.meta.url)('pg') as typeof import('pg')
  const client = new pg.Client({
    connectionString: url,
    application_name: 'tocsin-watchdog',
    connectionTimeoutMillis: 3_000,
    query_timeout: 3_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(
      `insert into tocsin.bot_strike (chain_id, bot_id, fingerprint, block_number, block_hash, kind, certain, detail)
       select * from unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::boolean[], $8::text[])`,
      [
        strikes.map(({ chainId }) => chainId),
        strikes.map(({ botId }) => botId),
        strikes.map(({ fingerprint }) => fingerprint),
        strikes.map(({ blockNumber }) => blockNumber),
        strikes.map(({ blockHash }) => blockHash),
        strikes.map(({ kind }) => kind),
        strikes.map(({ isCertain }) => isCertain),
        strikes.map(({ detail }) => detail),
      ],
    )
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * Writes strikes on a connection of its own, from the watchdog's thread. Tries again for ten seconds, then throws: the
 * process ends all the same, and the next life will meet the same block.
 */
export const writeStrikes = async (
  url: string | undefined,
  strikes: readonly Strike[],
): Promise<void> => {
  if (url === undefined || strikes.length === 0) return
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await writeOnce(url, strikes)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}
