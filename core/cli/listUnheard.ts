import type { Config } from '../config/types.ts'
import type { LoadedPolicy, PolicyFault } from '../response/index.ts'

/** Channels that policies name and the watchlist does not have: nobody would hear by them. */
export const listUnheard = (
  { channels }: Pick<Config, 'channels'>,
  policies: readonly LoadedPolicy[],
): readonly PolicyFault[] =>
  policies.flatMap(({ file, channels: named }) =>
    named
      .filter((name) => !channels.some((channel) => channel.name === name))
      .map((name) => ({
        file,
        line: 1,
        column: 1,
        message: `channels: the watchlist has no channel "${name}"`,
      })),
  )
