import { DEFAULT_ADMIN_ROLE } from '../abis/index.ts'
import { cleanZeros } from './decodeLog.ts'
import type { Args, Reader, Row } from './rows.ts'

const role =
  (change: 'granted' | 'revoked'): Reader =>
  (args) => ({
    table: 'roleChange',
    values: { change, role: args.hex(0), account: args.hex(1), sender: args.hex(2) },
  })

const owner =
  (change: string): Reader =>
  (args) => ({
    table: 'ownershipChange',
    values: { change, previousOwner: args.hex(0), newOwner: args.hex(1) },
  })

const proposal =
  (step: string): Reader =>
  (args) => ({ table: 'governanceStep', values: { step, proposalId: args.big(0) } })

const setting =
  (name: string): Reader =>
  (args) => ({
    table: 'governanceStep',
    values: { step: 'setting', setting: name, oldValue: args.text(0), newValue: args.text(1) },
  })

const vote: Reader = (args) => ({
  table: 'governanceStep',
  values: {
    step: 'vote',
    account: args.hex(0),
    proposalId: args.big(1),
    support: args.int(2),
    weight: args.big(3),
    description: cleanZeros(args.text(4)) || null,
  },
})

type SafeValues = Extract<Row, { table: 'safeChange' }>['values']

const safe =
  (change: string, more: (args: Args) => Omit<SafeValues, 'change'>): Reader =>
  (args) => ({ table: 'safeChange', values: { change, ...more(args) } })
const subject = (args: Args) => ({ subject: args.hex(0) })
const hash = (args: Args) => ({ safeTxHash: args.hex(0) })

/** Events that change who may do what, by signature. */
export const CONTROL_READERS: Readonly<Record<string, Reader>> = {
  'RoleGranted(bytes32,address,address)': role('granted'),
  'RoleRevoked(bytes32,address,address)': role('revoked'),
  'RoleAdminChanged(bytes32,bytes32,bytes32)': (args) => ({
    table: 'roleChange',
    values: { change: 'admin_changed', role: args.hex(0), adminRole: args.hex(2) },
  }),
  'DefaultAdminTransferScheduled(address,uint48)': (args) => ({
    table: 'roleChange',
    values: { change: 'default_admin_scheduled', role: DEFAULT_ADMIN_ROLE, account: args.hex(0) },
  }),
  'DefaultAdminTransferCanceled()': () => ({
    table: 'roleChange',
    values: { change: 'default_admin_canceled', role: DEFAULT_ADMIN_ROLE },
  }),
  'OwnershipTransferred(address,address)': owner('transferred'),
  'OwnershipTransferStarted(address,address)': owner('started'),
  'AdminChanged(address,address)': owner('proxy_admin_changed'),
  'Upgraded(address)': (args) => ({
    table: 'upgrade',
    values: { kind: 'implementation', implementation: args.hex(0) },
  }),
  'BeaconUpgraded(address)': (args) => ({
    table: 'upgrade',
    values: { kind: 'beacon', implementation: args.hex(0) },
  }),
  'Paused(address)': (args) => ({
    table: 'pauseChange',
    values: { paused: true, account: args.hex(0) },
  }),
  'Unpaused(address)': (args) => ({
    table: 'pauseChange',
    values: { paused: false, account: args.hex(0) },
  }),
  'ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)': (
    args,
  ) => ({
    table: 'governanceStep',
    values: {
      step: 'created',
      proposalId: args.big(0),
      account: args.hex(1),
      targets: args.hexes(2),
      description: cleanZeros(args.text(8)),
    },
  }),
  'ProposalQueued(uint256,uint256)': (args) => ({
    table: 'governanceStep',
    values: { step: 'queued', proposalId: args.big(0), eta: args.big(1) },
  }),
  'ProposalExecuted(uint256)': proposal('executed'),
  'ProposalCanceled(uint256)': proposal('canceled'),
  'ProposalExtended(uint256,uint64)': proposal('extended'),
  'VoteCast(address,uint256,uint8,uint256,string)': vote,
  'VoteCastWithParams(address,uint256,uint8,uint256,string,bytes)': vote,
  'VotingDelaySet(uint256,uint256)': setting('votingDelay'),
  'VotingPeriodSet(uint256,uint256)': setting('votingPeriod'),
  'ProposalThresholdSet(uint256,uint256)': setting('proposalThreshold'),
  'QuorumNumeratorUpdated(uint256,uint256)': setting('quorumNumerator'),
  'TimelockChange(address,address)': setting('timelock'),
  'CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)': (args) => ({
    table: 'timelockStep',
    values: {
      step: 'scheduled',
      opId: args.hex(0),
      callIndex: args.big(1),
      target: args.hex(2),
      value: args.big(3),
      data: args.hex(4),
      predecessor: args.hex(5),
      delay: args.big(6),
    },
  }),
  'CallExecuted(bytes32,uint256,address,uint256,bytes)': (args) => ({
    table: 'timelockStep',
    values: {
      step: 'executed',
      opId: args.hex(0),
      callIndex: args.big(1),
      target: args.hex(2),
      value: args.big(3),
      data: args.hex(4),
    },
  }),
  'Cancelled(bytes32)': (args) => ({
    table: 'timelockStep',
    values: { step: 'cancelled', opId: args.hex(0) },
  }),
  'MinDelayChange(uint256,uint256)': (args) => ({
    table: 'timelockStep',
    values: { step: 'delay_changed', oldDelay: args.big(0), delay: args.big(1) },
  }),
  'SafeSetup(address,address[],uint256,address,address)': safe('setup', (args) => ({
    subject: args.hex(0),
    owners: args.hexes(1),
    threshold: args.big(2),
  })),
  'AddedOwner(address)': safe('owner_added', subject),
  'RemovedOwner(address)': safe('owner_removed', subject),
  'ChangedThreshold(uint256)': safe('threshold_changed', (args) => ({ threshold: args.big(0) })),
  'EnabledModule(address)': safe('module_enabled', subject),
  'DisabledModule(address)': safe('module_disabled', subject),
  'ChangedGuard(address)': safe('guard_changed', subject),
  'ChangedModuleGuard(address)': safe('module_guard_changed', subject),
  'ChangedFallbackHandler(address)': safe('fallback_changed', subject),
  'ExecutionSuccess(bytes32,uint256)': safe('executed', hash),
  'ExecutionFailure(bytes32,uint256)': safe('failed', hash),
  'ExecutionFromModuleSuccess(address)': safe('module_executed', subject),
  'ExecutionFromModuleFailure(address)': safe('module_failed', subject),
  'ApproveHash(bytes32,address)': safe('hash_approved', (args) => ({
    safeTxHash: args.hex(0),
    subject: args.hex(1),
  })),
  'SignMsg(bytes32)': safe('message_signed', hash),
}
