import {
  defineAction,
  type Hex,
  type PolicyFacts,
  type ProbeContext,
  type ProbeResult,
} from 'tocsin'
import { decodeFunctionData, encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import { FALSE, probed, probePauseGuardian, TRUE } from '../words.ts'

const abi = parseAbi([
  'function pause(bool supplyPaused, bool transferPaused, bool withdrawPaused, bool absorbPaused, bool buyPaused)',
  'function isSupplyPaused() view returns (bool)',
  'function isTransferPaused() view returns (bool)',
  'function isWithdrawPaused() view returns (bool)',
  'function isAbsorbPaused() view returns (bool)',
  'function isBuyPaused() view returns (bool)',
])
/** In the order of the arguments of `pause`. */
const FLAGS = ['supply', 'transfer', 'withdraw', 'absorb', 'buy'] as const
const GETTERS = [
  'isSupplyPaused',
  'isTransferPaused',
  'isWithdrawPaused',
  'isAbsorbPaused',
  'isBuyPaused',
] as const

type Flags = readonly [boolean, boolean, boolean, boolean, boolean]

const parameters = z.strictObject({
  /** What to pause. Absorb and buy are what keeps the market solvent: pause them only for a reason. */
  flags: z
    .array(z.enum(FLAGS))
    .min(1)
    .refine((flags) => new Set(flags).size === flags.length, 'each flag once'),
})

const toFlags = (raised: (index: number) => boolean): Flags => [
  raised(0),
  raised(1),
  raised(2),
  raised(3),
  raised(4),
]

const wantedOf = (facts: Pick<PolicyFacts, 'parameters'>): Flags => {
  const { flags } = parameters.parse(facts.parameters)
  return toFlags((index) => flags.some((flag) => flag === FLAGS[index]))
}

const encode = (flags: Flags): Hex =>
  encodeFunctionData({ abi, functionName: 'pause', args: flags })

const decode = (calldata: Hex): Flags | undefined => {
  try {
    const { functionName, args } = decodeFunctionData({ abi, data: calldata })
    // Only the one way to write it: no bytes behind, no odd booleans.
    return functionName === 'pause' && encode(args) === calldata ? args : undefined
  } catch {
    return undefined
  }
}

/** What stands raised; undefined when one of the flags cannot be read. */
const readFlags = async ({ policy, call }: ProbeContext): Promise<Flags | undefined> => {
  const answers = await Promise.all(
    GETTERS.map((functionName) => call(policy.target, encodeFunctionData({ abi, functionName }))),
  )
  const isRead = answers.every(({ ok, data }) => ok && (data === TRUE || data === FALSE))
  return isRead ? toFlags((index) => answers[index]?.data === TRUE) : undefined
}

const probeFlags = async (context: ProbeContext): Promise<ProbeResult> =>
  probed(
    'flags',
    (await readFlags(context)) !== undefined,
    'The flags can be read.',
    `The pause flags of ${context.policy.target} cannot be read.`,
  )

/**
 * `pause(…)` of Compound v3 (Comet). One call sets all five flags, so those that stand raised are read first and raised
 * again: it never lowers one.
 */
export const cometGuardian = defineAction({
  id: 'comet-guardian',
  summary: 'Raises pause flags of a Compound v3 (Comet) market, and lowers none.',
  selectors: ['0x44c35d07'],
  parameters,
  encode: (facts) => encode(wantedOf(facts)),
  adapt: {
    prepare: async (context) => {
      const wanted = wantedOf(context.policy)
      const raised = await readFlags(context)
      return raised && encode(toFlags((index) => wanted[index] === true || raised[index] === true))
    },
    accepts: (facts, calldata) => {
      const flags = decode(calldata)
      return (
        flags !== undefined && wantedOf(facts).every((wanted, i) => !wanted || flags[i] === true)
      )
    },
  },
  isIdempotent: true,
  postcondition: {
    description: 'the flags are raised',
    calls: (facts) => {
      const wanted = wantedOf(facts)
      return GETTERS.flatMap((functionName, index) =>
        wanted[index]
          ? [{ to: facts.target, data: encodeFunctionData({ abi, functionName }) }]
          : [],
      )
    },
    holds: (words, facts) =>
      words.length === wantedOf(facts).filter(Boolean).length &&
      words.every((word) => word === TRUE),
  },
  isAlreadyEffective: () => false,
  probe: async (context) =>
    Promise.all([probePauseGuardian(context, 'governor'), probeFlags(context)]),
})
