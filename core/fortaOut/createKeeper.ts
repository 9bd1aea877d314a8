import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../base/index.ts'
import type { createMemoryEngineStore } from '../engine/light.ts'
import type { Logger } from '../telemetry/light.ts'
import { decodeTagged, encodeTagged } from './packedJson.ts'

/** All that the bots of one chain remember. */
export type Kept = ReturnType<ReturnType<typeof createMemoryEngineStore>['snapshot']>

/** Where a packed bot keeps what it remembers over a restart. */
export type Keeper = {
  /** What was saved last; undefined where nothing was, or where it was another bot's. */
  readonly load: () => Promise<Kept | undefined>
  /** Saves, but not more often than it is worth: what is lost is made again out of the blocks. */
  readonly offer: (kept: () => Kept) => Promise<void>
  readonly save: (kept: Kept) => Promise<void>
}

const EVERY_MS = 2_000

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isKept = (value: unknown): value is Kept =>
  isRecord(value) &&
  ['blocks', 'findings', 'state', 'samples'].every((name) => Array.isArray(value[name]))

/**
 * A file for each chain in a folder, replaced as a whole.
 * @param options.of what the bot is: with other code or another watchlist it begins anew
 */
export const createKeeper = (options: {
  readonly dir: string
  readonly chainId: number
  readonly of: string
  readonly log: Logger
}): Keeper => {
  const { dir, chainId, log } = options
  const file = join(dir, `chain-${chainId}.json`)
  const of = createHash('sha256').update(options.of).digest('hex')
  let savedMs = Number.NEGATIVE_INFINITY
  let isComplained = false
  const save: Keeper['save'] = async (kept) => {
    savedMs = performance.now()
    try {
      await mkdir(dir, { recursive: true })
      await writeFile(`${file}.new`, encodeTagged({ of, kept }))
      await rename(`${file}.new`, file)
    } catch (error) {
      // The bot goes on; after a restart it begins anew, as it is told here once.
      if (!isComplained) log.warn({ file }, `What it remembers is not saved: ${messageOf(error)}`)
      isComplained = true
    }
  }
  return {
    load: async () => {
      let text: string
      try {
        text = await readFile(file, 'utf8')
      } catch {
        // There is none yet.
        return undefined
      }
      try {
        const saved = decodeTagged(text)
        if (isRecord(saved) && saved['of'] === of && isKept(saved['kept'])) return saved['kept']
      } catch {
        // Said below.
      }
      log.warn({ file }, 'What is saved is of another bot, or damaged: it begins anew.')
      return undefined
    },
    offer: async (kept) => {
      if (performance.now() - savedMs >= EVERY_MS) await save(kept())
    },
    save,
  }
}
