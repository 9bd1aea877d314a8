import { TocsinError } from '../base/index.ts'
import { type Config, mergeBotParameters } from '../config/index.ts'
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

/** The labelled addresses of the watchlist on one chain, and its own contracts under the tag `own`. */
export const listLabels = (config: Pick<Config, 'watch'>, chainName: string): readonly Label[] =>
  config.watch
    .filter((thing) => thing.chain === chainName)
    // What somebody labelled by hand comes first: the first label of an address is the one that holds.
    .sort((a, b) => Number(b.kind === 'label') - Number(a.kind === 'label'))
    .map((thing) => ({
      address: thing.address,
      name: thing.name,
      tags: thing.kind === 'label' ? thing.tags : [thing.kind, 'own'],
    }))
