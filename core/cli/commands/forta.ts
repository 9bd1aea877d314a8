import { basename, resolve } from 'node:path'
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { cleanText } from '../../base/index.ts'
import {
  compareRange,
  createHostedChain,
  inspectBot,
  mapFindings,
  type RangeComparison,
  runRange,
  runSuite,
} from '../../forta/light.ts'
import { EXIT } from '../exitCodes.ts'
import {
  botOptions,
  type FortaOptions,
  openNode,
  printFinding,
  type Range,
  warnChain,
  wrong,
} from '../forta/openNode.ts'
import { readStepOptions } from '../forta/readSteps.ts'
import { runAsTold } from '../forta/runAsTold.ts'
import { nameOfBot } from '../nameOfBot.ts'
import { withCommonOptions } from '../options.ts'
import { printJson } from '../printTable.ts'
import { createProgress } from '../progress.ts'

const parseRange = (text: string): Range => {
  const [, from, to] = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(text) ?? []
  if (from === undefined) throw new InvalidArgumentError('Say FIRST..LAST, or one block.')
  const range = { from: Number(from), to: Number(to ?? from) }
  if (range.from > range.to) throw new InvalidArgumentError('The first block comes after the last.')
  return range
}
const parseMs = (text: string): number => {
  const ms = Number(text)
  if (Number.isInteger(ms) && ms >= 100 && ms <= 600_000) return ms
  throw new InvalidArgumentError('Say milliseconds, 100 to 600000.')
}

const needRange = (options: FortaOptions): Range => {
  if (options.range) return options.range
  throw wrong(
    'forta.no_range',
    'Say what to run it over.',
    'For example --range 20000000..20000100. Live, a bot runs once it is in the watchlist: `tocsin forta import DIR`.',
  )
}

const run = async (dir: string, options: FortaOptions): Promise<number> => {
  const told = readStepOptions(options)
  if (told && options.range)
    throw wrong('forta.step_invalid', '--range stands alone.', 'Blocks of a list: --block 1,2,3.')
  if (told) return runAsTold(dir, options, told)
  const range = needRange(options)
  const pack = inspectBot(dir)
  const { pool, traces } = await openNode(options, pack)
  const bot = botOptions(pack, options, 'sdk')
  let findings = 0
  const faults: string[] = []
  const progress = createProgress(`${range.from}–${range.to}`, range.to - range.from + 1)
  let blocks = 0
  try {
    warnChain(pack, pool.chainId)
    const done = await runRange({
      pool,
      traces,
      ...range,
      bots: [{ bot, pack }],
      onBlock: (_, block, made) => {
        for (const finding of mapFindings(made.findings)) {
          findings++
          printFinding(finding, block, bot.id, options.format)
        }
        for (const fault of made.faults) {
          faults.push(`block ${block.number}: ${fault}`)
          process.stderr.write(`block ${block.number}: ${cleanText(fault, 400)}\n`)
        }
        progress.update(++blocks, `${findings} findings`)
      },
      onOutput: (_, line) => process.stderr.write(`${cleanText(line, 1_000)}\n`),
    })
    progress.end()
    const summary = { ...done, findings, faults: faults.length }
    process.stderr.write(
      options.json
        ? `${JSON.stringify(summary)}\n`
        : `${done.blocks} blocks, ${done.transactions} transactions, ${findings} findings, ${faults.length} faults in ${done.seconds.toFixed(1)} s (${(done.blocks / done.seconds).toFixed(0)} blocks/s).\n`,
    )
    return faults.length > 0 ? EXIT.failed : EXIT.ok
  } finally {
    progress.end()
    await pool.stop()
  }
}

const test = async (dir: string, options: FortaOptions): Promise<number> => {
  const pack = inspectBot(dir)
  if (options.suite && !(await runSuite(pack.dir))) {
    process.stderr.write('Its own tests failed.\n')
    return EXIT.failed
  }
  const { pool, traces } = await openNode(options, pack)
  const bot = botOptions(pack, options, 'sdk')
  const host = await createHostedChain({
    chain: { id: pool.chainId, name: pool.chainName, rpc: [], traces },
    bots: [{ bot, pack }],
    pool,
    onOutput: (_, line) => process.stderr.write(`${cleanText(line, 1_000)}\n`),
  })
  try {
    warnChain(pack, pool.chainId)
    const [hosted] = host.bots
    if (!hosted) return EXIT.failed
    const ready = await hosted.start()
    const complaints = await hosted.healthCheck()
    const said = {
      bot: bot.id,
      package: `${pack.name} ${pack.version}`,
      sdk: pack.sdkVersion,
      agent: pack.agentPath,
      chains: pack.chainIds,
      handlers: ready.handlers,
      subscriptions: ready.subscriptions,
      complaints,
    }
    const head = Number(await pool.request('eth_blockNumber', []))
    const block = await pool.request('eth_getBlockByNumber', [
      `0x${(options.range?.from ?? head).toString(16)}`,
      false,
    ])
    const { hash, number } = block as { readonly hash: `0x${string}`; readonly number: string }
    const made = await host.runBlock(hosted, { hash, number: Number(number) })
    if (options.json) printJson({ ...said, block: Number(number), ...made })
    else {
      process.stdout.write(
        `${said.package} with ${pack.generation === 1 ? 'forta-agent' : '@fortanetwork/forta-bot'} ${said.sdk}: ${said.handlers.join(', ') || 'no handlers'}\nMade for chains ${said.chains.join(', ') || '(none named)'}\nBlock ${Number(number)}: ${made.findings.length} findings\n`,
      )
      for (const line of [...complaints, ...made.faults])
        process.stdout.write(`${cleanText(line, 400)}\n`)
    }
    return complaints.length + made.faults.length > 0 ? EXIT.failed : EXIT.ok
  } finally {
    await host.stop()
    await pool.stop()
  }
}

const printComparison = (result: RangeComparison): void => {
  const show = (title: string, list: readonly string[]): void => {
    if (list.length === 0) return
    process.stdout.write(`${title} (${list.length}):\n`)
    for (const line of list.slice(0, 50)) process.stdout.write(`  ${cleanText(line, 600)}\n`)
  }
  show('Only hosted', result.onlyTocsin)
  show('Only the SDK', result.onlySdk)
  show('Faults', result.faults)
  const isSame = result.onlyTocsin.length + result.onlySdk.length === 0
  process.stdout.write(
    `${isSame ? 'Identical' : 'Different'}: ${result.same} findings of both in ${result.blocks} blocks${result.isReordered ? ', in another order' : ''}. Hosted ${result.tocsinSeconds.toFixed(1)} s, its SDK ${result.sdkVersion} ${result.sdkSeconds.toFixed(1)} s.\n`,
  )
}

const compare = async (dir: string, options: FortaOptions): Promise<number> => {
  const range = needRange(options)
  if (range.from === range.to)
    throw wrong(
      'forta.no_range',
      'The SDK takes no range of a single block.',
      'Say two blocks or more.',
    )
  const pack = inspectBot(dir)
  const { pool, traces } = await openNode(options, pack)
  const progress = createProgress(`${range.from}–${range.to}`, range.to - range.from + 1)
  try {
    const result = await compareRange({
      pool,
      traces,
      ...range,
      bot: botOptions(pack, options, 'cli'),
      inPlace: options.inPlace ?? false,
      onProgress: (blocks) => progress.update(blocks, 'hosted'),
    })
    progress.end()
    if (options.json) printJson(result)
    else printComparison(result)
    return result.onlyTocsin.length + result.onlySdk.length + result.faults.length > 0
      ? EXIT.failed
      : EXIT.ok
  } finally {
    progress.end()
    await pool.stop()
  }
}

const importBot = async (dir: string, options: FortaOptions): Promise<number> => {
  const pack = inspectBot(dir)
  const { addFortaBot, fortaEntry } = await import('../fortaEntry.ts')
  const name = options.name ?? nameOfBot(pack)
  const entry = await fortaEntry(pack, resolve(options.config))
  if (options.write) {
    await addFortaBot(options.config, name, entry)
    process.stdout.write(
      `${name} stands in ${basename(options.config)} under forta. \`tocsin check\` reads it.\n`,
    )
  } else process.stdout.write(`# Add to ${basename(options.config)}:\n${entry.toYaml(name)}`)
  for (const note of entry.notes) process.stderr.write(`${note}\n`)
  return EXIT.ok
}

/** `tocsin forta`: unmodified bots of the Forta SDK. */
export const register = (program: Command): void => {
  const WHAT = { run, test, compare, import: importBot }
  withCommonOptions(program.command('forta'))
    .description(
      'run unmodified bots of the Forta SDK, and compare with the SDK’s own command line',
    )
    .addArgument(new Argument('<what>', 'what to do').choices(Object.keys(WHAT)))
    .argument('<dir>', 'folder of the bot, with its package.json and node_modules')
    .addOption(new Option('--range <first..last>', 'blocks to run').argParser(parseRange))
    .option('--tx <hashes>', 'run: these transactions, without their blocks')
    .option('--block <blocks>', 'run: these blocks, by number or hash')
    .option('--alert <hashes>', 'run: these findings of the database, as alerts')
    .option('--sequence <steps>', 'run: tx0x… a transaction, 0x… an alert, a number a block')
    .option('--file <path>', 'run: the events of a file, as the SDK’s command line takes it')
    .option(
      '--chain <name>',
      'a chain of the watchlist. Default: the first that the bot is made for',
    )
    .option('--rpc <url>', 'a node, instead of a chain of the watchlist')
    .addOption(
      new Option(
        '--compat <mode>',
        'events as the SDK’s types say, as its command line makes them, or as a scan node sends them',
      ).choices(['sdk', 'cli', 'node']),
    )
    .addOption(new Option('--timeout <ms>', 'longest that one handler may take').argParser(parseMs))
    .option('--no-traces', 'transactions come without traces')
    .addOption(
      new Option('--format <format>', 'of the findings').choices(['text', 'jsonl']).default('text'),
    )
    .option('--in-place', 'compare in the bot’s own folder instead of copies of it')
    .option('--suite', 'test: run the bot’s own tests (`npm test`) first')
    .option('--name <name>', 'of the bot in the watchlist')
    .option('--write', 'import: add the bot to the watchlist instead of printing the entry')
    .addHelpText(
      'after',
      `
What a bot prints goes to stderr, findings to stdout.

Exit codes: 0 done (compare: identical), 1 a handler failed or the findings differ, 2 the bot or the command line is wrong.

Examples:
  $ tocsin forta test ./my-bot --suite
  $ tocsin forta run ./my-bot --range 20000000..20000100 --format jsonl
  $ tocsin forta run ./my-bot --sequence 20000000,tx0x…,0x…
  $ tocsin forta compare ./my-bot --range 20000000..20000100 --rpc http://127.0.0.1:8545
  $ tocsin forta import ./my-bot --write`,
    )
    .action(async (what: keyof typeof WHAT, dir: string, options: FortaOptions) => {
      process.exitCode = await WHAT[what](dir, options)
    })
}
