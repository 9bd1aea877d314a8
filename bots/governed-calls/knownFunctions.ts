import type { Hex } from 'tocsin'
import type { AbiFunction } from 'viem'
import { parseAbiItem, toFunctionSelector } from 'viem/utils'
import type { Category } from './types.ts'

/** Functions by which contracts are administered, by what they do. Targets without an ABI are read by these. */
const SIGNATURES: Readonly<Partial<Record<Category, readonly string[]>>> = {
  upgrade: [
    'upgradeTo(address newImplementation)',
    'upgradeToAndCall(address newImplementation, bytes data)',
    'upgradeAndCall(address proxy, address implementation, bytes data)',
    'upgrade(address proxy, address implementation)',
    'upgradeBeaconToAndCall(address newBeacon, bytes data, bool forceCall)',
    'setImplementation(address newImplementation)',
    '_setImplementation(address newImplementation)',
    '_setImplementation(address newImplementation, bool allowResign, bytes data)',
    '_setPendingImplementation(address newPendingImplementation)',
    'changeMasterCopy(address singleton)',
    'diamondCut((address facetAddress, uint8 action, bytes4[] functionSelectors)[] cut, address init, bytes data)',
  ],
  power: [
    'transferOwnership(address newOwner)',
    'setOwner(address newOwner)',
    'setAdmin(address newAdmin)',
    'setPendingAdmin(address newPendingAdmin)',
    '_setPendingAdmin(address newPendingAdmin)',
    'changeAdmin(address newAdmin)',
    'changeProxyAdmin(address proxy, address newAdmin)',
    'setAuthority(address newAuthority)',
    'setGovernance(address newGovernance)',
    'setGovernor(address newGovernor)',
    'setOperator(address newOperator)',
    'setMinter(address newMinter)',
    'addMinter(address newMinter)',
    'setPauser(address newPauser)',
    'setGuardian(address newGuardian)',
    'grantRole(bytes32 role, address account)',
    'revokeRole(bytes32 role, address account)',
    'beginDefaultAdminTransfer(address newAdmin)',
    'renounceOwnership()',
    'renounceRole(bytes32 role, address account)',
    'acceptOwnership()',
    'acceptAdmin()',
    'updateTimelock(address newTimelock)',
    'addOwnerWithThreshold(address owner, uint256 threshold)',
    'swapOwner(address prevOwner, address oldOwner, address newOwner)',
    'removeOwner(address prevOwner, address owner, uint256 threshold)',
    'changeThreshold(uint256 threshold)',
    'enableModule(address module)',
    'setGuard(address guard)',
    'setFallbackHandler(address handler)',
    'rely(address usr)',
  ],
  money: [
    'transfer(address to, uint256 amount)',
    'transferFrom(address from, address to, uint256 amount)',
    'approve(address spender, uint256 amount)',
    'increaseAllowance(address spender, uint256 addedValue)',
    'sweep(address token, address to)',
    'sweep(address token, address to, uint256 amount)',
    'rescueTokens(address token, address to, uint256 amount)',
    'recoverERC20(address token, uint256 amount)',
    'emergencyWithdraw(address token, address to, uint256 amount)',
    'withdrawTo(address to, uint256 amount)',
    'withdrawAll(address to)',
    'migrate(address to, uint256 amount)',
  ],
  mint: [
    'mint(address to, uint256 amount)',
    'issue(uint256 amount)',
    'mintMany(address[] to, uint256 amount)',
  ],
  delay: [
    'updateDelay(uint256 newDelay)',
    'setDelay(uint256 newDelay)',
    'setVotingDelay(uint48 newVotingDelay)',
    'setVotingPeriod(uint32 newVotingPeriod)',
    'setProposalThreshold(uint256 newProposalThreshold)',
    'updateQuorumNumerator(uint256 newQuorumNumerator)',
    '_setVotingDelay(uint256 newVotingDelay)',
    '_setVotingPeriod(uint256 newVotingPeriod)',
    '_setProposalThreshold(uint256 newProposalThreshold)',
  ],
  'foreign-code': [
    'executeDelegateCall(address target, bytes data)',
    'delegateCall(address target, bytes data)',
    'delegatecall(address target, bytes data)',
    'execute(address target, bytes data)',
    'exec(address usr, bytes32 tag, bytes fax, uint256 eta)',
    'plot(address usr, bytes32 tag, bytes fax, uint256 eta)',
  ],
  destroy: ['destroy()', 'destroy(address to)', 'kill()', 'kill(address to)', 'selfdestruct()'],
  pause: ['pause()', 'unpause()', 'setPaused(bool paused)', '_setTransferPaused(bool state)'],
  oracle: [
    '_setPriceOracle(address newOracle)',
    'setPriceOracle(address newOracle)',
    'setOracle(address newOracle)',
    'setPriceFeed(address feed)',
    'setAssetSources(address[] assets, address[] sources)',
    'setFallbackOracle(address fallbackOracle)',
  ],
  parameter: [
    '_setCollateralFactor(address cToken, uint256 newCollateralFactorMantissa)',
    '_setInterestRateModel(address newInterestRateModel)',
    '_setReserveFactor(uint256 newReserveFactorMantissa)',
    '_setCloseFactor(uint256 newCloseFactorMantissa)',
    '_setLiquidationIncentive(uint256 newLiquidationIncentiveMantissa)',
    '_setMarketBorrowCaps(address[] cTokens, uint256[] newBorrowCaps)',
    '_setMarketSupplyCaps(address[] cTokens, uint256[] newSupplyCaps)',
    '_supportMarket(address cToken)',
    '_reduceReserves(uint256 reduceAmount)',
    'setSupplyCap(address asset, uint256 newSupplyCap)',
    'setBorrowCap(address asset, uint256 newBorrowCap)',
    'setReserveFactor(address asset, uint256 newReserveFactor)',
    'configureReserveAsCollateral(address asset, uint256 ltv, uint256 liquidationThreshold, uint256 liquidationBonus)',
    'setReserveInterestRateStrategyAddress(address asset, address newRateStrategy)',
    'setReserveInterestRateData(address asset, bytes rateData)',
    'setReserveFreeze(address asset, bool freeze)',
    'setReservePause(address asset, bool paused)',
    'setReserveBorrowing(address asset, bool enabled)',
    'setLiquidationProtocolFee(address asset, uint256 newFee)',
    'updateFlashloanPremiumTotal(uint128 newFlashloanPremiumTotal)',
    'setDebtCeiling(address asset, uint256 newDebtCeiling)',
    'setFee(uint256 newFee)',
    'setFeeRecipient(address newFeeRecipient)',
    'setFeeTo(address newFeeTo)',
    'setOwnerFee(uint256 newFee)',
    'setCollateralFactor(address asset, uint256 newCollateralFactor)',
    'setInterestRateModel(address newInterestRateModel)',
    'setCap(uint256 newCap)',
    'setDepositLimit(uint256 newLimit)',
    'setWithdrawalFee(uint256 newFee)',
    'setPerformanceFee(uint256 newFee)',
    'file(bytes32 what, uint256 data)',
    'file(bytes32 what, address data)',
    'file(bytes32 ilk, bytes32 what, uint256 data)',
    'file(bytes32 ilk, bytes32 what, address data)',
  ],
  other: [
    'schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay)',
    'scheduleBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt, uint256 delay)',
    'execute(address target, uint256 value, bytes payload, bytes32 predecessor, bytes32 salt)',
    'executeBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt)',
    'relay(address target, uint256 value, bytes data)',
    'execute(address target, uint256 value, bytes data)',
    'multicall(bytes[] data)',
    'aggregate((address target, bytes callData)[] calls)',
    'execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures)',
    'execTransactionFromModule(address to, uint256 value, bytes data, uint8 operation)',
    'deposit()',
    'withdraw(uint256 amount)',
    'delegate(address delegatee)',
  ],
}

export type KnownFunction = { readonly item: AbiFunction; readonly category: Category }

const parse = (signature: string): AbiFunction => {
  const item = parseAbiItem(`function ${signature}`)
  if (item.type !== 'function') throw new TypeError(`"${signature}" is not a function`)
  return item
}

const known: readonly KnownFunction[] = Object.entries(SIGNATURES).flatMap(
  ([category, signatures]) =>
    signatures.map((signature) => ({ item: parse(signature), category: category as Category })),
)
const bySelector = new Map(known.map((one) => [toFunctionSelector(one.item), one]))
const byName = new Map(known.map(({ item, category }) => [item.name, category]))

/** The built-in function of a selector. */
export const findKnown = (selector: Hex): KnownFunction | undefined => bySelector.get(selector)

const PATTERNS: readonly (readonly [RegExp, Category])[] = [
  [/oracle|price_?feed|assetsource/i, 'oracle'],
  [/^_?(upgrade|setimplementation)/i, 'upgrade'],
  [/selfdestruct|^_?destroy|^_?kill$/i, 'destroy'],
  [/delegate_?call/i, 'foreign-code'],
  [/(owner|admin|minter|governance|operator|keeper|guardian|manager)$/i, 'power'],
  [/^_?(rescue|sweep|recover|emergencywithdraw|skim)/i, 'money'],
  [/^_?mint/i, 'mint'],
  [/^_?(un)?pause/i, 'pause'],
  [/^_?(set|update|change|configure|file|adjust|support|freeze|enable|disable)/i, 'parameter'],
]

/** What a function of an ABI does, by its name. */
export const categoryOf = (name: string): Category =>
  byName.get(name) ?? PATTERNS.find(([pattern]) => pattern.test(name))?.[1] ?? 'other'
