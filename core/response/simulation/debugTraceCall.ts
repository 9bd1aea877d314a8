import { readHead } from '../readTarget.ts'
import type { SignerRpc } from '../signerRpc.ts'
import {
  asData,
  bounded,
  changesOf,
  encodeCall,
  isRecord,
  overridesOf,
  purseOf,
  readPrestateDiff,
} from './readAnswers.ts'
import type { CallOutcome, SimulatedCall, Simulator } from './types.ts'

const readTopCall = (value: unknown): CallOutcome | undefined => {
  if (!isRecord(value) || typeof value['type'] !== 'string') return undefined
  return { success: value['error'] === undefined, data: asData(value['output']) }
}

const callWith = async (
  rpc: SignerRpc,
  call: SimulatedCall,
  tag: string,
  overrides: Readonly<Record<string, object>>,
): Promise<CallOutcome | undefined> => {
  const state: Record<string, object> = { ...overrides }
  for (const [address, purse] of Object.entries(purseOf(call)))
    state[address] = { ...state[address], ...purse }
  const answer = await rpc.ask('eth_call', [encodeCall(call), tag, state]).catch(() => undefined)
  if (answer?.ok) return { success: true, data: asData(answer.value) }
  if (!answer) return undefined
  const isRevert = answer.code === 3 || answer.data !== '0x' || /revert/i.test(answer.message)
  return isRevert ? { success: false, data: answer.data } : undefined
}

/**
 * `debug_traceCall`: the action by the call tracer, what it changes by the prestate tracer, and everything after it by
 * `eth_call` with those changes as overrides. All on one block.
 */
export const debugTraceCall: Simulator = async (plan, { rpc }) => {
  const { number } = await readHead(rpc)
  const tag = `0x${number.toString(16)}`
  const trace = (config: object) =>
    rpc.ask('debug_traceCall', [encodeCall(plan.action), tag, config])
  const [top, raw, probes] = await Promise.all([
    trace({ tracer: 'callTracer', tracerConfig: { onlyTopCall: true } }),
    trace({ tracer: 'prestateTracer', tracerConfig: { diffMode: true } }),
    plan.probes,
  ])
  if (!top.ok) return bounded(top.message || `error ${top.code}`)
  const action = readTopCall(top.value)
  if (!action) return 'the node does not know the call tracer'
  const diff = raw.ok ? readPrestateDiff(raw.value) : undefined
  if (!diff || !action.success)
    return { action, checks: undefined, probes: [], changes: undefined, block: number }
  const after = overridesOf(diff)
  const [checks, outcomes] = await Promise.all([
    Promise.all(plan.checks.map((check) => callWith(rpc, check, tag, after))),
    Promise.all(
      probes.map(async ({ call, hasBaseline }) => ({
        after: await callWith(rpc, call, tag, after),
        before: hasBaseline ? await callWith(rpc, call, tag, {}) : undefined,
      })),
    ),
  ])
  const known = checks.flatMap((check) => (check ? [check] : []))
  return {
    action,
    checks: known.length === plan.checks.length ? known : undefined,
    probes: outcomes,
    changes: changesOf(diff),
    block: number,
  }
}
