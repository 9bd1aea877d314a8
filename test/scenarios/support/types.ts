import type { Abi } from 'viem'
import type { Address, FindingSeverity, Hex } from '../../../core/base/index.ts'
import type { Anvil, ThingInput } from '../../../core/testing/index.ts'

/** A contract as stories call it. */
export type Contract = { readonly address: Address; readonly abi: Abi }

export type Request = {
  readonly from: Address
  /** Left out: a contract creation. */
  readonly to?: Address
  readonly data?: Hex
  readonly valueWei?: bigint
  /** Default: 3,000,000. */
  readonly gas?: bigint
}

export type Receipt = {
  readonly hash: Hex
  readonly status: 'success' | 'reverted'
  readonly contractAddress: Address | undefined
  readonly logs: readonly {
    readonly address: Address
    readonly topics: readonly Hex[]
    readonly data: Hex
  }[]
}

export type BlockOptions = {
  /** Seconds since the block before. Default: 12. */
  readonly afterS?: number
  /** What must become of every transaction. Default: 'success'. */
  readonly status?: 'success' | 'reverted' | 'any'
}

/** A place to come back to: the chain goes on from here as if nothing had been after it. */
export type Fork = { readonly snapshot: unknown; readonly number: number; readonly hash: Hex }

/** What a story plays on. Every account signs (nodes impersonate), and who has no coin is given some. */
export type Scene = {
  readonly anvil: Anvil
  readonly rpc: Anvil['rpc']
  /** One block with these transactions in this order. @throws Error naming the one that did not end as wanted */
  readonly block: (
    requests: readonly Request[],
    options?: BlockOptions,
  ) => Promise<readonly Receipt[]>
  /** Empty blocks. Default: one, 12 seconds after the one before. */
  readonly calm: (blocks?: number, intervalS?: number) => Promise<void>
  /** The newest block is the one in which the condition begins to hold. Default name: 'attack'. */
  readonly mark: (name?: string) => Promise<void>
  readonly head: () => Promise<{
    readonly number: number
    readonly hash: Hex
    readonly timestampS: number
  }>
  readonly read: <T = bigint>(
    contract: Contract,
    functionName: string,
    args?: readonly unknown[],
  ) => Promise<T>
  /** The bots look at all blocks that are there: for stories in which the chain then takes some back. */
  readonly follow: () => Promise<void>
  readonly fork: () => Promise<Fork>
  /** The chain drops all blocks after the fork, and the bots go back with it. */
  readonly goBack: (fork: Fork) => Promise<void>
}

/** A finding that a story must bring. */
export type Expected = {
  readonly botId: string
  readonly alertId: string
  /** Name of the watched thing. Default: any one. */
  readonly thing?: string
  /** Default: any. */
  readonly minSeverity?: FindingSeverity
  /** Default: 'attack', the name of `mark()`. */
  readonly mark?: string
  /** It is there at the latest so many blocks after its mark. Default: 1. */
  readonly withinBlocks?: number
  /** For windowed ones: at the latest so many seconds of block time after its mark, instead of `withinBlocks`. */
  readonly withinS?: number
  /** How often it is told, where one story has several deeds. Default: once; a graver severity is no repetition. */
  readonly times?: number
  /** It was told, and taken back with its block. */
  readonly retracted?: boolean
}

export type Story<W> = {
  readonly name: string
  readonly kind: 'attack' | 'benign'
  readonly expects?: readonly Expected[]
  /** Things beside those of `expects` that this harms: pages about them are no surprise. */
  readonly affects?: readonly string[]
  /** Pages without a thing that are no surprise, by alert: `CORRELATED-INCIDENT` and the like always are none in attacks. */
  readonly mayPage?: readonly string[]
  /** Benign stories: the gravest finding that is borne. Default: 'Medium'. */
  readonly atMost?: FindingSeverity
  /** Other things than the world's. */
  readonly things?: (world: W) => readonly ThingInput[]
  readonly play: (scene: Scene, world: W) => Promise<void>
}

/** What a file of stories has in common: contracts that are deployed once, and the watchlist (addresses and kinds). */
export type World = { readonly things: readonly ThingInput[] }
