import { createRangeSource, createRpcPool } from '../../core/chain/index.ts'
import type { ChainBlock } from '../../core/chain/types.ts'
import { loadBots } from '../../core/cli/loadBots.ts'
import type { Config } from '../../core/config/index.ts'
import { bindBots, listLabels, runBacktest } from '../../core/engine/index.ts'
import type { Logger } from '../../core/telemetry/index.ts'

/** What the bots say of the chain as it is now, by one run over history that knows of no reorg and no outage. */
export type Reckoner = {
  /**
   * Every finding from the first block to block `to`, as it names itself, oldest first. Goes on where it stood, so
   * what it has been told of once must not be orphaned later.
   */
  readonly upTo: (to: number) => Promise<readonly string[]>
  readonly stop: () => Promise<void>
}

/** A finding in a form that both says what differs and compares exactly. */
export const nameFinding = (finding: {
  readonly id: string
  readonly botId: string
  readonly alertId: string
  readonly severity: string
  readonly condition: string | null
  readonly blockNumber: number
}): string =>
  [
    finding.blockNumber,
    finding.botId,
    finding.alertId,
    finding.severity,
    finding.condition ?? '',
    finding.id,
  ].join(' ')

export const startReckoner = async (options: {
  readonly config: Config
  readonly from: number
  readonly log: Logger
}): Promise<Reckoner> => {
  const { config, from, log } = options
  const [chain] = config.chains
  if (!chain) throw new Error('no chain')
  const pool = createRpcPool({ chainId: chain.id, chainName: chain.name, endpoints: chain.rpc })
  const stopping = new AbortController()
  const found: string[] = []
  const wanted: number[] = []
  let wake: (() => void) | undefined
  let done = from - 1
  let onDone: (() => void) | undefined
  let fault: Error | undefined

  async function* blocks(): AsyncGenerator<ChainBlock, void, undefined> {
    let next = from
    let parent: ChainBlock | undefined
    while (!stopping.signal.aborted) {
      const to = wanted.shift()
      if (to === undefined) {
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      if (to < next) continue
      for await (const block of createRangeSource(pool, { from: next, to })) {
        if (parent && parent.hash !== block.parentHash)
          throw new Error(`block ${parent.number} was orphaned after it had been reckoned with`)
        parent = block
        yield block
      }
      next = to + 1
    }
  }
  const running = runBacktest({
    chain,
    bots: bindBots(config, await loadBots(config.botsDir), chain.name),
    labels: listLabels(config, chain.name),
    source: createRangeSource(pool, { from, to: from }).source,
    blocks: blocks(),
    log,
    onFinding: (finding) => void found.push(nameFinding(finding)),
    onProgress: ({ number }) => {
      done = number
      onDone?.()
    },
  }).catch((error: unknown) => {
    fault = error instanceof Error ? error : new Error(String(error))
    onDone?.()
  })

  return {
    upTo: async (to) => {
      wanted.push(to)
      wake?.()
      while (done < to && !fault) await new Promise<void>((resolve) => (onDone = resolve))
      if (fault) throw fault
      return found
    },
    stop: async () => {
      stopping.abort()
      wake?.()
      await running
      await pool.stop()
    },
  }
}
