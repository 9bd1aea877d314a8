import type { Address } from '../../core/base/index.ts'
import { callOf, ETHER, FOREVER, mintPosition, PRICE_USD, USD } from './calls.ts'
import { type DeployKit, sendStage } from './deployKit.ts'
import type { DemoDeployment } from './deployment.ts'
import type { SendRequest } from './sender.ts'

/** The last steps: liquidity in both pools, deposits in the vault. @returns the newest block that they lie in */
export const fundDemo = async (
  kit: DeployKit,
  contracts: Pick<DemoDeployment, 'usd' | 'weth' | 'v2Router' | 'positions' | 'vault'>,
): Promise<number> => {
  const { sender, actors, people } = kit
  const { usd, weth, v2Router, positions, vault } = contracts
  const addLiquidity = (provider: Address, usdUnits: bigint): SendRequest =>
    callOf(provider, v2Router, 'addLiquidity', [
      usd.address,
      weth.address,
      usdUnits,
      (usdUnits * ETHER) / (PRICE_USD * USD),
      0n,
      0n,
      provider,
      FOREVER,
    ])
  const [maker, whale] = [actors.marketMaker.address, actors.whale.address]
  const position = (provider: Address, usdUnits: bigint, width: number): SendRequest =>
    callOf(
      provider,
      positions,
      'mint',
      mintPosition(
        { usd, weth },
        { recipient: provider, usdUnits, wei: (usdUnits * ETHER) / (PRICE_USD * USD), width },
      ),
      { gas: 1_000_000n },
    )
  // The market maker first and in a step of its own: who adds first sets the price and gets the first NFT.
  await sendStage(sender, 'liquidity', [
    addLiquidity(maker, 1_600_000n * USD),
    position(maker, 1_500_000n * USD, 12_000),
  ])
  const last = await sendStage(sender, 'deposits', [
    addLiquidity(whale, 400_000n * USD),
    position(whale, 400_000n * USD, 9_000),
    callOf(actors.treasury.address, vault, 'deposit', [2_000_000n * USD, actors.treasury.address]),
    ...people.map((user) =>
      callOf(user, vault, 'deposit', [100_000n * USD, user], { gas: 250_000n }),
    ),
  ])
  return Math.max(...last.map((receipt) => receipt.blockNumber))
}
