import { encodeDeployData, encodeFunctionData } from 'viem'
import { TocsinError } from '../core/base/index.ts'
import {
  type ContractArtifact,
  callOf,
  compileContracts,
  type DemoContract,
  type DemoDeployment,
  FOREVER,
  ROLE_ADMIN,
  type SendRequest,
} from './contracts/index.ts'
import type { ChainReads } from './readChain.ts'

export type AttackMove = {
  readonly what: string
  readonly request: SendRequest
  /** Leaves the vault when it succeeds. */
  readonly takenUnits?: bigint
}

const MAX_UINT128 = 2n ** 128n - 1n
// Parts of what is left, in hundredths of a percent; the vault allows 1,200 a block.
const PARTS_BPS = [900n, 1_150n, 1_000n, 1_100n]

/** The attacker's contract. */
export const readDrainer = async (): Promise<ContractArtifact> => {
  const { DemoDrainer } = await compileContracts()
  if (DemoDrainer) return DemoDrainer
  throw new TocsinError(
    'demo.compile_failed',
    "The attacker's contract is missing from the compiler's answer.",
  )
}

export const deployDrainer = (
  { vault, actors }: DemoDeployment,
  { abi, bytecode }: ContractArtifact,
): AttackMove => ({
  what: 'deploys a contract',
  request: {
    from: actors.attacker.address,
    gas: 2_000_000n,
    data: encodeDeployData({ abi, bytecode, args: [vault.address] }),
  },
})

/** One part of the vault. */
export const drain = (
  { actors }: DemoDeployment,
  drainer: Pick<DemoContract, 'address' | 'abi'>,
  options: { readonly number: number; readonly assets: bigint },
): AttackMove => {
  const part = PARTS_BPS[options.number % PARTS_BPS.length] ?? 1_000n
  const units = (options.assets * part) / 10_000n
  return {
    what: `drains the vault (${options.number + 1})`,
    request: callOf(actors.attacker.address, drainer, 'drain', [units]),
    takenUnits: units,
  }
}

/** All that the whale has in both pools, to the attacker. */
export const pullLiquidity = async (
  deployment: DemoDeployment,
  chain: ChainReads,
): Promise<readonly AttackMove[]> => {
  const { actors, pair, positions, usd, v2Router, weth } = deployment
  const [whale, thief] = [actors.whale.address, actors.attacker.address]
  const tokenId = deployment.tokenIds.whale
  const [lp, liquidity] = await Promise.all([
    chain.balanceOf(pair, whale),
    chain.positionLiquidity(deployment, tokenId),
  ])
  const out = { tokenId, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: FOREVER }
  const away = { tokenId, recipient: thief, amount0Max: MAX_UINT128, amount1Max: MAX_UINT128 }
  const encode = (functionName: string, argument: unknown) =>
    encodeFunctionData({ abi: positions.abi, functionName, args: [argument] })
  // In one transaction, as a thief in a hurry would.
  const calls = [encode('decreaseLiquidity', out), encode('collect', away)]
  const share = [usd.address, weth.address, lp, 0n, 0n, thief, FOREVER]
  return [
    {
      what: 'pulls liquidity out of the v2 pair',
      request: callOf(whale, v2Router, 'removeLiquidity', share),
    },
    {
      what: 'pulls liquidity out of the v3 pool',
      request: callOf(whale, positions, 'multicall', [calls]),
    },
  ]
}

/** With the deployer's key, which kept the role. */
export const grabAdmin = ({ actors, vote }: DemoDeployment): AttackMove => ({
  what: "takes the vote token's admin role with the deployer's leaked key",
  request: callOf(actors.deployer.address, vote, 'grantRole', [
    ROLE_ADMIN,
    actors.attacker.address,
  ]),
})
