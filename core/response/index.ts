export { approveExecution } from './approveExecution.ts'
export { defineAction } from './defineAction.ts'
export {
  appendExecutionLog,
  type VerifyExecutionLogResult,
  verifyExecutionLog,
} from './executionLog.ts'
export { decodeKeystore, encodeKeystore } from './keystore.ts'
export { loadActions } from './loadActions.ts'
export { formatFault, loadPolicies, type ReadPoliciesResult, readPolicies } from './loadPolicies.ts'
export { createLocalSender } from './localSender.ts'
export { type PolicyFault, parsePolicy } from './parsePolicy.ts'
export { policySchema } from './policySchema.ts'
export { probeReadiness, type Readiness } from './readiness.ts'
export { policyIdOf, reportPolicyFaults } from './reportPolicyFaults.ts'
export {
  isAnswered,
  type RequestingFinding,
  type RequestOptions,
  requestExecutions,
} from './requestExecutions.ts'
export { scaffoldPolicy } from './scaffoldPolicy.ts'
export type { Sender, SendResult, TransactionStatus } from './sender.ts'
export { createSignerRpc, type SignerRpc } from './signerRpc.ts'
export { killSwitchFile, type StartSignerOptions, startSigner } from './startSigner.ts'
export type { ActionDefinition, ExecutionMode, LoadedPolicy, Policy, ProbeResult } from './types.ts'
