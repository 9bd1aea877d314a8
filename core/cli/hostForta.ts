import { z } from 'zod'
import { cleanText, type Hex, messageOf, TocsinError } from '../base/index.ts'
import type { Config, FortaBotConfig } from '../config/types.ts'
import type { EngineBot } from '../engine/index.ts'
import type { AlertNeed, BotAlert, BotDefinition, HostedAnswer } from '../engine/types.ts'
import {
  createFortaApi,
  createHostedChain,
  createJwt,
  type FortaApi,
  type GrpcBotSpec,
  type HostedBot,
  type HostedBotSpec,
  type HostedChain,
  type HostedRun,
  inspectBot,
  mapFindings,
  type ReadyMessage,
  toSdkAlert,
} from '../forta/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'

/** The hosted bots of the watchlist, as bots of the engine. */
export type FortaHost = {
  readonly botsOf: (chainName: string) => readonly EngineBot[]
  readonly stop: () => Promise<void>
}

/** A whole block of a busy chain, with some handlers at their limit (ms). */
const BLOCK_LIMIT_MS = 600_000
const MAX_FINDINGS = 1_000
const NOTHING: HostedAnswer = { findings: [], faults: [] }
/** Blocks whose answers are kept: a block that is tried again must not be seen twice by a bot that counts. */
const KEPT_ANSWERS = 256
/** How long the start waits for a bot to say what it subscribes to (ms). */
const PATIENCE_MS = 60_000
/** Of a bot that has not said it yet: everything, to be chosen from later. */
const EVERYTHING: readonly AlertNeed[] = [{ minSeverity: 'Info' }]

const NO_API: Pick<FortaApi, 'answer'> = {
  answer: async () =>
    '{"errors":[{"message":"Over history there are no findings and labels to ask for."}]}',
}

/** What is known of a bot before it has started. */
type BotFacts = Readonly<{
  spec: (traces: boolean) => HostedBotSpec | GrpcBotSpec
  version: string
  summary: string
  chainIds: readonly number[]
}>

const factsOf = (bot: FortaBotConfig): BotFacts => {
  const { name: id, timeoutMs, grpc, botId } = bot
  const named = botId ? { fortaBotId: botId } : {}
  if (bot.dir === undefined)
    return {
      spec: (traces) => ({
        grpc: {
          id,
          timeoutMs,
          traces,
          address: grpc ?? '',
          patienceMs: bot.patienceMs,
          parallel: bot.parallel,
          ...named,
        },
      }),
      version: 'grpc',
      summary: `The Forta bot at ${grpc}.`,
      chainIds: [],
    }
  const { dir, compat, env } = bot
  const pack = inspectBot(dir)
  return {
    spec: (traces) => ({ pack, bot: { id, dir, compat, timeoutMs, traces, env, ...named } }),
    version: pack.version,
    summary: cleanText(pack.description || `The Forta bot ${pack.name}.`, 200),
    chainIds: pack.chainIds,
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const texts = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string' && one !== '')

/** Which findings a bot subscribed to in its `initialize`; bots are known by `botId` or by their names here. */
const needsOf = (
  subscriptions: readonly unknown[],
  chainId: number,
  nameById: ReadonlyMap<string, string>,
): readonly AlertNeed[] =>
  subscriptions.filter(isRecord).flatMap((one): readonly AlertNeed[] => {
    if (typeof one['chainId'] === 'number' && one['chainId'] !== chainId) return []
    const botIds = texts(one['botId']).map((id) => nameById.get(id.toLowerCase()) ?? id)
    const alertIds = [...texts(one['alertId']), ...texts(one['alertIds'])]
    if (botIds.length === 0) return []
    return [{ botIds, ...(alertIds.length > 0 ? { alertIds } : {}) }]
  })

const isWanted = (needs: readonly AlertNeed[], alert: BotAlert): boolean =>
  needs.some(
    ({ botIds, alertIds }) =>
      (botIds === undefined || botIds.includes(alert.botId)) &&
      (alertIds === undefined || alertIds.includes(alert.alertId)),
  )

const toAnswer = ({ findings, faults }: HostedRun): HostedAnswer => ({
  findings: mapFindings(findings),
  faults,
})

const remember = <T>(map: Map<string, T>, key: string, value: T): T => {
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= KEPT_ANSWERS) break
    map.delete(oldest)
  }
  return value
}

const define = (options: {
  readonly bot: FortaBotConfig
  readonly version: string
  readonly summary: string
  readonly chainId: number
  readonly host: HostedChain
  readonly hosted: HostedBot
  readonly alerts: readonly AlertNeed[]
  /** What the bot subscribed to, once it has said so. */
  readonly subscribed: () => Promise<readonly AlertNeed[]>
  /** As the SDK knows a bot of the watchlist. */
  readonly sdkIdOf: (name: string) => string
}): BotDefinition<unknown> => {
  const { host, hosted, bot, alerts, chainId } = options
  const answers = new Map<Hex, Promise<HostedAnswer>>()
  return {
    id: bot.name,
    version: options.version,
    summary: options.summary,
    parameters: z.object({}),
    alerts: [],
    kinds: [],
    timeoutMs: BLOCK_LIMIT_MS,
    needs: () => ({ everyBlock: true, ...(alerts.length > 0 ? { alerts } : {}) }),
    healthCheck: () => hosted.healthCheck(),
    hosted: {
      maxFindings: MAX_FINDINGS,
      prepare: (block) => host.prepare(block),
      handle: (block) => {
        const known = answers.get(block.hash)
        if (known) return known
        const made = host.runBlock(hosted, block).then(toAnswer)
        // What could not be fetched was not seen.
        made.catch(() => answers.delete(block.hash))
        return remember(answers, block.hash, made)
      },
      ...(alerts.length > 0
        ? {
            handleAlert: async (alert, block) => {
              if (!isWanted(await options.subscribed(), alert)) return NOTHING
              return toAnswer(
                await hosted.runAlert(
                  toSdkAlert(
                    { ...alert, botId: options.sdkIdOf(alert.botId) },
                    { ...block, chainId },
                  ),
                ),
              )
            },
          }
        : {}),
    },
  }
}

const withLimit = <T>(work: Promise<T>, ms: number): Promise<T | undefined> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}

/**
 * Starts the hosted bots of a watchlist. A bot that does not start is tried again with its first block, and reported.
 * @throws TocsinError `forta.no_bot` when a folder holds no bot that could be run
 */
export const hostForta = async (
  config: Pick<Config, 'chains' | 'forta'>,
  options: {
    /** Undefined: over history there are no findings that a bot could ask for, and it is told so. */
    readonly store: Pick<Store, 'db'> | undefined
    readonly log: Logger
  },
): Promise<FortaHost> => {
  const { log, store } = options
  const enabled = (config.forta ?? []).filter((bot) => bot.enabled)
  const packs = new Map(enabled.map((bot) => [bot.name, factsOf(bot)]))
  const nameById = new Map(
    enabled.flatMap(({ botId, name }) => (botId ? [[botId.toLowerCase(), name] as const] : [])),
  )
  const sdkIdOf = (name: string): string => enabled.find((one) => one.name === name)?.botId ?? name
  const api = store
    ? createFortaApi({
        store,
        nameOf: (id) => nameById.get(id.toLowerCase()) ?? id,
        idOf: sdkIdOf,
      })
    : NO_API
  const hosts: HostedChain[] = []
  const byChain = new Map<string, readonly EngineBot[]>()
  const stop = async (): Promise<void> => {
    await Promise.all(hosts.map((host) => host.stop()))
  }
  for (const bot of enabled) {
    const ids = packs.get(bot.name)?.chainIds ?? []
    const runs = bot.chains ?? config.chains.filter(({ id }) => ids.includes(id))
    if (runs.length === 0)
      throw new TocsinError(
        'forta.no_chain',
        `The hosted bot ${bot.name} is made for chain ${ids.join(', ') || '(none named)'}, and the watchlist has none of these.`,
        { exitCode: 2, hints: [`Say \`forta.${bot.name}.chains\`.`] },
      )
  }
  try {
    for (const chain of config.chains) {
      const own = enabled.flatMap((bot) => {
        const pack = packs.get(bot.name)
        const isHere = bot.chains
          ? bot.chains.includes(chain.name)
          : pack?.chainIds.includes(chain.id)
        return pack && isHere ? [{ bot, pack }] : []
      })
      if (own.length === 0) continue
      const rpcPort = own.flatMap(({ bot }) => bot.rpcPort ?? [])[0]
      const host = await createHostedChain({
        chain,
        ...(rpcPort === undefined ? {} : { rpcPort }),
        bots: own.map(({ bot, pack }) => pack.spec(bot.traces && chain.traces !== 'none')),
        serveOther: async (path, body) => {
          if (path === '/graphql') return api.answer(body)
          return path === '/create' ? createJwt(body) : undefined
        },
        onOutput: (bot, line) => log.debug({ bot, chain: chain.name }, cleanText(line, 1_000)),
        onEnd: (bot, reason) =>
          log.warn({ bot, chain: chain.name, reason }, 'The process of a hosted bot ended.'),
      })
      hosts.push(host)
      const bots = await Promise.all(
        own.map(async ({ bot, pack }, index): Promise<readonly EngineBot[]> => {
          const hosted = host.bots[index]
          if (!hosted) return []
          const starting = hosted.start().catch((error: unknown) => {
            log.error({ bot: bot.name, chain: chain.name }, messageOf(error))
            return undefined
          })
          const ready = await withLimit(starting, PATIENCE_MS)
          let said = ready
          const subscriptionsOf = (one: ReadyMessage | undefined): readonly AlertNeed[] =>
            one?.handlers.includes('handleAlert')
              ? needsOf(one.subscriptions, chain.id, nameById)
              : []
          const definition = define({
            bot,
            host,
            hosted,
            version: pack.version,
            summary: pack.summary,
            chainId: chain.id,
            sdkIdOf,
            subscribed: async () => {
              if (said === undefined && hosted.isReady())
                said = await hosted.start().catch(() => undefined)
              return subscriptionsOf(said)
            },
            alerts: ready === undefined ? EVERYTHING : subscriptionsOf(ready),
          })
          return [{ definition, parameters: {}, things: [] }]
        }),
      )
      byChain.set(chain.name, bots.flat())
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { botsOf: (name) => byChain.get(name) ?? [], stop }
}
