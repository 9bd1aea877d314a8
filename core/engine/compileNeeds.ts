import { isTocsinError, messageOf, TocsinError } from '../base/index.ts'
import { type CompiledNeeds, checkNeeds } from './checkNeeds.ts'
import type { EngineBot } from './engineBot.ts'
import type { Label } from './types.ts'

/**
 * What one bot needs on one chain, judged.
 * @throws TocsinError `bot.needs_invalid`, or whatever TocsinError the bot's own `needs` throws
 */
export const compileNeeds = (
  bot: EngineBot,
  chain: { readonly id: number; readonly name: string },
  labels: readonly Label[],
): CompiledNeeds => {
  const { definition, parameters, things } = bot
  try {
    const needs = definition.needs({ chain, parameters, things, labels })
    if (needs.alerts?.length && !definition.handleAlert && !definition.hosted?.handleAlert)
      throw new TocsinError(
        'bot.needs_invalid',
        `The bot "${definition.id}" asks for findings of others and has no handleAlert.`,
        { exitCode: 2 },
      )
    return checkNeeds(definition.id, needs)
  } catch (error) {
    if (isTocsinError(error)) throw error
    throw new TocsinError(
      'bot.needs_invalid',
      `The needs of the bot "${definition.id}" cannot be told: ${messageOf(error)}`,
      { cause: error, exitCode: 2 },
    )
  }
}
