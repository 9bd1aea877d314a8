import { basename, resolve } from 'node:path'
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { cleanText, messageOf, TocsinError } from '../../base/index.ts'
import type { RpcPool } from '../../chain/index.ts'
import { createRpcPool } from '../../chain/light.ts'
import {
  type BotPackage,
  type Compat,
  compareRange,
  createHostedChain,
  type HostedBotOptions,
  inspectBot,
  type MappedFinding,
  mapFindings,
  type RangeComparison,
  runRange,
  runSuite,
} from '../../forta/light.ts'
import { EXIT } from '../exitCodes.ts'
import { nameOfBot } from '../nameOfBot.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson } from '../printTable.ts'
import { createProgress } from '../progress.ts'

type Range = { readonly from: number; readonly to: number }
type FortaOptions = CommonOptions & {
  readonly range?: Range
  readonly chain?: string
  readonly rpc?: string
  readonly compat?: Compat
  readonly timeout?: number
  readonly traces: boolean
  readonly format: 'text' | 'jsonl'
  readonly inPlace?: boolean
  readonly suite?: boolean
  readonly write?: boolean
  readonly name?: string
}

/** Nobody waits for a single block here (ms). */
const TIMEOUT_MS = 60_000

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

const wrong = (code: string, message: string, hint: string): TocsinError =>
  new TocsinError(code, message, { exitCode: EXIT.invalid, hints: [hint] })

type Node = { readonly pool: RpcPool; readonly traces: 'auto' | 'parity' | 'debug' | 'none' }

const askChainId = async (url: string): Promise<number> => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
      signal: AbortSignal.timeout(10_000),
    })
    const { result } = (await response.json()) as { readonly result?: unknown }
    if (typeof result === 'string' && Number.isSafeInteger(Number(result))) return Number(result)
    throw new Error('it does not say its chain id')
  } catch (cause) {
    throw new TocsinError('rpc.unavailable', `The node does not answer: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The chain to run on: of the watchlist, or behind an address given here. */
const openNode = async (options: FortaOptions, pack: BotPackage): Promise<Node> => {
  if (options.rpc !== undefined) {
    const chainId = await askChainId(options.rpc)
    const endpoints = [{ name: 'rpc', http: options.rpc }]
    return {
      pool: createRpcPool({
        chainId,
        chainName: `chain ${chainId}`,
        endpoints,
        timeoutMs: TIMEOUT_MS,
      }),
      traces: 'auto',
    }
  }
  // With --rpc nobody waits for what reads the watchlist.
  const { readConfig } = await import('../readConfig.ts')
  const config = await readConfig(options, ['rpc'])
  const chain = options.chain
    ? config.chains.find(({ name }) => name === options.chain)
    : config.chains.find(({ id }) => pack.chainIds.includes(id))
  if (!chain)
    throw wrong(
      'chain.unknown',
      options.chain
        ? `The watchlist has no chain "${cleanText(options.chain, 80)}".`
        : `The watchlist has no chain that the bot is made for (${pack.chainIds.join(', ') || 'it names none'}).`,
      `Say --chain with one of: ${config.chains.map(({ name }) => name).join(', ')}; or --rpc.`,
    )
  return {
    pool: createRpcPool({
      chainId: chain.id,
      chainName: chain.name,
      endpoints: chain.rpc,
      timeoutMs: TIMEOUT_MS,
    }),
    traces: chain.traces,
  }
}

const botOptions = (pack: BotPackage, options: FortaOptions, compat: Compat): HostedBotOptions => ({
  id: options.name ?? nameOfBot(pack),
  dir: pack.dir,
  compat: options.compat ?? compat,
  traces: options.traces,
  ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
})

const needRange = (options: FortaOptions): Range => {
  if (options.range) return options.range
  throw wrong(
    'forta.no_range',
    'Say which blocks.',
    'For example --range 20000000..20000100. Live, a bot runs once it is in the watchlist: `tocsin forta import DIR`.',
  )
}

const warnChain = (pack: BotPackage, chainId: number): void => {
  if (pack.chainIds.length > 0 && !pack.chainIds.includes(chainId))
    process.stderr.write(
      `The bot is made for chain ${pack.chainIds.join(', ')}; this is chain ${chainId}.\n`,
    )
}

const printFinding = (
  finding: MappedFinding,
  block: { readonly number: number; readonly hash: string },
  botId: string,
  format: FortaOptions['format'],
): void => {
  if (format === 'jsonl')
    process.stdout.write(
      `${JSON.stringify({ bot: botId, blockNumber: block.number, blockHash: block.hash, ...finding })}\n`,
    )
  else
    process.stdout.write(
      `${block.number}  ${finding.severity}  ${cleanText(finding.alertId, 80)}  ${cleanText(finding.description, 300)}${finding.txHash ? `  ${finding.txHash}` : ''}\n`,
    )
}

const run = async (dir: string, options: FortaOptions): Promise<number> => {
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
  $ tocsin forta compare ./my-bot --range 20000000..20000100 --rpc http://127.0.0.1:8545
  $ tocsin forta import ./my-bot --write`,
    )
    .action(async (what: keyof typeof WHAT, dir: string, options: FortaOptions) => {
      process.exitCode = await WHAT[what](dir, options)
    })
}
