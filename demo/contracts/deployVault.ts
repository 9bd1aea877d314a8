import { encodeFunctionData, getContractAddress, keccak256, toHex } from 'viem'
import type { Address } from '../../core/base/index.ts'
import { callOf, MAX, ROLE_ADMIN, USD } from './calls.ts'
import type { FirstContracts } from './createContracts.ts'
import { creation, type DeployKit, lower, sendStage } from './deployKit.ts'
import type { DemoContract, DemoDeployment } from './deployment.ts'

const MINTER_ROLE = keccak256(toHex('MINTER_ROLE'))

/** The third step: the vault behind its proxy, roles handed over, and everybody's approvals. */
export const deployVault = async (
  kit: DeployKit,
  contracts: FirstContracts & Pick<DemoDeployment, 'pair' | 'safe'>,
  pauser: Address,
): Promise<DemoContract> => {
  const { sender, actors, deployer, people, own } = kit
  const { usd, weth, vaultImplementation, v2Router, v3Router, positions, pair, safe } = contracts
  const vaultAddress = lower(
    getContractAddress({ from: deployer, nonce: BigInt(await sender.nextNonce(deployer)) }),
  )
  const initialize = encodeFunctionData({
    abi: vaultImplementation.abi,
    functionName: 'initialize',
    args: [usd.address, safe.address, pauser],
  })
  const providers = [actors.marketMaker.address, actors.whale.address]
  const everybody = [...people, ...providers]
  const receipts = await sendStage(sender, 'vault', [
    creation(deployer, own('DemoProxy'), [vaultImplementation.address, initialize]),
    // The dollar's admin is handed over properly; the vote token's was forgotten.
    callOf(deployer, usd, 'grantRole', [ROLE_ADMIN, safe.address]),
    callOf(deployer, usd, 'renounceRole', [MINTER_ROLE, deployer]),
    callOf(deployer, usd, 'renounceRole', [ROLE_ADMIN, deployer]),
    callOf(actors.treasury.address, usd, 'transfer', [safe.address, 500_000n * USD], {
      gas: 100_000n,
    }),
    ...[...people, actors.treasury.address].map((user) =>
      callOf(user, usd, 'approve', [vaultAddress, MAX], { gas: 100_000n }),
    ),
    ...everybody.flatMap((user) =>
      [usd, weth].flatMap((token) =>
        [v2Router, v3Router, positions].map((spender) =>
          callOf(user, token, 'approve', [spender.address, MAX], { gas: 100_000n }),
        ),
      ),
    ),
    ...providers.map((provider) =>
      callOf(provider, pair, 'approve', [v2Router.address, MAX], { gas: 100_000n }),
    ),
    ...people.map((user) =>
      callOf(user, pair, 'approve', [v2Router.address, MAX], { gas: 100_000n }),
    ),
  ])
  return {
    address: vaultAddress,
    abi: vaultImplementation.abi,
    deployBlock: receipts[0]?.blockNumber ?? 0,
  }
}
