import { pino } from 'pino'
import { createRangeSource, createRpcPool } from '../chain/index.ts'
import { mergeBotParameters } from '../config/index.ts'
import {
  type BotDefinition,
  type EngineBot,
  type FindingRow,
  type Label,
  runBacktest,
} from '../engine/index.ts'
import type { Anvil } from './anvil.ts'
import { makeThing, type ThingInput } from './makeThing.ts'

export type RunBotOnAnvilOptions = {
  readonly things: readonly ThingInput[]
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly labels?: readonly Label[]
  readonly from: number
  /** Default: the head. */
  readonly to?: number
  /** Default: true. */
  readonly traces?: boolean
  /** Bots that run beside it, whose findings it may ask for. Those things that a bot does not look at are kept from it. */
  readonly beside?: readonly { readonly id: string }[]
}

/**
 * Runs a bot over blocks of a real local chain, fetched as a backtest does; returns its findings.
 * @throws Error when the bot fails
 */
export const runBotOnAnvil = async <P>(
  bot: BotDefinition<P>,
  anvil: Anvil,
  options: RunBotOnAnvilOptions,
): Promise<readonly FindingRow[]> => {
  const chain = { id: anvil.chainId, name: 'local' }
  // A bot's own parameters never leave it; the engine need not know their type.
  const definition = bot as unknown as BotDefinition<unknown>
  const config = { bots: { [bot.id]: { enabled: true, parameters: { ...options.parameters } } } }
  const watched = options.things.map((input) => makeThing(input, chain))
  const bind = (
    one: BotDefinition<unknown>,
    all: readonly (typeof watched)[number][],
  ): EngineBot => ({
    definition: one,
    things: all.map((thing) => ({ ...thing, parameters: mergeBotParameters(one, config, thing) })),
    parameters: mergeBotParameters(one, config),
  })
  const beside = (options.beside ?? []).map((other) => {
    const one = other as BotDefinition<unknown>
    const fitting = watched.filter(
      (thing) => one.kinds.includes(thing.kind) && (one.accepts?.(thing) ?? true),
    )
    return bind(one, fitting)
  })
  const to = options.to ?? Number(await anvil.rpc<string>('eth_blockNumber'))
  const pool = createRpcPool({
    chainId: chain.id,
    chainName: chain.name,
    endpoints: [{ name: 'anvil', http: anvil.url }],
  })
  const findings: FindingRow[] = []
  try {
    const range = createRangeSource(pool, { from: options.from, to })
    await runBacktest({
      chain,
      bots: [bind(definition, watched), ...beside.filter(({ things }) => things.length > 0)],
      labels: options.labels ?? [],
      source: range.source,
      blocks: range,
      traces: options.traces ?? true,
      log: pino({ level: 'silent' }),
      onFinding: (finding) => {
        if (finding.botId === bot.id) findings.push(finding)
      },
      onFailure: (botId, block, faults) => {
        throw new Error(`The bot ${botId} failed in block ${block.number}: ${faults.join('; ')}`)
      },
    })
  } finally {
    await pool.stop()
  }
  return findings
}
