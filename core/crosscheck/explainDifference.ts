import { sql } from 'drizzle-orm'
import { cleanText } from '../base/index.ts'
import type { Database, DatabaseTransaction } from '../store/index.ts'
import type { Difference } from './compareReaders.ts'
import { indexTable } from './readSides.ts'

/** What a difference consists of. Events are named `<tx hash>#<log index>`, in their order. */
export type Explained = {
  /** Which side is short of what the other has; `none`: both hold the same events, with other content. */
  readonly lacking: 'index' | 'watcher' | 'both' | 'none'
  readonly indexLacks: readonly string[]
  readonly watcherLacks: readonly string[]
  /** One paragraph for people. */
  readonly description: string
}

/** So many events are named; of the others there is a count. */
const NAMED = 20
/** So many rows of one address in one block are read: more than the gas of a block pays for. */
const READ = 100_000

/** Reads `<tx hash>:<log index>,…;…`. */
const parsePlaces = (places: string): readonly string[] =>
  places
    .split(';')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [tx = '', indexes = ''] = part.split(':')
      return indexes.split(',').map((index) => `${tx}#${index}`)
    })

const minus = (these: readonly string[], those: readonly string[]): readonly string[] => {
  const known = new Set(those)
  return these.filter((one) => !known.has(one))
}

const repeated = (events: readonly string[]): readonly string[] => [
  ...new Set(events.filter((event, at) => events.indexOf(event) !== at)),
]

/** The first of them by name, and how many more there are. */
export const nameEvents = (events: readonly string[]): string => {
  const named = events.slice(0, NAMED).map((event) => cleanText(event, 90))
  const more = events.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const count = (events: readonly string[]): string =>
  events.length === 1 ? '1 event' : `${events.length} events`

const describe = (
  difference: Difference,
  held: readonly string[],
  lacks: Pick<Explained, 'indexLacks' | 'watcherLacks'>,
): string => {
  const { watcher, index } = difference
  const said: string[] = []
  if (lacks.indexLacks.length > 0)
    said.push(
      `The index lacks ${count(lacks.indexLacks)} that the watcher saw: ${nameEvents(lacks.indexLacks)}.`,
    )
  if (lacks.watcherLacks.length > 0)
    said.push(
      `The watcher lacks ${count(lacks.watcherLacks)} that the index holds: ${nameEvents(lacks.watcherLacks)}.`,
    )
  if (watcher && index && watcher.blockHash !== index.blockHash)
    said.push(
      `The watcher read the block ${watcher.blockHash}, the index ${cleanText(index.blockHash, 90)}.`,
    )
  if (said.length === 0 && new Set(held).size < held.length)
    said.push(`The index holds events more than once: ${nameEvents(repeated(held))}.`)
  if (said.length === 0)
    said.push(
      `Both hold the same ${count(held)}, but topics or data differ in one or more of them: ${nameEvents(held)}.`,
    )
  return said.join(' ')
}

/** Finds out which events make up a difference. */
export const explainDifference = async (
  db: Database | DatabaseTransaction,
  chainId: number,
  difference: Difference,
): Promise<Explained> => {
  const { blockNumber, address } = difference
  const at = sql`chain_id = ${chainId}::int and block_number = ${blockNumber}::bigint and address = ${address}`
  const [tally, events] = [
    await db.execute(sql`select places from tocsin.block_tally where ${at}`),
    await db.execute(
      sql`select tx_hash, log_index from ${indexTable('event')} where ${at} order by log_index, id limit ${READ}`,
    ),
  ]
  const seen = parsePlaces(String(tally.rows[0]?.['places'] ?? ''))
  const indexed = events.rows.map((row) => `${row['tx_hash']}#${row['log_index']}`)
  const lacks = { indexLacks: minus(seen, indexed), watcherLacks: minus(indexed, seen) }
  const isShort = {
    index: lacks.indexLacks.length > 0,
    watcher: lacks.watcherLacks.length > 0,
  }
  return {
    ...lacks,
    lacking:
      isShort.index && isShort.watcher
        ? 'both'
        : isShort.index
          ? 'index'
          : isShort.watcher
            ? 'watcher'
            : 'none',
    description: describe(difference, indexed, lacks),
  }
}
