import { pino } from 'pino'
import type { Hex } from '../../../core/base/index.ts'
import { createRangeSource, createRpcPool } from '../../../core/chain/index.ts'
import { loadBots } from '../../../core/cli/loadBots.ts'
import { createEngine } from '../../../core/engine/createEngine.ts'
import { bindBots, listLabels } from '../../../core/engine/engineBot.ts'
import type { FindingRow } from '../../../core/engine/index.ts'
import { lookAhead } from '../../../core/engine/lookAhead.ts'
import { createMemoryEngineStore } from '../../../core/engine/memoryEngineStore.ts'
import { type Anvil, makeThing, type ThingInput } from '../../../core/testing/index.ts'

export type CatalogueWatch = {
  /** Runs all bots over the blocks that are new. @throws Error when a bot fails */
  readonly follow: () => Promise<void>
  /** The chain went back to this block. */
  readonly rollback: (to: { readonly number: number; readonly hash: Hex }) => Promise<void>
  /** Each time a finding came (`provisional`) or was taken back (`retracted`), in order. */
  readonly history: () => readonly FindingRow[]
  readonly stop: () => Promise<void>
}

/** All bots that come with Tocsin, with default parameters, on the engine that runs live, from a block on. */
export const watchCatalogue = async (
  anvil: Anvil,
  options: { readonly things: readonly ThingInput[]; readonly from: number },
): Promise<CatalogueWatch> => {
  const chain = { id: anvil.chainId, name: 'local' }
  const definitions = await loadBots()
  const watch = options.things.map((input) => makeThing(input, chain))
  const bots = Object.fromEntries(
    definitions.map(({ id }) => [id, { enabled: true, parameters: {} }]),
  )
  const pool = createRpcPool({
    chainId: chain.id,
    chainName: chain.name,
    endpoints: [{ name: 'anvil', http: anvil.url }],
  })
  const log = pino({ level: 'silent' })
  const store = createMemoryEngineStore()
  const engine = await createEngine({
    chainId: chain.id,
    chainName: chain.name,
    bots: bindBots({ bots, watch }, definitions, chain.name),
    labels: listLabels(
      { watch, labels: { files: [], rows: [] }, chains: [{ ...chain, rpc: [] } as never] },
      chain.name,
    ),
    source: createRangeSource(pool, { from: options.from, to: options.from }).source,
    store,
    log,
  })
  const history: FindingRow[] = []
  let next = options.from
  return {
    follow: async () => {
      const to = Number(await anvil.rpc<string>('eth_blockNumber'))
      if (to < next) return
      const range = createRangeSource(pool, { from: next, to })
      for await (const { value, begun } of lookAhead(range, 16, (block) => {
        const prepared = engine.prepare(block)
        prepared.catch(() => undefined)
        return prepared
      })) {
        const done = await engine.processBlock(value, begun)
        history.push(...done.findings)
        for (const [botId, faults] of done.failures)
          throw new Error(`The bot ${botId} failed in block ${value.number}: ${faults.join('; ')}`)
        next = value.number + 1
      }
    },
    rollback: async (to) => {
      if (next <= to.number + 1) return
      const standing = new Set(
        store
          .findings()
          .filter(({ status }) => status !== 'retracted')
          .map(({ id }) => id),
      )
      await engine.rollback(to, [])
      history.push(
        ...store.findings().filter(({ id, status }) => status === 'retracted' && standing.has(id)),
      )
      next = to.number + 1
    },
    history: () => history,
    stop: async () => {
      await engine.stop()
      await pool.stop()
    },
  }
}
