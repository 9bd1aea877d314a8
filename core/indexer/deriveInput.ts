import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Abi, AbiEvent } from 'viem'
import { type Address, type Hex, messageOf, TocsinError } from '../base/index.ts'
import type { ChainConfig, Config, WatchedThing } from '../config/types.ts'
import { findDeployBlock } from './findDeployBlock.ts'
import { createIndexerRpc, type IndexerRpc } from './indexerRpc.ts'
import type { IndexedContract, IndexerEndpoints, IndexerInput } from './types.ts'

const eventsOf = (abi: Abi | undefined): readonly AbiEvent[] =>
  (abi ?? []).filter((item): item is AbiEvent => item.type === 'event')

/** Deployment blocks that were searched for, kept in the data folder: they never change. */
const createMemory = async (file: string) => {
  const known: Record<string, number> = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text))
    .catch(() => ({}))
  return {
    get: (key: string): number | undefined => known[key],
    set: async (key: string, block: number): Promise<void> => {
      known[key] = block
      await writeFile(file, JSON.stringify(known, undefined, 2))
    },
  }
}

/** An account without code emits nothing; only these kinds may be one. */
const mayBeAccount = ({ kind }: WatchedThing): boolean => kind === 'label' || kind === 'treasury'

const noCode = ({ name, address }: WatchedThing, chain: string): TocsinError =>
  new TocsinError('indexer.no_code', `${name}: there is no contract at ${address} on ${chain}.`, {
    exitCode: 2,
    hints: ['Check the address and the chain in the watchlist.'],
  })

const findStart = async (
  thing: WatchedThing,
  rpc: IndexerRpc,
  head: number,
  chain: string,
): Promise<number | undefined> => {
  try {
    return await findDeployBlock(rpc, thing.address, head)
  } catch (cause) {
    throw new TocsinError(
      'indexer.no_deploy_block',
      `The block in which ${thing.name} was deployed on ${chain} cannot be found: ${messageOf(cause)}`,
      { cause, exitCode: 2, hints: ['Name it in the watchlist: deployBlock.'] },
    )
  }
}

const readText = (value: unknown, what: string): Hex => {
  if (typeof value === 'string' && value.startsWith('0x')) return value as Hex
  throw new TocsinError('indexer.rpc', `The node gave no ${what}.`, { retry: { afterMs: 2_000 } })
}

type ChainInput = {
  readonly chain: IndexerInput['chains'][number]
  readonly contracts: readonly IndexedContract[]
}

const deriveChain = async (
  { name, id, rpc: endpoints }: ChainConfig,
  things: readonly WatchedThing[],
  memory: Awaited<ReturnType<typeof createMemory>>,
): Promise<ChainInput> => {
  const rpc = createIndexerRpc(
    name,
    endpoints.map(({ http }) => http),
  )
  const genesis = await rpc('eth_getBlockByNumber', ['0x0', false])
  const genesisHash = readText((genesis as { hash?: unknown } | null)?.hash, 'block 0')
  const head = Number(readText(await rpc('eth_blockNumber', []), 'block number'))
  const startOf = async (thing: WatchedThing): Promise<number | undefined> => {
    if (thing.deployBlock !== undefined) return thing.deployBlock
    const key = `${genesisHash}:${thing.address}`
    const start = memory.get(key) ?? (await findStart(thing, rpc, head, name))
    if (start !== undefined) await memory.set(key, start)
    else if (!mayBeAccount(thing)) throw noCode(thing, name)
    return start
  }
  const byAddress = new Map<Address, IndexedContract>()
  for (const thing of things) {
    const startBlock = await startOf(thing)
    // An address may be in the list twice, as a proxy and as a label for instance: the first name stands.
    if (startBlock === undefined || byAddress.has(thing.address)) continue
    byAddress.set(thing.address, {
      name: thing.name,
      kind: thing.kind,
      chainId: id,
      address: thing.address,
      startBlock,
      abi: eventsOf(thing.abi),
      implementations: implementationsOf(thing),
    })
  }
  return { chain: { name, id, genesisHash }, contracts: [...byAddress.values()] }
}

/** What the indexer shall index, derived from the watchlist; asks the nodes for genesis hashes and deployment blocks. */
export const deriveInput = async (config: Config, folder: string): Promise<IndexerInput> => {
  const memory = await createMemory(join(folder, 'deploy-blocks.json'))
  const derived: ChainInput[] = []
  for (const chain of config.chains) {
    const things = config.watch.filter((thing) => thing.chainId === chain.id)
    const input = things.length > 0 ? await deriveChain(chain, things, memory) : undefined
    if (input && input.contracts.length > 0) derived.push(input)
  }
  return {
    version: 1,
    chains: derived.map(({ chain }) => chain),
    contracts: derived.flatMap(({ contracts }) => contracts),
  }
}

const implementationsOf = (thing: WatchedThing): Record<Address, readonly AbiEvent[]> =>
  Object.fromEntries(
    Object.entries(thing.implementationAbis ?? {}).map(([address, abi]) => [
      address.toLowerCase(),
      eventsOf(abi),
    ]),
  )

const POLL_MS = { least: 250, most: 4_000 }

/** How the chains are reached; holds secrets. */
export const deriveEndpoints = (chains: readonly ChainConfig[]): IndexerEndpoints =>
  Object.fromEntries(
    chains.map(({ name, rpc, blockTimeMs, pollMs, finality }) => [
      name,
      {
        rpc: rpc.map(({ http }) => http),
        pollingIntervalMs: Math.min(
          Math.max(pollMs ?? blockTimeMs / 2, POLL_MS.least),
          POLL_MS.most,
        ),
        finalityDepth: typeof finality === 'object' ? finality.depth : undefined,
      },
    ]),
  )
