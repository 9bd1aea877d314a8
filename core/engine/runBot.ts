import { cleanText, isTocsinError, messageOf, TocsinError } from '../base/index.ts'
import type { ChainHeader, ChainTransaction } from '../chain/types.ts'
import { createAlertBlock } from './alertBlock.ts'
import type { ContextOptions, ReadLedger } from './botContext.ts'
import { createBotContext, createReadLedger } from './botContext.ts'
import { type BotMark, NO_MARK } from './botMarks.ts'
import type { BotMemory, MemoryWrites } from './botMemory.ts'
import { checkFindings } from './checkFindings.ts'
import type { Matched } from './compileFilter.ts'
import { DEFAULT_TIMEOUT_MS } from './engineBot.ts'
import type { FindingRow } from './engineStore.ts'
import type { BotWork } from './markLayout.ts'
import type { OpenHandlers } from './openHandlers.ts'
import type { BotAlert, BotBlock, BotContext, HostedAnswer } from './types.ts'

/** How much longer a handler may take while it waits for the chain's data (ms). */
const READ_PATIENCE_MS = 20_000
const TICK_MS = 250
/** Most findings of one bot in one block. */
const MAX_FINDINGS = 1_000

const NOTHING_FOUND: HostedAnswer = { findings: [], faults: [] }

/** What came of one bot in one block. */
export type BotRun = {
  readonly rows: readonly FindingRow[]
  readonly writes: MemoryWrites
  /** What it did wrong, one sentence each; its writes are then discarded. */
  readonly faults: readonly string[]
  readonly isHung: boolean
  /** It did not run, and will not. */
  readonly isQuarantined?: boolean
}

export type RunBotOptions = Omit<ContextOptions, 'staged' | 'ledger' | 'block'> & {
  readonly header: ChainHeader
  readonly memory: BotMemory
  readonly matched: Matched | undefined
  readonly traced: boolean
  readonly everyBlock: boolean
  /** The last committed block, when `initialize` is to run first. */
  readonly initializeAt: ChainHeader | undefined
  /** What others found in this block and this bot asked for. */
  readonly alerts: readonly BotAlert[]
  /** All of the block. */
  readonly transactions: readonly ChainTransaction[]
  /** Default: none. */
  readonly mark?: BotMark | undefined
  readonly openHandlers?: OpenHandlers | undefined
}

const isHostedAnswer = (value: unknown): value is HostedAnswer =>
  typeof value === 'object' && value !== null && 'findings' in value && 'faults' in value

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

/** Waits for a handler; time that it spends waiting for the chain's data does not count, within limits. */
const settle = (
  started: PromiseLike<unknown>,
  what: string,
  ledger: ReadLedger,
  timeoutMs: number,
  on: { readonly end: () => void; readonly giveUp: () => void },
): Promise<unknown> => {
  return new Promise((resolve, reject) => {
    const tickMs = Math.min(TICK_MS, timeoutMs)
    let activeMs = 0
    let totalMs = 0
    let timer: NodeJS.Timeout | undefined
    const end = (act: () => void): void => {
      on.end()
      clearTimeout(timer)
      act()
    }
    const tick = (): void => {
      totalMs += tickMs
      if (ledger.pending === 0) activeMs += tickMs
      const isDry = ledger.pending > 0 && totalMs >= timeoutMs + READ_PATIENCE_MS
      if (isDry)
        ledger.failure ??= new TocsinError(
          'engine.data_unavailable',
          `State that ${what} asked for does not come.`,
        )
      if (activeMs >= timeoutMs || isDry) {
        on.giveUp()
        reject(new TocsinError('bot.hung', `${what} took longer than ${timeoutMs} ms`))
      } else timer = setTimeout(tick, tickMs)
    }
    timer = setTimeout(tick, tickMs)
    started.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    )
  })
}

const isHang = (error: unknown): boolean => isTocsinError(error) && error.code === 'bot.hung'

/**
 * Runs one bot over one block: `initialize` when due, then `handleBlock`, then `handleTransaction` for each matching
 * transaction in order, then `handleAlert` for each finding of others that it asked for. Throws only when data of the chain could not be had; whatever the bot does wrong is in `faults`.
 */
export const runBot = async (options: RunBotOptions): Promise<BotRun> => {
  const { bot, header, memory, matched } = options
  const { definition } = bot
  const timeoutMs = definition.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const mark = options.mark ?? NO_MARK
  const ledger = createReadLedger()
  const staged = memory.stage(header)
  const faults: string[] = []
  const rows: FindingRow[] = []
  let isHung = false

  const take = (answer: unknown, what: string): boolean => {
    const returned = definition.hosted && isHostedAnswer(answer) ? answer.findings : answer
    if (returned !== answer) faults.push(...(answer as HostedAnswer).faults)
    const checked = checkFindings(returned, bot, header)
    rows.push(...checked.rows)
    faults.push(...checked.faults.map((fault) => `${what}: ${fault}`))
    return true
  }
  const blame = (error: unknown, what: string): boolean => {
    isHung = isHang(error)
    faults.push(isHung ? messageOf(error) : `${what} threw: ${cleanText(messageOf(error), 300)}`)
    return !isHung
  }
  /** Until it settles, and be it long after the block, its code may be on the thread. */
  const open = (promise: object): Parameters<typeof settle>[4] => {
    let isOpen = true
    let forget: (() => void) | undefined
    mark.open()
    return {
      end: () => {
        if (isOpen) mark.close()
        isOpen = false
        forget?.()
      },
      giveUp: () => {
        forget = options.openHandlers?.add(promise)
      },
    }
  }
  /** What it returned or threw is its code as well: getters and messages are read under its mark. */
  const marked = (work: BotWork, index: number, act: () => boolean): boolean => {
    mark.enter(work, index)
    try {
      return act()
    } finally {
      mark.leave()
    }
  }
  /**
   * Runs one handler; false once the bot hangs and must be left alone. Most handlers are not asynchronous, and a
   * block has hundreds of calls of them: only those that are cost a turn of the event loop.
   */
  const attempt = (
    work: BotWork,
    handler: () => unknown,
    use: (returned: unknown, what: string) => boolean = take,
    what: string = work,
    index = -1,
  ): boolean | Promise<boolean> => {
    mark.enter(work, index)
    try {
      const returned = handler()
      if (!isThenable(returned)) return use(returned, what)
      return settle(returned, what, ledger, timeoutMs, open(returned))
        .then((value) => marked(work, index, () => use(value, what)))
        .catch((error: unknown) => marked(work, index, () => blame(error, what)))
    } catch (error) {
      return blame(error, what)
    } finally {
      mark.leave()
    }
  }
  const contextAt = (block: ChainHeader, answers: ContextOptions['answers']): BotContext<unknown> =>
    createBotContext({ ...options, block, staged, ledger, answers })

  const runHandlers = async (): Promise<void> => {
    const { initialize, handleBlock, handleTransaction, handleAlert } = definition
    const { initializeAt, alerts } = options
    const isAwake = matched !== undefined || options.everyBlock
    if (initializeAt && initialize) {
      const ctx = contextAt(initializeAt, undefined)
      await attempt(
        'initialize',
        () => initialize(ctx),
        () => true,
      )
      // What could not begin must not go on from nothing.
      if (faults.length > 0) return
    }
    if (!isAwake && alerts.length === 0) return
    const block: BotBlock = {
      ...header,
      logs: matched?.logs ?? [],
      transactions: matched?.transactions ?? [],
      calls: matched?.calls ?? [],
      traced: options.traced,
    }
    const ctx = contextAt(header, options.answers)
    const { hosted } = definition
    /** What a hosted program could not be given is not its fault. */
    const host = (run: () => Promise<HostedAnswer>) => (): Promise<HostedAnswer> =>
      run().catch((error: unknown) => {
        ledger.failure ??= error
        return { findings: [], faults: [] }
      })
    if (isAwake && hosted) {
      const going = attempt(
        'handleBlock',
        host(() => hosted.handle(header)),
      )
      if (!(await going) || ledger.failure !== undefined) return
    }
    if (isAwake && handleBlock && !(await attempt('handleBlock', () => handleBlock(block, ctx))))
      return
    for (const tx of handleTransaction ? block.transactions : []) {
      const what = `handleTransaction(${tx.hash})`
      const handler = (): unknown => handleTransaction?.(tx, ctx, block)
      const going = attempt('handleTransaction', handler, take, what, tx.index)
      if (!(going === true || (await going))) return
      if (ledger.failure !== undefined) return
    }
    if (hosted?.handleAlert)
      for (const alert of alerts) {
        const what = `handleAlert(${alert.botId} ${alert.alertId})`
        const handler = host(async () => hosted.handleAlert?.(alert, header) ?? NOTHING_FOUND)
        if (!(await attempt('handleAlert', handler, take, what))) return
        if (ledger.failure !== undefined) return
      }
    if (!handleAlert || alerts.length === 0) return
    const alertBlock = createAlertBlock(block, options.transactions)
    for (const alert of alerts) {
      const what = `handleAlert(${alert.botId} ${alert.alertId})`
      const handler = (): unknown => handleAlert(alert, ctx, alertBlock)
      const going = attempt('handleAlert', handler, take, what)
      if (!(going === true || (await going))) return
      if (ledger.failure !== undefined) return
    }
  }

  await runHandlers()
  staged.close()
  ledger.isClosed = true
  if (ledger.failure !== undefined) throw ledger.failure
  if (rows.length > MAX_FINDINGS) {
    faults.push(`it returned ${rows.length} findings in one block; ${MAX_FINDINGS} are allowed`)
    rows.length = MAX_FINDINGS
  }
  const writes = faults.length > 0 ? { state: [], samples: [] } : staged.writes()
  return { rows, writes, faults, isHung }
}
