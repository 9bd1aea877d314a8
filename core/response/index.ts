export { createProbeContext } from './adaptCalldata.ts'
export { startAnsweringOutside } from './answerOutside.ts'
export { auditAnchorFile, readAuditAnchor } from './auditAnchor.ts'
export { checkInForce } from './checkFile.ts'
export { type CheckContractSignature, createContractCheck } from './contractSignature.ts'
export { defineAction } from './defineAction.ts'
export { describeCall } from './describeCall.ts'
export { type DeskPolicy, readDeskPolicies } from './desk/deskPolicy.ts'
export { probeDesk } from './desk/probeDesk.ts'
export { dryRun } from './drill/dryRun.ts'
export { rehearse } from './drill/rehearse.ts'
export { startPassage } from './drill/startDoor.ts'
export type { DrillReport, DrillStep } from './drill/types.ts'
export {
  appendExecutionLog,
  type VerifyExecutionLogResult,
  verifyExecutionLog,
} from './executionLog.ts'
export { findLoweredGuard, listForbidden } from './findLoweredGuard.ts'
export { decodeKeystore, encodeKeystore } from './keystore.ts'
export { loadActions } from './loadActions.ts'
export { formatFault, loadPolicies, type ReadPoliciesResult, readPolicies } from './loadPolicies.ts'
export { createLocalSender } from './localSender.ts'
export { type PolicyFault, parsePolicy } from './parsePolicy.ts'
export { addLinks } from './people/addLinks.ts'
export { type ApproverKey, answerByHand } from './people/answerByHand.ts'
export { answerProposal, createClaims, createNonce, readProposal } from './people/answerProposal.ts'
export {
  type ApprovalClaims,
  bytesHashOf,
  decodeSignedClaims,
  decodeToken,
  encodeToken,
  type SignedClaims,
  signClaims,
} from './people/approvalClaims.ts'
export { findApprover, listApprovers, notCounted } from './people/checkAnswerer.ts'
export {
  type Halt,
  killSwitchFile,
  liftHalt,
  readHalt,
  recordHalt,
  writeHaltFile,
} from './people/killSwitch.ts'
export { openApproverKey } from './people/openApproverKey.ts'
export {
  encodeOrder,
  MAX_ORDER_S,
  type Order,
  orderTypedData,
  signOrder,
} from './people/order.ts'
export { type OrderBlock, orderPauses } from './people/orderPauses.ts'
export { createPeopleSecret, loadPeopleSecret, type PeopleSecret } from './people/peopleSecret.ts'
export { isPause } from './people/readOrder.ts'
export { exportPolicySchema, renderPolicyReference } from './policyReference.ts'
export { copyRunbook, listMissingRunbooks } from './policyRunbooks.ts'
export { policySchema } from './policySchema.ts'
export {
  type ApprovedFile,
  checkSignatures,
  listSigners,
  type SignatureCheck,
  type Signers,
  signaturesRequired,
  typedDataOf,
} from './policySignature.ts'
export { probeReadiness, type Readiness } from './readiness.ts'
export { readSignatures } from './readSignatures.ts'
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
export { describeSimulation } from './simulation/describeSimulation.ts'
export { type StartSignerOptions, startSigner } from './startSigner.ts'
export type { ActionDefinition, ExecutionMode, LoadedPolicy, Policy, ProbeResult } from './types.ts'
export { writeSignature } from './writeSignature.ts'
