import { type Abi, getContractAddress, zeroAddress } from 'viem'
import type { Address } from '../../core/base/index.ts'
import { creation, type DeployKit, lower, sendStage } from './deployKit.ts'
import type { DemoContract, DemoDeployment } from './deployment.ts'

export type FirstContracts = Pick<
  DemoDeployment,
  | 'usd'
  | 'weth'
  | 'vote'
  | 'timelock'
  | 'governor'
  | 'vaultImplementation'
  | 'v2Factory'
  | 'v2Router'
  | 'v3Factory'
  | 'v3Router'
  | 'positions'
> & { readonly safeSingleton: DemoContract; readonly safeFactory: DemoContract }

const PLACES = [
  'usd',
  'weth',
  'vote',
  'timelock',
  'governor',
  'vaultImplementation',
  'v2Factory',
  'v2Router',
  'v3Factory',
  'v3Router',
  'positions',
  'safeSingleton',
  'safeFactory',
] as const

/** The first step: every contract that needs no other one's transaction before it. */
export const createContracts = async (kit: DeployKit): Promise<FirstContracts> => {
  const { sender, deployer, own, theirs } = kit
  const firstNonce = await sender.nextNonce(deployer)
  const at = (name: (typeof PLACES)[number]): Address =>
    lower(getContractAddress({ from: deployer, nonce: BigInt(firstNonce + PLACES.indexOf(name)) }))
  const receipts = await sendStage(sender, 'deploy', [
    creation(deployer, own('DemoToken'), ['Demo Dollar', 'dUSD', 6, deployer]),
    creation(deployer, theirs.weth),
    creation(deployer, own('DemoVoteToken'), [deployer]),
    creation(deployer, own('DemoTimelock'), [60n, [at('governor')], [zeroAddress], zeroAddress]),
    creation(deployer, own('DemoGovernor'), [at('vote'), at('timelock')]),
    creation(deployer, own('DemoVault')),
    creation(deployer, theirs.v2Factory, [deployer]),
    creation(deployer, theirs.v2Router, [at('v2Factory'), at('weth')]),
    creation(deployer, theirs.v3Factory),
    creation(deployer, theirs.v3Router, [at('v3Factory'), at('weth')]),
    creation(deployer, theirs.v3Positions, [at('v3Factory'), at('weth'), zeroAddress]),
    creation(deployer, theirs.safe),
    creation(deployer, theirs.safeFactory),
  ])
  const contract = (
    name: (typeof PLACES)[number],
    { abi }: { readonly abi: Abi },
  ): DemoContract => ({
    address: at(name),
    abi,
    deployBlock: receipts[PLACES.indexOf(name)]?.blockNumber ?? 0,
  })
  return {
    usd: contract('usd', own('DemoToken')),
    weth: contract('weth', theirs.weth),
    vote: contract('vote', own('DemoVoteToken')),
    timelock: contract('timelock', own('DemoTimelock')),
    governor: contract('governor', own('DemoGovernor')),
    vaultImplementation: contract('vaultImplementation', own('DemoVault')),
    v2Factory: contract('v2Factory', theirs.v2Factory),
    v2Router: contract('v2Router', theirs.v2Router),
    v3Factory: contract('v3Factory', theirs.v3Factory),
    v3Router: contract('v3Router', theirs.v3Router),
    positions: contract('positions', theirs.v3Positions),
    safeSingleton: contract('safeSingleton', theirs.safe),
    safeFactory: contract('safeFactory', theirs.safeFactory),
  }
}
