import {
  defineAction,
  findLoweredGuard,
  type PolicyFacts,
  type ProbeContext,
  type ProbeResult,
} from 'tocsin'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import { probeModule } from '../moduleParties.ts'
import {
  encodeCheck,
  encodeStated,
  faultOfCall,
  faultOfCheck,
  statedCall,
  statedCheck,
} from '../statedCall.ts'
import { addressParameter, probed, readNumber } from '../words.ts'

const abi = parseAbi([
  'function trip(address target, bytes data)',
  'function armedUntil(address target, bytes data) view returns (uint256)',
])
/** Of OpenZeppelin's Pausable, which the module hands through. */
const ENFORCED_PAUSE = '0xd93c0665'
/** The Safe must arm the call anew in good time. */
const NOTICE_DAYS = 14n
const DAY_S = 86_400n

const parameters = z
  .strictObject({
    safe: addressParameter.describe('The Safe that holds the right'),
    contract: addressParameter.describe('What the Safe calls'),
    call: statedCall.default({ function: 'pause()', args: [] }),
    effect: z
      .array(statedCheck)
      .min(1)
      .max(10)
      .default([{ function: 'paused() returns (bool)', args: [], equals: true }])
      .describe('What holds of the contract when it took effect'),
  })
  .superRefine((value, context) => {
    const fault = (path: (string | number)[], message: string): void => {
      context.addIssue({ code: 'custom', path, message })
    }
    if (value.contract === value.safe)
      fault(['contract'], 'must not be the Safe itself: its own functions hand over control')
    const wrong = faultOfCall(value.call)
    const lowered = wrong ?? findLoweredGuard(encodeStated(value.call).data)
    if (lowered) fault(['call'], wrong ?? `${lowered}; Tocsin only ever raises a guard`)
    value.effect.forEach((check, index) => {
      const unread = faultOfCheck(check)
      if (unread) fault(['effect', index], unread)
    })
  })
const read = (facts: Pick<PolicyFacts, 'parameters'>) => parameters.parse(facts.parameters)
const innerOf = (facts: Pick<PolicyFacts, 'parameters'>) => encodeStated(read(facts).call).data

const probeArmed = async ({ policy, call }: ProbeContext): Promise<ProbeResult> => {
  const args = [read(policy).contract, innerOf(policy)] as const
  const answer = await call(
    policy.target,
    encodeFunctionData({ abi, functionName: 'armedUntil', args }),
  )
  const until = (answer.ok ? readNumber(answer.data) : undefined) ?? 0n
  const leftS = until - BigInt(Math.floor(Date.now() / 1000))
  const ends = `The Safe armed the call until ${until} (Unix seconds), ${leftS / DAY_S} days from now`
  return probed(
    'armed',
    leftS > NOTICE_DAYS * DAY_S,
    `${ends}.`,
    until === 0n
      ? 'The Safe has not armed this call, or it was used: it must arm it anew.'
      : `${ends}: it must arm it anew.`,
  )
}

/** One call that a Safe has armed in a module for the signer: exact, single use, expiring. */
export const safeModule = defineAction({
  id: 'safe-module',
  summary: 'Trips a call that a Safe has armed: exact, single use, expiring.',
  selectors: ['0x49f7ea51'],
  parameters,
  functions: (facts) => ['trip(address target, bytes data)', read(facts).call.function],
  encode: (facts) => {
    const args = [read(facts).contract, innerOf(facts)] as const
    return encodeFunctionData({ abi, functionName: 'trip', args })
  },
  isIdempotent: true,
  postcondition: {
    description: 'what the armed call brings about holds',
    calls: (facts) => {
      const { contract, effect } = read(facts)
      return effect.map((check) => {
        const { to, data } = encodeCheck(check, contract)
        return { to, data }
      })
    },
    holds: (words, facts) => {
      const { contract, effect } = read(facts)
      const wanted = effect.map((check) => encodeCheck(check, contract).equals)
      return words.length === wanted.length && words.every((word, index) => word === wanted[index])
    },
  },
  isAlreadyEffective: (data) => data.startsWith(ENFORCED_PAUSE),
  probe: async (context) => [
    ...(await probeModule(context, read(context.policy).safe)),
    await probeArmed(context),
  ],
})
