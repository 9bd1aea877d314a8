import { createRpcPool, type RpcPool } from '../../chain/index.ts'
import type { ChainConfig, Config } from '../../config/types.ts'
import type { EngineBot } from '../../engine/index.ts'
import { bindBots, openRemoteHistory, type RemoteHistory } from '../../engine/light.ts'
import type { BotDefinition } from '../../engine/types.ts'
import { createLogger } from '../../telemetry/light.ts'
import { chooseBots, openRange, TIMEOUT_MS, wrong } from './openRange.ts'

/** How long before the range the other chains begin: what is released first was locked earlier (s). */
const LEAD_S = 3_600
/** Past this age a block counts as final where the chain's own tag decides: on Ethereum two epochs, and room (s). */
const FINAL_AGE_S = 1_200

export type OpenRemotes = {
  /** For each lane, by the name of the chain. */
  readonly lanes: readonly ReadonlyMap<string, RemoteHistory>[]
  readonly stop: () => Promise<void>
}

/** The bots of a lane that look at another chain, by the name of that chain. */
const listAsked = (lane: readonly EngineBot[], chain: ChainConfig): Map<string, Set<string>> => {
  const asked = new Map<string, Set<string>>()
  for (const { definition, things } of lane)
    for (const thing of things) {
      const other = 'remote' in thing ? thing.remote?.chain : undefined
      if (other === undefined || other === chain.name) continue
      asked.set(other, (asked.get(other) ?? new Set()).add(definition.id))
    }
  return asked
}

const timeOf = async (pool: RpcPool, block: number): Promise<number> => {
  const found = await pool.request('eth_getBlockByNumber', [`0x${block.toString(16)}`, false])
  if (typeof found === 'object' && found !== null && 'timestamp' in found)
    return Number(found.timestamp)
  throw wrong('backtest.range', `Block ${block} is not there.`, 'Say a range that exists.')
}

/** The last block that is not younger; the first one of the chain where all are. */
const findBlockAt = async (pool: RpcPool, timestampS: number): Promise<number> => {
  let [low, high] = [0, Number(await pool.request('eth_blockNumber', []))]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((await timeOf(pool, middle)) <= timestampS) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * Opens the other chains that bots of a backtest look at, over the same time and the hour before it.
 * @param options.pool of the chain that is run over
 * @throws TocsinError `backtest.range`, and what the endpoints throw
 */
export const openRemotes = async (options: {
  readonly configs: readonly Config[]
  readonly definitions: readonly BotDefinition<unknown>[]
  readonly lanes: readonly (readonly EngineBot[])[]
  readonly chain: ChainConfig
  readonly pool: RpcPool
  readonly from: number
  readonly to: number
  readonly traces: boolean
}): Promise<OpenRemotes> => {
  const { configs, definitions, chain, pool, from, to } = options
  const undo: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }

  const spans = new Map<string, Promise<{ from: number; to: number }>>()
  const findSpan = async (other: ChainConfig): Promise<{ from: number; to: number }> => {
    const there = createRpcPool({
      timeoutMs: TIMEOUT_MS,
      chainId: other.id,
      chainName: other.name,
      endpoints: other.rpc,
    })
    try {
      const [firstS, lastS] = [await timeOf(pool, from), await timeOf(pool, to)]
      return {
        from: await findBlockAt(there, firstS - LEAD_S),
        to: await findBlockAt(there, lastS),
      }
    } finally {
      await there.stop()
    }
  }

  const openOther = async (
    config: Config,
    other: ChainConfig,
    ids: ReadonlySet<string>,
  ): Promise<RemoteHistory | undefined> => {
    const named = { bots: chooseBots(config, definitions, [...ids]), watch: config.watch }
    const bots = bindBots(named, definitions, other.name)
    if (bots.length === 0) return undefined
    const span = spans.get(other.name) ?? findSpan(other)
    spans.set(other.name, span)
    const open = openRange({
      config,
      chain: other,
      ...(await span),
      lanes: [bots],
      traces: options.traces,
    })
    undo.push(open.stop)
    const history = await openRemoteHistory({
      chain: other,
      bots,
      labels: open.labels,
      source: open.range.source,
      blocks: open.range,
      finality: other.finality === 'tag' ? { ageS: FINAL_AGE_S } : other.finality,
      traces: open.traces,
      dataPatienceMs: TIMEOUT_MS,
      log: createLogger({ service: 'backtest', level: 'fatal' }),
    })
    undo.push(history.stop)
    return history
  }

  try {
    const lanes: ReadonlyMap<string, RemoteHistory>[] = []
    for (const [index, lane] of options.lanes.entries()) {
      const config = configs[index]
      const opened = new Map<string, RemoteHistory>()
      for (const [name, ids] of listAsked(lane, chain)) {
        const other = config?.chains.find((one) => one.name === name)
        const history = config && other && (await openOther(config, other, ids))
        if (history) opened.set(name, history)
      }
      lanes.push(opened)
    }
    return { lanes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
