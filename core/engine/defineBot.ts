import { TocsinError } from '../base/index.ts'
import type { BotDefinition } from './types.ts'

/**
 * Declares a bot. Importing the file that calls it does nothing else.
 * @throws TocsinError `bot.invalid` when id, alerts or handlers are missing or doubled.
 * @example export const silence = defineBot({ id: 'silence', version: '1.0.0', … })
 */
export const defineBot = <P>(bot: BotDefinition<P>): BotDefinition<P> => {
  const fail = (message: string): never => {
    throw new TocsinError('bot.invalid', `Bot "${bot.id}": ${message}`)
  }
  if (!/^[a-z][a-z0-9-]*$/.test(bot.id)) fail('id must be kebab-case.')
  if (bot.alerts.length === 0) fail('it declares no alerts.')
  if (new Set(bot.alerts.map((a) => a.id)).size !== bot.alerts.length)
    fail('two alerts share an id.')
  if (!bot.handleBlock && !bot.handleTransaction && !bot.handleAlert) fail('it has no handler.')
  return Object.freeze({ ...bot })
}
