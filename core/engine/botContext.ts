import {
  type Address,
  cleanText,
  type Hex,
  type Json,
  messageOf,
  TocsinError,
} from '../base/index.ts'
import type { ChainHeader, ChainSource } from '../chain/types.ts'
import type { Staged } from './botMemory.ts'
import { compileCall } from './checkNeeds.ts'
import { decodeAnswer } from './declaredReads.ts'
import type { EngineBot } from './engineBot.ts'
import type { LabelBook } from './labelBook.ts'
import type { RemoteReader } from './remoteViews.ts'
import type { BotContext, ReadResult } from './types.ts'

/** Most state reads that one bot may make in one block beside the declared ones. */
const MAX_READS = 2_000

/** What happened to the reads of one bot in one block. */
export type ReadLedger = {
  /** Reads under way: a handler that waits for them does not hang. */
  pending: number
  made: number
  /** The first that could not be answered at all; the block must wait for the data, it is not the bot's fault. */
  failure: unknown
  isClosed: boolean
}

export const createReadLedger = (): ReadLedger => ({
  pending: 0,
  made: 0,
  failure: undefined,
  isClosed: false,
})

export type ContextOptions = {
  readonly bot: EngineBot
  readonly source: ChainSource
  readonly block: ChainHeader
  readonly staged: Staged
  /** Undefined in `initialize`, where none were made. */
  readonly answers: ReadonlyMap<string, ReadResult> | undefined
  readonly ledger: ReadLedger
  readonly labels: LabelBook
  readonly byAddress: ReadonlyMap<Address, BotContext<unknown>['things'][number]>
  /** Default: no other chain is known. */
  readonly remote?: RemoteReader | undefined
  readonly log: (message: string, fields: Record<string, Json>) => void
}

/** Everything that a handler may touch, for one bot and one block. */
export const createBotContext = (options: ContextOptions): BotContext<unknown> => {
  const { bot, source, block, staged, ledger, labels, answers } = options
  const at = (where: 'block' | 'parent' | undefined): Hex =>
    where === 'parent' ? block.parentHash : block.hash

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (ledger.isClosed)
      throw new TocsinError(
        'bot.late',
        'This block is over for this bot; its handler took too long.',
      )
    if (++ledger.made > MAX_READS)
      throw new TocsinError('bot.too_many_reads', `More than ${MAX_READS} reads in one block.`)
    ledger.pending++
    try {
      return await work()
    } catch (error) {
      ledger.failure ??= error
      throw error
    } finally {
      ledger.pending--
    }
  }

  return {
    botId: bot.definition.id,
    chain: { id: source.chainId, name: source.name },
    block,
    parameters: bot.parameters,
    things: bot.things,
    thingAt: (address) => options.byAddress.get(address.toLowerCase() as Address),
    state: staged.state,
    window: staged.window,
    reads: <T>(key: string) => {
      const answer = answers?.get(key)
      if (!answer)
        throw new TocsinError(
          'bot.read_undeclared',
          answers
            ? `No read "${key}" was declared.`
            : 'Declared reads are not at hand in `initialize`.',
        )
      return answer as ReadResult<T>
    },
    read: {
      call: async <T>(request: Parameters<BotContext<unknown>['read']['call']>[0]) => {
        const { data, decode } = compileCall(request)
        const answer = await guarded(() =>
          source.reader.call({ to: request.address, data, block: at(request.at) }),
        )
        return decodeAnswer(answer, decode) as ReadResult<T>
      },
      storage: (address, slot, where) =>
        guarded(() => source.reader.storage(address, slot, at(where))),
      code: (address, where) => guarded(() => source.reader.code(address, at(where))),
      balance: (address, where) => guarded(() => source.reader.balance(address, at(where))),
    },
    remote: async (chain, keys) => {
      const { remote } = options
      if (!remote || chain === source.name) return undefined
      const request = { botId: bot.definition.id, blockHash: block.hash, chain, keys }
      return guarded(() => remote(request))
    },
    labels,
    log: (message, fields = {}) => {
      try {
        options.log(cleanText(String(message), 1_000), fields)
      } catch (error) {
        options.log(`A line could not be logged: ${messageOf(error)}`, {})
      }
    },
  }
}
