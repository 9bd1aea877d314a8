import {
  type Abi,
  decodeFunctionResult,
  encodeDeployData,
  encodeFunctionData,
  getContractAddress,
  keccak256,
  toHex,
  zeroAddress,
} from 'viem'
import { type Address, type Hex, TocsinError } from '../../core/base/index.ts'
import { createActors, createUsers } from './accounts.ts'
import { readPackageArtifacts } from './artifacts.ts'
import {
  callOf,
  ETHER,
  FOREVER,
  isqrt,
  MAX,
  mintPosition,
  PRICE_USD,
  ROLE_ADMIN,
  USD,
  V3_FEE,
} from './calls.ts'
import { type ContractArtifact, compileContracts } from './compile.ts'
import type { DemoContract, DemoDeployment } from './deployment.ts'
import { createSender, type Sender, type SendRequest, type SentReceipt } from './sender.ts'

export type DeployOptions = {
  readonly rpcUrl: string
  /** Gets the vault's PAUSER_ROLE. Default: account 7 of the test mnemonic. */
  readonly pauser?: Address
  /** Ordinary users with balances, approvals and deposits. Default: 32. */
  readonly users?: number
  /** Makes a block, on a chain that makes none by itself (`() => anvil.rpc('evm_mine')`). */
  readonly mine?: () => Promise<unknown>
  readonly onStep?: (what: string) => void
  readonly signal?: AbortSignal
}

const MINTER_ROLE = keccak256(toHex('MINTER_ROLE'))
const lower = (address: string): Address => address.toLowerCase() as Address
const creation = (
  from: Address,
  artifact: ContractArtifact,
  args: readonly unknown[] = [],
): SendRequest => ({
  from,
  // A contract without a constructor must be given no arguments at all.
  data: encodeDeployData({
    abi: artifact.abi,
    bytecode: artifact.bytecode,
    ...(args.length > 0 ? { args } : {}),
  }),
  gas: 7_000_000n,
})

const sendStage = async (
  sender: Sender,
  what: string,
  requests: readonly SendRequest[],
): Promise<readonly SentReceipt[]> => {
  const receipts = await sender.wait(await sender.send(requests))
  const failed = receipts.findIndex((receipt) => receipt.status === 'reverted')
  if (failed >= 0)
    throw new TocsinError(
      'demo.deploy_failed',
      `Transaction ${failed + 1} of the step "${what}" reverted.`,
    )
  return receipts
}

/**
 * Puts the demo's contracts on a local chain, with liquidity, users, deposits and roles, in four steps of many
 * transactions each (four blocks or a few more). Start anvil with `accounts: FIRST_USER + users`; others are funded and
 * signed for here.
 * @throws TocsinError `demo.deploy_failed` and those of `compileContracts`, `createSender`
 */
export const deployDemo = async (options: DeployOptions): Promise<DemoDeployment> => {
  const actors = createActors()
  const users = createUsers(options.users ?? 32)
  const pauser = options.pauser ?? actors.pauser.address
  const step = (what: string): void => options.onStep?.(what)
  step('compiling the contracts')
  const [own, theirs] = await Promise.all([compileContracts(), readPackageArtifacts()])
  const artifact = (name: string): ContractArtifact => {
    const found = own[name]
    if (found === undefined)
      throw new TocsinError(
        'demo.compile_failed',
        `The contract ${name} is missing from the compiler's answer.`,
      )
    return found
  }
  const sender = await createSender({
    rpcUrl: options.rpcUrl,
    accounts: [...Object.values(actors), ...users],
    ...(options.mine === undefined ? {} : { mine: options.mine }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const funded = new Set(((await sender.rpc('eth_accounts')) as string[]).map(lower))
  for (const { address } of [...Object.values(actors), ...users])
    if (!funded.has(address))
      await sender.rpc('anvil_setBalance', [address, `0x${(10_000n * ETHER).toString(16)}`])

  const deployer = actors.deployer.address
  const firstNonce = await sender.nextNonce(deployer)
  const created = (place: number): Address =>
    lower(getContractAddress({ from: deployer, nonce: BigInt(firstNonce + place) }))
  const places = [
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
  const at = (name: (typeof places)[number]): Address => created(places.indexOf(name))

  step('deploying tokens, governance, pools and the Safe')
  const first = await sendStage(sender, 'deploy', [
    creation(deployer, artifact('DemoToken'), ['Demo Dollar', 'dUSD', 6, deployer]),
    creation(deployer, theirs.weth),
    creation(deployer, artifact('DemoVoteToken'), [deployer]),
    creation(deployer, artifact('DemoTimelock'), [
      60n,
      [at('governor')],
      [zeroAddress],
      zeroAddress,
    ]),
    creation(deployer, artifact('DemoGovernor'), [at('vote'), at('timelock')]),
    creation(deployer, artifact('DemoVault')),
    creation(deployer, theirs.v2Factory, [deployer]),
    creation(deployer, theirs.v2Router, [at('v2Factory'), at('weth')]),
    creation(deployer, theirs.v3Factory),
    creation(deployer, theirs.v3Router, [at('v3Factory'), at('weth')]),
    creation(deployer, theirs.v3Positions, [at('v3Factory'), at('weth'), zeroAddress]),
    creation(deployer, theirs.safe),
    creation(deployer, theirs.safeFactory),
  ])
  const contract = (name: (typeof places)[number], abi: Abi): DemoContract => ({
    address: at(name),
    abi,
    deployBlock: first[places.indexOf(name)]?.blockNumber ?? 0,
  })
  const usd = contract('usd', artifact('DemoToken').abi)
  const weth = contract('weth', theirs.weth.abi)
  const vote = contract('vote', artifact('DemoVoteToken').abi)
  const positions = contract('positions', theirs.v3Positions.abi)
  const v2Factory = contract('v2Factory', theirs.v2Factory.abi)
  const v2Router = contract('v2Router', theirs.v2Router.abi)
  const v3Factory = contract('v3Factory', theirs.v3Factory.abi)
  const v3Router = contract('v3Router', theirs.v3Router.abi)

  step('creating the pair, the pool and the Safe, minting')
  const usdFirst = usd.address < weth.address
  const [token0, token1] = usdFirst ? [usd.address, weth.address] : [weth.address, usd.address]
  const [amount0, amount1] = usdFirst ? [PRICE_USD * USD, ETHER] : [ETHER, PRICE_USD * USD]
  const owners = [actors.safeOwnerA.address, actors.safeOwnerB.address, actors.safeOwnerC.address]
  const setup = encodeFunctionData({
    abi: theirs.safe.abi,
    functionName: 'setup',
    args: [owners, 2n, zeroAddress, '0x', zeroAddress, zeroAddress, 0n, zeroAddress],
  })
  const providers = [actors.marketMaker.address, actors.whale.address]
  const people = users.map((user) => user.address)
  const second = await sendStage(sender, 'create', [
    callOf(deployer, v2Factory, 'createPair', [usd.address, weth.address], { gas: 4_000_000n }),
    callOf(
      deployer,
      positions,
      'createAndInitializePoolIfNecessary',
      [token0, token1, V3_FEE, isqrt((amount1 << 192n) / amount0)],
      { gas: 6_000_000n },
    ),
    callOf(
      deployer,
      { address: at('safeFactory'), abi: theirs.safeFactory.abi },
      'createProxyWithNonce',
      [at('safeSingleton'), setup, 1n],
    ),
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
  const proxyCreated = second[2]?.logs.find((log) => log.address === at('safeFactory'))?.topics[1]
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

  step('deploying the vault, approvals')
  const vaultImplementation = contract('vaultImplementation', artifact('DemoVault').abi)
  const vaultAddress = lower(
    getContractAddress({ from: deployer, nonce: BigInt(await sender.nextNonce(deployer)) }),
  )
  const initialize = encodeFunctionData({
    abi: vaultImplementation.abi,
    functionName: 'initialize',
    args: [usd.address, safe.address, pauser],
  })
  const everybody = [...people, ...providers]
  const third = await sendStage(sender, 'vault', [
    creation(deployer, artifact('DemoProxy'), [vaultImplementation.address, initialize]),
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
  const vault: DemoContract = {
    address: vaultAddress,
    abi: vaultImplementation.abi,
    deployBlock: third[0]?.blockNumber ?? 0,
  }

  step('adding liquidity, depositing')
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
  return {
    rpcUrl: options.rpcUrl,
    chainId: Number(await sender.rpc('eth_chainId')),
    actors,
    users,
    endBlock: Math.max(...last.map((receipt) => receipt.blockNumber)),
    usd,
    weth,
    vote,
    vault,
    vaultImplementation,
    v2Factory,
    v2Router,
    pair,
    v3Factory,
    v3Router,
    positions,
    pool,
    governor: contract('governor', artifact('DemoGovernor').abi),
    timelock: contract('timelock', artifact('DemoTimelock').abi),
    safe,
    tokenIds: { marketMaker: 1n, whale: 2n },
  }
}
