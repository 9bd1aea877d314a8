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
    return checkNeeds(definition.id, definition.needs({ chain, parameters, things, labels }))
  } catch (error) {
    if (isTocsinError(error)) throw error
    throw new TocsinError(
      'bot.needs_invalid',
      `The needs of the bot "${definition.id}" cannot be told: ${messageOf(error)}`,
      { cause: error, exitCode: 2 },
    )
  }
}
