import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { findFreePort, sleep } from '../../core/base/index.ts'
import type { Config, WatchedThing } from '../../core/config/types.ts'
import { type RunningIndexer, startIndexer } from '../../core/indexer/index.ts'
import { createLogger, type ProcessReport } from '../../core/telemetry/index.ts'
import type { Anvil } from '../../core/testing/index.ts'
import type { TestDatabase } from './database.ts'

/** A watched thing as a loaded watchlist gives it. */
export const watchedThing = (
  thing: Pick<WatchedThing, 'name' | 'kind' | 'address'> & Readonly<Record<string, unknown>>,
): WatchedThing =>
  ({
    chain: 'local',
    chainId: 31_337,
    abi: undefined,
    proxy: false,
    bots: {},
    adminFunctions: [],
    ...thing,
    address: thing.address.toLowerCase(),
  }) as unknown as WatchedThing

export type IndexerRig = {
  readonly url: string
  readonly start: (watch?: readonly WatchedThing[]) => Promise<RunningIndexer>
  /** Stops it, and leaves everything for another `start`. */
  readonly halt: () => Promise<void>
  readonly pid: () => number | undefined
  readonly report: () => Promise<ProcessReport | undefined>
  /** Waits until the index stands at the chain's head. */
  readonly untilCaughtUp: () => Promise<void>
  readonly graphql: (
    query: string,
    variables?: unknown,
  ) => Promise<{
    readonly data?: Readonly<Record<string, unknown>>
    readonly errors?: readonly { readonly message: string }[]
  }>
  readonly stop: () => Promise<void>
}

/** An indexer over one local chain and one database, that can be stopped and started again. */
export const createIndexerRig = async (options: {
  readonly anvil: Anvil
  readonly database: TestDatabase
  readonly watch: readonly WatchedThing[]
  readonly logLevel?: string
}): Promise<IndexerRig> => {
  const { anvil, database } = options
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-indexer-'))
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  let running: RunningIndexer | undefined
  const configWith = (watch: readonly WatchedThing[]): Config =>
    ({
      dataDir,
      watch,
      indexer: { enabled: true, host: '127.0.0.1', port },
      chains: [
        {
          name: 'local',
          id: anvil.chainId,
          rpc: [{ name: 'anvil', http: anvil.url, ws: undefined }],
          blockTimeMs: 500,
          finality: 'tag',
        },
      ],
    }) as unknown as Config
  return {
    url,
    start: async (watch = options.watch) => {
      running = await startIndexer({
        config: configWith(watch),
        databaseUrl: database.url,
        port,
        log: createLogger({ service: 'indexer', level: options.logLevel ?? 'silent' }),
        onEnd: () => undefined,
      })
      return running
    },
    halt: async () => {
      await running?.stop()
      running = undefined
    },
    pid: () => running?.pid,
    report: async () => running?.report(),
    untilCaughtUp: async () => {
      for (let tries = 0; tries < 300; tries++) {
        const ready = await fetch(`${url}/ready`).catch(() => undefined)
        const status = await fetch(`${url}/status`).catch(() => undefined)
        const body = (await status?.json().catch(() => undefined)) as
          | { local?: { block: { number: number } } }
          | undefined
        const head = Number(await anvil.rpc('eth_blockNumber'))
        if (ready?.ok && body?.local && body.local.block.number >= head) return
        await sleep(100)
      }
      expect.fail('the index did not reach the head within 30 s')
    },
    graphql: async (query, variables) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      return (await response.json()) as never
    },
    stop: async () => {
      await running?.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
