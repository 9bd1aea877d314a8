import type { SignerRpc } from '../signerRpc.ts'
import {
  asData,
  asNumber,
  bounded,
  changesOf,
  encodeCall,
  isRecord,
  purseOf,
  readOutcome,
  readPrestateDiff,
} from './readAnswers.ts'
import type { CallOutcome, SimulatedCall, Simulator, StorageChange } from './types.ts'

type Block = {
  readonly calls: readonly CallOutcome[]
  /** The block on whose end state it stands. */
  readonly base: number | undefined
}

/** A simulated block is the child of the one it stands on; anvil gives it its parent's number and no parent. */
const baseOf = (block: Readonly<Record<string, unknown>>): number | undefined => {
  const number = asNumber(block['number'])
  if (number === undefined) return undefined
  return BigInt(asData(block['parentHash']).padEnd(3, '0')) === 0n ? number : number - 1
}

const readBlock = (value: unknown): Block | undefined => {
  const block: unknown = Array.isArray(value) ? value[0] : undefined
  if (!isRecord(block) || !Array.isArray(block['calls'])) return undefined
  const calls = block['calls'].map((call: unknown): CallOutcome => {
    const entry = isRecord(call) ? call : {}
    return readOutcome(entry['status'] === '0x1', entry['returnData'], entry['error'])
  })
  return { calls, base: baseOf(block) }
}

const play = async (
  rpc: SignerRpc,
  calls: readonly SimulatedCall[],
  stateOverrides: object = {},
): Promise<Block | string> => {
  const answer = await rpc.ask('eth_simulateV1', [
    { blockStateCalls: [{ calls: calls.map(encodeCall), stateOverrides }], validation: false },
    'latest',
  ])
  if (!answer.ok) return answer.message || `error ${answer.code}`
  return readBlock(answer.value) ?? 'the answer is no block'
}

/** The outcome of the last call, where everything before it succeeded. */
const playLast = async (
  rpc: SignerRpc,
  before: readonly SimulatedCall[],
  call: SimulatedCall,
): Promise<CallOutcome | undefined> => {
  const block = await play(rpc, [...before, call], purseOf(call)).catch(() => undefined)
  if (block === undefined || typeof block === 'string') return undefined
  return block.calls.slice(0, before.length).every(({ success }) => success)
    ? block.calls[before.length]
    : undefined
}

/** Which storage a call changes, by the node's tracer; undefined where it has none. */
export const traceChanges = async (
  rpc: SignerRpc,
  call: SimulatedCall,
): Promise<readonly StorageChange[] | undefined> => {
  const answer = await rpc
    .ask('debug_traceCall', [
      encodeCall(call),
      'latest',
      { tracer: 'prestateTracer', tracerConfig: { diffMode: true } },
    ])
    .catch(() => undefined)
  const diff = answer?.ok ? readPrestateDiff(answer.value) : undefined
  return diff && changesOf(diff)
}

/** `eth_simulateV1`: the action and its checks in one simulated block on top of the latest, each probe in one of its own. */
export const ethSimulateV1: Simulator = async (plan, { rpc }) => {
  const [main, changes, probes] = await Promise.all([
    play(rpc, [plan.action, ...plan.checks]),
    plan.wantsChanges ? traceChanges(rpc, plan.action) : undefined,
    plan.probes.then((list) =>
      Promise.all(
        list.map(async ({ call, hasBaseline }) => {
          const [after, before] = await Promise.all([
            playLast(rpc, [plan.action], call),
            hasBaseline ? playLast(rpc, [], call) : undefined,
          ])
          return { after, before }
        }),
      ),
    ),
  ])
  if (typeof main === 'string') return bounded(main)
  const [action, ...checks] = main.calls
  if (!action) return 'the answer holds no call'
  return { action, checks, probes, changes, block: main.base }
}
