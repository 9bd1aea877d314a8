import { type Address, defineAction, type Hex, type ProbeContext, type ProbeResult } from 'tocsin'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import { addressParameter, probed, readAddress, TRUE } from '../words.ts'

const abi = parseAbi([
  'function pause()',
  'function paused() view returns (bool)',
  'function authority() view returns (address)',
  'function canCall(address caller, address target, bytes4 selector) view returns (bool immediate, uint32 delay)',
  'function hasRole(uint64 roleId, address account) view returns (bool isMember, uint32 executionDelay)',
])
const PAUSE: Hex = '0x8456cb59'
const PAUSED: Hex = '0x5c975abb'
const ENFORCED_PAUSE = '0xd93c0665'
const ADMIN_ROLE = 0n

const parameters = z.strictObject({
  manager: addressParameter
    .optional()
    .describe('The AccessManager that must rule the target. Default: whichever the target names'),
})

/** Two words, the first a boolean: what `canCall` and `hasRole` answer. */
const readRight = async (
  { call }: ProbeContext,
  manager: Address,
  data: Hex,
): Promise<{ readonly has: boolean; readonly delayS: bigint } | undefined> => {
  const answer = await call(manager, data)
  if (!answer.ok || answer.data.length !== 130) return undefined
  return {
    has: BigInt(answer.data.slice(0, 66)) === 1n,
    delayS: BigInt(`0x${answer.data.slice(66)}`),
  }
}

const probeRight = async (context: ProbeContext, manager: Address): Promise<ProbeResult> => {
  const { policy, signer } = context
  const right = await readRight(
    context,
    manager,
    encodeFunctionData({ abi, functionName: 'canCall', args: [signer, policy.target, PAUSE] }),
  )
  const bad = !right
    ? `The manager ${manager} does not say who may call.`
    : right.delayS > 0n
      ? `The signer ${signer} may pause ${policy.target} only ${right.delayS} s after scheduling it; the role must have no delay.`
      : `The signer ${signer} may not pause ${policy.target}, or the manager ${manager} closed it.`
  return probed(
    'role',
    right?.has === true && right.delayS === 0n,
    'The signer may pause at once.',
    bad,
  )
}

const probeAdmin = async (context: ProbeContext, manager: Address): Promise<ProbeResult> => {
  const right = await readRight(
    context,
    manager,
    encodeFunctionData({ abi, functionName: 'hasRole', args: [ADMIN_ROLE, context.signer] }),
  )
  return probed(
    'not-admin',
    right?.has === false,
    'The signer is no admin.',
    right
      ? `The signer ${context.signer} is admin of ${manager}; it must hold the right to pause and nothing else.`
      : `The manager ${manager} does not say who is admin.`,
  )
}

/** `pause()` of a contract that OpenZeppelin's AccessManager rules, under a role without delay. */
export const accessManager = defineAction({
  id: 'access-manager',
  summary: "Pauses a contract that OpenZeppelin's AccessManager rules.",
  selectors: [PAUSE],
  parameters,
  functions: () => ['pause()'],
  encode: () => PAUSE,
  isIdempotent: true,
  postcondition: {
    description: 'paused() is true',
    calls: ({ target }) => [{ to: target, data: PAUSED }],
    holds: ([data]) => data === TRUE,
  },
  isAlreadyEffective: (data) => data.startsWith(ENFORCED_PAUSE),
  probe: async (context) => {
    const { policy, call } = context
    const wanted = parameters.parse(policy.parameters).manager
    const manager = readAddress(
      await call(policy.target, encodeFunctionData({ abi, functionName: 'authority' })),
    )
    if (manager && (wanted === undefined || manager === wanted))
      return Promise.all([probeRight(context, manager), probeAdmin(context, manager)])
    const found = `The authority of ${policy.target} is ${manager ?? 'not to be had'}`
    return [probed('role', false, '', wanted ? `${found}, approved was ${wanted}.` : `${found}.`)]
  },
})
