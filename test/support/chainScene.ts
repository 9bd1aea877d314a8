import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import type { Address } from '../../core/base/index.ts'
import { type Anvil, startAnvil } from '../../core/testing/index.ts'
import { creation } from '../../demo/contracts/deployKit.ts'
import {
  type ContractArtifact,
  createSender,
  type DemoContract,
  type SendRequest,
  type SentReceipt,
} from '../../demo/contracts/index.ts'

/** A chain for the tests of one file, from their first to their last. */
export type ChainScene = {
  readonly anvil: Anvil
  readonly mine: () => Promise<unknown>
  readonly head: () => Promise<number>
  /** The first block after what was built; two empty ones begin every test. */
  readonly start: () => number
  /** Sends all, mines them into one block, and expects each to succeed. */
  readonly block: (requests: readonly SendRequest[]) => Promise<readonly SentReceipt[]>
  /** Creates a contract, in a block of its own. */
  readonly deploy: (
    from: Address,
    artifact: ContractArtifact | undefined,
    args?: readonly unknown[],
  ) => Promise<DemoContract>
  /** Back to where every test begins. */
  readonly rewind: () => Promise<void>
}

/** Builds once before the tests of this file, rewinds before each, and ends the chain after them. Call it at the top of the file. */
export const useChainScene = <T extends object>(
  build: (chain: ChainScene) => Promise<T>,
  options: { readonly accounts?: number } = {},
): (() => ChainScene & T) => {
  let anvil: Anvil | undefined
  let scene: (ChainScene & T) | undefined
  let rewind = async (): Promise<void> => undefined

  beforeAll(async () => {
    const chain = await startAnvil(options)
    anvil = chain
    const mine = (): Promise<unknown> => chain.rpc('evm_mine')
    const head = async (): Promise<number> => Number(await chain.rpc<string>('eth_blockNumber'))
    let sender = await createSender({ rpcUrl: chain.url })
    let snapshot: unknown
    let start = 0
    rewind = async () => {
      await chain.rpc('evm_revert', [snapshot])
      snapshot = await chain.rpc('evm_snapshot')
      // Nonces that a sender remembers are of the chain as it was.
      sender = await createSender({ rpcUrl: chain.url })
      for (let quiet = 0; quiet < 2; quiet++) await mine()
    }
    const block: ChainScene['block'] = async (requests) => {
      const hashes = await sender.send(requests)
      await mine()
      const receipts = await sender.wait(hashes)
      expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
      return receipts
    }
    const bare: ChainScene = {
      anvil: chain,
      mine,
      head,
      start: () => start,
      block,
      deploy: async (from, artifact, args = []) => {
        if (!artifact) throw new Error('there is no such contract')
        const [receipt] = await block([creation(from, artifact, args)])
        if (!receipt?.contractAddress) throw new Error('the contract was not made')
        const { contractAddress: address, blockNumber: deployBlock } = receipt
        return { address, abi: artifact.abi, deployBlock }
      },
      rewind: () => rewind(),
    }
    scene = { ...bare, ...(await build(bare)) }
    start = (await head()) + 1
    snapshot = await chain.rpc('evm_snapshot')
  }, 120_000)
  beforeEach(() => rewind())
  afterAll(() => anvil?.stop())

  return () => {
    if (!scene) throw new Error('the scene is not built yet')
    return scene
  }
}
