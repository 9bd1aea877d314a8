import { TocsinError } from '../base/index.ts'
import { type Config, labelsOfConfig, mergeBotParameters } from '../config/index.ts'
import type { WatchedThing } from '../config/types.ts'
import type { BotDefinition, BotThing, Label } from './types.ts'

/** A bot with its parameters and the things it looks at, on one chain. */
export type EngineBot = {
  readonly definition: BotDefinition<unknown>
  readonly parameters: unknown
  readonly things: readonly BotThing<unknown>[]
}

/** Longest that one handler may take where its bot does not say (ms). */
export const DEFAULT_TIMEOUT_MS = 5_000

const fits = (bot: BotDefinition<unknown>, thing: WatchedThing): boolean =>
  bot.kinds.includes(thing.kind) && (bot.accepts?.(thing) ?? true)

/**
 * The bots that the watchlist switches on for one chain, each with its things there. A bot for which nothing is watched
 * on this chain is left out.
 * @throws TocsinError `bot.unknown`, `config.invalid`
 */
export const bindBots = (
  config: Pick<Config, 'bots' | 'watch'>,
  definitions: readonly BotDefinition<unknown>[],
  chainName: string,
): readonly EngineBot[] =>
  Object.entries(config.bots).flatMap(([id, { enabled }]): readonly EngineBot[] => {
    if (!enabled) return []
    const definition = definitions.find((bot) => bot.id === id)
    if (!definition)
      throw new TocsinError('bot.unknown', `There is no bot "${id}".`, {
        hints: ['`tocsin bots` lists them.'],
        exitCode: 2,
      })
    const things = config.watch
      .filter((thing) => thing.chain === chainName && fits(definition, thing))
      .map((thing) => ({ ...thing, parameters: mergeBotParameters(definition, config, thing) }))
    if (things.length === 0) return []
    return [{ definition, parameters: mergeBotParameters(definition, config), things }]
  })

/** What the watchlist and its files of labels say of one chain's addresses; of two for one the first holds. */
export const listLabels = (
  config: Pick<Config, 'watch' | 'labels' | 'chains'>,
  chainName: string,
): readonly Label[] => {
  const chain = config.chains.find(({ name }) => name === chainName)
  return chain ? labelsOfConfig(config, chain.id) : []
}
