import type { StrictJsonAnswer } from './parseStrictJson.ts'
import type { Acceptance, IntakeEvent, Refusal } from './types.ts'

export const refuse = (
  status: Refusal['status'],
  reason: string,
  say: string,
  retryAfterS?: number,
): Refusal => ({
  verdict: 'refused',
  status,
  reason,
  say,
  ...(retryAfterS === undefined ? {} : { retryAfterS }),
})

export const accept = (
  events: readonly IntakeEvent[],
  rest: Omit<Acceptance, 'verdict' | 'events'> = {},
): Acceptance => ({ verdict: 'accepted', events, ...rest })

/** The signature is missing or wrong: which of the two is nobody's business. */
export const badSignature = (): Refusal =>
  refuse(401, 'signature', 'The signature is missing or wrong.')

export const stale = (): Refusal => refuse(401, 'stale', 'The signed time is too far from now.')

export const badJson = (answer: Exclude<StrictJsonAnswer, { ok: true }>): Refusal =>
  refuse(400, `json_${answer.reason}`, answer.say)

export const badShape = (what: string): Refusal =>
  refuse(400, 'shape', `This is not what was expected: ${what}`)
