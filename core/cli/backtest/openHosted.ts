import type { ChainConfig, Config, FortaBotConfig } from '../../config/types.ts'
import type { EngineBot } from '../../engine/index.ts'
import { createLogger } from '../../telemetry/light.ts'
import type { FortaHost } from '../hostForta.ts'

/** Hosted bots over history, one set of processes for each lane. */
export type OpenHosted = {
  readonly lanes: readonly (readonly EngineBot[])[]
  readonly stop: () => Promise<void>
}

/** Hosted bots of the watchlist that run on this chain: those named, else those switched on. */
export const chooseHosted = async (
  config: Config,
  names: readonly string[] | undefined,
  chain: ChainConfig,
): Promise<readonly FortaBotConfig[]> => {
  if (!config.forta?.length) return []
  // Nobody else waits for what reads and hosts such bots.
  const { inspectBot } = await import('../../forta/light.ts')
  return config.forta
    .filter(({ name, enabled }) => names?.includes(name) ?? enabled)
    .filter(({ chains, dir }) =>
      chains
        ? chains.includes(chain.name)
        : dir !== undefined && inspectBot(dir).chainIds.includes(chain.id),
    )
    .map((bot) => ({ ...bot, enabled: true }))
}

/**
 * Starts the hosted bots of a chain for a run over history. Each works in a copy of its folder: what it keeps in files
 * is neither read nor changed.
 * @throws TocsinError `forta.no_bot`, `forta.no_chain`
 */
export const openHosted = async (options: {
  readonly bots: readonly FortaBotConfig[]
  readonly chain: ChainConfig
  readonly lanes: number
  readonly traces: boolean
}): Promise<OpenHosted> => {
  const { bots, chain } = options
  if (bots.length === 0)
    return {
      lanes: Array.from({ length: options.lanes }, () => []),
      stop: () => Promise.resolve(),
    }
  const [{ copyBot }, { hostForta }] = await Promise.all([
    import('../../forta/light.ts'),
    import('../hostForta.ts'),
  ])
  const undo: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  const copy = async (bot: FortaBotConfig): Promise<FortaBotConfig> => {
    if (bot.dir === undefined) return bot
    const { dir, remove } = await copyBot(bot.dir)
    undo.push(remove)
    return { ...bot, dir }
  }
  const open = async (): Promise<FortaHost> => {
    const host = await hostForta(
      {
        chains: [{ ...chain, traces: options.traces ? chain.traces : 'none' }],
        forta: await Promise.all(bots.map(copy)),
      },
      { store: undefined, log: createLogger({ service: 'backtest', level: 'fatal' }) },
    )
    undo.push(host.stop)
    return host
  }
  try {
    const hosts: FortaHost[] = []
    for (let lane = 0; lane < options.lanes; lane++) hosts.push(await open())
    return { lanes: hosts.map((host) => host.botsOf(chain.name)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
