import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort, sleep } from '../../core/base/index.ts'
import type { Config, WatchedThing } from '../../core/config/types.ts'
import { EXAMPLES } from '../../core/console/pages/queryExamples.ts'
import { startIndexer } from '../../core/indexer/index.ts'
import { findPackageRoot } from '../../core/indexer/spawnPonder.ts'
import { createLogger } from '../../core/telemetry/index.ts'
import { startAnvil } from '../../core/testing/index.ts'
import { deployDemo } from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'

const LIMIT_MS = 120_000

/** A question in GraphQL, by the name that people know it by. */
export type Question = { readonly name: string; readonly query: string }

/** Every GraphQL question of the console's query page and of docs/forensics.md. */
export const listQuestions = async (): Promise<readonly Question[]> => {
  const text = await readFile(join(findPackageRoot(), 'docs', 'forensics.md'), 'utf8')
  const documented = text.split(/^## /m).flatMap((section) => {
    const query = /```graphql\n([\s\S]*?)```/.exec(section)?.[1]
    return query ? [{ name: `docs: ${section.slice(0, section.indexOf('\n'))}`, query }] : []
  })
  return [...EXAMPLES.map(({ name, query }) => ({ name, query })), ...documented]
}

/** A short chain with the demo's contracts, and an index of it in a database that stands already. */
export const startIndexedChain = async (options: {
  readonly databaseUrl: string
  readonly chainId: number
  readonly blocks: number
}) => {
  const { databaseUrl, chainId } = options
  const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-bench-index-'))
  const anvil = await startAnvil({ chainId, accounts: 24 })
  const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
  const deployment = await deployDemo({ rpcUrl: anvil.url, users: 8, mine })
  await playTraffic({ deployment, seconds: options.blocks, ratePerS: 6, mine })
  const { usd, weth, vault, safe } = deployment
  const things = { usd, weth, vault, safe }
  const kinds = { usd: 'token', weth: 'token', vault: 'vault', safe: 'multisig' } as const
  const watch = Object.entries(things).map(([name, { address, deployBlock }]) => ({
    name,
    kind: kinds[name as keyof typeof kinds],
    chain: 'local',
    chainId,
    address: address.toLowerCase(),
    deployBlock,
    abi: undefined,
    proxy: name === 'vault',
    bots: {},
    adminFunctions: [],
    ...(name === 'safe' ? { variant: 'safe' } : {}),
  }))
  const port = await findFreePort()
  const indexer = await startIndexer({
    config: {
      dataDir,
      watch: watch as unknown as readonly WatchedThing[],
      indexer: { enabled: true, host: '127.0.0.1', port },
      chains: [
        {
          name: 'local',
          id: chainId,
          rpc: [{ name: 'anvil', http: anvil.url, ws: undefined }],
          blockTimeMs: 500,
          finality: 'tag',
        },
      ],
    } as unknown as Config,
    databaseUrl,
    port,
    log: createLogger({ service: 'indexer', level: 'warn' }),
    onEnd: () => undefined,
  })
  const stop = async (): Promise<void> => {
    await indexer.stop()
    await anvil.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  for (const began = Date.now(); ; await sleep(200)) {
    const answer = await fetch(`${indexer.url}/ready`).catch(() => undefined)
    if (answer?.ok) break
    if (Date.now() - began > LIMIT_MS) {
      await stop()
      throw new Error('the index was not ready in time')
    }
  }
  return {
    graphqlUrl: `${indexer.url}/graphql`,
    proxy: vault.address.toLowerCase(),
    safe: safe.address.toLowerCase(),
    sender: (deployment.users[0]?.address ?? '').toLowerCase(),
    stop,
  }
}
