import { parseAbi } from 'viem/utils'
import type { EventRule } from './events.ts'

const PUBLIC_ROLE = 2n ** 64n - 1n
const big = (value: unknown): bigint =>
  typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : 0n
const roleName = (value: unknown): string => {
  const id = big(value)
  return id === 0n ? 'the admin role' : id === PUBLIC_ROLE ? 'the public role' : `role ${id}`
}
const wait = (value: unknown): string =>
  big(value) === 0n ? 'without any delay' : `with a delay of ${big(value)} s`

/** Events of OpenZeppelin's AccessManager that are named as those of AccessControl; told apart by `roleId`. */
export const MANAGER_FORMS: Readonly<Record<string, EventRule>> = {
  RoleGranted: {
    alertId: 'ROLE-CHANGED',
    severity: ({ roleId, delay }) =>
      big(roleId) === 0n ? 'Critical' : big(delay) === 0n ? 'High' : 'Medium',
    text: ({ account, roleId, delay, newMember }, who) =>
      newMember === false
        ? `${who(account)} now uses ${roleName(roleId)} ${wait(delay)}`
        : `${who(account)} was granted ${roleName(roleId)}, ${wait(delay)}`,
  },
  RoleRevoked: {
    alertId: 'ROLE-CHANGED',
    severity: ({ roleId }) => (big(roleId) === 0n ? 'High' : 'Medium'),
    text: ({ account, roleId }, who) => `${who(account)} lost ${roleName(roleId)}`,
  },
  RoleAdminChanged: {
    alertId: 'ROLE-CHANGED',
    severity: () => 'Critical',
    text: ({ roleId, admin }) => `${roleName(roleId)} is now administered by ${roleName(admin)}`,
  },
}

const newHolder = (what: string, holder: string): EventRule => ({
  alertId: 'ROLE-CHANGED',
  severity: () => 'High',
  text: (args, who) => `${what} is now ${who(args[holder])}`,
  holder,
})
const newOwner = (holder: string): EventRule => ({
  alertId: 'OWNER-CHANGED',
  severity: () => 'High',
  text: (args, who) => `the owner is now ${who(args[holder])}`,
  holder,
})

/** Of AccessManager, dollar tokens, ds-auth, Compound and factories. */
export const MORE_RULES: Readonly<Record<string, EventRule>> = {
  TargetFunctionRoleUpdated: {
    alertId: 'ROLE-CHANGED',
    severity: ({ roleId }) => {
      if (big(roleId) === PUBLIC_ROLE) return 'Critical'
      return big(roleId) === 0n ? 'Medium' : 'High'
    },
    text: ({ target, selector, roleId }, who) =>
      `${String(selector).slice(0, 10)} of ${who(target)} may now be called by ${roleName(roleId)}`,
  },
  RoleGuardianChanged: {
    alertId: 'ROLE-CHANGED',
    severity: () => 'High',
    text: ({ roleId, guardian }) =>
      `what ${roleName(roleId)} plans may now be cancelled by ${roleName(guardian)}`,
  },
  RoleGrantDelayChanged: {
    alertId: 'GOVERNANCE-CHANGED',
    severity: ({ delay }) => (big(delay) === 0n ? 'High' : 'Medium'),
    text: ({ roleId, delay }) => `${roleName(roleId)} is now granted ${wait(delay)}`,
  },
  TargetAdminDelayUpdated: {
    alertId: 'GOVERNANCE-CHANGED',
    severity: ({ delay }) => (big(delay) === 0n ? 'High' : 'Medium'),
    text: ({ target, delay }, who) => `the rights of ${who(target)} are now changed ${wait(delay)}`,
  },
  TargetClosed: {
    alertId: 'PAUSE-CHANGED',
    severity: () => 'Medium',
    text: ({ target, closed }, who) =>
      `${who(target)} was ${closed === true ? 'closed' : 'opened again'}`,
  },
  PauserChanged: newHolder('the pauser', 'newAddress'),
  BlacklisterChanged: newHolder('who keeps the block list', 'newBlacklister'),
  RescuerChanged: newHolder('who may take tokens out', 'newRescuer'),
  PauserAdded: newHolder('a further pauser', 'account'),
  OwnerChanged: newOwner('newOwner'),
  LogSetOwner: newOwner('owner'),
  LogSetAuthority: {
    alertId: 'OWNER-CHANGED',
    severity: () => 'High',
    text: ({ authority }, who) => `the authority is now ${who(authority)}`,
    holder: 'authority',
  },
  NewPendingAdmin: {
    alertId: 'OWNER-CHANGED',
    severity: () => 'High',
    text: ({ newPendingAdmin }, who) => `${who(newPendingAdmin)} may now accept to be the admin`,
    holder: 'newPendingAdmin',
  },
  NewImplementation: {
    alertId: 'PROXY-CHANGED',
    severity: () => 'Critical',
    text: ({ newImplementation }, who) => `the implementation is now ${who(newImplementation)}`,
  },
  Pause: { alertId: 'PAUSE-CHANGED', severity: () => 'Medium', text: () => 'it was paused' },
  Unpause: { alertId: 'PAUSE-CHANGED', severity: () => 'Medium', text: () => 'it was unpaused' },
}

export const moreAbi = parseAbi([
  'event RoleGranted(uint64 indexed roleId, address indexed account, uint32 delay, uint48 since, bool newMember)',
  'event RoleRevoked(uint64 indexed roleId, address indexed account)',
  'event RoleAdminChanged(uint64 indexed roleId, uint64 indexed admin)',
  'event RoleGuardianChanged(uint64 indexed roleId, uint64 indexed guardian)',
  'event RoleGrantDelayChanged(uint64 indexed roleId, uint32 delay, uint48 since)',
  'event TargetFunctionRoleUpdated(address indexed target, bytes4 selector, uint64 indexed roleId)',
  'event TargetAdminDelayUpdated(address indexed target, uint32 delay, uint48 since)',
  'event TargetClosed(address indexed target, bool closed)',
  'event PauserChanged(address indexed newAddress)',
  'event BlacklisterChanged(address indexed newBlacklister)',
  'event RescuerChanged(address indexed newRescuer)',
  'event PauserAdded(address indexed account)',
  'event OwnerChanged(address indexed oldOwner, address indexed newOwner)',
  'event LogSetOwner(address indexed owner)',
  'event LogSetAuthority(address indexed authority)',
  'event NewPendingAdmin(address oldPendingAdmin, address newPendingAdmin)',
  'event NewPendingAdmin(address indexed newPendingAdmin)',
  'event NewImplementation(address oldImplementation, address newImplementation)',
  'event Pause()',
  'event Unpause()',
])
