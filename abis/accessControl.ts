import { parseAbi } from 'viem/utils'

/** The role that administers every role unless told otherwise. */
export const DEFAULT_ADMIN_ROLE =
  '0x0000000000000000000000000000000000000000000000000000000000000000' as const

/** OpenZeppelin AccessControl and AccessControlDefaultAdminRules. */
export const accessControlAbi = parseAbi([
  'event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)',
  'event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)',
  'event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole)',
  'event DefaultAdminTransferScheduled(address indexed newAdmin, uint48 acceptSchedule)',
  'event DefaultAdminTransferCanceled()',
  'event DefaultAdminDelayChangeScheduled(uint48 newDelay, uint48 effectSchedule)',
  'event DefaultAdminDelayChangeCanceled()',
  'function hasRole(bytes32 role, address account) view returns (bool)',
  'function getRoleAdmin(bytes32 role) view returns (bytes32)',
  'function grantRole(bytes32 role, address account)',
  'function revokeRole(bytes32 role, address account)',
  'function renounceRole(bytes32 role, address callerConfirmation)',
  'function beginDefaultAdminTransfer(address newAdmin)',
  'function cancelDefaultAdminTransfer()',
  'function acceptDefaultAdminTransfer()',
  'function changeDefaultAdminDelay(uint48 newDelay)',
  'function rollbackDefaultAdminDelay()',
])
