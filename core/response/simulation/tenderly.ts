import { messageOf } from '../../base/index.ts'
import { readHead } from '../readTarget.ts'
import type { RpcAnswer, SignerRpc } from '../signerRpc.ts'
import { asData, asNumber, bounded, encodeCall, isRecord, purseOf } from './readAnswers.ts'
import type {
  CallOutcome,
  SimulatedCall,
  SimulationAnswer,
  SimulationPlan,
  Simulator,
  StorageChange,
  TenderlyCall,
  TenderlyWay,
} from './types.ts'

const readChanges = (value: unknown): readonly StorageChange[] | undefined => {
  if (!Array.isArray(value)) return undefined
  return value.flatMap((change: unknown): StorageChange[] => {
    if (!isRecord(change) || typeof change['address'] !== 'string') return []
    const storage: readonly unknown[] = Array.isArray(change['storage']) ? change['storage'] : []
    const slots = storage.flatMap((entry) =>
      isRecord(entry) && entry['previousValue'] !== entry['newValue']
        ? [asData(entry['slot'])]
        : [],
    )
    const isCodeChanged = change['code'] !== undefined
    return slots.length > 0 || isCodeChanged
      ? [{ address: asData(change['address'].toLowerCase()), slots, isCodeChanged }]
      : []
  })
}

const readSimulated = (value: unknown): TenderlyCall | undefined => {
  if (!isRecord(value) || typeof value['status'] !== 'boolean') return undefined
  const trace: unknown = Array.isArray(value['trace']) ? value['trace'][0] : undefined
  return {
    success: value['status'],
    data: isRecord(trace) ? asData(trace['output']) : '0x',
    // A call that changes nothing comes without the list.
    changes: value['stateChanges'] === undefined ? [] : readChanges(value['stateChanges']),
    block: asNumber(value['blockNumber']),
  }
}

const readBundle = (answer: RpcAnswer, size: number): readonly TenderlyCall[] | string => {
  if (!answer.ok) return bounded(answer.message || `error ${answer.code}`)
  const list: readonly unknown[] = Array.isArray(answer.value) ? answer.value : [answer.value]
  const read = list.flatMap((each) => readSimulated(each) ?? [])
  return read.length === size ? read : 'the answer is no simulation'
}

/** Tenderly's node: `tenderly_simulateBundle`. */
export const createTenderlyNode =
  (tenderly: SignerRpc): TenderlyWay =>
  async (calls, block) => {
    const place = block === 'pending' ? block : `0x${block.toString(16)}`
    const overrides = Object.assign({}, ...calls.map(purseOf)) as object
    const rest = Object.keys(overrides).length > 0 ? [place, overrides] : [place]
    const [only] = calls
    const answer =
      calls.length === 1 && only
        ? await tenderly.ask('tenderly_simulateTransaction', [encodeCall(only), ...rest])
        : await tenderly.ask('tenderly_simulateBundle', [calls.map(encodeCall), ...rest])
    return readBundle(answer, calls.length)
  }

/**
 * Tenderly's block parameter means "as part of that block", on the state at its start: `latest` would leave out the
 * very block that holds the attack. So it is asked for the block after the signer's own head, and answers from before
 * that head are not believed.
 */
const play = async (
  way: TenderlyWay,
  calls: readonly SimulatedCall[],
  head: number,
): Promise<readonly TenderlyCall[] | string> => {
  const ask = async (block: number | 'pending'): Promise<readonly TenderlyCall[] | string> => {
    const read = await way(calls, block)
    if (typeof read === 'string') return read
    const told = read[0]?.block
    if (told === undefined) return 'the answer does not tell its block'
    return told > head ? read : `it was played as part of block ${told}, the head is ${head}`
  }
  const exact = await ask(head + 1)
  if (typeof exact !== 'string') return exact
  const pending = await ask('pending')
  return typeof pending === 'string' ? exact : pending
}

const playPlan = async (
  way: TenderlyWay,
  plan: SimulationPlan,
  number: number,
): Promise<SimulationAnswer | string> => {
  const probes = await plan.probes
  const last = async (calls: readonly SimulatedCall[]): Promise<CallOutcome | undefined> => {
    const played = await play(way, calls, number).catch(() => 'no answer')
    if (typeof played === 'string') return undefined
    return played.slice(0, -1).every(({ success }) => success) ? played.at(-1) : undefined
  }
  const [main, outcomes] = await Promise.all([
    play(way, [plan.action, ...plan.checks], number),
    Promise.all(
      probes.map(async ({ call, hasBaseline }) => {
        const [after, before] = await Promise.all([
          last([plan.action, call]),
          hasBaseline ? last([call]) : undefined,
        ])
        return { after, before }
      }),
    ),
  ])
  if (typeof main === 'string') return main
  const [action, ...checks] = main
  if (!action) return 'the answer is no simulation'
  return {
    action,
    checks,
    probes: outcomes,
    changes: action.changes,
    block: action.block === undefined ? undefined : action.block - 1,
  }
}

/** Tenderly, by its node first: one bundle for the action with its checks and one per probe. */
export const tenderly: Simulator = async (plan, { rpc, tenderly: ways = [] }) => {
  if (ways.length === 0) return 'neither an endpoint nor an account of Tenderly is configured'
  const { number } = await readHead(rpc)
  const reasons: string[] = []
  for (const way of ways) {
    const answer = await playPlan(way, plan, number).catch((error: unknown) => messageOf(error))
    if (typeof answer !== 'string') return answer
    reasons.push(answer)
  }
  return bounded(reasons.join('; '))
}
