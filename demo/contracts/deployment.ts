import type { Abi } from 'viem'
import type { Address } from '../../core/base/index.ts'
import type { DemoAccount, DemoActors } from './accounts.ts'

export type DemoContract = {
  readonly address: Address
  readonly abi: Abi
  readonly deployBlock: number
}

export type DemoDeployment = {
  readonly rpcUrl: string
  readonly chainId: number
  readonly actors: DemoActors
  readonly users: readonly DemoAccount[]
  /** Newest block that a deployment transaction lies in. */
  readonly endBlock: number
  /** dUSD, 6 decimals. */
  readonly usd: DemoContract
  /** WETH9, 18 decimals. */
  readonly weth: DemoContract
  /** dVOTE; its deployer has kept DEFAULT_ADMIN_ROLE. */
  readonly vote: DemoContract
  /** The ERC-1967 proxy, with the implementation's ABI. */
  readonly vault: DemoContract
  readonly vaultImplementation: DemoContract
  readonly v2Factory: DemoContract
  readonly v2Router: DemoContract
  readonly pair: DemoContract
  readonly v3Factory: DemoContract
  readonly v3Router: DemoContract
  /** NonfungiblePositionManager. */
  readonly positions: DemoContract
  readonly pool: DemoContract
  readonly governor: DemoContract
  readonly timelock: DemoContract
  /** 2 of 3; the vault's DEFAULT_ADMIN_ROLE. */
  readonly safe: DemoContract
  /** v3 position NFTs. */
  readonly tokenIds: { readonly marketMaker: bigint; readonly whale: bigint }
}
