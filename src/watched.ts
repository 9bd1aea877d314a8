import type { Abi, AbiEvent, Hex } from 'viem'
import {
  aaveV3PoolAbi,
  accessControlAbi,
  chainlinkAggregatorAbi,
  erc20Abi,
  erc721EventsAbi,
  erc1967Abi,
  erc4626Abi,
  governorAbi,
  ownableAbi,
  pausableAbi,
  safeAbi,
  safeLegacyAbi,
  timelockAbi,
  uniswapV2PairAbi,
  uniswapV3PoolAbi,
  votesEventsAbi,
  wethAbi,
} from '../abis/index.ts'
import { input } from '../ponder.config.ts'
import { type DecodedLog, decodeLog, type KnownEvent, knowEvent } from './decodeLog.ts'

type EventsByTopic = ReadonlyMap<Hex, readonly KnownEvent[]>

/** A watched contract, with what is known of its events. */
export type Watched = {
  readonly name: string
  readonly kind: string
  readonly chainId: number
  readonly address: Hex
  readonly startBlock: number
  /** Whether decoding depends on the implementation behind it. */
  readonly followsImplementation: boolean
  readonly decode: (
    topics: readonly Hex[],
    data: Hex,
    implementation: Hex | undefined,
  ) => DecodedLog | undefined
}

const eventsOf = (abis: readonly (Abi | readonly AbiEvent[])[]): EventsByTopic => {
  const byTopic = new Map<Hex, KnownEvent[]>()
  for (const item of abis.flat()) {
    if (item.type !== 'event' || item.anonymous) continue
    const event = knowEvent(item)
    byTopic.set(event.topic0, [...(byTopic.get(event.topic0) ?? []), event])
  }
  return byTopic
}

const SHARED = eventsOf([
  erc20Abi,
  erc721EventsAbi,
  erc4626Abi,
  accessControlAbi,
  ownableAbi,
  pausableAbi,
  erc1967Abi,
  uniswapV2PairAbi,
  uniswapV3PoolAbi,
  votesEventsAbi,
  wethAbi,
  aaveV3PoolAbi,
  chainlinkAggregatorAbi,
  governorAbi,
  timelockAbi,
  safeAbi,
  safeLegacyAbi,
])

const firstThatFits = (
  sets: readonly (EventsByTopic | undefined)[],
  topics: readonly Hex[],
  data: Hex,
): DecodedLog | undefined => {
  const topic0 = topics[0]
  if (topic0 === undefined) return undefined
  for (const set of sets)
    for (const event of set?.get(topic0) ?? []) {
      const decoded = decodeLog(event, topics, data)
      if (decoded) return decoded
    }
  return undefined
}

const keyOf = (chainId: number, address: Hex): string => `${chainId}-${address.toLowerCase()}`

/** The contracts of the watchlist, by chain and address. */
const byKey: ReadonlyMap<string, Watched> = new Map(
  input.contracts.map((contract) => {
    const own = eventsOf([contract.abi])
    const implementations = Object.entries(contract.implementations)
    const byImplementation = new Map(
      implementations.map(([address, abi]) => [address.toLowerCase(), eventsOf([abi])]),
    )
    const watched: Watched = {
      name: contract.name,
      kind: contract.kind,
      chainId: contract.chainId,
      address: contract.address,
      startBlock: contract.startBlock,
      followsImplementation: implementations.length > 0,
      // The implementation at that block first, then the ABI of the watchlist, the well-known events, and at last the
      // events of the other implementations.
      decode: (topics, data, implementation) =>
        firstThatFits(
          [
            implementation ? byImplementation.get(implementation) : undefined,
            own,
            SHARED,
            ...byImplementation.values(),
          ],
          topics,
          data,
        ),
    }
    return [keyOf(contract.chainId, contract.address), watched]
  }),
)

export const findWatched = (chainId: number, address: Hex): Watched | undefined =>
  byKey.get(keyOf(chainId, address))

export const listWatched = (chainId: number): readonly Watched[] =>
  [...byKey.values()].filter((watched) => watched.chainId === chainId)
