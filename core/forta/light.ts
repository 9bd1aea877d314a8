/** The side door for whoever hosts bots without a database. */

export type { ReadyMessage } from './child/protocol.ts'
export { compareRange, type RangeComparison } from './compare/compareRange.ts'
export { copyBot } from './compare/copyBot.ts'
export type { HostedBot, HostedRun } from './host/createHostedBot.ts'
export {
  createHostedChain,
  type GrpcBotSpec,
  type HostedBotSpec,
  type HostedChain,
} from './host/createHostedChain.ts'
export { inspectBot } from './host/inspectBot.ts'
export { type MappedFinding, mapFindings } from './host/mapFinding.ts'
export { type AlertSource, toSdkAlert } from './host/toSdkAlert.ts'
export { type RangeRun, runRange } from './runRange.ts'
export { type RunStep, runSteps, type StepsRun } from './runSteps.ts'
export { runSuite } from './runSuite.ts'
export type * from './types.ts'
