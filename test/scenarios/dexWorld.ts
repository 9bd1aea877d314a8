import type { Address } from '../../core/base/index.ts'
import {
  type DemoDeployment,
  deployDemo,
  ETHER,
  FOREVER,
  mintPosition,
  USD,
  V3_FEE,
} from '../../demo/contracts/index.ts'
import {
  type Contract,
  call,
  creation,
  type Request,
  type Scene,
  type World,
} from './support/index.ts'
import { compileStage } from './support/stage.ts'

export type DexWorld = World & {
  readonly demo: DemoDeployment
  /** Runs several calls in one transaction; holds 500,000 dUSD and 250 WETH. */
  readonly caller: Contract
  /** Anybody mints it and burns what others hold; a pair of 400,000 against as many dUSD. */
  readonly leaky: Contract
  readonly leakyPair: Contract
}

export const USERS = 4

/** Uniswap v2 and v3 with two million dollars each, a vault with deposits, tokens. */
export const buildDex = async (scene: Scene): Promise<DexWorld> => {
  const demo = await deployDemo({
    rpcUrl: scene.anvil.url,
    users: USERS,
    mine: () => scene.rpc('evm_mine'),
  })
  const stage = await compileStage()
  const whale = demo.actors.whale.address
  const [first, second] = await scene.block([
    creation(demo.actors.attacker.address, stage('Caller')),
    creation(whale, stage('LeakyToken'), ['LEAK', 18]),
  ])
  if (!first?.contractAddress || !second?.contractAddress) throw new Error('no contracts')
  const caller = { address: first.contractAddress, abi: stage('Caller').abi }
  const leaky = { address: second.contractAddress, abi: stage('LeakyToken').abi }
  await scene.block([
    call(whale, leaky, 'approve', [demo.v2Router.address, 2n ** 255n]),
    call(
      whale,
      demo.v2Router,
      'addLiquidity',
      [leaky.address, demo.usd.address, 400_000n * ETHER, 400_000n * USD, 0n, 0n, whale, FOREVER],
      { gas: 6_000_000n },
    ),
  ])
  const leakyPair = {
    address: (
      await scene.read<Address>(demo.v2Factory, 'getPair', [leaky.address, demo.usd.address])
    ).toLowerCase() as Address,
    abi: demo.pair.abi,
  }
  await scene.block([
    call(whale, demo.usd, 'transfer', [caller.address, 500_000n * USD]),
    call(whale, demo.weth, 'transfer', [caller.address, 250n * ETHER]),
  ])
  return {
    demo,
    caller,
    leaky,
    leakyPair,
    things: [
      { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: demo.pair.address },
      { kind: 'pool', name: 'pool', variant: 'uniswap-v3', address: demo.pool.address },
      { kind: 'vault', name: 'vault', address: demo.vault.address },
      { kind: 'token', name: 'usd', address: demo.usd.address },
      { kind: 'token', name: 'weth', address: demo.weth.address },
      { kind: 'token', name: 'leaky', address: leaky.address },
      { kind: 'pool', name: 'leaky-pair', variant: 'uniswap-v2', address: leakyPair.address },
    ],
  }
}

export const swapV2 = ({ demo }: DexWorld, from: Address, amount: bigint, isBuy = true): Request =>
  call(from, demo.v2Router, 'swapExactTokensForTokens', [
    amount,
    0n,
    isBuy ? [demo.usd.address, demo.weth.address] : [demo.weth.address, demo.usd.address],
    from,
    FOREVER,
  ])

export const swapV3 = (
  { demo }: DexWorld,
  from: Address,
  amountIn: bigint,
  isBuy = true,
): Request => {
  const [tokenIn, tokenOut] = isBuy
    ? [demo.usd.address, demo.weth.address]
    : [demo.weth.address, demo.usd.address]
  return call(from, demo.v3Router, 'exactInputSingle', [
    {
      tokenIn,
      tokenOut,
      fee: V3_FEE,
      recipient: from,
      deadline: FOREVER,
      amountIn,
      amountOutMinimum: 0n,
      sqrtPriceLimitX96: 0n,
    },
  ])
}

export const removeV2 = ({ demo }: DexWorld, from: Address, shares: bigint): Request =>
  call(from, demo.v2Router, 'removeLiquidity', [
    demo.usd.address,
    demo.weth.address,
    shares,
    0n,
    0n,
    from,
    FOREVER,
  ])

export const decreaseV3 = (
  { demo }: DexWorld,
  from: Address,
  tokenId: bigint,
  liquidity: bigint,
): Request =>
  call(from, demo.positions, 'decreaseLiquidity', [
    { tokenId, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: FOREVER },
  ])

export const mintV3 = (
  { demo }: DexWorld,
  recipient: Address,
  usdUnits: bigint,
  width: number,
): Request =>
  call(
    recipient,
    demo.positions,
    'mint',
    mintPosition(demo, { recipient, usdUnits, wei: (usdUnits * ETHER) / (2_000n * USD), width }),
  )

/** Several calls of the attacker's contract in one transaction. */
export const together = (world: DexWorld, requests: readonly Request[]): Request =>
  call(world.demo.actors.attacker.address, world.caller, 'run', [
    requests.map(({ to }) => to),
    requests.map(({ data }) => data),
  ])

/** The attacker's contract may use the routers and the vault. */
export const approveAll = async (scene: Scene, world: DexWorld): Promise<void> => {
  const { demo, caller } = world
  const approve = (token: Contract, spender: Contract): Request =>
    call(caller.address, token, 'approve', [spender.address, 2n ** 255n])
  await scene.block([
    together(world, [
      approve(demo.usd, demo.v2Router),
      approve(demo.usd, demo.v3Router),
      approve(demo.usd, demo.vault),
      approve(demo.weth, demo.v2Router),
      approve(demo.weth, demo.v3Router),
    ]),
  ])
}

/** Users trade a little and move deposits: what the bots see before each story. */
export const ordinaryDay = async (scene: Scene, world: DexWorld): Promise<void> => {
  const { demo } = world
  for (let n = 0; n < 12; n++) {
    const user = demo.users[n % demo.users.length]?.address
    if (!user) throw new Error('no users')
    const amount = BigInt(100 + n * 37) * USD
    await scene.block([
      swapV2(world, user, amount),
      swapV3(world, user, (amount * ETHER) / (2_000n * USD), false),
      n % 2 === 0
        ? call(user, demo.vault, 'deposit', [amount, user])
        : call(user, demo.vault, 'withdraw', [amount / 2n, user, user]),
    ])
  }
}
