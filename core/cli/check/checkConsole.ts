import { isTocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { checkExposure, isLoopback } from '../../console/light.ts'

/**
 * Whether `tocsin start` would serve the console to other machines as the watchlist wants it. Who signs in stands in
 * the database, which is not asked here: that is a warning.
 */
export const checkConsole = (
  config: Pick<Config, 'console' | 'people'>,
): { readonly faults: readonly string[]; readonly warnings: readonly string[] } => {
  const { host, onlyLocal, oidc, publicUrl } = config.console
  try {
    checkExposure(config.console, {
      publicUrl: publicUrl ?? config.people?.url,
      isSignInRequired: true,
    })
  } catch (error) {
    if (!isTocsinError(error)) throw error
    return { faults: [[error.message, ...error.hints].join(' ')], warnings: [] }
  }
  const isOpen = !isLoopback(host) && !onlyLocal && oidc === undefined
  return {
    faults: [],
    warnings: isOpen
      ? [
          `The console on ${host} can be reached from other machines: \`tocsin start\` serves it once somebody signs in (\`tocsin users add\`).`,
        ]
      : [],
  }
}
