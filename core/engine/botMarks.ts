import { stableHash } from '../base/index.ts'
import { DEFAULT_TIMEOUT_MS, type EngineBot } from './engineBot.ts'
import type { BlockId } from './engineStore.ts'
import {
  AT,
  BOT_WORK,
  type BotWork,
  HASH_CHARS,
  MAX_MARKED_BOTS,
  MAX_MARKED_CHAINS,
  type MarkedBot,
  viewMarks,
} from './markLayout.ts'

/** Says when the code of one bot is on the thread. Costs some nanoseconds: it is set around every handler. */
export type BotMark = {
  /** Its code begins. `index`: of the transaction, -1 where there is none. */
  readonly enter: (work: BotWork, index: number) => void
  readonly leave: () => void
  /** A promise of it is open: its code may be on the thread at any time. */
  readonly open: () => void
  readonly close: () => void
}

const nothing = (): void => undefined
export const NO_MARK: BotMark = { enter: nothing, leave: nothing, open: nothing, close: nothing }

export type ChainMarks = {
  /** Makes a bot known; before its first mark, and again when its parameters change. */
  readonly register: (bot: EngineBot) => void
  readonly markOf: (botId: string) => BotMark
  readonly begin: (block: BlockId) => void
}

/** Where the process's watchdog reads whose code is on the main thread. */
export type BotMarks = {
  readonly buffer: SharedArrayBuffer
  /** The main thread goes on. */
  readonly beat: () => void
  readonly openChain: (chain: { readonly id: number; readonly name: string }) => ChainMarks
  /** The mark of a bot outside of blocks. */
  readonly markOf: (botId: string) => BotMark
}

/** Of all that decides what a bot does, but its code: a bot that killed is tried again when it differs. */
export const fingerprintOf = ({ definition, parameters, things }: EngineBot): string => {
  try {
    return stableHash(definition.version, parameters, things).slice(0, 32)
  } catch {
    // Parameters that are no data tell nothing; the version does.
    return stableHash(definition.version).slice(0, 32)
  }
}

export const createBotMarks = (options: {
  readonly onBot: (bot: MarkedBot) => void
  readonly fileOf?: ((definition: EngineBot['definition']) => string | undefined) | undefined
}): BotMarks => {
  const { buffer, ints, numbers, hashes } = viewMarks()
  const slots = new Map<string, number>()
  const marks = new Map<string, BotMark>()
  const byBot = new Map<string, BotMark>()
  const chains = new Map<number, number>()

  // Plain writes: one thread alone writes, and the other looks at what has not changed for a long time.
  const add = (place: number, by: number): void => {
    ints[place] = (ints[place] ?? 0) + by
  }
  const makeMark = (slot: number): BotMark => ({
    enter: (work, index) => {
      ints[AT.work] = BOT_WORK.indexOf(work)
      ints[AT.index] = index
      ints[AT.current] = slot + 1
      add(AT.beat, 1)
    },
    leave: () => {
      ints[AT.current] = 0
    },
    open: () => add(AT.bots + slot, 1),
    close: () => add(AT.bots + slot, -1),
  })

  const openChain: BotMarks['openChain'] = ({ id, name }) => {
    const chain = chains.get(id) ?? chains.size
    chains.set(id, chain)
    if (chain >= MAX_MARKED_CHAINS)
      return { register: nothing, markOf: () => NO_MARK, begin: nothing }
    const keyOf = (botId: string): string => `${id}:${botId}`
    return {
      register: (bot) => {
        const { definition } = bot
        const key = keyOf(definition.id)
        const slot = slots.get(key) ?? slots.size
        if (slot >= MAX_MARKED_BOTS) return
        slots.set(key, slot)
        const mark = marks.get(key) ?? makeMark(slot)
        marks.set(key, mark)
        if (!byBot.has(definition.id)) byBot.set(definition.id, mark)
        options.onBot({
          slot,
          chain,
          chainId: id,
          chainName: name,
          botId: definition.id,
          fingerprint: fingerprintOf(bot),
          limitMs: definition.timeoutMs ?? DEFAULT_TIMEOUT_MS,
          file: options.fileOf?.(definition),
        })
      },
      markOf: (botId) => marks.get(keyOf(botId)) ?? NO_MARK,
      begin: (block) => {
        numbers[chain] = block.number
        hashes.write(block.hash, chain * HASH_CHARS, HASH_CHARS, 'latin1')
      },
    }
  }

  return {
    buffer,
    beat: () => add(AT.beat, 1),
    openChain,
    markOf: (botId) => byBot.get(botId) ?? NO_MARK,
  }
}
