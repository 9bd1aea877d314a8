import {
  defineAction,
  type Hex,
  type PolicyFacts,
  type ProbeContext,
  type ProbeResult,
} from 'tocsin'
import { decodeFunctionData, encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import {
  areRaised,
  type Flags,
  flagCalls,
  flagsParameter,
  namedFlags,
  readFlags,
  toFlags,
} from '../comet/flags.ts'
import { probed, probePauseGuardian } from '../words.ts'

const abi = parseAbi([
  'function pause(bool supplyPaused, bool transferPaused, bool withdrawPaused, bool absorbPaused, bool buyPaused)',
])

const parameters = z.strictObject({
  /** What to pause. Absorb and buy are what keeps the market solvent: pause them only for a reason. */
  flags: flagsParameter,
})

const wantedOf = (facts: Pick<PolicyFacts, 'parameters'>): Flags =>
  namedFlags(parameters.parse(facts.parameters).flags)

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

const probeFlags = async (context: ProbeContext): Promise<ProbeResult> =>
  probed(
    'flags',
    (await readFlags(context, context.policy.target)) !== undefined,
    'The flags can be read.',
    `The pause flags of ${context.policy.target} cannot be read.`,
  )

/**
 * `pause(…)` of Compound v3 (Comet) by its guardian's own key. One call sets all five flags, so those that stand raised
 * are read first and raised again. A flag that is raised between the reading and the block is beyond it: `comet-module`
 * reads them in the transaction itself.
 */
export const cometGuardian = defineAction({
  id: 'comet-guardian',
  summary: 'Raises pause flags of a Compound v3 (Comet) market beside those that stand raised.',
  selectors: ['0x44c35d07'],
  parameters,
  functions: () => [
    'pause(bool supplyPaused, bool transferPaused, bool withdrawPaused, bool absorbPaused, bool buyPaused)',
  ],
  encode: (facts) => encode(wantedOf(facts)),
  adapt: {
    prepare: async (context) => {
      const wanted = wantedOf(context.policy)
      const raised = await readFlags(context, context.policy.target)
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
    calls: (facts) => flagCalls(facts.target, wantedOf(facts)),
    holds: (words, facts) => areRaised(words, wantedOf(facts)),
  },
  isAlreadyEffective: () => false,
  probe: async (context) =>
    Promise.all([probePauseGuardian(context, 'governor'), probeFlags(context)]),
})
