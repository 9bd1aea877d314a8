import { zeroAddress } from 'viem'
import type { Address } from '../../core/base/index.ts'
import { readAave } from './support/aaveArtifacts.ts'
import { actor, type Contract, call, creation, type Scene } from './support/index.ts'

export type AaveMarket = {
  readonly pool: Contract
  readonly oracle: Contract
  readonly configurator: Contract
  readonly admin: Address
  readonly aTokenOf: (asset: Address) => Promise<Address>
}

export type Reserve = {
  readonly token: Contract
  readonly decimals: number
  /** Contract with `latestAnswer()`, 8 digits. */
  readonly feed: Address
  /** Part of deposits up to which loans are cheap (bps). */
  readonly kinkBps?: number
}

const LIBRARIES = [
  'BorrowLogic',
  'BridgeLogic',
  'EModeLogic',
  'LiquidationLogic',
  'PoolLogic',
  'SupplyLogic',
  'ConfiguratorLogic',
]
const RAY = 10n ** 27n

/** Aave v3 as its package has it, with these reserves, all of which can be borrowed and be collateral. */
export const deployAave = async (
  scene: Scene,
  reserves: readonly Reserve[],
): Promise<AaveMarket> => {
  const admin = actor(900)
  const create = async (
    path: string,
    args: readonly unknown[] = [],
    libraries: Readonly<Record<string, Address>> = {},
  ): Promise<Contract> => {
    const artifact = await readAave(path, libraries)
    const [receipt] = await scene.block([creation(admin, artifact, args)])
    if (!receipt?.contractAddress) throw new Error(`no ${path}`)
    return { address: receipt.contractAddress, abi: artifact.abi }
  }
  const logic = 'protocol/libraries/logic'
  const artifacts = await Promise.all(LIBRARIES.map((name) => readAave(`${logic}/${name}`)))
  const receipts = await scene.block(artifacts.map((artifact) => creation(admin, artifact)))
  const libraries: Record<string, Address> = {}
  for (const [index, name] of LIBRARIES.entries())
    libraries[name] = receipts[index]?.contractAddress ?? zeroAddress
  libraries['FlashLoanLogic'] = (await create(`${logic}/FlashLoanLogic`, [], libraries)).address

  const provider = await create('protocol/configuration/PoolAddressesProvider', ['stage', admin])
  const { address } = provider
  await scene.block([call(admin, provider, 'setACLAdmin', [admin])])
  const acl = await create('protocol/configuration/ACLManager', [address])
  const poolCode = await create('protocol/pool/Pool', [address], libraries)
  const configuratorCode = await create('protocol/pool/PoolConfigurator', [], libraries)
  const oracle = await create('misc/AaveOracle', [
    address,
    reserves.map(({ token }) => token.address),
    reserves.map(({ feed }) => feed),
    zeroAddress,
    zeroAddress,
    10n ** 8n,
  ])
  const data = await create('misc/AaveProtocolDataProvider', [address])
  await scene.block([
    call(admin, provider, 'setACLManager', [acl.address]),
    call(admin, acl, 'addPoolAdmin', [admin]),
    call(admin, provider, 'setPoolImpl', [poolCode.address]),
    call(admin, provider, 'setPoolConfiguratorImpl', [configuratorCode.address]),
    call(admin, provider, 'setPriceOracle', [oracle.address]),
    call(admin, provider, 'setPoolDataProvider', [data.address]),
  ])
  const named = async (functionName: string): Promise<Address> =>
    (await scene.read<Address>(provider, functionName)).toLowerCase() as Address
  const pool = { address: await named('getPool'), abi: poolCode.abi }
  const configurator = { address: await named('getPoolConfigurator'), abi: configuratorCode.abi }

  const tokens = 'protocol/tokenization'
  const [aToken, stable, variable] = [
    await create(`${tokens}/AToken`, [pool.address]),
    await create(`${tokens}/StableDebtToken`, [pool.address]),
    await create(`${tokens}/VariableDebtToken`, [pool.address]),
  ]
  const inputs: unknown[] = []
  for (const { token, decimals, kinkBps = 8_000 } of reserves) {
    const rates = [(RAY * BigInt(kinkBps)) / 10_000n, 0n, RAY / 25n, (RAY * 6n) / 10n]
    const strategy = await create('protocol/pool/DefaultReserveInterestRateStrategy', [
      address,
      ...rates,
      RAY / 100n,
      RAY / 100n,
      0n,
      0n,
      RAY / 5n,
    ])
    inputs.push({
      aTokenImpl: aToken.address,
      stableDebtTokenImpl: stable.address,
      variableDebtTokenImpl: variable.address,
      underlyingAssetDecimals: decimals,
      interestRateStrategyAddress: strategy.address,
      underlyingAsset: token.address,
      treasury: actor(901),
      incentivesController: zeroAddress,
      aTokenName: 'a',
      aTokenSymbol: 'a',
      variableDebtTokenName: 'v',
      variableDebtTokenSymbol: 'v',
      stableDebtTokenName: 's',
      stableDebtTokenSymbol: 's',
      params: '0x',
    })
  }
  await scene.block([
    call(admin, configurator, 'initReserves', [inputs], { gas: 30_000_000n }),
    ...reserves.flatMap(({ token }) => [
      call(admin, configurator, 'configureReserveAsCollateral', [
        token.address,
        7_500n,
        8_000n,
        10_500n,
      ]),
      call(admin, configurator, 'setReserveBorrowing', [token.address, true]),
      call(admin, configurator, 'setReserveFlashLoaning', [token.address, true]),
    ]),
  ])
  return {
    pool,
    oracle,
    configurator,
    admin,
    aTokenOf: async (asset) => {
      const reserve = await scene.read<{ aTokenAddress: Address }>(pool, 'getReserveData', [asset])
      return reserve.aTokenAddress.toLowerCase() as Address
    },
  }
}
