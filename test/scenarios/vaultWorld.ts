import type { Address } from '../../core/base/index.ts'
import { compileContracts } from '../../demo/contracts/index.ts'
import {
  actor,
  type Contract,
  call,
  creation,
  type Request,
  type Scene,
  type World,
} from './support/index.ts'
import { compileStage } from './support/stage.ts'

export const E18 = 10n ** 18n
export const USD = 10n ** 6n
export const BTC = 10n ** 8n
const FOREVER = 2n ** 255n
export const maker = actor(1)
export const thief = actor(2)
export const whale = actor(3)
export const hot = actor(4)
export const treasury = actor(5)
export const exchange = actor(6)
export const users = [10, 11, 12, 13, 14].map(actor)

export type VaultWorld = World & {
  /** OpenZeppelin's, of 6, 18 and 8 decimals. */
  readonly usd: Contract
  readonly eth: Contract
  readonly btc: Contract
  readonly usdVault: Contract
  readonly ethVault: Contract
  /** Nobody has used it. */
  readonly btcVault: Contract
  readonly oldVault: Contract
}

export const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the scene is incomplete')
  return value
}
export const deposit = (who: Address, vault: Contract, units: bigint): Request =>
  call(who, vault, 'deposit', [units, who])
export const redeem = (who: Address, vault: Contract, shares: bigint): Request =>
  call(who, vault, 'redeem', [shares, who, who])
export const send = (who: Address, token: Contract, to: Address, units: bigint): Request =>
  call(who, token, 'transfer', [to, units])

export const build = async (scene: Scene): Promise<VaultWorld> => {
  const [stage, own] = await Promise.all([compileStage(), compileContracts()])
  const DemoToken = must(own['DemoToken'])
  const created = await scene.block([
    ...[
      ['USDX', 6],
      ['ETHX', 18],
      ['BTCX', 8],
    ].map(([symbol, places]) => creation(maker, DemoToken, [symbol, symbol, places, maker])),
  ])
  const [usd, eth, btc] = created.map(({ contractAddress }) => ({
    address: must(contractAddress),
    abi: DemoToken.abi,
  })) as [Contract, Contract, Contract]
  const kinds = ['StageVault', 'StageVault', 'StageVault', 'OldVault'] as const
  const assets = [usd, eth, btc, btc] as const
  const vaults = await scene.block(
    kinds.map((kind, index) => creation(maker, stage(kind), [assets[index]?.address])),
  )
  const [usdVault, ethVault, btcVault, oldVault] = vaults.map(({ contractAddress }, index) => ({
    address: must(contractAddress),
    abi: stage(must(kinds[index])).abi,
  })) as [Contract, Contract, Contract, Contract]
  const people = [maker, thief, whale, hot, treasury, ...users]
  await scene.block([
    call(maker, usd, 'mintMany', [people, 20_000_000n * USD]),
    call(maker, eth, 'mintMany', [people, 10_000n * E18]),
    call(maker, btc, 'mintMany', [people, 300n * BTC]),
    ...people.flatMap((who) => [
      call(who, usd, 'approve', [usdVault.address, FOREVER]),
      call(who, eth, 'approve', [ethVault.address, FOREVER]),
      call(who, btc, 'approve', [btcVault.address, FOREVER]),
      call(who, btc, 'approve', [oldVault.address, FOREVER]),
    ]),
  ])
  await scene.block(
    users.flatMap((who, index) => [
      deposit(who, usdVault, BigInt(400_000 + 50_000 * index) * USD),
      deposit(who, ethVault, BigInt(300 + 40 * index) * E18),
    ]),
  )
  return {
    usd,
    eth,
    btc,
    usdVault,
    ethVault,
    btcVault,
    oldVault,
    things: [
      { kind: 'vault', name: 'usd-vault', address: usdVault.address },
      { kind: 'vault', name: 'eth-vault', address: ethVault.address },
      { kind: 'vault', name: 'btc-vault', address: btcVault.address },
      { kind: 'vault', name: 'old-vault', address: oldVault.address },
      { kind: 'token', name: 'usd', address: usd.address },
      { kind: 'treasury', name: 'treasury', address: treasury, tokens: [usd.address, eth.address] },
      { kind: 'treasury', name: 'hot-wallet', address: hot, tokens: [usd.address] },
      { kind: 'label', name: 'some-exchange', address: exchange, tags: ['exchange'] },
    ],
  }
}
