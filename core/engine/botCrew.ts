import {
  type Address,
  cleanText,
  type Hex,
  type Json,
  SELF_BOT_ID,
  TocsinError,
} from '../base/index.ts'
import type { ChainBlock, ChainHeader, ChainSource } from '../chain/types.ts'
import type { Logger } from '../telemetry/index.ts'
import { type ChainMarks, NO_MARK } from './botMarks.ts'
import { type BotMemory, createBotMemory, type MemoryWrites } from './botMemory.ts'
import type { CompiledNeeds } from './checkNeeds.ts'
import { compileNeeds } from './compileNeeds.ts'
import type { EngineBot } from './engineBot.ts'
import type {
  BlockId,
  FindingRow,
  HealthChange,
  PrunedRows,
  SampleRow,
  StateRow,
  StoredBot,
  TallyRow,
} from './engineStore.ts'
import { createLabelBook, type LabelBook } from './labelBook.ts'
import { createOpenHandlers, MOST_OPEN_HANDLERS, type OpenHandlers } from './openHandlers.ts'
import type { Cast } from './pending/cast.ts'
import { createPreparer, type PreparedBlock, type Preparer } from './prepareBlock.ts'
import type { RemoteReader } from './remoteViews.ts'
import { type BotRun, runBot } from './runBot.ts'
import { runRounds } from './runRounds.ts'
import { botFailingFinding } from './selfFindings.ts'
import type { StrikeBook } from './strikeBook.ts'
import type { TallyBlock } from './tallyBlock.ts'
import type { BotAlert, BotThing, Label } from './types.ts'
import type { BotTurn } from './watchMetrics.ts'

/** What all bots together made of a block; nothing of it lasts until `apply`. */
export type CrewRun = {
  readonly findings: readonly FindingRow[]
  readonly state: readonly StateRow[]
  readonly samples: readonly SampleRow[]
  readonly health: readonly HealthChange[]
  readonly failures: ReadonlyMap<string, readonly string[]>
  readonly tally: readonly TallyRow[] | undefined
  /** Takes the block into memory, once it is committed. */
  readonly apply: () => void
}

/** The bots of one chain with their memories. */
export type BotCrew = {
  /** @throws TocsinError `bot.needs_invalid`; nothing has changed then. */
  readonly use: (bots: readonly EngineBot[], labels: readonly Label[]) => Promise<void>
  readonly memoryIds: () => readonly string[]
  readonly load: (botId: string, stored: StoredBot) => void
  readonly wantsReceipts: (bloom: Hex) => boolean
  readonly prefetch: Preparer['prefetch']
  readonly prepare: (block: ChainBlock) => Promise<PreparedBlock>
  readonly run: (prepared: PreparedBlock) => Promise<CrewRun>
  /** The bots as they stand, to be run over a block that is made up. */
  readonly cast: () => Cast
  readonly rollback: (blockNumber: number) => void
  readonly finalize: (block: { readonly number: number; readonly timestampS: number }) => PrunedRows
}

type Member = {
  readonly bot: EngineBot
  readonly needs: CompiledNeeds
  readonly byAddress: ReadonlyMap<Address, BotThing<unknown>>
}

/** Lives as long as the process: never part of what a block decides, but for hung bots. */
type Condition = {
  isInitialized: boolean
  isReported: boolean
  hangs: number
  resumeAt: number
  readonly openHandlers: OpenHandlers
}

/** A bot that hangs again and again is left out for up to so many blocks, so that the others stay in time. */
const MAX_BLOCKS_LEFT_OUT = 64
const NOTHING: MemoryWrites = { state: [], samples: [] }
const leaveOut = (reason: string, isHung: boolean): BotRun => ({
  rows: [],
  writes: NOTHING,
  faults: [reason],
  isHung,
})

/** Header of the block before, as far as it is known without fetching it. */
const parentOf = (header: ChainHeader): ChainHeader => ({
  ...header,
  number: header.number - 1,
  hash: header.parentHash,
})

export const createBotCrew = (options: {
  readonly chain: { readonly id: number; readonly name: string }
  readonly source: ChainSource
  readonly traces: boolean
  readonly tally?: TallyBlock | undefined
  readonly log: Logger
  /** Hears of each bot's turn at a block. */
  readonly onTurn?: ((turn: BotTurn) => void) | undefined
  /** Where it says whose code is on the thread. */
  readonly marks?: ChainMarks | undefined
  /** Which bots must not run, since they took the process down. */
  readonly strikes?: StrikeBook | undefined
  /** What bots keep on other chains. */
  readonly remote?: RemoteReader | undefined
  /** Findings of a block that come from elsewhere, for `handleAlert`. */
  readonly otherAlerts?: ((block: ChainHeader) => readonly BotAlert[]) | undefined
}): BotCrew => {
  const { chain, source, log, marks, strikes } = options
  const memories = new Map<string, BotMemory>([[SELF_BOT_ID, createBotMemory()]])
  const conditions = new Map<string, Condition>()
  let members: readonly Member[] = []
  let labelBook: LabelBook = createLabelBook([])
  let preparer: Preparer = createPreparer({ source, needs: [], traces: false })
  /** Blocks prepared for other bots must not be run by these. */
  let generation = 0
  const generations = new WeakMap<PreparedBlock, number>()

  const memoryOf = (botId: string): BotMemory => {
    const memory = memories.get(botId)
    if (!memory) throw new TocsinError('internal', `The bot "${botId}" has no memory.`)
    return memory
  }
  const conditionOf = (botId: string): Condition => {
    const known = conditions.get(botId)
    if (known) return known
    const made: Condition = {
      isInitialized: false,
      isReported: false,
      hangs: 0,
      resumeAt: 0,
      openHandlers: createOpenHandlers(),
    }
    conditions.set(botId, made)
    return made
  }
  const prepareHosted = ({ number, hash }: BlockId): void => {
    for (const { bot } of members) bot.definition.hosted?.prepare?.({ number, hash })
  }
  const prepare = async (block: ChainBlock): Promise<PreparedBlock> => {
    const mine = generation
    prepareHosted(block)
    const prepared = await preparer.prepare(block)
    generations.set(prepared, mine)
    return prepared
  }

  const runMember = async (
    member: Member,
    index: number,
    prepared: PreparedBlock,
    alerts: readonly BotAlert[],
  ): Promise<BotRun | undefined> => {
    const { bot, needs } = member
    const { id } = bot.definition
    const { header } = prepared
    const matched = prepared.matched[index]
    const condition = conditionOf(id)
    const isDue = !condition.isInitialized
    const refusal = strikes?.refuse(id, header)
    const isWanted = matched !== undefined || needs.everyBlock || isDue || alerts.length > 0
    if (!refusal?.isQuarantined && !isWanted) return undefined
    if (refusal || header.number < condition.resumeAt) {
      options.onTurn?.({ botId: id, seconds: 0, isLeftOut: true })
      return refusal
        ? { ...leaveOut(refusal.reason, false), isQuarantined: refusal.isQuarantined }
        : leaveOut(`it hung and is left out until block ${condition.resumeAt}`, true)
    }
    const open = condition.openHandlers.count()
    if (open >= MOST_OPEN_HANDLERS) {
      options.onTurn?.({ botId: id, seconds: 0, isLeftOut: true })
      return leaveOut(
        `${open} of its handlers have never ended: it is left out until some do`,
        true,
      )
    }
    if (strikes?.isCareful()) await strikes.note(id, header)
    const began = performance.now()
    const result = await runBot({
      bot,
      source,
      header,
      matched,
      memory: memoryOf(id),
      traced: prepared.traced[index] ?? false,
      everyBlock: needs.everyBlock,
      initializeAt: isDue ? parentOf(header) : undefined,
      answers: prepared.reads[index],
      alerts,
      transactions: prepared.block.transactions,
      labels: labelBook,
      remote: options.remote,
      byAddress: member.byAddress,
      mark: marks?.markOf(id),
      openHandlers: condition.openHandlers,
      log: (message: string, fields: Record<string, Json>) =>
        log.info({ bot: id, chain: chain.name, block: header.number, fields }, message),
    })
    const seconds = (performance.now() - began) / 1_000
    options.onTurn?.({ botId: id, seconds, isLeftOut: false })
    return result
  }

  const runMembers = (prepared: PreparedBlock): Promise<readonly (BotRun | undefined)[]> =>
    runRounds({
      needs: members.map(({ needs }) => needs),
      isSerial: strikes?.isCareful() ?? false,
      others: options.otherAlerts?.(prepared.header),
      run: async (index, alerts) => {
        const member = members[index]
        return member && runMember(member, index, prepared, alerts)
      },
    })

  /** After the commit: who hung waits longer each time, who did not is forgiven. */
  const remember = (botId: string, run: BotRun, block: number): void => {
    const condition = conditionOf(botId)
    condition.isReported = true
    if (run.faults.length === 0) condition.isInitialized = true
    if (!run.isHung) condition.hangs = 0
    else if (block >= condition.resumeAt) {
      condition.hangs++
      condition.resumeAt = block + Math.min(MAX_BLOCKS_LEFT_OUT, 2 ** (condition.hangs - 1))
    }
  }

  const run = async (offered: PreparedBlock): Promise<CrewRun> => {
    const prepared =
      generations.get(offered) === generation ? offered : await prepare(offered.block)
    const { header } = prepared
    marks?.begin(header)
    const runs = await runMembers(prepared)
    const findings = new Map<string, FindingRow>()
    const health: HealthChange[] = []
    const failures = new Map<string, readonly string[]>()
    const writes = new Map<string, MemoryWrites>()
    const self = memoryOf(SELF_BOT_ID).stage(header)

    for (const [index, member] of members.entries()) {
      const result = runs[index]
      if (!result) continue
      const { id } = member.bot.definition
      const isFailing = result.faults.length > 0
      const wasFailing = self.state.get(`failing:${id}`) !== undefined
      const isFresh = result.rows.filter((row) => !findings.has(row.id))
      for (const row of isFresh) findings.set(row.id, row)
      writes.set(id, result.writes)
      if (isFailing) failures.set(id, result.faults)
      if (isFailing !== wasFailing) {
        const told = botFailingFinding(member.bot, header, result.faults)
        findings.set(told.id, told)
        if (isFailing) self.state.set(`failing:${id}`, header.number)
        else self.state.delete(`failing:${id}`)
        log[isFailing ? 'error' : 'info'](
          { bot: id, chain: chain.name, block: header.number, faults: result.faults.slice(0, 5) },
          told.name,
        )
      }
      if (isFailing || wasFailing || isFresh.length > 0 || !conditionOf(id).isReported)
        health.push({
          botId: id,
          status: result.isQuarantined ? 'disabled' : isFailing ? 'failing' : 'ok',
          blocksFailed: isFailing ? 1 : 0,
          lastError: isFailing ? cleanText(result.faults[0] ?? '', 500) : null,
          lastErrorBlock: isFailing ? header.number : null,
          findings: new Set(isFresh.map(({ id: one }) => one)).size,
        })
    }
    writes.set(SELF_BOT_ID, self.writes())
    return {
      findings: [...findings.values()],
      state: [...writes].flatMap(([botId, { state }]) => state.map((row) => ({ botId, ...row }))),
      samples: [...writes].flatMap(([botId, { samples }]) =>
        samples.flatMap(({ key, values }) =>
          values.map((value, ordinal) => ({ botId, key, ordinal, value })),
        ),
      ),
      health,
      failures,
      tally: prepared.tally,
      apply: () => {
        for (const [botId, written] of writes) memories.get(botId)?.apply(header, written)
        for (const [index, member] of members.entries()) {
          const result = runs[index]
          if (result) remember(member.bot.definition.id, result, header.number)
        }
      },
    }
  }

  return {
    use: async (bots, labels) => {
      const compiled = bots.map((bot): Member => {
        const byAddress = new Map<Address, BotThing<unknown>>()
        for (const thing of bot.things)
          if (!byAddress.has(thing.address)) byAddress.set(thing.address, thing)
        marks?.register(bot)
        const mark = marks?.markOf(bot.definition.id) ?? NO_MARK
        mark.enter('needs', -1)
        try {
          return { bot, byAddress, needs: compileNeeds(bot, chain, labels) }
        } finally {
          mark.leave()
        }
      })
      preparer = createPreparer({
        source,
        needs: compiled.map(({ needs }) => needs),
        traces: options.traces,
        tally: options.tally,
      })
      members = compiled
      labelBook = createLabelBook(labels)
      generation++
      for (const { bot } of compiled)
        if (!memories.has(bot.definition.id)) memories.set(bot.definition.id, createBotMemory())
    },
    memoryIds: () => [...memories.keys()],
    load: (botId, stored) => {
      const memory = memoryOf(botId)
      for (const { key, blockNumber, value } of stored.state)
        memory.loadState(key, blockNumber, value)
      for (const { key, ...sample } of stored.samples) memory.loadSample(key, sample)
    },
    wantsReceipts: (bloom) => preparer.filter.wantsReceipts(bloom),
    prefetch: (block) => {
      prepareHosted(block)
      preparer.prefetch(block)
    },
    prepare,
    run,
    cast: () => ({
      filter: preparer.filter,
      labels: labelBook,
      generation,
      members: members.map(({ bot, needs, byAddress }) => {
        const { id } = bot.definition
        const condition = conditionOf(id)
        return {
          bot,
          needs,
          byAddress,
          memory: memoryOf(id),
          mark: marks?.markOf(id),
          openHandlers: condition.openHandlers,
          // A hosted program takes real blocks only.
          isFit: (header) =>
            bot.definition.hosted === undefined &&
            condition.isInitialized &&
            strikes?.isCareful() !== true &&
            strikes?.refuse(id, header) === undefined &&
            header.number >= condition.resumeAt &&
            condition.openHandlers.count() < MOST_OPEN_HANDLERS,
        }
      }),
    }),
    rollback: (blockNumber) => {
      for (const memory of memories.values()) memory.rollback(blockNumber)
    },
    finalize: (block) => {
      const pruned = [...memories].map(([botId, memory]) => ({ botId, ...memory.finalize(block) }))
      return {
        state: pruned.flatMap(({ botId, state }) => state.map((row) => ({ botId, ...row }))),
        samples: pruned.flatMap(({ botId, samples }) => samples.map((row) => ({ botId, ...row }))),
      }
    },
  }
}
