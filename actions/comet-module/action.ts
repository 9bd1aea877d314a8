import {
  type Address,
  defineAction,
  type PolicyFacts,
  type ProbeContext,
  type ProbeResult,
} from 'tocsin'
import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import {
  areRaised,
  type Flags,
  flagCalls,
  flagsParameter,
  namedFlags,
  readFlags,
} from '../comet/flags.ts'
import { probeModule } from '../moduleParties.ts'
import { addressParameter, probed, readAddress } from '../words.ts'

const abi = parseAbi([
  'function raise(address comet, uint8 flags)',
  'function armed(address comet) view returns (uint8 flags, uint64 until)',
  'function pauseGuardian() view returns (address)',
])
/** `AlreadyRaised()` of the module. */
const ALREADY_RAISED = '0x64f14887'
/** The Safe must arm the flags anew in good time. */
const NOTICE_DAYS = 14n
const DAY_S = 86_400n

const parameters = z
  .strictObject({
    safe: addressParameter.describe('The Safe that is the pause guardian'),
    comet: addressParameter.describe('The market'),
    /** What to pause. Absorb and buy are what keeps the market solvent: pause them only for a reason. */
    flags: flagsParameter,
  })
  .refine(({ safe, comet }) => safe !== comet, { path: ['comet'], message: 'must not be the Safe' })

type Wanted = { readonly safe: Address; readonly comet: Address; readonly flags: Flags }
const read = (facts: Pick<PolicyFacts, 'parameters'>): Wanted => {
  const { safe, comet, flags } = parameters.parse(facts.parameters)
  return { safe, comet, flags: namedFlags(flags) }
}
const maskOf = (flags: Flags): number =>
  flags.reduce((mask, raised, index) => mask | (raised ? 1 << index : 0), 0)

const probeParties = async (context: ProbeContext): Promise<readonly ProbeResult[]> => {
  const { safe, comet } = read(context.policy)
  const [module, guardian] = await Promise.all([
    probeModule(context, safe),
    context.call(comet, encodeFunctionData({ abi, functionName: 'pauseGuardian' })),
  ])
  return [
    ...module,
    probed(
      'guardian',
      readAddress(guardian) === safe,
      'The Safe is the pause guardian.',
      `The Safe ${safe} is not the pause guardian of ${comet}.`,
    ),
  ]
}

const readArmed = async ({ policy, call }: ProbeContext) => {
  const args = [read(policy).comet] as const
  const answer = await call(policy.target, encodeFunctionData({ abi, functionName: 'armed', args }))
  try {
    return decodeFunctionResult({ abi, functionName: 'armed', data: answer.data })
  } catch {
    return undefined
  }
}

const probeArmed = async (context: ProbeContext): Promise<ProbeResult> => {
  const wanted = maskOf(read(context.policy).flags)
  const [mask, until] = (await readArmed(context)) ?? [0, 0n]
  const isWhole = (wanted & ~mask) === 0
  const leftS = until - BigInt(Math.floor(Date.now() / 1000))
  const ends = `The Safe armed the flags until ${until} (Unix seconds), ${leftS / DAY_S} days from now`
  return probed(
    'armed',
    isWhole && leftS > NOTICE_DAYS * DAY_S,
    `${ends}.`,
    isWhole
      ? `${ends}: it must arm them anew.`
      : 'The Safe has not armed all of these flags, or they were used: it must arm them anew.',
  )
}

const probeFlags = async (context: ProbeContext): Promise<ProbeResult> => {
  const { comet } = read(context.policy)
  return probed(
    'flags',
    (await readFlags(context, comet)) !== undefined,
    'The flags can be read.',
    `The pause flags of ${comet} cannot be read.`,
  )
}

/** Flags of a Compound v3 market that a Safe has armed in a module: read and raised in one transaction, never lowered. */
export const cometModule = defineAction({
  id: 'comet-module',
  summary: 'Raises pause flags of a Compound v3 (Comet) market by a module of its guardian Safe.',
  selectors: ['0x4553eb69'],
  parameters,
  functions: () => ['raise(address comet, uint8 flags)'],
  encode: (facts) => {
    const { comet, flags } = read(facts)
    return encodeFunctionData({ abi, functionName: 'raise', args: [comet, maskOf(flags)] })
  },
  isIdempotent: true,
  postcondition: {
    description: 'the flags are raised',
    calls: (facts) => {
      const { comet, flags } = read(facts)
      return flagCalls(comet, flags)
    },
    holds: (words, facts) => areRaised(words, read(facts).flags),
  },
  isAlreadyEffective: (data) => data.startsWith(ALREADY_RAISED),
  probe: async (context) => [
    ...(await probeParties(context)),
    ...(await Promise.all([probeArmed(context), probeFlags(context)])),
  ],
})
