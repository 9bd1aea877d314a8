/**
 * Starts Ponder in this process, with a change that its configuration cannot express: the source `Watched:Log` takes
 * any log of its addresses, known to an ABI or not. Ponder hands the finished build to `onBuild` before it runs; there
 * the topic filter is taken away. Run as a child by `startIndexer`; ends when its parent does.
 */
import { messageOf, TocsinError } from '../base/index.ts'
import type { IndexerEndpoints } from './types.ts'

type Build = {
  readonly indexingBuild: {
    readonly chains: readonly { readonly name: string; finalityBlockCount: number }[]
    readonly rpcs: readonly {
      readonly request: (body: {
        readonly method: string
        readonly params: readonly unknown[]
      }) => Promise<unknown>
    }[]
    readonly finalizedBlocks: { number: string }[]
    readonly eventCallbacks: readonly (readonly {
      readonly name: string
      readonly filter: { readonly type: string; topic0?: string | null }
    }[])[]
  }
}
type Start = (options: {
  readonly cliOptions: Readonly<Record<string, unknown>>
  readonly onBuild: (build: Build) => Promise<Build>
}) => Promise<unknown>

const takeAnyTopic = ({ indexingBuild }: Build): void => {
  const callbacks = indexingBuild.eventCallbacks.flat().filter(({ name }) => name === 'Watched:Log')
  if (callbacks.length === 0 || callbacks.some(({ filter }) => filter.type !== 'log'))
    throw new TocsinError(
      'indexer.ponder_changed',
      'This version of Ponder builds its log filters otherwise.',
      { hints: ['Install the pinned version.'] },
    )
  for (const { filter } of callbacks) filter.topic0 = null
}

/** Ponder guesses when a block is final; a watchlist that counts more blocks is believed. */
const deepenFinality = async (
  { indexingBuild }: Build,
  endpoints: IndexerEndpoints,
): Promise<void> => {
  for (const [index, chain] of indexingBuild.chains.entries()) {
    const depth = endpoints[chain.name]?.finalityDepth ?? 0
    const rpc = indexingBuild.rpcs[index]
    const block = indexingBuild.finalizedBlocks[index]
    if (!rpc || !block || depth <= chain.finalityBlockCount) continue
    const head = Number(block.number) + chain.finalityBlockCount
    chain.finalityBlockCount = depth
    const number = `0x${Math.max(0, head - depth).toString(16)}`
    const found = await rpc.request({ method: 'eth_getBlockByNumber', params: [number, false] })
    if (found && typeof found === 'object' && 'number' in found)
      indexingBuild.finalizedBlocks[index] = found as { number: string }
  }
}

const main = async (): Promise<void> => {
  const [root, schema, viewsSchema, host, port] = process.argv.slice(2)
  const endpoints: IndexerEndpoints = JSON.parse(process.env['TOCSIN_INDEXER_ENDPOINTS'] ?? '{}')
  // A parent that was killed can no longer stop us. At once and by force: an orderly end would log into a broken pipe,
  // and waits for a database that may have gone with the parent.
  const end = (): void => void process.kill(process.pid, 'SIGKILL')
  process.once('disconnect', end)
  // It may have gone before anybody listened.
  if (!process.connected) end()
  const entry = import.meta.resolve('ponder')
  const { start } = (await import(new URL('./bin/commands/start.js', entry).href)) as {
    start: Start
  }
  await start({
    cliOptions: {
      command: 'start',
      version: '0.16.10',
      root,
      config: 'ponder.config.ts',
      schema,
      viewsSchema,
      hostname: host,
      port: Number(port),
      logLevel: process.env['PONDER_LOG_LEVEL'] ?? 'info',
      logFormat: 'json',
    },
    onBuild: async (build) => {
      takeAnyTopic(build)
      await deepenFinality(build, endpoints)
      return build
    },
  })
}

main().catch((error: unknown) => {
  process.stderr.write(`${JSON.stringify({ level: 'error', msg: messageOf(error) })}\n`)
  process.exit(1)
})
