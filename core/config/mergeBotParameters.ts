import type { z } from 'zod'
import { TocsinError } from '../base/index.ts'
import { shown } from './fault.ts'
import { mergeValues } from './mergeOverlay.ts'
import type { Config, WatchedThing } from './types.ts'

/**
 * Parameters of a bot, for one thing when one is given: the bot's defaults, under `bots.<id>.parameters`, under
 * `watch[].bots.<id>` of the thing. Maps are merged, an empty value goes back to the default.
 * @throws TocsinError `config.invalid` when the schema of the bot refuses the result
 */
export const mergeBotParameters = <P>(
  bot: { readonly id: string; readonly parameters: z.ZodType<P> },
  config: Pick<Config, 'bots'>,
  thing?: Pick<WatchedThing, 'bots'>,
): P => {
  const merged = mergeValues({}, config.bots[bot.id]?.parameters, thing?.bots[bot.id])
  const parsed = bot.parameters.safeParse(merged)
  if (parsed.success) return parsed.data
  throw new TocsinError('config.invalid', `Parameters of the bot "${bot.id}" are wrong.`, {
    hints: parsed.error.issues.map(
      (issue) => `${issue.path.join('.')}: ${shown(issue.message, 200)}`,
    ),
    exitCode: 2,
  })
}
