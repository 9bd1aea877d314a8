import type { Hex } from '../../base/index.ts'
import type { RpcPool } from '../../chain/index.ts'
import { createRpcPool } from '../../chain/light.ts'
import type { ChainConfig } from '../../config/types.ts'
import type { BotPackage, GrpcBotOptions, HostedBotOptions } from '../types.ts'
import {
  createHostedBot,
  encodePayload,
  type HostedBot,
  type HostedRun,
} from './createHostedBot.ts'
import { createRawBlocks, type RawBlock } from './createRawBlocks.ts'
import { createRpcDesk } from './createRpcDesk.ts'
import { type RpcServer, serveRpc } from './serveRpc.ts'

/** The hosted bots of one chain with what they share: blocks, JSON-RPC, and its cache. */
export type HostedChain = {
  readonly bots: readonly HostedBot[]
  /** A block is heard of: it is fetched before its turn. */
  readonly prepare: (block: { readonly number: number; readonly hash: Hex }) => void
  /**
   * Runs one bot over one block.
   * @throws TocsinError when the block cannot be had; what the bot does wrong is in the answer
   */
  readonly runBlock: (
    bot: HostedBot,
    block: { readonly number: number; readonly hash: Hex },
  ) => Promise<HostedRun>
  /** Blocks that were fetched otherwise, for the desk. */
  readonly take: (block: RawBlock) => SharedBlock
  readonly runShared: (bot: HostedBot, block: SharedBlock) => Promise<HostedRun>
  /** Blocks that follow one another. */
  readonly runMany: (
    bot: HostedBot,
    blocks: readonly SharedBlock[],
  ) => Promise<readonly HostedRun[]>
  readonly rpcPort: number
  readonly stop: () => Promise<void>
}

/** A block, its payload written at most once for all bots that see the same of it. */
export type SharedBlock = {
  readonly raw: RawBlock
  readonly json: (withTraces: boolean) => string
}

export type HostedBotSpec = { readonly bot: HostedBotOptions; readonly pack: BotPackage }
/** A bot that runs already. */
export type GrpcBotSpec = { readonly grpc: GrpcBotOptions }

/** Blocks kept for bots whose turn has not come. */
const KEPT = 160

const share = (raw: RawBlock): SharedBlock => {
  let whole: string | undefined
  let bare: string | undefined
  return {
    raw,
    json: (withTraces) => {
      if (withTraces && raw.payload.traces) {
        whole ??= encodePayload(raw.payload)
        return whole
      }
      bare ??= encodePayload({ block: raw.payload.block, logs: raw.payload.logs })
      return bare
    },
  }
}

export const wantsTraces = (bot: { readonly traces?: boolean }): boolean => bot.traces !== false

const optionsOf = (spec: HostedBotSpec | GrpcBotSpec): HostedBotOptions | GrpcBotOptions =>
  'grpc' in spec ? spec.grpc : spec.bot

/** Starts everything but the bots themselves: each is started when its first block comes, or by `start`. */
export const createHostedChain = async (options: {
  readonly chain: Pick<ChainConfig, 'id' | 'name' | 'rpc' | 'traces'>
  readonly bots: readonly (HostedBotSpec | GrpcBotSpec)[]
  /** Where JSON-RPC is served to bots, on loopback. Default: a port that is free. */
  readonly rpcPort?: number
  /** Default: one of its own. */
  readonly pool?: RpcPool
  readonly onOutput?: (botId: string, line: string) => void
  readonly onEnd?: (botId: string, reason: string) => void
  readonly serveOther?: (path: string, body: string) => Promise<string | undefined>
}): Promise<HostedChain> => {
  const { chain } = options
  const pool =
    options.pool ??
    createRpcPool({ chainId: chain.id, chainName: chain.name, endpoints: chain.rpc })
  const isTracing = options.bots.some((spec) => wantsTraces(optionsOf(spec)))
  const blocks = createRawBlocks(pool, { traces: isTracing ? chain.traces : 'none' })
  const desk = createRpcDesk({ pool, blocks: createRawBlocks(pool, { traces: chain.traces }) })
  let server: RpcServer | undefined
  try {
    server = await serveRpc(desk, {
      ...(options.rpcPort === undefined ? {} : { port: options.rpcPort }),
      ...(options.serveOther ? { other: options.serveOther } : {}),
    })
  } catch (error) {
    if (!options.pool) await pool.stop()
    throw error
  }
  const { port } = server
  // Only who has such a bot waits for what speaks to it.
  const grpc = options.bots.some((spec) => 'grpc' in spec)
    ? await import('../grpc/createGrpcBot.ts')
    : undefined
  const bots = options.bots.flatMap((spec): readonly HostedBot[] => {
    const onEnd = (reason: string): void => options.onEnd?.(optionsOf(spec).id, reason)
    if ('grpc' in spec)
      return grpc ? [grpc.createGrpcBot({ bot: spec.grpc, chainId: chain.id, onEnd })] : []
    const { bot, pack } = spec
    return [
      createHostedBot({
        bot,
        pack,
        chainId: chain.id,
        rpcPort: port,
        onOutput: (line) => options.onOutput?.(bot.id, line),
        onEnd,
      }),
    ]
  })
  const tracing = new Map(
    options.bots.map(optionsOf).map((bot) => [bot.id, wantsTraces(bot)] as const),
  )
  const fetched = new Map<Hex, Promise<SharedBlock>>()
  const get = (hash: Hex, number: number): Promise<SharedBlock> => {
    const known = fetched.get(hash)
    if (known) return known
    const made = blocks.byHash(hash, number).then(share)
    // What failed may be asked for again.
    made.catch(() => fetched.delete(hash))
    fetched.set(hash, made)
    for (const oldest of fetched.keys()) {
      if (fetched.size <= KEPT) break
      fetched.delete(oldest)
      through.delete(oldest)
    }
    return made
  }
  /** Bots that are through with a block; a whole block is large, and goes when nobody waits for it. */
  const through = new Map<Hex, Set<string>>()
  const leave = (hash: Hex, botId: string): void => {
    const who = through.get(hash) ?? new Set()
    through.set(hash, who.add(botId))
    if (who.size < bots.length) return
    through.delete(hash)
    fetched.delete(hash)
  }
  const runShared: HostedChain['runShared'] = (bot, { raw, json }) =>
    bot.runRaw
      ? bot.runRaw(raw.payload, raw.hashes)
      : bot.runBlock(json(tracing.get(bot.id) ?? true), raw.hashes)
  const runMany: HostedChain['runMany'] = async (bot, blocks) => {
    if (bot.runBlocks)
      return bot.runBlocks(
        blocks.map(({ raw, json }) => ({
          json: json(tracing.get(bot.id) ?? true),
          hashes: raw.hashes,
        })),
      )
    const runs: HostedRun[] = []
    for (const block of blocks) runs.push(await runShared(bot, block))
    return runs
  }

  return {
    bots,
    rpcPort: port,
    prepare: ({ hash, number }) => void get(hash, number).catch(() => undefined),
    take: (raw) => {
      desk.note(raw)
      return share(raw)
    },
    runShared,
    runMany,
    runBlock: async (bot, { hash, number }) => {
      const block = await get(hash, number)
      desk.note(block.raw)
      try {
        return await runShared(bot, block)
      } finally {
        leave(hash, bot.id)
      }
    },
    stop: async () => {
      await Promise.all(bots.map((bot) => bot.stop()))
      await server?.stop()
      if (!options.pool) await pool.stop()
    },
  }
}
