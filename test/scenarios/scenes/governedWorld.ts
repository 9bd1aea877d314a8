import { encodeFunctionData, keccak256, toHex, zeroAddress } from 'viem'
import type { Address, Hex } from '../../../core/base/index.ts'
import type { ThingInput } from '../../../core/testing/index.ts'
import { actor, call, creation } from '../support/createScene.ts'
import type { Contract, Request, Scene, World } from '../support/types.ts'
import { type GovernedArtifacts, readGovernedArtifacts } from './governedArtifacts.ts'
import { encode, OWNERS, safeTransaction } from './safeKit.ts'
import { DELAY_S } from './votingKit.ts'

export const USD = 10n ** 6n
export const ETHER = 10n ** 18n
export const role = (name: string): Hex => keccak256(toHex(name))
export const ADMIN: Hex = `0x${'00'.repeat(32)}`

/** Who is who. None of them is in the watchlist. */
export const people = {
  deployer: actor(1),
  /** A key with power that nobody gave back. */
  hotKey: actor(2),
  pauser: actor(3),
  minter: actor(4),
  compliance: actor(5),
  operator: actor(6),
  delegates: [actor(11), actor(12), actor(13)],
  /** Holds a third of the votes and never delegates. */
  lender: actor(14),
  users: Array.from({ length: 8 }, (_, i) => actor(20 + i)),
  thief: actor(66),
  accomplice: actor(67),
} as const

/** A protocol with all that governs it. */
export type GovernedWorld = World & {
  /** Creates a third Safe, at a place that is known beforehand. */
  readonly nextSafe: { readonly address: Address; readonly request: Request }
} & {
  readonly [name in
    | 'dollar'
    | 'vote'
    | 'capped'
    | 'collection'
    | 'timelock'
    | 'governor'
    | 'manager'
    | 'managedVault'
    | 'vault'
    | 'proxyAdmin'
    | 'roleVault'
    | 'beacon'
    | 'beaconVault'
    | 'executor'
    | 'proxiedExecutor'
    | 'safe'
    | 'opsSafe'
    | 'module'
    | 'guard'
    | 'handler'
    | 'multiSend'
    | 'multiSendCallOnly'
    | 'slotWriter'
    | 'grant'
    | 'greedyGrant'
    | 'vaultV2'
    | 'roleVaultV2'
    | 'thiefVault'
    | 'thiefSingleton']: Contract
}

const deploy = async (
  scene: Scene,
  of: GovernedArtifacts,
  plan: readonly (readonly [artifact: string, args?: readonly unknown[]])[],
): Promise<readonly Contract[]> => {
  const requests = plan.map(([name, args]) => creation(people.deployer, of(name), args))
  const receipts = await scene.block(requests)
  return receipts.map(({ contractAddress }, index) => ({
    address: contractAddress as Address,
    abi: of(plan[index]?.[0] ?? '').abi,
  }))
}

const at = (contract: Contract | undefined): Contract => {
  if (!contract) throw new Error('a contract is missing')
  return contract
}
const as = (proxy: Contract | undefined, code: Contract | undefined): Contract => ({
  address: at(proxy).address,
  abi: at(code).abi,
})
const init = (code: Contract | undefined, args: readonly unknown[]): Hex =>
  encodeFunctionData({ abi: at(code).abi, functionName: 'initialize', args })

type SafeKit = {
  readonly factory: Contract
  readonly singleton: Contract
  readonly handler: Contract
}

const planSafe = async (scene: Scene, kit: SafeKit, salt: bigint) => {
  const { factory, singleton, handler } = kit
  const setup = encodeFunctionData({
    abi: singleton.abi,
    functionName: 'setup',
    args: [
      OWNERS.slice(0, 3).map(({ address }) => address),
      2n,
      zeroAddress,
      '0x',
      handler.address,
      zeroAddress,
      0n,
      zeroAddress,
    ],
  })
  const args = [singleton.address, setup, salt]
  const request = call(people.deployer, factory, 'createProxyWithNonce', args)
  const answer = await scene.rpc<Hex>('eth_call', [
    { from: request.from, to: request.to, data: request.data },
    'latest',
  ])
  return { address: `0x${answer.slice(26, 66)}` as Address, request }
}

const createSafe = async (scene: Scene, kit: SafeKit, salt: bigint): Promise<Contract> => {
  const { address, request } = await planSafe(scene, kit, salt)
  await scene.block([request])
  return { address, abi: kit.singleton.abi }
}

/** Puts the protocol on the chain, hands it over to its Safe and its timelock, and lets people use it. */
export const buildGovernedWorld = async (scene: Scene): Promise<GovernedWorld> => {
  const of = await readGovernedArtifacts()
  const { deployer, hotKey, pauser, minter, compliance, operator, users } = people
  const [
    singleton,
    factory,
    handler,
    guard,
    multiSend,
    multiSendCallOnly,
    dollarCode,
    ownedCode,
    vaultV2,
    roleCode,
    roleVaultV2,
    thiefVault,
    slotWriter,
    grant,
    greedyGrant,
    executorCode,
    module,
    thiefSingleton,
    vote,
  ] = await deploy(scene, of, [
    ['Safe'],
    ['SafeFactory'],
    ['Handler'],
    ['Guard'],
    ['MultiSend'],
    ['MultiSendCallOnly'],
    ['Dollar'],
    ['OwnedVault'],
    ['OwnedVaultV2'],
    ['RoleVault'],
    ['RoleVaultV2'],
    ['ThiefVault'],
    ['SlotWriter'],
    ['Grant'],
    ['GreedyGrant'],
    ['ProxiedExecutor'],
    ['SpendingModule', [operator]],
    ['ThiefSingleton'],
    ['VoteToken', [deployer, 1_000_000n * ETHER]],
  ])
  const kit = { factory: at(factory), singleton: at(singleton), handler: at(handler) }
  const safe = await createSafe(scene, kit, 1n)
  const opsSafe = await createSafe(scene, kit, 2n)
  // The governor may propose, but it needs the timelock's address first: the Safe proposes too.
  const [timelock] = await deploy(scene, of, [
    ['LeakyTimelock', [BigInt(DELAY_S), [safe.address], [zeroAddress], deployer]],
  ])
  const lock = at(timelock)
  const [governor, dollarProxy, manager] = await deploy(scene, of, [
    ['BriefGovernor', [at(vote).address, lock.address]],
    ['Proxy', [at(dollarCode).address, init(dollarCode, [deployer])]],
    ['AccessManager', [deployer]],
  ])
  const dollar = as(dollarProxy, dollarCode)
  const [capped, collection, vaultProxy, roleProxy, beacon, executor, executorProxy, managedVault] =
    await deploy(scene, of, [
      ['CappedToken', [safe.address, deployer]],
      ['Collection', [minter]],
      [
        'TransparentProxy',
        [at(ownedCode).address, lock.address, init(ownedCode, [dollar.address, safe.address])],
      ],
      ['Proxy', [at(roleCode).address, init(roleCode, [dollar.address, deployer, pauser])]],
      ['Beacon', [at(ownedCode).address, hotKey]],
      ['Executor', [safe.address]],
      ['Proxy', [at(executorCode).address, init(executorCode, [hotKey])]],
      ['ManagedVault', [at(manager).address]],
    ])
  const [beaconProxy] = await deploy(scene, of, [
    ['BeaconProxy', [at(beacon).address, init(ownedCode, [dollar.address, safe.address])]],
  ])
  const roleVault = as(roleProxy, roleCode)
  const slot = await scene.rpc<Hex>('eth_getStorageAt', [
    at(vaultProxy).address,
    '0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103',
    'latest',
  ])
  const world = {
    dollar,
    vote: at(vote),
    capped: at(capped),
    collection: at(collection),
    timelock: lock,
    governor: at(governor),
    manager: at(manager),
    managedVault: at(managedVault),
    vault: as(vaultProxy, ownedCode),
    proxyAdmin: { address: `0x${slot.slice(26)}` as Address, abi: of('ProxyAdmin').abi },
    roleVault,
    beacon: at(beacon),
    beaconVault: as(beaconProxy, ownedCode),
    executor: at(executor),
    proxiedExecutor: as(executorProxy, executorCode),
    safe,
    opsSafe,
    module: at(module),
    guard: at(guard),
    handler: at(handler),
    multiSend: at(multiSend),
    multiSendCallOnly: at(multiSendCallOnly),
    slotWriter: at(slotWriter),
    grant: at(grant),
    greedyGrant: at(greedyGrant),
    vaultV2: at(vaultV2),
    roleVaultV2: at(roleVaultV2),
    thiefVault: at(thiefVault),
    thiefSingleton: at(thiefSingleton),
  }
  const asDeployer = (contract: Contract, name: string, args: readonly unknown[]): Request =>
    call(deployer, contract, name, args)
  const selector = encodeFunctionData({
    abi: world.managedVault.abi,
    functionName: 'withdrawTo',
    args: [zeroAddress, zeroAddress, 0n],
  }).slice(0, 10)
  await scene.block([
    asDeployer(dollar, 'grantRole', [role('MINTER_ROLE'), minter]),
    asDeployer(dollar, 'grantRole', [role('PAUSER_ROLE'), pauser]),
    asDeployer(dollar, 'grantRole', [role('BLACKLISTER_ROLE'), compliance]),
    asDeployer(dollar, 'grantRole', [ADMIN, lock.address]),
    asDeployer(dollar, 'grantRole', [ADMIN, hotKey]),
    asDeployer(roleVault, 'grantRole', [ADMIN, lock.address]),
    asDeployer(roleVault, 'grantRole', [ADMIN, hotKey]),
    asDeployer(lock, 'grantRole', [role('PROPOSER_ROLE'), world.governor.address]),
    asDeployer(lock, 'grantRole', [role('CANCELLER_ROLE'), world.governor.address]),
    asDeployer(world.manager, 'setTargetFunctionRole', [
      world.managedVault.address,
      [selector],
      7n,
    ]),
    asDeployer(world.manager, 'grantRole', [7n, operator, 86_400]),
    asDeployer(world.manager, 'grantRole', [0n, safe.address, 0]),
    asDeployer(world.manager, 'grantRole', [0n, hotKey, 0]),
    call(minter, dollar, 'mint', [deployer, 20_000_000n * USD]),
    ...people.delegates.map((delegate, index) =>
      asDeployer(world.vote, 'transfer', [delegate, BigInt(60 - 10 * index) * 1_000n * ETHER]),
    ),
    asDeployer(world.vote, 'transfer', [people.lender, 300_000n * ETHER]),
    ...users.map((user) => asDeployer(world.vote, 'transfer', [user, 1_000n * ETHER])),
  ])
  const rich: readonly (readonly [Address, bigint])[] = [
    [safe.address, 2_000_000n],
    [opsSafe.address, 200_000n],
    [lock.address, 3_000_000n],
    [world.managedVault.address, 400_000n],
    [world.executor.address, 50_000n],
    [world.proxiedExecutor.address, 300_000n],
  ]
  const vaults = [world.vault, roleVault, world.beaconVault]
  await scene.block([
    ...rich.map(([to, amount]) => asDeployer(dollar, 'transfer', [to, amount * USD])),
    ...users.map((user) => asDeployer(dollar, 'transfer', [user, 900_000n * USD])),
    ...people.delegates.map((delegate) => call(delegate, world.vote, 'delegate', [delegate])),
    asDeployer(dollar, 'renounceRole', [ADMIN, deployer]),
    asDeployer(roleVault, 'renounceRole', [ADMIN, deployer]),
    asDeployer(lock, 'renounceRole', [ADMIN, deployer]),
    asDeployer(world.manager, 'renounceRole', [0n, deployer]),
    await safeTransaction(scene, safe, encode(safe, 'setGuard', [world.guard.address])),
    await safeTransaction(scene, safe, encode(safe, 'enableModule', [world.module.address]), {
      after: 1,
    }),
  ])
  await scene.block(
    users.flatMap((user) =>
      vaults.map((vault) => call(user, dollar, 'approve', [vault.address, 2n ** 255n])),
    ),
  )
  await scene.block(
    users.flatMap((user) =>
      vaults.map((vault) => call(user, vault, 'deposit', [100_000n * USD, user])),
    ),
  )
  await scene.rpc('anvil_setBalance', [safe.address, toHex(500n * ETHER)])
  return { ...world, nextSafe: await planSafe(scene, kit, 3n), things: thingsOf(world) }
}

/** The watchlist: addresses and kinds, and nothing that is tuned. */
const thingsOf = (world: Omit<GovernedWorld, 'things' | 'nextSafe'>): readonly ThingInput[] => {
  const asset = world.dollar.address
  const of = (name: keyof GovernedWorld & string, kind: string, more: object = {}): ThingInput =>
    ({
      kind,
      name: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      address: (world as unknown as Record<string, Contract>)[name]?.address,
      protocol: 'acme',
      ...more,
    }) as ThingInput
  return [
    of('dollar', 'token', { proxy: true }),
    of('vote', 'token'),
    of('capped', 'token'),
    of('timelock', 'timelock'),
    of('governor', 'governor'),
    of('manager', 'contract'),
    of('managedVault', 'treasury', { tokens: [asset] }),
    of('vault', 'vault', { asset, proxy: true }),
    of('proxyAdmin', 'contract'),
    of('roleVault', 'vault', { asset, proxy: true }),
    of('beaconVault', 'vault', { asset, proxy: true }),
    of('executor', 'contract'),
    of('proxiedExecutor', 'proxy'),
    of('safe', 'multisig'),
    of('opsSafe', 'multisig'),
    { ...of('safe', 'treasury', { tokens: [asset] }), name: 'treasury' },
  ]
}
