import { type Abi, createPublicClient, http } from 'viem'
import { z } from 'zod'
import type { Address } from '../core/base/index.ts'
import type { DemoDeployment } from './contracts/index.ts'

export type ChainReads = {
  readonly blockNumber: () => Promise<number>
  /** Liquidity of a v3 position NFT. */
  readonly positionLiquidity: (deployment: DemoDeployment, tokenId: bigint) => Promise<bigint>
  /** ERC-20 balance in smallest units. */
  readonly balanceOf: (
    token: { readonly address: Address; readonly abi: Abi },
    holder: Address,
  ) => Promise<bigint>
  readonly vaultAssets: (deployment: DemoDeployment) => Promise<bigint>
  /** Nonce of the Safe's next transaction. */
  readonly safeNonce: (deployment: DemoDeployment) => Promise<bigint>
  readonly isPaused: (deployment: DemoDeployment) => Promise<boolean>
}

const amount = z.bigint()

/** The few reads that the demo's story needs. */
export const readChain = (rpcUrl: string): ChainReads => {
  const client = createPublicClient({ transport: http(rpcUrl, { timeout: 15_000 }), cacheTime: 0 })
  const read = (
    contract: { readonly address: Address; readonly abi: Abi },
    functionName: string,
    args: readonly unknown[] = [],
  ): Promise<unknown> =>
    client.readContract({ address: contract.address, abi: contract.abi, functionName, args })
  return {
    blockNumber: async () => Number(await client.getBlockNumber()),
    positionLiquidity: async ({ positions }, tokenId) =>
      amount.parse(z.array(z.unknown()).parse(await read(positions, 'positions', [tokenId]))[7]),
    balanceOf: async (token, holder) => amount.parse(await read(token, 'balanceOf', [holder])),
    vaultAssets: async ({ vault }) => amount.parse(await read(vault, 'totalAssets')),
    safeNonce: async ({ safe }) => amount.parse(await read(safe, 'nonce')),
    isPaused: async ({ vault }) => z.boolean().parse(await read(vault, 'paused')),
  }
}
