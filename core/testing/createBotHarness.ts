import { pino } from 'pino'
import { mergeBotParameters } from '../config/index.ts'
import {
  type BotDefinition,
  type BotThing,
  createEngine,
  createMemoryEngineStore,
  type FindingRow,
  type Label,
  type Needs,
  type RemoteReader,
} from '../engine/index.ts'
import { makeAlert } from './alertInput.ts'
import { type BlockInput, createFakeChain, type FakeBlock } from './fakeChain.ts'
import { makeThing, type ThingInput } from './makeThing.ts'

export type BotHarnessOptions = {
  readonly things: readonly ThingInput[]
  /** As in the watchlist, under `bots.<id>.parameters`. */
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly labels?: readonly Label[]
  /** Default: 31337, `local`. */
  readonly chain?: { readonly id: number; readonly name: string }
  /** What the bot keeps on other chains. Default: nothing is known of them. */
  readonly remote?: RemoteReader
  readonly startNumber?: number
  readonly startTimestampS?: number
}

/** A bot on a made-up chain, run by the engine itself. */
export type BotHarness = {
  /**
   * Adds a block and returns what the bot found in it.
   * @throws Error when the bot fails; see `blockWithFailures` for tests of that
   */
  readonly block: (input?: BlockInput) => Promise<readonly FindingRow[]>
  readonly blockWithFailures: (
    input?: BlockInput,
  ) => Promise<{ readonly findings: readonly FindingRow[]; readonly failures: readonly string[] }>
  /** Adds `n` empty blocks; returns what was found in them. */
  readonly mine: (n: number, input?: BlockInput) => Promise<readonly FindingRow[]>
  /** Orphans the last `n` blocks. */
  readonly rollback: (n: number) => Promise<readonly FakeBlock[]>
  /** Puts orphaned blocks back, oldest first, as they were. */
  readonly replay: (blocks: readonly FakeBlock[]) => Promise<readonly FindingRow[]>
  /** Every finding so far, retracted ones too. */
  readonly findings: () => readonly FindingRow[]
  /** Makes all but the last `keep` blocks final. */
  readonly finalize: (keep?: number) => Promise<void>
  /** What the bot keeps: state and samples, for comparisons. */
  readonly memory: () => Promise<unknown>
  readonly head: () => {
    readonly number: number
    readonly timestampS: number
    readonly hash: `0x${string}`
  }
  readonly needs: Needs
  readonly stop: () => Promise<void>
}

/**
 * Runs one bot against blocks of a test's own making.
 * @example
 * const harness = await createBotHarness(largeTransfer, { things: [{ kind: 'token', name: 'usd', address: USD }] })
 * expect(await harness.block({ logs: [encodeLog({ … })] })).toMatchObject([{ alertId: 'LARGE-TRANSFER' }])
 */
export const createBotHarness = async <P>(
  bot: BotDefinition<P>,
  options: BotHarnessOptions,
): Promise<BotHarness> => {
  const chain = options.chain ?? { id: 31_337, name: 'local' }
  // A bot's own parameters never leave it; the engine need not know their type.
  const definition = bot as unknown as BotDefinition<unknown>
  const config = { bots: { [bot.id]: { enabled: true, parameters: { ...options.parameters } } } }
  const things: readonly BotThing<unknown>[] = options.things
    .map((input) => makeThing(input, chain))
    .map((thing) => ({ ...thing, parameters: mergeBotParameters(definition, config, thing) }))
  for (const thing of things)
    if (!bot.kinds.includes(thing.kind) || bot.accepts?.(thing) === false)
      throw new Error(`The bot ${bot.id} does not look at "${thing.name}" (${thing.kind}).`)
  const parameters = mergeBotParameters(definition, config)
  const labels = options.labels ?? []
  const needs = definition.needs({ chain, parameters, things, labels })
  const fake = createFakeChain({
    ...chain,
    ...(options.startNumber === undefined ? {} : { startNumber: options.startNumber }),
    ...(options.startTimestampS === undefined ? {} : { startTimestampS: options.startTimestampS }),
  })
  const store = createMemoryEngineStore()
  let current = fake.head()
  const engine = await createEngine({
    chainId: chain.id,
    chainName: chain.name,
    bots: [{ definition, parameters, things }],
    source: fake.source,
    store,
    labels,
    log: pino({ level: 'silent' }),
    dataPatienceMs: 0,
    ...(options.remote ? { remote: options.remote } : {}),
    otherAlerts: () => current.findings.map((one) => makeAlert(one, current.block, things)),
  })

  const process = async (
    made: FakeBlock,
  ): Promise<{
    readonly findings: readonly FindingRow[]
    readonly failures: readonly string[]
  }> => {
    current = made
    const { findings, failures } = await engine.processBlock(made.block)
    return {
      findings: findings.filter(({ botId }) => botId === bot.id),
      failures: failures.get(bot.id) ?? [],
    }
  }
  const strictly = async (block: FakeBlock): Promise<readonly FindingRow[]> => {
    const { findings, failures } = await process(block)
    if (failures.length > 0) throw new Error(`The bot ${bot.id} failed: ${failures.join('; ')}`)
    return findings
  }

  return {
    needs,
    block: async (input = {}) => strictly(fake.extend(input, needs)),
    blockWithFailures: async (input = {}) => process(fake.extend(input, needs)),
    mine: async (n, input = {}) => {
      const found: FindingRow[] = []
      for (let i = 0; i < n; i++) found.push(...(await strictly(fake.extend(input, needs))))
      return found
    },
    rollback: async (n) => {
      const orphaned = fake.rewind(n)
      const { block } = fake.head()
      await engine.rollback(
        { number: block.number, hash: block.hash },
        orphaned.map(({ block: { number, hash } }) => ({ number, hash })),
      )
      return [...orphaned].reverse()
    },
    replay: async (blocks) => {
      const found: FindingRow[] = []
      for (const block of blocks) {
        fake.append(block)
        found.push(...(await strictly(block)))
      }
      return found
    },
    findings: () => store.findings().filter(({ botId }) => botId === bot.id),
    finalize: (keep = 0) => engine.finalize(fake.head().block.number - keep),
    memory: () => store.loadBot(bot.id),
    head: () => {
      const { number, timestampS, hash } = fake.head().block
      return { number, timestampS, hash }
    },
    stop: () => engine.stop(),
  }
}
