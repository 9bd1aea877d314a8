import { type Hex, TocsinError } from '../base/index.ts'
import type { RpcPool } from '../chain/index.ts'
import type { EventMessage, ReadyMessage } from './child/protocol.ts'
import { encodePayload, type HostedBot, type HostedRun } from './host/createHostedBot.ts'
import {
  createHostedChain,
  type HostedBotSpec,
  type HostedChain,
  wantsTraces,
} from './host/createHostedChain.ts'
import { createRawBlocks, type RawBlock, type TraceWish } from './host/createRawBlocks.ts'

type Raw = Readonly<Record<string, unknown>>

/** One thing to show a bot, as the SDK's own command line takes it. */
export type RunStep =
  /** A block with all its transactions. */
  | { readonly kind: 'block'; readonly block: number | Hex }
  /** One transaction, without its block. */
  | { readonly kind: 'transaction'; readonly hash: Hex }
  /** An alert, by its hash or as the SDK's API gives it. */
  | { readonly kind: 'alert'; readonly alert: Hex | Raw }
  /** An event that somebody wrote down whole. */
  | { readonly kind: 'event'; readonly handler: EventMessage['handler']; readonly event: Raw }

export type StepsRun = { readonly steps: number; readonly seconds: number }

const missing = (what: string, ...hints: readonly string[]): TocsinError =>
  new TocsinError('forta.not_found', what, { exitCode: 2, hints })

const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null

const onlyOf = ({ payload }: RawBlock, hash: string): string => {
  const isOwn = ({ transactionHash }: Raw): boolean =>
    typeof transactionHash === 'string' && transactionHash.toLowerCase() === hash
  const { block, logs, traces } = payload
  return encodePayload({
    block: { ...block, transactions: block.transactions.filter((tx) => tx.hash === hash) },
    logs: logs.filter(isOwn),
    ...(traces ? { traces: traces.filter(isOwn) } : {}),
  })
}

const HANDLERS: Readonly<Record<RunStep['kind'], readonly string[]>> = {
  block: ['handleBlock', 'handleTransaction'],
  transaction: ['handleTransaction'],
  alert: ['handleAlert'],
  event: [],
}

const checkHandlers = (ready: ReadyMessage, steps: readonly RunStep[]): void => {
  for (const step of steps) {
    const wanted = step.kind === 'event' ? [step.handler] : HANDLERS[step.kind]
    if (wanted.some((handler) => ready.handlers.includes(handler))) continue
    throw new TocsinError('forta.no_handler', `The bot has no ${wanted.join(' and no ')}.`, {
      exitCode: 2,
      hints: [`It has: ${ready.handlers.join(', ') || 'none'}.`],
    })
  }
}

/**
 * Shows one bot these things, strictly one after another: what the SDK's own command line does with `--block`, `--tx`,
 * `--alert`, `--sequence` and `--file`. Stores nothing.
 * @throws TocsinError `forta.no_handler`, `forta.not_found`, `forta.start_failed`
 */
export const runSteps = async (options: {
  readonly pool: RpcPool
  readonly traces: TraceWish
  readonly bot: HostedBotSpec
  readonly steps: readonly RunStep[]
  /** Looks an alert up by its hash. Default: there are none. */
  readonly findAlert?: (hash: Hex) => Promise<Raw | undefined>
  /** Answers what the bot asks of the SDK's services. Default: nobody does. */
  readonly serveOther?: (path: string, body: string) => Promise<string | undefined>
  readonly onStep: (step: RunStep, block: RawBlock | undefined, run: HostedRun) => void
  readonly onOutput?: (line: string) => void
}): Promise<StepsRun> => {
  const { pool, bot } = options
  const traces = wantsTraces(bot.bot) ? options.traces : 'none'
  const host: HostedChain = await createHostedChain({
    chain: { id: pool.chainId, name: pool.chainName, rpc: [], traces },
    bots: [bot],
    pool,
    ...(options.serveOther ? { serveOther: options.serveOther } : {}),
    onOutput: (_, line) => options.onOutput?.(line),
  })
  const beganMs = performance.now()
  const source = createRawBlocks(pool, { traces })

  const getBlock = async (place: number | Hex): Promise<RawBlock> => {
    const method = typeof place === 'number' ? 'eth_getBlockByNumber' : 'eth_getBlockByHash'
    const at = typeof place === 'number' ? `0x${place.toString(16)}` : place
    if (!isRaw(await pool.request(method, [at, false])))
      throw missing(`The chain has no block ${place}.`)
    if (typeof place === 'string') return source.byHash(place)
    const [block] = await source.byNumbers([place])
    if (!block) throw missing(`The chain has no block ${place}.`)
    return block
  }
  const runTransaction = async (
    hosted: HostedBot,
    hash: Hex,
  ): Promise<{ readonly block: RawBlock; readonly run: HostedRun }> => {
    const found: unknown = await pool.request('eth_getTransactionByHash', [hash])
    if (!isRaw(found) || typeof found['blockHash'] !== 'string')
      throw missing(`The chain has no mined transaction ${hash}.`)
    const block = await source.byHash(found['blockHash'] as Hex)
    host.take(block)
    const own = block.hashes.find((one) => one.toLowerCase() === hash.toLowerCase()) ?? hash
    const run = await hosted.runTransaction?.(onlyOf(block, own), own)
    return { block, run: run ?? { findings: [], faults: ['it takes no single transactions'] } }
  }
  const runAlert = async (hosted: HostedBot, alert: Hex | Raw): Promise<HostedRun> => {
    if (typeof alert !== 'string') return hosted.runAlert(alert)
    const found = await options.findAlert?.(alert)
    if (found) return hosted.runAlert(found)
    throw missing(
      `There is no finding ${alert}.`,
      'Alerts are findings of this watchlist’s database. Others can be written down: --file.',
    )
  }
  const runEvent = async (
    hosted: HostedBot,
    step: Extract<RunStep, { kind: 'event' }>,
  ): Promise<HostedRun> =>
    (await hosted.runEvent?.(step.handler, step.event)) ?? {
      findings: [],
      faults: ['it takes no written events'],
    }

  try {
    const [hosted] = host.bots
    if (!hosted) throw missing('There is no bot.')
    checkHandlers(await hosted.start(), options.steps)
    for (const step of options.steps) {
      if (step.kind === 'block') {
        const block = await getBlock(step.block)
        options.onStep(step, block, await host.runShared(hosted, host.take(block)))
      } else if (step.kind === 'transaction') {
        const { block, run } = await runTransaction(hosted, step.hash)
        options.onStep(step, block, run)
      } else if (step.kind === 'alert')
        options.onStep(step, undefined, await runAlert(hosted, step.alert))
      else options.onStep(step, undefined, await runEvent(hosted, step))
    }
  } finally {
    await host.stop()
  }
  return {
    steps: options.steps.length,
    seconds: (performance.now() - beganMs) / 1_000,
  }
}
