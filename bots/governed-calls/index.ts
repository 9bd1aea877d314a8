/** What proposals and timelocked operations would do: read, judged and described alike for the bots that watch both. */
export { type Examined, examineCalls } from './examineCalls.ts'
export { joinSignature } from './joinSignature.ts'
export { limitParameters } from './limitParameters.ts'
export { isCode } from './readFacts.ts'
export { SEVERITY } from './showCalls.ts'
export type { GovernedContext, Grade, RawCall } from './types.ts'
