import { once } from 'node:events'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { cleanText, TocsinError } from '../../base/index.ts'
import { createRangeSource, createRpcPool, type RpcPool } from '../../chain/index.ts'
import type { Config } from '../../config/types.ts'
import {
  bindBots,
  compileFilter,
  compileNeeds,
  createWatchdog,
  listLabels,
  runBacktest,
} from '../../engine/light.ts'
import type { BotDefinition } from '../../engine/types.ts'
import { createLogger } from '../../telemetry/light.ts'
import { createBacktestTally, judgeFinding, renderSummary, toJsonLine } from '../backtestReport.ts'
import { EXIT } from '../exitCodes.ts'
import { findBotFile, loadBots } from '../loadBots.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { createProgress } from '../progress.ts'
import { readConfig } from '../readConfig.ts'

type BacktestCommand = CommonOptions & {
  readonly chain: string
  readonly from: number
  readonly to: number
  readonly bots?: readonly string[]
  readonly format: 'text' | 'jsonl'
  readonly traces: boolean
}

/** Nodes that trace many blocks at once answer late; nobody waits for a single block here (ms). */
const TIMEOUT_MS = 60_000

const parseBlock = (text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Say a block number.')
}
const parseNames = (text: string): readonly string[] => {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  if (names.length > 0) return names
  throw new InvalidArgumentError('Say one or more bot ids, separated by commas.')
}

const wrong = (code: string, message: string, hint: string): TocsinError =>
  new TocsinError(code, message, { exitCode: EXIT.invalid, hints: [hint] })

/** What is wrong with a range that ends beyond the chain; the blocks are fetched meanwhile. */
const findFuture = async (pool: RpcPool, to: number): Promise<TocsinError | undefined> => {
  // Trouble with the endpoint is told by whoever reads the blocks.
  const head = await pool.request('eth_blockNumber', []).then(Number, () => Number.NaN)
  if (!(to > head)) return undefined
  return wrong(
    'backtest.range',
    `Block ${to} is not there yet: the chain ends at block ${head}.`,
    'Say a --to that exists.',
  )
}

/** The watchlist's bots, narrowed to those named; one that is named and not switched on runs as it is shipped. */
const chooseBots = (
  config: Config,
  definitions: readonly BotDefinition<unknown>[],
  names: readonly string[] | undefined,
): Config['bots'] => {
  if (!names) return config.bots
  return Object.fromEntries(
    names.map((name) => {
      if (!definitions.some(({ id }) => id === name))
        throw wrong(
          'bot.unknown',
          `There is no bot "${cleanText(name, 80)}".`,
          `There are: ${definitions.map(({ id }) => id).join(', ')}.`,
        )
      return [name, { parameters: config.bots[name]?.parameters ?? {}, enabled: true }]
    }),
  )
}

const runCommand = async (options: BacktestCommand): Promise<number> => {
  if (options.from > options.to)
    throw wrong(
      'backtest.range',
      `Block ${options.from} comes after block ${options.to}.`,
      'Say --from with the smaller number.',
    )
  const config = await readConfig(options, ['rpc'])
  const definitions = await loadBots(config.botsDir)
  const chain = config.chains.find(({ name }) => name === options.chain)
  if (!chain)
    throw wrong(
      'chain.unknown',
      `The watchlist has no chain "${cleanText(options.chain, 80)}".`,
      `It has: ${config.chains.map(({ name }) => name).join(', ')}.`,
    )
  const bots = bindBots(
    { bots: chooseBots(config, definitions, options.bots), watch: config.watch },
    definitions,
    chain.name,
  )
  if (bots.length === 0)
    throw wrong(
      'backtest.no_bots',
      `No bot looks at anything on ${chain.name}.`,
      'Switch bots on under `bots`, or name them with --bots.',
    )
  const labels = listLabels(config, chain.name)
  const needs = bots.map((bot) => compileNeeds(bot, chain, labels))
  const filter = compileFilter(needs)
  const traces = options.traces && chain.traces !== 'none'

  // Over history whole blocks cost no further exchange, calldata asked for one by one does; traces hold it already.
  const isAlwaysTracing = traces && needs.some((need) => need.traces?.mode === 'always')
  const wantsInputs =
    !isAlwaysTracing &&
    needs.some(({ calls, senders, inputs }) => inputs || calls.length + senders.length > 0)
  const pool = createRpcPool({
    timeoutMs: TIMEOUT_MS,
    chainId: chain.id,
    chainName: chain.name,
    endpoints: chain.rpc,
  })
  const stopping = new AbortController()
  const future = findFuture(pool, options.to).then((fault) => {
    if (fault) stopping.abort()
    return fault
  })
  const range = createRangeSource(pool, {
    signal: stopping.signal,
    from: options.from,
    to: options.to,
    traces: traces ? chain.traces : 'none',
    transactions:
      chain.transactions === 'auto' ? (wantsInputs ? 'full' : 'receipts') : chain.transactions,
    isNeeded: (header) => filter.wantsReceipts(header.logsBloom),
    prefetchTraces: isAlwaysTracing
      ? (block) => block.transactions.some((tx) => tx.gasUsed > 21_000n)
      : false,
    ...(chain.multicall3 ? { multicall3: chain.multicall3 as `0x${string}` } : {}),
  })
  const isJson = options.format === 'jsonl'
  const tally = createBacktestTally(bots.map(({ definition }) => definition.id))
  const progress = createProgress(
    `${chain.name} ${options.from}–${options.to}`,
    options.to - options.from + 1,
  )
  const watchdog = createWatchdog({
    service: 'backtest',
    exitCode: EXIT.failed,
    voice: options.json ? 'json' : 'text',
    fileOf: findBotFile,
    onError: (message) => process.stderr.write(`${message}\n`),
  })
  try {
    const result = await runBacktest({
      chain,
      signal: stopping.signal,
      marks: watchdog.marks,
      bots,
      labels,
      traces,
      dataPatienceMs: TIMEOUT_MS,
      source: range.source,
      blocks: range,
      log: createLogger({ service: 'backtest', level: 'fatal' }),
      onFinding: (finding) => {
        const wouldBe = judgeFinding(config, finding)
        tally.add(wouldBe)
        if (isJson) process.stdout.write(`${toJsonLine(wouldBe, chain.name)}\n`)
        else
          process.stdout.write(
            `${finding.blockNumber}  ${wouldBe.sev}  ${finding.botId}  ${finding.alertId}  ${finding.description}${finding.txHash ? `  ${finding.txHash}` : ''}\n`,
          )
      },
      onFailure: (botId, block, faults) => tally.addFailure(botId, block.number, faults),
      onProgress: (_block, totals) => progress.update(totals.blocks, `${totals.transactions} tx`),
    }).catch(async (error: unknown) => {
      throw (await future) ?? error
    })
    progress.end()
    const beyond = await future
    if (beyond) throw beyond
    const summary = tally.summary(result)
    const stream = isJson ? process.stderr : process.stdout
    stream.write(options.json ? `${JSON.stringify(summary)}\n` : renderSummary(summary))
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
    return summary.failures.length > 0 ? EXIT.failed : EXIT.ok
  } finally {
    progress.end()
    await watchdog.stop()
    await pool.stop()
  }
}

/** `tocsin backtest`: the bots over history, by the same engine as live. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('backtest'))
    .description('run bots over past blocks: what they would have found, paged and answered')
    .requiredOption('--chain <name>', 'a chain of the watchlist')
    .requiredOption('--from <block>', 'first block', parseBlock)
    .requiredOption('--to <block>', 'last block', parseBlock)
    .addOption(
      new Option('--bots <ids>', 'only these bots, separated by commas').argParser(parseNames),
    )
    .addOption(
      new Option('--format <format>', 'of the findings').choices(['text', 'jsonl']).default('text'),
    )
    .option('--no-traces', 'see top-level calls only')
    .addHelpText(
      'after',
      `
With --format jsonl each finding is one line on stdout and the summary goes to stderr (as JSON with --json).

Exit codes: 0 done, 1 a bot or an endpoint failed, 2 the watchlist or the command line is wrong.

Examples:
  $ tocsin backtest --chain mainnet --from 20000000 --to 20007200
  $ tocsin backtest --chain mainnet --from 20000000 --to 20000100 --bots tvl-drop --format jsonl | jq .severity`,
    )
    .action(async (options: BacktestCommand) => {
      process.exitCode = await runCommand(options)
    })
}
