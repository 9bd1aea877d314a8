import { decodeFunctionResult, encodeFunctionData, zeroAddress } from 'viem'
import { type Address, type Hex, TocsinError } from '../../core/base/index.ts'
import { callOf, ETHER, isqrt, PRICE_USD, USD, V3_FEE } from './calls.ts'
import type { FirstContracts } from './createContracts.ts'
import { type DeployKit, lower, sendStage } from './deployKit.ts'
import type { DemoContract, DemoDeployment } from './deployment.ts'
import type { SendRequest } from './sender.ts'

/** Tokens for everybody; votes delegated. */
const minting = (kit: DeployKit, { usd, weth, vote }: FirstContracts): readonly SendRequest[] => {
  const { actors, deployer, people } = kit
  const providers = [actors.marketMaker.address, actors.whale.address]
  return [
    callOf(deployer, usd, 'mintMany', [[...people, actors.attacker.address], 400_000n * USD], {
      gas: 100_000n + 60_000n * BigInt(people.length),
    }),
    callOf(deployer, usd, 'mintMany', [[...providers, actors.treasury.address], 4_000_000n * USD]),
    callOf(deployer, vote, 'mintMany', [
      [actors.delegate.address, actors.treasury.address],
      2_000_000n * ETHER,
    ]),
    callOf(deployer, vote, 'mintMany', [people, 10_000n * ETHER], {
      gas: 200_000n + 150_000n * BigInt(people.length),
    }),
    callOf(actors.delegate.address, vote, 'delegate', [actors.delegate.address]),
    ...people.map((user) => callOf(user, vote, 'delegate', [user], { gas: 200_000n })),
    ...providers.map((provider) =>
      callOf(provider, weth, 'deposit', [], { valueWei: 2_000n * ETHER, gas: 100_000n }),
    ),
    ...people.map((user) =>
      callOf(user, weth, 'deposit', [], { valueWei: 100n * ETHER, gas: 100_000n }),
    ),
  ]
}

/** The second step: the v2 pair, the v3 pool, the Safe, and tokens for everybody. */
export const createVenues = async (
  kit: DeployKit,
  contracts: FirstContracts,
): Promise<Pick<DemoDeployment, 'pair' | 'pool' | 'safe'>> => {
  const { sender, actors, deployer, theirs } = kit
  const { usd, weth, v2Factory, v3Factory, positions, safeFactory, safeSingleton } = contracts
  const usdFirst = usd.address < weth.address
  const [token0, token1] = usdFirst ? [usd.address, weth.address] : [weth.address, usd.address]
  const [amount0, amount1] = usdFirst ? [PRICE_USD * USD, ETHER] : [ETHER, PRICE_USD * USD]
  const owners = [actors.safeOwnerA.address, actors.safeOwnerB.address, actors.safeOwnerC.address]
  const setup = encodeFunctionData({
    abi: theirs.safe.abi,
    functionName: 'setup',
    args: [owners, 2n, zeroAddress, '0x', zeroAddress, zeroAddress, 0n, zeroAddress],
  })
  const second = await sendStage(sender, 'create', [
    callOf(deployer, v2Factory, 'createPair', [usd.address, weth.address], { gas: 4_000_000n }),
    callOf(
      deployer,
      positions,
      'createAndInitializePoolIfNecessary',
      [token0, token1, V3_FEE, isqrt((amount1 << 192n) / amount0)],
      { gas: 6_000_000n },
    ),
    callOf(deployer, safeFactory, 'createProxyWithNonce', [safeSingleton.address, setup, 1n]),
    ...minting(kit, contracts),
  ])
  const read = async (
    from: DemoContract,
    functionName: string,
    args: readonly unknown[],
  ): Promise<Address> => {
    const { to, data } = callOf(deployer, from, functionName, args)
    const answer = await sender.rpc('eth_call', [{ to, data }, 'latest'])
    return lower(String(decodeFunctionResult({ abi: from.abi, functionName, data: answer as Hex })))
  }
  const minedIn = (place: number): number => second[place]?.blockNumber ?? 0
  const pair = {
    address: await read(v2Factory, 'getPair', [usd.address, weth.address]),
    abi: theirs.v2Pair.abi,
    deployBlock: minedIn(0),
  }
  const pool = {
    address: await read(v3Factory, 'getPool', [usd.address, weth.address, V3_FEE]),
    abi: theirs.v3Pool.abi,
    deployBlock: minedIn(1),
  }
  const proxyCreated = second[2]?.logs.find((log) => log.address === safeFactory.address)?.topics[1]
  if (proxyCreated === undefined)
    throw new TocsinError(
      'demo.deploy_failed',
      'The factory of the Safe did not say where the Safe is.',
    )
  const safe = {
    address: lower(`0x${proxyCreated.slice(-40)}`),
    abi: theirs.safe.abi,
    deployBlock: minedIn(2),
  }
  return { pair, pool, safe }
}
