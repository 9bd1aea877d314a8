import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { messageOf } from '../../base/index.ts'
import { loadConfig, readIncidentFile } from '../../config/index.ts'
import type { Config } from '../../config/types.ts'
import type { EngineBot } from '../../engine/index.ts'
import { createWatchdog, runLanes } from '../../engine/light.ts'
import { createLogger } from '../../telemetry/light.ts'
import type { BacktestReport } from '../backtest/backtestReport.ts'
import { chooseHosted, openHosted } from '../backtest/openHosted.ts'
import {
  bindChosen,
  findChain,
  openRange,
  refuseEmptyRange,
  TIMEOUT_MS,
  wrong,
} from '../backtest/openRange.ts'
import { openRemotes } from '../backtest/openRemotes.ts'
import { parseBlock, parseNames } from '../backtest/parseBacktest.ts'
import { renderText } from '../backtest/renderText.ts'
import { resolveIncidents } from '../backtest/resolveIncidents.ts'
import { createSetDiff } from '../backtest/setDiff.ts'
import { type Counted, createSetTally, createSpan, type SetTally } from '../backtest/setTally.ts'
import { toJsonLine } from '../backtest/wouldBe.ts'
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
  readonly format: 'text' | 'jsonl' | 'json'
  readonly traces: boolean
  readonly incidents?: string
  readonly grace: number
  readonly compare?: string
  readonly html?: string
}

type Set = {
  readonly config: Config
  readonly bots: readonly EngineBot[]
  readonly tally: SetTally
}

const parseGrace = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Say a number of blocks.')
}

/** The watchlist with the parameters of `--compare` laid over it. */
const readOther = (options: BacktestCommand, file: string): Promise<Config> =>
  loadConfig({
    file: options.config,
    secrets: ['rpc'],
    bots: loadBots,
    parameters: file,
    env: options.env,
    dataDir: options.dataDir,
  })

const round = (value: number): number => Math.round(value * 10) / 10

const write = async (text: string): Promise<void> => {
  process.stdout.write(text)
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
}

const writeHtml = async (file: string, report: BacktestReport): Promise<void> => {
  // Only who wants the page pays for it.
  const { renderHtml } = await import('../backtest/renderHtml.ts')
  await writeFile(file, renderHtml(report)).catch((cause: unknown) => {
    throw wrong('backtest.html', `${file} cannot be written: ${messageOf(cause)}`)
  })
}

const runCommand = async (options: BacktestCommand): Promise<number> => {
  const { from, to } = options
  refuseEmptyRange(from, to)
  const config = await readConfig(options, ['rpc'])
  const definitions = await loadBots(config.botsDir)
  const chain = findChain(config, options.chain)
  const configs = [config]
  if (options.compare !== undefined) configs.push(await readOther(options, options.compare))
  const chosen = await chooseHosted(config, options.bots, chain)
  const isHosted = new Set(config.forta?.map(({ name }) => name))
  const own = options.bots?.filter((name) => !isHosted.has(name))
  const bound = configs.map((one) => bindChosen(one, definitions, own, chain, chosen.length > 0))
  const labelled =
    options.incidents === undefined
      ? undefined
      : readIncidentFile(options.incidents, { config, bots: definitions })

  const hosted = await openHosted({
    bots: chosen,
    chain,
    lanes: configs.length,
    traces: options.traces,
  })
  const lanes = bound.map((bots, at) => [...bots, ...(hosted.lanes[at] ?? [])])
  const open = openRange({ config, chain, from, to, lanes, traces: options.traces })
  const isLines = options.format === 'jsonl'
  const progress = createProgress(`${chain.name} ${from}–${to}`, to - from + 1)
  const watchdog = createWatchdog({
    service: 'backtest',
    exitCode: EXIT.failed,
    voice: options.json ? 'json' : 'text',
    fileOf: findBotFile,
    onError: (message) => process.stderr.write(`${message}\n`),
  })
  let closeRemotes = async (): Promise<void> => undefined
  try {
    const { pool } = open
    const remotes = await open.guard(() =>
      openRemotes({ ...options, configs, definitions, lanes, chain, pool }),
    )
    closeRemotes = remotes.stop
    const resolved = labelled
      ? await open.guard(() =>
          resolveIncidents({ labelled, config, chain: chain.name, pool, from, to }),
        )
      : undefined
    const sets = configs.map((one, at): Set => {
      const bots = lanes[at] ?? []
      const incidents = resolved?.incidents
      const tally = createSetTally({
        config: one,
        bots,
        from,
        to,
        incidents,
        graceBlocks: options.grace,
      })
      return { config: one, bots, tally }
    })
    const diff = sets.length > 1 ? createSetDiff() : undefined
    const span = createSpan()
    const tell = ({ wouldBe }: Counted): void => {
      const { finding, sev } = wouldBe
      if (isLines) process.stdout.write(`${toJsonLine(wouldBe, chain.name)}\n`)
      else if (options.format === 'text')
        process.stdout.write(
          `${finding.blockNumber}  ${sev}  ${finding.botId}  ${finding.alertId}  ${finding.description}${finding.txHash ? `  ${finding.txHash}` : ''}\n`,
        )
    }
    const result = await open.guard(() =>
      runLanes({
        chain,
        lanes,
        remotes: remotes.lanes,
        signal: open.signal,
        marks: watchdog.marks,
        labels: open.labels,
        traces: open.traces,
        dataPatienceMs: TIMEOUT_MS,
        source: open.range.source,
        blocks: open.range,
        log: createLogger({ service: 'backtest', level: 'fatal' }),
        onBlock: (block, done, totals) => {
          span.add(block)
          const counted = sets.map(({ tally }, at) => {
            for (const [botId, faults] of done[at]?.failures ?? [])
              tally.addFailure(botId, block.number, faults)
            return (done[at]?.findings ?? []).map((finding) => tally.add(finding))
          })
          for (const one of counted[0] ?? []) tell(one)
          diff?.add(counted[0] ?? [], counted[1] ?? [])
          progress.update(totals.blocks, `${totals.transactions} tx`)
        },
      }),
    )
    progress.end()
    const reports = sets.map(({ tally }) => tally.report(span.days()))
    const [base, other] = reports
    if (!base) return EXIT.failed
    const iso = (seconds: number | undefined): string | undefined =>
      seconds === undefined ? undefined : new Date(seconds * 1_000).toISOString().slice(0, 19) + 'Z'
    const report: BacktestReport = {
      watchlist: config.name,
      chain: chain.name,
      from,
      to,
      since: iso(span.firstS()),
      until: iso(span.lastS()),
      days: span.days(),
      blocks: result.blocks,
      transactions: result.transactions,
      seconds: Math.round(result.seconds * 1_000) / 1_000,
      blocksPerSecond: round(result.blocks / result.seconds),
      transactionsPerSecond: round(result.transactions / result.seconds),
      base,
      other: other && { ...other, file: options.compare ?? '' },
      diff: diff?.report(),
      outside: resolved?.outside,
      graceBlocks: options.grace,
    }
    if (options.html !== undefined) await writeHtml(options.html, report)
    const text = options.json ? `${JSON.stringify(report)}\n` : renderText(report)
    if (options.format === 'json') await write(`${JSON.stringify(report, null, 2)}\n`)
    else if (isLines) process.stderr.write(text)
    else await write(text)
    if (options.html !== undefined) process.stderr.write(`Wrote ${options.html}.\n`)
    return reports.some(({ failures }) => failures.length > 0) ? EXIT.failed : EXIT.ok
  } finally {
    progress.end()
    await watchdog.stop()
    await closeRemotes()
    await open.stop()
    await hosted.stop()
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
    .option(
      '--incidents <file>',
      'labelled incidents (YAML, JSON or CSV): recall, precision, delay and lead',
    )
    .addOption(
      new Option('--grace <blocks>', 'after an incident, in which a finding still belongs to it')
        .argParser(parseGrace)
        .default(10),
    )
    .option(
      '--compare <file>',
      'other parameters (`bots`, `watch[].bots`), run beside the watchlist’s over the same blocks',
    )
    .option('--html <file>', 'write a report to look at, in one file')
    .addOption(
      new Option('--format <format>', 'of the findings and the report')
        .choices(['text', 'jsonl', 'json'])
        .default('text'),
    )
    .option('--no-traces', 'see top-level calls only')
    .addHelpText(
      'after',
      `
With --format jsonl each finding is one line on stdout and the summary goes to stderr (as JSON with --json).
Chains that bots look at beside this one (bridges) run along, from an hour before the range.
With --format json the report is one document on stdout, and nothing else is. docs/backtest.md says what it means.

Exit codes: 0 done, 1 a bot or an endpoint failed, 2 the watchlist, a file or the command line is wrong.

Examples:
  $ tocsin backtest --chain mainnet --from 20000000 --to 20007200
  $ tocsin backtest --chain mainnet --from 20000000 --to 20000100 --bots tvl-drop --format jsonl | jq .severity
  $ tocsin backtest --chain mainnet --from 20000000 --to 20050000 --incidents incidents.yaml --html report.html
  $ tocsin backtest --chain mainnet --from 20000000 --to 20050000 --compare stricter.yaml`,
    )
    .action(async (options: BacktestCommand) => {
      process.exitCode = await runCommand(options)
    })
}
