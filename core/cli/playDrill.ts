import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, type Hex, redactUrls, TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import {
  type DrillReport,
  type DrillStep,
  type LoadedPolicy,
  rehearse,
  startPassage,
} from '../response/index.ts'
import {
  connectDatabase,
  migrateDatabase,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { type Anvil, startAnvil } from '../testing/index.ts'

export type DrillGround = {
  /** A database that nobody has used. */
  readonly createDatabase: () => Promise<string>
  readonly createFolder: () => Promise<string>
  readonly close: () => Promise<void>
}

/** A Postgres and a folder for the time of the drill; nothing stays behind. */
export const openDrillGround = async (): Promise<DrillGround> => {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-drill-'))
  const dataDir = join(folder, 'data')
  const postgres = await startEmbeddedPostgres({ dataDir }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  let count = 0
  return {
    createDatabase: async () => {
      const name = `drill_${++count}`
      const admin = await connectDatabase({ url: postgres.url, name: 'drill', poolSize: 1 })
      await admin.pool.query(`create database ${name}`).finally(() => admin.stop())
      const url = new URL(postgres.url)
      url.pathname = `/${name}`
      return url.href
    },
    createFolder: async () => {
      const own = join(folder, `signer-${count}`)
      await mkdir(own)
      return own
    },
    close: async () => {
      await postgres.stop()
      await removeEmbeddedPostgres(dataDir)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type PlayDrillOptions = {
  readonly config: Config
  readonly policy: LoadedPolicy
  readonly actor: Address
  readonly txHash: Hex | undefined
  /** Seconds between the fork's blocks. Default: those of the chain, 1 to 12. */
  readonly blockTimeS: number | undefined
  readonly ground: DrillGround
  readonly onStep: (step: DrillStep) => void
}

const startFork = async (
  config: Config,
  policy: LoadedPolicy,
  blockTimeS: number | undefined,
): Promise<{ readonly anvil: Anvil; readonly stop: () => Promise<void> }> => {
  const chain = config.chains.find(({ id }) => id === policy.chain)
  const upstream = chain?.rpc[0]?.http
  if (!chain || !upstream)
    throw new TocsinError('chain.unknown', `The watchlist has no chain ${policy.chain}.`, {
      exitCode: 2,
    })
  const passage = await startPassage(upstream)
  try {
    const anvil = await startAnvil({
      chainId: chain.id,
      blockTimeS: blockTimeS ?? Math.min(12, Math.max(1, Math.round(chain.blockTimeMs / 1_000))),
      // What another chain of the same id once answered must not be remembered.
      args: ['--fork-url', passage.url, '--no-storage-caching'],
    })
    const stop = async (): Promise<void> => {
      await anvil.stop()
      await passage.stop()
    }
    return { anvil, stop }
  } catch (error) {
    await passage.stop()
    throw error
  }
}

/** Plays one policy on a fork of its chain. */
export const playDrill = async (options: PlayDrillOptions): Promise<DrillReport> => {
  const { config, policy, actor, txHash, ground, onStep } = options
  const before: DrillStep[] = []
  const note = (name: string, began: number, detail: string): void => {
    const step = { name, tookMs: Math.round(performance.now() - began), detail }
    before.push(step)
    onStep(step)
  }
  let began = performance.now()
  const fork = await startFork(config, policy, options.blockTimeS)
  try {
    const block = Number(await fork.anvil.rpc<Hex>('eth_blockNumber'))
    note('fork', began, `chain ${policy.chain} is forked at block ${block}`)
    began = performance.now()
    const url = await ground.createDatabase()
    const store = await connectDatabase({ url, name: 'drill', poolSize: 8 })
    try {
      await migrateDatabase(store)
      note('database', began, 'a database of its own')
      return await rehearse({
        config,
        policy,
        actor,
        forkUrl: fork.anvil.url,
        store,
        folder: await ground.createFolder(),
        log: createLogger({ service: 'drill', level: 'silent' }),
        txHash,
        before,
        onStep,
      })
    } finally {
      await store.stop()
    }
  } finally {
    await fork.stop()
  }
}

/** What may be shown of a sentence that endpoints had a part in. */
export const shown = (text: string): string => redactUrls(text).slice(0, 300)
