import { formatGwei } from 'viem'
import { type Address, type Hex, messageOf } from '../../base/index.ts'
import { adaptPolicy } from '../adaptCalldata.ts'
import { suggestFees } from '../fees.ts'
import { probeReadiness, type Readiness } from '../readiness.ts'
import { checkCode, readBalance, readEffect, readFees, readHead, readNonce } from '../readTarget.ts'
import type { SignerLane } from '../signerContext.ts'
import type { SignerRpc } from '../signerRpc.ts'
import { checkSimulation } from '../simulation/checkSimulation.ts'
import { simulateAction } from '../simulation/simulateAction.ts'
import type { SimulationResult } from '../simulation/types.ts'
import type { ActionDefinition, LoadedPolicy, ProbeResult } from '../types.ts'
import type { DrillReport, DrillStep } from './types.ts'

export type DryRunOptions = {
  readonly rpc: SignerRpc
  readonly tenderly?: SignerLane['tenderly']
  readonly action: ActionDefinition
  readonly policy: LoadedPolicy
  readonly actor: Address
  readonly txHash?: Hex | undefined
  readonly onStep?: ((step: DrillStep) => void) | undefined
}

const UNPROBED =
  'Senders with their rights, limits and signatures were not probed: `tocsin actions verify` tells them.'

type Take = <T>(name: string, work: () => Promise<T>, tell: (value: T) => string) => Promise<T>

const createSteps = (onStep: DryRunOptions['onStep']): { steps: DrillStep[]; take: Take } => {
  const steps: DrillStep[] = []
  return {
    steps,
    take: async (name, work, tell) => {
      const began = performance.now()
      const value = await work()
      const step = { name, tookMs: Math.round(performance.now() - began), detail: tell(value) }
      steps.push(step)
      onStep?.(step)
      return value
    },
  }
}

const tellSimulation = ({ outcome, method, detail, assertions }: SimulationResult): string =>
  [`${outcome.replaceAll('_', ' ')} by ${method}`, detail, ...assertions.map((each) => each.detail)]
    .filter(Boolean)
    .join('; ')

const tellReadiness = ({ ready, probes }: Readiness): string => {
  const bad = probes.filter(({ ok }) => !ok).map(({ name }) => name)
  return ready ? `${probes.length} probes pass` : `not well: ${bad.join(', ')}`
}

type Sight = {
  readonly block: number
  readonly fault: string | undefined
  readonly isEffective: boolean
  readonly isReadable: boolean
  readonly simulation: SimulationResult
  readonly probes: readonly ProbeResult[]
}

const look = async (options: DryRunOptions, take: Take): Promise<Sight> => {
  const { rpc, tenderly, action, policy, actor, txHash } = options
  const readBlock = () => readHead(rpc)
  const head = await take('head', readBlock, ({ number }) => `block ${number}`)
  const readCode = () => checkCode(rpc, policy)
  const fault = await take('code', readCode, (text) => text ?? 'the approved code')
  const isEffective = await take(
    'effect',
    () => readEffect(rpc, action, policy),
    (holds) => `${holds ? 'already so' : 'not so now'}: ${action.postcondition.description}`,
  )
  const adapted = await take(
    'calldata',
    () => adaptPolicy(rpc, action, policy, actor),
    (fitted) => fitted?.calldata.slice(0, 80) ?? 'what stands could not be read',
  )
  const evidence = txHash ? { txHash, blockNumber: 0 } : undefined
  const asked = { rpc, tenderly, action, policy: adapted ?? policy, from: actor, evidence }
  const simulation = await take('simulation', () => simulateAction(asked), tellSimulation)
  await take(
    'fees',
    async () => suggestFees(await readFees(rpc), policy),
    ({ maxFeePerGas, maxPriorityFeePerGas }) =>
      `${formatGwei(maxFeePerGas)} gwei at most, tip ${formatGwei(maxPriorityFeePerGas)}`,
  )
  await take(
    'account',
    () => Promise.all([readNonce(rpc, actor), readBalance(rpc, actor)]),
    ([nonce, balance]) => `nonce ${nonce}, ${balance} wei`,
  )
  const probe = () => probeReadiness(rpc, action, policy, actor)
  const { probes } = await take('readiness', probe, tellReadiness)
  const isReadable = adapted !== undefined
  return { block: head.number, fault, isEffective, isReadable, simulation, probes }
}

/** Why it would not be sent now, or undefined. */
const findObstacle = (policy: LoadedPolicy, sight: Sight): string | undefined => {
  if (sight.fault) return `The target changed: ${sight.fault}.`
  if (!sight.isReadable) return 'What stands on chain could not be read.'
  return (
    checkSimulation(policy, sight.simulation)?.reason ?? sight.probes.find(({ ok }) => !ok)?.message
  )
}

/**
 * Everything that the signer does before it signs, one step after the other, on the live chain. Nothing is signed or
 * sent. Never throws.
 */
export const dryRun = async (options: DryRunOptions): Promise<DrillReport> => {
  const { policy } = options
  const { steps, take } = createSteps(options.onStep)
  const report = (
    ok: boolean,
    outcome: string,
    sight?: Pick<Sight, 'block' | 'probes'>,
  ): DrillReport => ({
    policy: policy.id,
    chain: policy.chain,
    kind: 'dry-run',
    block: sight?.block ?? 0,
    ok,
    outcome,
    steps,
    toBroadcastMs: null,
    toEffectMs: null,
    probes: sight?.probes ?? [],
    notes: ['Nothing was signed or sent.', UNPROBED],
  })
  try {
    const sight = await look(options, take)
    const obstacle = findObstacle(policy, sight)
    if (obstacle) return report(false, obstacle, sight)
    const outcome = sight.isEffective
      ? 'There is nothing to do: the effect stands.'
      : 'It would be sent.'
    return report(true, outcome, sight)
  } catch (error) {
    return report(false, messageOf(error))
  }
}
