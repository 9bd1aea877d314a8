import { z } from 'zod'
import { type Address, TocsinError } from '../../core/base/index.ts'
import { createActors, createUsers, type DemoAccount } from './accounts.ts'
import { readPackageArtifacts } from './artifacts.ts'
import { ETHER } from './calls.ts'
import { type ContractArtifact, compileContracts } from './compile.ts'
import { createContracts } from './createContracts.ts'
import { createVenues } from './createVenues.ts'
import { type DeployKit, lower } from './deployKit.ts'
import type { DemoDeployment } from './deployment.ts'
import { deployVault } from './deployVault.ts'
import { fundDemo } from './fundDemo.ts'
import { putMulticall } from './putMulticall.ts'
import { createSender, type Sender } from './sender.ts'

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

const fundAccounts = async (sender: Sender, accounts: readonly DemoAccount[]): Promise<void> => {
  const held = z.array(z.string()).parse(await sender.rpc('eth_accounts'))
  const funded = new Set(held.map(lower))
  for (const { address } of accounts)
    if (!funded.has(address))
      await sender.rpc('anvil_setBalance', [address, `0x${(10_000n * ETHER).toString(16)}`])
}

/**
 * Puts the demo's contracts on a local chain, with liquidity, users, deposits and roles, in four steps of many
 * transactions each (four blocks or a few more). Start anvil with `accounts: FIRST_USER + users`; others are funded and
 * signed for here.
 * @throws TocsinError `demo.deploy_failed` and those of `compileContracts`, `createSender`
 */
export const deployDemo = async (options: DeployOptions): Promise<DemoDeployment> => {
  const step = (what: string): void => options.onStep?.(what)
  step('compiling the contracts')
  const [artifacts, theirs] = await Promise.all([compileContracts(), readPackageArtifacts()])
  const own = (name: string): ContractArtifact => {
    const found = artifacts[name]
    if (found) return found
    throw new TocsinError(
      'demo.compile_failed',
      `The contract ${name} is missing from the compiler's answer.`,
    )
  }
  const actors = createActors()
  const users = createUsers(options.users ?? 32)
  const accounts = [...Object.values(actors), ...users]
  const sender = await createSender({
    rpcUrl: options.rpcUrl,
    accounts,
    ...(options.mine === undefined ? {} : { mine: options.mine }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  await fundAccounts(sender, accounts)
  await putMulticall(sender, own('DemoMulticall'))
  const deployer = actors.deployer.address
  const people = users.map((user) => user.address)
  const kit: DeployKit = { sender, actors, deployer, people, own, theirs }
  step('deploying tokens, governance, pools and the Safe')
  const { safeSingleton, safeFactory, ...contracts } = await createContracts(kit)
  step('creating the pair, the pool and the Safe, minting')
  const first = { ...contracts, safeSingleton, safeFactory }
  const venues = await createVenues(kit, first)
  step('deploying the vault, approvals')
  const pauser = options.pauser ?? actors.pauser.address
  const vault = await deployVault(kit, { ...first, ...venues }, pauser)
  step('adding liquidity, depositing')
  const endBlock = await fundDemo(kit, { ...contracts, vault })
  return {
    rpcUrl: options.rpcUrl,
    chainId: Number(await sender.rpc('eth_chainId')),
    actors,
    users,
    endBlock,
    ...contracts,
    ...venues,
    vault,
    tokenIds: { marketMaker: 1n, whale: 2n },
  }
}
