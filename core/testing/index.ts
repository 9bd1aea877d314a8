/** Helpers for tests of bots and actions, and for local chains. */
export { type ActionConformanceOptions, actionConformance } from './actionConformance.ts'
export { type ActionScene, sendFrom } from './actionRig.ts'
export type { AlertInput } from './alertInput.ts'
export { type Anvil, type AnvilOptions, findAnvil, startAnvil } from './anvil.ts'
export {
  type BotConformanceOptions,
  type BotScenario,
  botConformance,
  type ConformanceCase,
  RUNBOOK_HEADINGS,
} from './botConformance.ts'
export { type BotHarness, type BotHarnessOptions, createBotHarness } from './createBotHarness.ts'
export { encodeLog, type LogInput } from './encodeLog.ts'
export type { BlockInput, CallAnswer, CallInput, FakeBlock, TransactionInput } from './fakeChain.ts'
export { REVERTS } from './fakeState.ts'
export { makeThing, type ThingInput } from './makeThing.ts'
export { type RunBotOnAnvilOptions, runBotOnAnvil } from './runBotOnAnvil.ts'
export { trialPolicy } from './trialPolicy.ts'
