export {
  type AnyReceiverKind,
  createDesk,
  type Delivery,
  type Desk,
  type DeskAnswer,
} from './createDesk.ts'
export { createIntakeMetrics } from './intakeMetrics.ts'
export { listKinds } from './kinds/listKinds.ts'
export type { Keys } from './signatures.ts'
export { type RunningIntake, startIntake } from './startIntake.ts'
export type * from './types.ts'
