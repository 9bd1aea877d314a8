import { isTocsinError, messageOf, sleep } from '../../base/index.ts'
import type { SimulationProvider } from '../types.ts'
import { debugTraceCall } from './debugTraceCall.ts'
import { ethCall } from './ethCall.ts'
import { ethSimulateV1 } from './ethSimulateV1.ts'
import { judgeSimulation } from './judgeSimulation.ts'
import { bounded } from './readAnswers.ts'
import { readSuspiciousCall } from './suspiciousCall.ts'
import { tenderly } from './tenderly.ts'
import type {
  SimulatedCall,
  SimulationPlan,
  SimulationRequest,
  SimulationResult,
  Simulator,
} from './types.ts'

const SIMULATORS: Readonly<Record<SimulationProvider, Simulator>> = {
  eth_simulateV1: ethSimulateV1,
  debug_traceCall: debugTraceCall,
  eth_call: ethCall,
  tenderly,
}

/** An endpoint that hangs must not hold up a pause: the next one is asked. */
const DEADLINE_MS = 2_000

const withDeadline = async <T>(work: Promise<T>): Promise<T | string> => {
  const done = new AbortController()
  try {
    const late = sleep(DEADLINE_MS, done.signal).then(() => `no answer within ${DEADLINE_MS} ms`)
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}

/** The replay of the finding's transaction, why there is none, or null where nothing is suspected. */
const findSuspicious = async ({
  rpc,
  policy,
  evidence,
}: SimulationRequest): Promise<SimulatedCall | string | null> => {
  if (!evidence || policy.simulation.assertions.suspiciousReverts === 'off') return null
  return readSuspiciousCall(rpc, evidence.txHash)
}

const createPlan = (
  request: SimulationRequest,
  suspicious: Promise<SimulatedCall | string | null>,
): SimulationPlan => {
  const { action, policy, from, calldata } = request
  const { canaries, storage } = policy.simulation.assertions
  return {
    action: {
      from,
      to: policy.target,
      data: calldata ?? policy.calldata,
      gas: policy.gasLimit,
    },
    checks: action.postcondition.calls(policy).map((call) => ({ from, ...call })),
    probes: suspicious.then((call) => [
      ...(call !== null && typeof call !== 'string' ? [{ call, hasBaseline: true }] : []),
      ...canaries.map(({ from: who, to, data }) => ({
        call: { from: who, to, data },
        hasBaseline: false,
      })),
    ]),
    wantsChanges: storage !== undefined,
  }
}

/** One provider's result; a sentence why there is none. */
const tryProvider = async (
  request: SimulationRequest,
  name: SimulationProvider,
  plan: SimulationPlan,
  suspicious: Promise<SimulatedCall | string | null>,
): Promise<SimulationResult | string> => {
  try {
    const answer = await withDeadline(SIMULATORS[name](plan, request))
    if (typeof answer === 'string') return answer
    const least = request.evidence?.blockNumber
    if (least !== undefined && answer.block !== undefined && answer.block < least)
      return `it was played on block ${answer.block}, before the finding's block ${least}`
    const found = await suspicious
    const missing = found === null || typeof found === 'string' ? found : undefined
    return judgeSimulation(request.action, request.policy, name, answer, { suspicious: missing })
  } catch (error) {
    if (!isTocsinError(error)) return messageOf(error)
    return String(error.code)
  }
}

/**
 * Plays the action on top of the latest block by the policy's providers, in their order, until one can tell everything
 * that the policy asserts. Never throws: what nobody can tell is `unavailable`.
 */
export const simulateAction = async (request: SimulationRequest): Promise<SimulationResult> => {
  const suspicious = findSuspicious(request)
  const plan = createPlan(request, suspicious)
  const reasons: string[] = []
  let best: SimulationResult | undefined
  let isCut = false
  for (const name of request.policy.simulation.providers) {
    // No endpoint of the signer answers: another method of theirs will not be answered either.
    if (isCut && name !== 'tenderly') continue
    const result = await tryProvider(request, name, plan, suspicious)
    if (typeof result === 'string') {
      isCut ||= name !== 'tenderly' && result === 'rpc.unreachable'
      reasons.push(`${name}: ${result}`)
      continue
    }
    if (result.outcome !== 'unavailable') return result
    best ??= result
  }
  return (
    best ?? {
      outcome: 'unavailable',
      method: 'none',
      detail: bounded(reasons.join('; ')),
      assertions: [],
      block: null,
    }
  )
}
