import type { Decoded, FindingSeverity } from 'tocsin'
import { keccak256, parseAbi, toEventSelector, toHex } from 'viem/utils'
import {
  accessControlAbi,
  DEFAULT_ADMIN_ROLE,
  erc1967Abi,
  governorAbi,
  ownableAbi,
  pausableAbi,
  safeAbi,
  safeLegacyAbi,
  timelockAbi,
} from '../../abis/index.ts'
import { MANAGER_FORMS, MORE_RULES, moreAbi } from './moreEvents.ts'
import { PRICE_RULES, priceAbi } from './priceEvents.ts'

/** What the bot tells of. */
type AdminAlert =
  | 'OWNER-CHANGED'
  | 'ROLE-CHANGED'
  | 'PROXY-CHANGED'
  | 'REINITIALISED'
  | 'PAUSE-CHANGED'
  | 'MULTISIG-CHANGED'
  | 'GOVERNANCE-CHANGED'
  | 'PRICE-SOURCE-CHANGED'
  | 'ADMIN-EVENT'

/** Names an address, by label if it has one. */
export type Who = (address: unknown) => string

export type EventRule = {
  readonly alertId: AdminAlert
  readonly severity: (args: Decoded['args'], kind: string) => FindingSeverity
  /** Continues "<thing>: ". */
  readonly text: (args: Decoded['args'], who: Who) => string
  /** The argument that holds the new power; Critical when it is no contract. */
  readonly holder?: string
  /** The argument that holds who did it. */
  readonly actor?: string
}

const ZERO = '0x0000000000000000000000000000000000000000'
const ROLE_NAMES = [
  'PAUSER_ROLE',
  'MINTER_ROLE',
  'BURNER_ROLE',
  'UPGRADER_ROLE',
  'MANAGER_ROLE',
  'OPERATOR_ROLE',
  'GUARDIAN_ROLE',
  'KEEPER_ROLE',
  'PROPOSER_ROLE',
  'EXECUTOR_ROLE',
  'CANCELLER_ROLE',
  'TIMELOCK_ADMIN_ROLE',
  'ADMIN_ROLE',
  'GOVERNOR_ROLE',
  'RELAYER_ROLE',
] as const
const roles = new Map<string, string>([
  [DEFAULT_ADMIN_ROLE, 'DEFAULT_ADMIN_ROLE'],
  ...ROLE_NAMES.map((name): [string, string] => [keccak256(toHex(name)), name]),
])
const role = (value: unknown): string =>
  roles.get(String(value)) ?? `role ${String(value).slice(0, 66)}`

const isAdminRole = (value: unknown): boolean =>
  value === DEFAULT_ADMIN_ROLE ||
  role(value) === 'TIMELOCK_ADMIN_ROLE' ||
  role(value) === 'ADMIN_ROLE'
const is = (severity: FindingSeverity) => (): FindingSeverity => severity
const big = (value: unknown): bigint =>
  typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : 0n

/** A setting that protects by being large: lowered is grave, raised is not. */
const setting = (what: string, before: string, after: string): EventRule => ({
  alertId: 'GOVERNANCE-CHANGED',
  severity: (args) => (big(args[after]) < big(args[before]) ? 'High' : 'Medium'),
  text: (args) => `${what} went from ${big(args[before])} to ${big(args[after])}`,
})

const CUTS = ['adds', 'replaces', 'removes']
const facetText = (cut: unknown, who: Who): string => {
  const { facetAddress, action, functionSelectors } = cut as Record<string, unknown>
  const count = Array.isArray(functionSelectors) ? functionSelectors.length : 0
  const what = CUTS[Number(action)] ?? 'changes'
  return `${facetAddress === ZERO ? 'the cut' : who(facetAddress)} ${what} ${count} functions`
}

/** What the beacon of a watched proxy says: an `Upgraded` that the proxy itself does not emit. */
export const BEACON_EVENT = 'BeaconImplementation'
const BEACON_RULE: EventRule = {
  alertId: 'PROXY-CHANGED',
  severity: () => 'Critical',
  text: (args, who) =>
    `its beacon ${who(args['beacon'])} now points to the implementation ${who(args['implementation'])}`,
}

/** Every event that the bot knows, by name. */
export const EVENT_RULES: Readonly<Record<string, EventRule>> = {
  ...MORE_RULES,
  ...PRICE_RULES,
  OwnershipTransferred: {
    alertId: 'OWNER-CHANGED',
    // Whose hands are off can do nothing; it cannot be taken back either.
    severity: (args) => (args['newOwner'] === ZERO ? 'Medium' : 'High'),
    text: (args, who) =>
      args['newOwner'] === ZERO
        ? `ownership was given up by ${who(args['previousOwner'])}`
        : `the owner changed from ${who(args['previousOwner'])} to ${who(args['newOwner'])}`,
    holder: 'newOwner',
  },
  OwnershipTransferStarted: {
    alertId: 'OWNER-CHANGED',
    severity: is('High'),
    text: (args, who) =>
      `${who(args['newOwner'])} may now accept the ownership that ${who(args['previousOwner'])} holds`,
    holder: 'newOwner',
  },
  NewAdmin: {
    alertId: 'OWNER-CHANGED',
    severity: is('Critical'),
    text: (args, who) => `the admin is now ${who(args['newAdmin'])}`,
  },
  AuthorityUpdated: {
    alertId: 'OWNER-CHANGED',
    severity: is('High'),
    text: (args, who) => `the authority is now ${who(args['newAuthority'])}`,
    holder: 'newAuthority',
  },
  RoleGranted: {
    alertId: 'ROLE-CHANGED',
    severity: ({ role: granted }, kind) =>
      isAdminRole(granted) || (kind === 'timelock' && role(granted) === 'PROPOSER_ROLE')
        ? 'Critical'
        : 'High',
    text: (args, who) =>
      `${who(args['account'])} was granted ${role(args['role'])} by ${who(args['sender'])}`,
    actor: 'sender',
  },
  RoleRevoked: {
    alertId: 'ROLE-CHANGED',
    severity: (args) =>
      isAdminRole(args['role']) && args['account'] !== args['sender'] ? 'High' : 'Medium',
    text: (args, who) =>
      `${who(args['account'])} lost ${role(args['role'])}, by ${who(args['sender'])}`,
    actor: 'sender',
  },
  RoleAdminChanged: {
    alertId: 'ROLE-CHANGED',
    severity: is('Critical'),
    text: (args) =>
      `${role(args['role'])} is now administered by ${role(args['newAdminRole'])}, before by ${role(args['previousAdminRole'])}`,
  },
  DefaultAdminTransferScheduled: {
    alertId: 'ROLE-CHANGED',
    severity: is('Critical'),
    text: (args, who) =>
      `${who(args['newAdmin'])} may accept DEFAULT_ADMIN_ROLE from ${big(args['acceptSchedule'])} on`,
  },
  DefaultAdminTransferCanceled: {
    alertId: 'ROLE-CHANGED',
    severity: is('Medium'),
    text: () => 'the transfer of DEFAULT_ADMIN_ROLE was cancelled',
  },
  DefaultAdminDelayChangeScheduled: {
    alertId: 'ROLE-CHANGED',
    severity: is('High'),
    text: (args) => `the delay for a new default admin will be ${big(args['newDelay'])} s`,
  },
  DefaultAdminDelayChangeCanceled: {
    alertId: 'ROLE-CHANGED',
    severity: is('Medium'),
    text: () => 'the change of the default admin delay was cancelled',
  },
  Upgraded: {
    alertId: 'PROXY-CHANGED',
    severity: is('Critical'),
    text: (args, who) => `the implementation is now ${who(args['implementation'])}`,
  },
  BeaconUpgraded: {
    alertId: 'PROXY-CHANGED',
    severity: is('Critical'),
    text: (args, who) => `the beacon is now ${who(args['beacon'])}`,
  },
  AdminChanged: {
    alertId: 'PROXY-CHANGED',
    severity: is('Critical'),
    text: (args, who) =>
      `the admin of the proxy changed from ${who(args['previousAdmin'])} to ${who(args['newAdmin'])}`,
  },
  DiamondCut: {
    alertId: 'PROXY-CHANGED',
    severity: is('Critical'),
    text: (args, who) => {
      const cuts = Array.isArray(args['diamondCut']) ? args['diamondCut'] : []
      const shown = cuts.slice(0, 6).map((cut: unknown) => facetText(cut, who))
      const init = args['init'] === ZERO ? '' : `; then ${who(args['init'])} ran as its own code`
      return `facets of the diamond changed: ${shown.join(', ')}${cuts.length > 6 ? ', …' : ''}${init}`
    },
  },
  ChangedMasterCopy: {
    alertId: 'PROXY-CHANGED',
    severity: is('Critical'),
    text: (args, who) => `the singleton of the Safe is now ${who(args['singleton'])}`,
  },
  Initialized: {
    alertId: 'REINITIALISED',
    severity: is('Critical'),
    text: (args) => `it was initialised again, to version ${big(args['version'])}`,
  },
  Paused: {
    alertId: 'PAUSE-CHANGED',
    severity: is('Medium'),
    text: (args, who) => `it was paused by ${who(args['account'])}`,
    actor: 'account',
  },
  Unpaused: {
    alertId: 'PAUSE-CHANGED',
    severity: is('Medium'),
    text: (args, who) => `it was unpaused by ${who(args['account'])}`,
    actor: 'account',
  },
  AddedOwner: {
    alertId: 'MULTISIG-CHANGED',
    severity: is('High'),
    text: (args, who) => `${who(args['owner'])} may now sign`,
  },
  RemovedOwner: {
    alertId: 'MULTISIG-CHANGED',
    severity: is('High'),
    text: (args, who) => `${who(args['owner'])} may no longer sign`,
  },
  ChangedThreshold: {
    alertId: 'MULTISIG-CHANGED',
    severity: (args) => (big(args['threshold']) <= 1n ? 'Critical' : 'High'),
    text: (args) => `${big(args['threshold'])} signatures are now enough`,
  },
  EnabledModule: {
    alertId: 'MULTISIG-CHANGED',
    severity: is('Critical'),
    text: (args, who) => `the module ${who(args['module'])} may now act without signatures`,
  },
  DisabledModule: {
    alertId: 'MULTISIG-CHANGED',
    severity: is('High'),
    text: (args, who) => `the module ${who(args['module'])} was switched off`,
  },
  ChangedGuard: {
    alertId: 'MULTISIG-CHANGED',
    severity: is('Critical'),
    text: (args, who) => `the guard is now ${who(args['guard'])}`,
  },
  ChangedModuleGuard: {
    alertId: 'MULTISIG-CHANGED',
    severity: is('Critical'),
    text: (args, who) => `the guard of modules is now ${who(args['moduleGuard'])}`,
  },
  ChangedFallbackHandler: {
    alertId: 'MULTISIG-CHANGED',
    severity: is('High'),
    text: (args, who) => `the fallback handler is now ${who(args['handler'])}`,
  },
  MinDelayChange: {
    alertId: 'GOVERNANCE-CHANGED',
    severity: (args) =>
      big(args['newDuration']) < big(args['oldDuration']) ? 'Critical' : 'Medium',
    text: (args) =>
      `the delay went from ${big(args['oldDuration'])} s to ${big(args['newDuration'])} s`,
  },
  TimelockChange: {
    alertId: 'GOVERNANCE-CHANGED',
    severity: is('Critical'),
    text: (args, who) =>
      `the timelock changed from ${who(args['oldTimelock'])} to ${who(args['newTimelock'])}`,
  },
  VotingDelaySet: setting('the voting delay', 'oldVotingDelay', 'newVotingDelay'),
  VotingPeriodSet: setting('the voting period', 'oldVotingPeriod', 'newVotingPeriod'),
  ProposalThresholdSet: setting(
    'the votes that a proposal needs',
    'oldProposalThreshold',
    'newProposalThreshold',
  ),
  QuorumNumeratorUpdated: setting('the quorum', 'oldQuorumNumerator', 'newQuorumNumerator'),
}

const othersAbi = parseAbi([
  'event NewAdmin(address indexed newAdmin)',
  'event AuthorityUpdated(address indexed user, address indexed newAuthority)',
  'event ChangedMasterCopy(address singleton)',
  'event DiamondCut((address facetAddress, uint8 action, bytes4[] functionSelectors)[] diamondCut, address init, bytes data)',
])
// Of one topic there may be several forms: same types, other places indexed.
const formsAbi = parseAbi([
  'event Initialized(uint8 version)',
  'event AuthorityUpdated(address authority)',
  'event AdminChanged(address indexed previousAdmin, address indexed newAdmin)',
  'event ChangedMasterCopy(address indexed singleton)',
])

const all = [
  ...ownableAbi,
  ...accessControlAbi,
  ...erc1967Abi,
  ...pausableAbi,
  ...safeAbi,
  ...timelockAbi,
  ...governorAbi,
  ...othersAbi,
  ...safeLegacyAbi,
  ...formsAbi,
  ...moreAbi,
  ...priceAbi,
]

/** The known events, first form first. */
export const EVENT_ITEMS = all.filter(
  (item) => item.type === 'event' && EVENT_RULES[item.name] !== undefined,
)
export const EVENT_TOPICS = [
  ...new Set(EVENT_ITEMS.flatMap((item) => (item.type === 'event' ? [toEventSelector(item)] : []))),
]

/** The rule of an event; undefined for one that only the watchlist knows. */
export const findRule = (
  name: string,
  args: Readonly<Record<string, unknown>>,
): EventRule | undefined => {
  if (name === BEACON_EVENT) return BEACON_RULE
  const rules = args['roleId'] === undefined ? EVENT_RULES : { ...EVENT_RULES, ...MANAGER_FORMS }
  return Object.hasOwn(rules, name) ? rules[name] : undefined
}
