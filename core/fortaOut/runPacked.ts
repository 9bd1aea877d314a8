import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../base/index.ts'
import type { BotDefinition } from '../engine/types.ts'
import { createLogger } from '../telemetry/light.ts'
import { createAgent } from './createAgent.ts'
import { rpcUrlOf } from './createExaminer.ts'
import { decodePacked } from './packedJson.ts'
import { serveAgent } from './serveAgent.ts'

const isBot = (value: unknown): value is BotDefinition<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  'needs' in value &&
  typeof value.needs === 'function'

/**
 * The program of a packed bot: serves it at AGENT_GRPC_PORT until it is told to end.
 * @param watchFile its watchlist; TOCSIN_WATCH names another. What it remembers is in the folder `state` beside it;
 *   TOCSIN_STATE names another, or `none`
 */
export const runPacked = async (
  modules: readonly Readonly<Record<string, unknown>>[],
  watchFile: URL,
): Promise<void> => {
  const { env } = process
  const log = createLogger({ service: 'forta-bot', level: env['LOG_LEVEL'] ?? 'info' })
  try {
    const watch = decodePacked(readFileSync(env['TOCSIN_WATCH'] ?? watchFile, 'utf8'))
    const definitions = [...new Set(modules.flatMap(Object.values).filter(isBot))]
    const state = env['TOCSIN_STATE'] ?? fileURLToPath(new URL('state', watchFile))
    const agent = createAgent({
      stateDir: state === 'none' ? undefined : state,
      watch,
      definitions: definitions.filter(({ id }) => watch.bots[id] !== undefined),
      rpcUrl: rpcUrlOf(env),
      chainId: env['FORTA_CHAIN_ID'] ? Number(env['FORTA_CHAIN_ID']) : undefined,
      log,
    })
    const port = Number(env['AGENT_GRPC_PORT'] ?? 50_051)
    const server = await serveAgent(agent, { host: env['AGENT_GRPC_HOST'] ?? '0.0.0.0', port })
    log.info({ bot: watch.bot, port: server.port }, 'The bot is served.')
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => void server.stop().then(() => process.exit(0)))
  } catch (error) {
    log.error(messageOf(error))
    process.exitCode = 2
  }
}
