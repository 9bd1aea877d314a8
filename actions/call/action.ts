import {
  defineAction,
  findLoweredGuard,
  type PolicyFacts,
  type ProbeContext,
  type ProbeResult,
} from 'tocsin'
import { z } from 'zod'
import {
  encodeCheck,
  encodeStated,
  encodeTerm,
  faultOfCall,
  faultOfCheck,
  faultOfTerm,
  statedCall,
  statedCheck,
  statedTerm,
} from '../statedCall.ts'
import { probed } from '../words.ts'

const DAY_S = 86_400n

/** Names under which contracts of their own lower a guard, hand over control or move value. */
const SUSPECT =
  /^_*(un[a-z]*(pause|freeze|lock|block|halt|list|ban)|resume|restart|reopen|grant|accept|renounce|upgrade|transfer|approve|permit|mint|withdraw|sweep|rescue|execute|exec|multi|delegate|call|change|init|initialize|set(owner|admin|governor|guardian|implementation|authority|pendingadmin))/i

const parameters = z
  .strictObject({
    ...statedCall.shape,
    effect: z.array(statedCheck).min(1).max(10).describe('What holds when it took effect'),
    ready: z.array(statedCheck).min(1).max(10).describe('What holds while the signer may call it'),
    window: statedTerm
      .optional()
      .describe('Until when it can be called at all, where the contract knows such a time'),
    undoneBy: z
      .string()
      .min(10)
      .max(300)
      .optional()
      .describe('How people undo it. Left out: they cannot, and two of them must release each run'),
  })
  .superRefine((value, context) => {
    const fault = (path: (string | number)[], message: string): void => {
      context.addIssue({ code: 'custom', path, message })
    }
    const own = faultOfCall(value)
    if (own) fault(['function'], own)
    else {
      const { name, data } = encodeStated(value)
      const lowered = findLoweredGuard(data)
      if (lowered) fault(['function'], `${lowered}; Tocsin only ever raises a guard`)
      else if (SUSPECT.test(name))
        fault(
          ['function'],
          `"${name}" sounds like lowering a guard, handing over control or moving value`,
        )
    }
    const term = value.window && faultOfTerm(value.window)
    if (term) fault(['window'], term)
    for (const list of ['effect', 'ready'] as const)
      value[list].forEach((check, index) => {
        const wrong = faultOfCheck(check)
        if (wrong) fault([list, index], wrong)
      })
  })
const read = (facts: Pick<PolicyFacts, 'parameters'>) => parameters.parse(facts.parameters)

const probeReady = ({ policy, signer, call }: ProbeContext) =>
  Promise.all(
    read(policy).ready.map(async (check) => {
      const { to, data, equals } = encodeCheck(check, policy.target, signer)
      const answer = await call(to, data)
      return probed(
        'ready',
        answer.ok && answer.data === equals,
        `${check.function} of ${to} is as stated.`,
        `${check.function} of ${to} is not ${String(check.equals)} for the signer ${signer}.`,
      )
    }),
  )

/** Whether the time in which it can be called has enough days left. */
const probeWindow = async ({ policy, call }: ProbeContext): Promise<readonly ProbeResult[]> => {
  const { window } = read(policy)
  if (!window) return []
  const { to, data, read: readTime } = encodeTerm(window, policy.target)
  const answer = await call(to, data)
  const until = answer.ok ? readTime(answer.data) : undefined
  if (until === undefined)
    return [probed('window', false, '', `${window.function} of ${to} cannot be read.`)]
  const leftS = until - BigInt(Math.floor(Date.now() / 1000))
  const days = `${leftS / DAY_S} days`
  return [
    probed(
      'window',
      leftS > BigInt(window.daysLeft) * DAY_S,
      `It can be called for another ${days}.`,
      leftS > 0n
        ? `It can be called for another ${days} only, until ${until} (Unix seconds).`
        : `It can be called no more: the time ended at ${until} (Unix seconds).`,
    ),
  ]
}

/** One exact call that the policy states in words, with the effect by which it is known to have worked. */
export const call = defineAction({
  id: 'call',
  summary: 'Makes one exact call whose effect the policy states.',
  selectors: 'any',
  parameters,
  functions: (facts) => [read(facts).function],
  encode: (facts) => encodeStated(read(facts)).data,
  isIrreversible: (facts) => read(facts).undoneBy === undefined,
  isIdempotent: false,
  postcondition: {
    description: 'what the policy states as effect holds',
    calls: (facts) =>
      read(facts).effect.map((check) => {
        const { to, data } = encodeCheck(check, facts.target)
        return { to, data }
      }),
    holds: (words, facts) => {
      const wanted = read(facts).effect.map((check) => encodeCheck(check, facts.target).equals)
      return words.length === wanted.length && words.every((word, index) => word === wanted[index])
    },
  },
  isAlreadyEffective: () => false,
  probe: async (context) => [...(await probeReady(context)), ...(await probeWindow(context))],
})
