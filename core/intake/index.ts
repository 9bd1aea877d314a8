export {
  type AnyReceiverKind,
  createDesk,
  type Delivery,
  type Desk,
  type DeskAnswer,
} from './createDesk.ts'
export { createIntakeMetrics } from './intakeMetrics.ts'
export { listKinds } from './kinds/listKinds.ts'
export { NETWORKS } from './kinds/networkSlugs.ts'
export { parseStrictJson, type StrictJson, type StrictJsonAnswer } from './parseStrictJson.ts'
export { isFresh, isSigned, type Keys, keysOf, readUnixTime } from './signatures.ts'
export { type RunningIntake, startIntake } from './startIntake.ts'
export { externalBotId } from './toFindingRow.ts'
export type * from './types.ts'
export { accept, badJson, badShape, badSignature, refuse, stale } from './verdicts.ts'
