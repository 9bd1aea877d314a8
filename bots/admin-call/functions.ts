import { type FindingSeverity, type Hex, requireAbi, TocsinError, type WatchedThing } from 'tocsin'
import type { Abi, AbiFunction } from 'viem'
import { parseAbiItem, toFunctionSelector, toFunctionSignature } from 'viem/utils'
import type { AdminCallParameters } from './parameters.ts'

export type FunctionRule = {
  readonly item: AbiFunction
  readonly signature: string
  readonly selector: Hex
  readonly severity: FindingSeverity
  /** Events that tell the same; with one of them in the transaction the call is no finding of its own. */
  readonly explains: readonly string[]
  readonly source: 'built-in' | 'abi' | 'watchlist'
}

type Known = { readonly severity: FindingSeverity; readonly explains: readonly string[] }

const OWNER = ['OwnershipTransferred', 'OwnershipTransferStarted']
const INITIALISER = [
  'Initialized',
  'RoleGranted',
  'OwnershipTransferred',
  'Paused',
  'Unpaused',
  'AdminChanged',
  'Upgraded',
]
const k = (severity: FindingSeverity, ...explains: string[]): Known => ({ severity, explains })

/** Names that mean power wherever they stand; of a thing with an ABI, in whatever signature. */
const KNOWN: Readonly<Record<string, Known>> = {
  transferOwnership: k('High', ...OWNER),
  acceptOwnership: k('High', 'OwnershipTransferred'),
  renounceOwnership: k('High', 'OwnershipTransferred'),
  setOwner: k('High', ...OWNER),
  setAdmin: k('High', 'AdminChanged', 'NewAdmin'),
  setPendingAdmin: k('High', 'NewPendingAdmin'),
  acceptAdmin: k('High', 'NewAdmin'),
  changeAdmin: k('Critical', 'AdminChanged'),
  setAuthority: k('High', 'AuthorityUpdated'),
  setGovernance: k('High'),
  setGovernor: k('High'),
  setOperator: k('High'),
  setMinter: k('High'),
  addMinter: k('High'),
  setPauser: k('High'),
  grantRole: k('High', 'RoleGranted'),
  revokeRole: k('Medium', 'RoleRevoked'),
  renounceRole: k('Medium', 'RoleRevoked'),
  beginDefaultAdminTransfer: k('Critical', 'DefaultAdminTransferScheduled'),
  acceptDefaultAdminTransfer: k('Critical', 'RoleGranted'),
  changeDefaultAdminDelay: k('High', 'DefaultAdminDelayChangeScheduled'),
  upgradeTo: k('Critical', 'Upgraded', 'BeaconUpgraded'),
  upgradeToAndCall: k('Critical', 'Upgraded'),
  upgradeBeaconToAndCall: k('Critical', 'BeaconUpgraded'),
  setImplementation: k('Critical', 'Upgraded'),
  diamondCut: k('Critical', 'DiamondCut'),
  initialize: k('Critical', ...INITIALISER),
  reinitialize: k('Critical', ...INITIALISER),
  pause: k('Low', 'Paused'),
  unpause: k('High', 'Unpaused'),
  updateDelay: k('High', 'MinDelayChange'),
  setDelay: k('High', 'NewDelay'),
  setVotingDelay: k('Medium', 'VotingDelaySet'),
  setVotingPeriod: k('Medium', 'VotingPeriodSet'),
  setProposalThreshold: k('Medium', 'ProposalThresholdSet'),
  updateQuorumNumerator: k('Medium', 'QuorumNumeratorUpdated'),
  updateTimelock: k('Critical', 'TimelockChange'),
  relay: k('High'),
  addOwnerWithThreshold: k('High', 'AddedOwner'),
  removeOwner: k('High', 'RemovedOwner'),
  swapOwner: k('High', 'AddedOwner', 'RemovedOwner'),
  changeThreshold: k('High', 'ChangedThreshold'),
  enableModule: k('Critical', 'EnabledModule'),
  disableModule: k('High', 'DisabledModule'),
  setGuard: k('Critical', 'ChangedGuard'),
  setFallbackHandler: k('High', 'ChangedFallbackHandler'),
}

const SIGNATURES = [
  'transferOwnership(address newOwner)',
  'acceptOwnership()',
  'renounceOwnership()',
  'setOwner(address newOwner)',
  'setAdmin(address newAdmin)',
  'setPendingAdmin(address newPendingAdmin)',
  'acceptAdmin()',
  'changeAdmin(address newAdmin)',
  'setAuthority(address newAuthority)',
  'setGovernance(address newGovernance)',
  'setGovernor(address newGovernor)',
  'setOperator(address newOperator)',
  'setMinter(address newMinter)',
  'addMinter(address newMinter)',
  'setPauser(address newPauser)',
  'grantRole(bytes32 role, address account)',
  'revokeRole(bytes32 role, address account)',
  'renounceRole(bytes32 role, address account)',
  'beginDefaultAdminTransfer(address newAdmin)',
  'acceptDefaultAdminTransfer()',
  'changeDefaultAdminDelay(uint48 newDelay)',
  'upgradeTo(address newImplementation)',
  'upgradeToAndCall(address newImplementation, bytes data)',
  'upgradeBeaconToAndCall(address newBeacon, bytes data, bool forceCall)',
  'setImplementation(address newImplementation)',
  'diamondCut((address facetAddress, uint8 action, bytes4[] functionSelectors)[] diamondCut, address init, bytes data)',
  'initialize()',
  'initialize(address)',
  'initialize(address, address)',
  'initialize(address, address, address)',
  'initialize(address, address, bytes)',
  'pause()',
  'unpause()',
]
const GOVERNANCE = [
  'updateDelay(uint256 newDelay)',
  'setDelay(uint256 newDelay)',
  'setVotingDelay(uint48 newVotingDelay)',
  'setVotingPeriod(uint32 newVotingPeriod)',
  'setProposalThreshold(uint256 newProposalThreshold)',
  'updateQuorumNumerator(uint256 newQuorumNumerator)',
  'updateTimelock(address newTimelock)',
  'relay(address target, uint256 value, bytes data)',
]
const SAFE = [
  'addOwnerWithThreshold(address owner, uint256 threshold)',
  'removeOwner(address prevOwner, address owner, uint256 threshold)',
  'swapOwner(address prevOwner, address oldOwner, address newOwner)',
  'changeThreshold(uint256 threshold)',
  'enableModule(address module)',
  'disableModule(address prevModule, address module)',
  'setGuard(address guard)',
  'setFallbackHandler(address handler)',
]
const MINT = 'mint(address to, uint256 amount)'

const parse = (thing: WatchedThing, signature: string): AbiFunction => {
  try {
    const item = parseAbiItem(`function ${signature}`)
    if (item.type === 'function') return item
  } catch (cause) {
    throw new TocsinError(
      'bot.bad_signature',
      `"${signature.slice(0, 80)}" of "${thing.name}" is not the signature of a function.`,
      {
        cause,
        hints: ['Write types and no spaces to spare: `setFee(uint256)`.'],
        exitCode: 2,
      },
    )
  }
  throw new TocsinError(
    'bot.bad_signature',
    `"${signature.slice(0, 80)}" of "${thing.name}" is not the signature of a function.`,
  )
}

const rule = (item: AbiFunction, known: Known, source: FunctionRule['source']): FunctionRule => ({
  item,
  signature: toFunctionSignature(item),
  selector: toFunctionSelector(item),
  ...known,
  source,
})

const looksLikeInit = (name: string): boolean => /^(re)?_*init(ialize|ialise)?/i.test(name)
const CHANGES = new Set(['nonpayable', 'payable'])

/** Functions of the ABI whose names mean power, or that initialise. */
const fromAbi = (abi: Abi): readonly FunctionRule[] =>
  abi.flatMap((item): readonly FunctionRule[] => {
    if (item.type !== 'function' || !CHANGES.has(item.stateMutability)) return []
    const known = Object.hasOwn(KNOWN, item.name) ? KNOWN[item.name] : undefined
    if (known) return [rule(item, known, 'abi')]
    return looksLikeInit(item.name) ? [rule(item, k('Critical', ...INITIALISER), 'abi')] : []
  })

const named = (thing: WatchedThing): readonly string[] =>
  'adminFunctions' in thing ? thing.adminFunctions : []

type Rules = ReadonlyMap<Hex, FunctionRule>

const lists = new WeakMap<WatchedThing, WeakMap<AdminCallParameters, Rules>>()

/**
 * The functions of a thing that only an administrator should call, by selector; what the watchlist names comes first.
 * @throws TocsinError `bot.bad_signature`; `bot.abi_mismatch` when the thing's ABI has no such function
 */
export const listFunctions = (thing: WatchedThing, parameters: AdminCallParameters): Rules => {
  const known = lists.get(thing)?.get(parameters)
  if (known) return known
  const made = findFunctions(thing, parameters)
  const own = lists.get(thing) ?? new WeakMap<AdminCallParameters, Rules>()
  lists.set(thing, own.set(parameters, made))
  return made
}

const findFunctions = (thing: WatchedThing, parameters: AdminCallParameters): Rules => {
  const declared = named(thing).map((signature): FunctionRule => {
    const item = parse(thing, signature)
    requireAbi('admin-call', thing, { functions: [toFunctionSignature(item)] })
    const exact = thing.abi?.find(
      (one) => one.type === 'function' && toFunctionSelector(one) === toFunctionSelector(item),
    )
    const known =
      (Object.hasOwn(KNOWN, item.name) ? KNOWN[item.name] : undefined) ??
      (looksLikeInit(item.name) ? k('Critical', ...INITIALISER) : k('High'))
    return rule(exact?.type === 'function' ? exact : item, known, 'watchlist')
  })
  const usual = [
    ...SIGNATURES,
    ...(thing.kind === 'governor' || thing.kind === 'timelock' ? GOVERNANCE : []),
    ...(thing.kind === 'multisig' ? SAFE : []),
  ].map((signature) => {
    const item = parse(thing, signature)
    return rule(item, KNOWN[item.name] ?? k('High'), 'built-in')
  })
  const mint = thing.kind === 'token' ? [rule(parse(thing, MINT), k('Low'), 'built-in')] : []
  const ignored = new Set(parameters.ignoreFunctions)
  const rules = new Map<Hex, FunctionRule>()
  for (const one of [...declared, ...(thing.abi ? fromAbi(thing.abi) : []), ...usual, ...mint]) {
    const isIgnored =
      one.source !== 'watchlist' && (ignored.has(one.item.name) || ignored.has(one.signature))
    if (!isIgnored && !rules.has(one.selector)) rules.set(one.selector, one)
  }
  return rules
}
