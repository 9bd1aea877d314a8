import { join, resolve } from 'node:path'
import { findFreePort, isPortFree, sleep, TocsinError } from '../core/base/index.ts'
import { type Anvil, startAnvil } from '../core/testing/index.ts'
import { type AttackResult, runAttack } from './attack.ts'
import { type DemoDeployment, deployDemo, FIRST_USER } from './contracts/index.ts'
import { followStory, type Story } from './followStory.ts'
import { type Evidence, EXPECTED, findingsFor, type Judgement, judge } from './judge.ts'
import { type MemoryUse, measureMemory } from './measureMemory.ts'
import { nameActors } from './nameActors.ts'
import { createNarrator, type Narrator } from './narrate.ts'
import { prepareDataDir, rememberAnvil } from './prepareDataDir.ts'
import { readChain } from './readChain.ts'
import { receiveWebhooks, type WebhookReceiver } from './receiveWebhooks.ts'
import { type Stack, startStack } from './startStack.ts'
import { tellStory } from './tellStory.ts'
import { type Summary, tellSummary } from './tellSummary.ts'
import { playTraffic } from './traffic.ts'
import { writeDemoWatchlist } from './writeWatchlist.ts'

export type DemoOptions = {
  /** End by itself instead of leaving the console up. */
  readonly exit: boolean
  /** Wiped at the start. Default: `.tocsin/demo`. */
  readonly dataDir?: string
  /** The summary as JSON on stdout; the story then goes to stderr. */
  readonly json?: boolean
  /** Length of the ordinary traffic. Default: 30. */
  readonly seconds?: number
  /** Ends everything in order. */
  readonly signal: AbortSignal
}

const USERS = 32
const CONSOLE_PORT = 4680
const RATE_PER_S = 12
/** Ordinary people go on, fewer of them, while the attack runs. */
const RATE_BESIDE_PER_S = 4
const SETTLE_LIMIT_MS = 40_000

type Stop = () => Promise<unknown>

type World = {
  readonly narrator: Narrator
  readonly anvil: Anvil
  readonly deployment: DemoDeployment
  readonly receiver: WebhookReceiver
  readonly stack: Stack
  readonly story: Story
  readonly signal: AbortSignal
}

/** Runs until the work is done or a process has failed for good. */
const guard = <T>(world: Pick<World, 'stack'>, work: Promise<T>): Promise<T> =>
  Promise.race([work, world.stack.supervisor.failed])

const playOrdinaryDay = async (world: World, seconds: number): Promise<void> => {
  const { narrator, deployment, signal } = world
  narrator.heading(`An ordinary day: ${seconds} s of traffic by ${USERS} users`)
  const result = await playTraffic({
    deployment,
    seconds,
    ratePerS: RATE_PER_S,
    seed: 1,
    signal,
    onTick: ({ second, sent }) =>
      narrator.progress(
        `ordinary traffic: ${second} of ${seconds} s, ${sent} transactions, watcher at block ${world.story.committed() ?? '?'}`,
      ),
  })
  const kinds = Object.entries(result.kinds).sort((a, b) => b[1] - a[1])
  narrator.say(
    'people',
    result.lastBlock,
    'users',
    `${result.sent} transactions in blocks ${result.firstBlock} to ${result.lastBlock}, ${result.reverted} reverted`,
  )
  narrator.say(
    'people',
    undefined,
    '',
    kinds.map(([what, count]) => `${count} ${what}${count === 1 ? '' : 's'}`).join(', '),
  )
  await waitForBlock(world, result.lastBlock ?? 0)
}

/** Until the watcher has committed this block. */
const waitForBlock = async (world: World, block: number): Promise<void> => {
  const deadline = Date.now() + SETTLE_LIMIT_MS
  while ((world.story.committed() ?? 0) < block && Date.now() < deadline && !world.signal.aborted) {
    world.narrator.progress(
      `waiting for the watcher: at block ${world.story.committed() ?? '?'} of ${block}`,
    )
    await sleep(200, world.signal)
  }
}

const playAttack = async (
  world: World,
): Promise<{ readonly attack: AttackResult; readonly attackBlock: number }> => {
  const { narrator, deployment, signal } = world
  narrator.heading('The attack')
  const attackBlock = (await readChain(deployment.rpcUrl).blockNumber()) + 1
  const beside = new AbortController()
  const crowd = playTraffic({
    deployment,
    seconds: 60,
    ratePerS: RATE_BESIDE_PER_S,
    seed: 2,
    firstSafeNonce: await readChain(deployment.rpcUrl).safeNonce(deployment),
    signal: AbortSignal.any([signal, beside.signal]),
  })
  // It must not go unheard when the attack itself fails first.
  crowd.catch(() => undefined)
  try {
    const attack = await runAttack({
      deployment,
      signal,
      onStep: ({ what, status, block, takenUnits }) =>
        tellSummary.step(narrator, { what, status, block, takenUnits }),
    })
    return { attack, attackBlock }
  } finally {
    beside.abort()
    await crowd
  }
}

/** Gives the alerts, deliveries and the last confirmations of the pause their time. */
const settle = async (world: World, evidence: () => Evidence): Promise<void> => {
  const deadline = Date.now() + SETTLE_LIMIT_MS
  const startedMs = Date.now()
  while (Date.now() < deadline && !world.signal.aborted) {
    await world.story.refresh()
    const now = evidence()
    const open = EXPECTED.filter(
      (expected) => findingsFor(expected, now.findings, now.attackBlock).length === 0,
    )
    if (
      judge(now).rows.every(({ ok, what }) => ok || what.startsWith('memory')) &&
      Date.now() - startedMs > 2_000
    )
      return
    world.narrator.progress(
      `waiting: ${open.length > 0 ? `no finding yet that ${open[0]?.what}` : 'alerts, messages and the pause'}`,
    )
    await sleep(500, world.signal)
  }
}

const measure = (world: World): Promise<readonly MemoryUse[]> =>
  measureMemory([
    ...world.stack.supervisor.processes(),
    { name: 'postgres', pid: world.stack.supervisor.databasePid() },
    { name: 'anvil', pid: world.anvil.pid },
    { name: 'supervisor and demo', pid: process.pid, isAlone: true },
  ])

/** Everything between the first healthy moment and the summary. */
const play = async (world: World, seconds: number): Promise<Summary> => {
  await guard(world, playOrdinaryDay(world, seconds))
  const { attack, attackBlock } = await guard(world, playAttack(world))
  const evidence = (memory: readonly MemoryUse[]): Evidence => ({
    findings: world.story.findings(),
    alerts: world.story.alerts(),
    executions: world.story.executions(),
    deliveries: world.receiver.deliveries(),
    refused: world.receiver.refused(),
    attackBlock,
    attack,
    memoryBytes: memory.reduce((sum, { bytes }) => sum + bytes, 0),
    restarts: world.stack.supervisor.processes().reduce((sum, { restarts }) => sum + restarts, 0),
  })
  await guard(
    world,
    settle(world, () => evidence([])),
  )
  const memory = await measure(world)
  const final = evidence(memory)
  const judgement: Judgement = judge(final)
  return {
    attack,
    judgement,
    memory,
    executions: final.executions,
    findings: final.findings,
    attackBlock,
  }
}

/**
 * The whole of Tocsin on a local chain: starts everything, plays an ordinary day and an attack, tells what is seen and
 * done, and judges it. Everything it started is stopped at the end, also after a failure.
 * @returns whether every expected finding, alert, message and the pause came, and nothing unexpected did
 */
export const runDemo = async (options: DemoOptions): Promise<boolean> => {
  const seconds = options.seconds ?? 30
  if (!Number.isInteger(seconds) || seconds < 20 || seconds > 3_600)
    throw new TocsinError(
      'cli.invalid',
      '--seconds is a whole number from 20 to 3600, long enough to know what is ordinary.',
      {
        exitCode: 2,
      },
    )
  const { signal } = options
  const narrator = createNarrator(options.json ? process.stderr : process.stdout)
  const dataDir = resolve(options.dataDir ?? '.tocsin/demo')
  const stops: Stop[] = []
  const startedMs = Date.now()
  const onAbort = (): void => narrator.say('dim', undefined, 'demo', 'stopping everything')
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    stops.push(await prepareDataDir(dataDir))
    narrator.heading('Setting up')
    const anvil = await startAnvil({ blockTimeS: 1, accounts: FIRST_USER + USERS })
    stops.push(anvil.stop)
    await rememberAnvil(dataDir, anvil)
    narrator.say('dim', undefined, 'chain', `anvil on ${anvil.url}, one block a second`)
    const deployment = await deployDemo({
      rpcUrl: anvil.url,
      users: USERS,
      signal,
      onStep: (what) => narrator.progress(`deploying: ${what}`),
    })
    narrator.say(
      'dim',
      deployment.endBlock,
      'chain',
      'a vault behind a proxy, tokens, a v2 pair, a v3 pool, a governor with timelock, a Safe',
    )
    narrator.introduce(nameActors(deployment))
    const configDir = join(dataDir, 'demo')
    const consolePort = (await isPortFree(CONSOLE_PORT)) ? CONSOLE_PORT : await findFreePort()
    const { receiver, configFile } = await openPager(deployment, {
      anvil,
      configDir,
      dataDir,
      consolePort,
      narrator,
    })
    stops.push(receiver.stop)
    const stack = await startStack({
      configFile,
      dataDir,
      signal,
      onProgress: (text) => narrator.progress(text),
      onEvent: (text) => narrator.say('bad', undefined, 'supervisor', text),
    })
    stops.push(stack.stop)
    const names = stack.supervisor.processes().map(({ name }) => name)
    narrator.say(
      'good',
      undefined,
      'tocsin',
      `${names.join(', ')}: all well after ${Math.round((Date.now() - startedMs) / 1000)} s`,
    )
    const consoleUrl = `http://127.0.0.1:${consolePort}`
    narrator.say('dim', undefined, 'console', consoleUrl)
    const story = followStory(stack.store, tellStory(narrator))
    stops.push(story.stop)
    const world: World = { narrator, anvil, deployment, receiver, stack, story, signal }
    const summary = await play(world, seconds)
    if (signal.aborted) return false
    tellSummary.all(narrator, summary)
    if (options.json) process.stdout.write(`${tellSummary.json(summary)}\n`)
    if (!options.exit) {
      narrator.heading(`The console stays up at ${consoleUrl}; Ctrl-C ends everything.`)
      await Promise.race([untilAborted(signal), stack.supervisor.failed])
    }
    return summary.judgement.passed
  } catch (error) {
    // A Ctrl-C in the middle is no failure of the demo, whatever it cut off.
    if (signal.aborted) return false
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    narrator.end()
    for (const stop of stops.reverse())
      await stop().catch((error: unknown) => narrator.say('bad', undefined, 'demo', String(error)))
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** The pager's address stands in the watchlist and its secret comes with the watchlist: first a door, then the key. */
const openPager = async (
  deployment: DemoDeployment,
  options: {
    readonly anvil: Anvil
    readonly configDir: string
    readonly dataDir: string
    readonly consolePort: number
    readonly narrator: Narrator
  },
): Promise<{ readonly receiver: WebhookReceiver; readonly configFile: string }> => {
  const { anvil, narrator } = options
  const port = await findFreePort()
  const { configFile, webhookSecret } = await writeDemoWatchlist(deployment, {
    dir: options.configDir,
    dataDir: options.dataDir,
    rpcUrl: anvil.url,
    wsUrl: anvil.wsUrl,
    webhookUrl: `http://127.0.0.1:${port}/tocsin`,
    ports: { console: options.consolePort, indexer: await findFreePort(), metrics: 0 },
  })
  const receiver = await receiveWebhooks({
    secret: webhookSecret,
    port,
    onDelivery: (delivery) =>
      narrator.say(
        'alert',
        undefined,
        'pager',
        `${delivery.severity} ${delivery.title}${delivery.thing === null || delivery.title.includes(delivery.thing) ? '' : ` (${delivery.thing})`}`,
        `${delivery.change}, signature valid`,
      ),
  })
  return { receiver, configFile }
}
