import { readHead } from '../readTarget.ts'
import type { RpcAnswer, SignerRpc } from '../signerRpc.ts'
import { asData, asNumber, bounded, encodeCall, isRecord, purseOf } from './readAnswers.ts'
import type { CallOutcome, SimulatedCall, Simulator, StorageChange } from './types.ts'

type Simulated = CallOutcome & {
  readonly changes: readonly StorageChange[] | undefined
  readonly block: number | undefined
}

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

const readSimulated = (value: unknown): Simulated | undefined => {
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

const readBundle = (answer: RpcAnswer, size: number): readonly Simulated[] | string => {
  if (!answer.ok) return bounded(answer.message || `error ${answer.code}`)
  const list: readonly unknown[] = Array.isArray(answer.value) ? answer.value : [answer.value]
  const read = list.flatMap((each) => readSimulated(each) ?? [])
  return read.length === size ? read : 'the answer is no simulation'
}

/**
 * Tenderly's block parameter means "as part of that block", on the state at its start: `latest` would leave out the
 * very block that holds the attack. So it is asked for the block after the signer's own head, and answers from before
 * that head are not believed.
 */
const play = async (
  tenderly: SignerRpc,
  calls: readonly SimulatedCall[],
  head: number,
): Promise<readonly Simulated[] | string> => {
  const overrides = Object.assign({}, ...calls.map(purseOf)) as object
  const hasOverrides = Object.keys(overrides).length > 0
  const ask = async (block: string): Promise<readonly Simulated[] | string> => {
    const rest = hasOverrides ? [block, overrides] : [block]
    const [only] = calls
    const answer =
      calls.length === 1 && only
        ? await tenderly.ask('tenderly_simulateTransaction', [encodeCall(only), ...rest])
        : await tenderly.ask('tenderly_simulateBundle', [calls.map(encodeCall), ...rest])
    const read = readBundle(answer, calls.length)
    if (typeof read === 'string') return read
    const block0 = read[0]?.block
    if (block0 === undefined) return 'the answer does not tell its block'
    return block0 > head ? read : `it was played as part of block ${block0}, the head is ${head}`
  }
  const exact = await ask(`0x${(head + 1).toString(16)}`)
  return typeof exact === 'string' ? ask('pending') : exact
}

/** Tenderly's node: `tenderly_simulateBundle`, one bundle for the action with its checks and one per probe. */
export const tenderlyRpc: Simulator = async (plan, { rpc, tenderly }) => {
  if (!tenderly) return 'no Tenderly endpoint is configured for the chain'
  const [{ number }, probes] = await Promise.all([readHead(rpc), plan.probes])
  const last = async (calls: readonly SimulatedCall[]): Promise<CallOutcome | undefined> => {
    const played = await play(tenderly, calls, number).catch(() => 'no answer')
    if (typeof played === 'string') return undefined
    return played.slice(0, -1).every(({ success }) => success) ? played.at(-1) : undefined
  }
  const [main, outcomes] = await Promise.all([
    play(tenderly, [plan.action, ...plan.checks], number),
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
