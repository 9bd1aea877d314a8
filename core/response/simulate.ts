import type { Address } from '../base/index.ts'
import { type Hex, isTocsinError } from '../base/index.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { ActionDefinition, Policy } from './types.ts'

export type SimulationResult = {
  readonly outcome:
    | 'passed'
    | 'already_effective'
    | 'reverted'
    | 'postcondition_failed'
    | 'unavailable'
  readonly method: 'eth_simulateV1' | 'eth_call' | 'none'
  /** Revert data or what the endpoint said, bounded. */
  readonly detail: string
}

type Call = { readonly success: boolean; readonly data: Hex }

const readCalls = (value: unknown): readonly Call[] | undefined => {
  const block: unknown = Array.isArray(value) ? value[0] : undefined
  if (
    typeof block !== 'object' ||
    block === null ||
    !('calls' in block) ||
    !Array.isArray(block.calls)
  )
    return undefined
  return block.calls.map((call: unknown): Call => {
    const entry = typeof call === 'object' && call !== null ? call : {}
    const own =
      'returnData' in entry && typeof entry.returnData === 'string' ? entry.returnData : '0x'
    const error =
      'error' in entry &&
      typeof entry.error === 'object' &&
      entry.error !== null &&
      'data' in entry.error
        ? entry.error.data
        : undefined
    // Nodes differ: revert data lies in returnData, or in the error.
    const data = own === '0x' && typeof error === 'string' ? error : own
    return { success: 'status' in entry && entry.status === '0x1', data: data as Hex }
  })
}

const bounded = (text: string): string => text.slice(0, 300)

const judge = (
  action: ActionDefinition,
  method: SimulationResult['method'],
  first: Call,
  policy: Policy,
  checks: readonly Call[] | undefined,
): SimulationResult => {
  if (!first.success)
    return {
      outcome: action.isAlreadyEffective(first.data) ? 'already_effective' : 'reverted',
      method,
      detail: bounded(first.data),
    }
  if (!checks) return { outcome: 'passed', method, detail: '' }
  const data = checks.flatMap((check) => (check.success ? [check.data] : []))
  const isComplete = data.length === action.postcondition.calls(policy).length
  if (!isComplete || !action.postcondition.holds(data, policy))
    return { outcome: 'postcondition_failed', method, detail: bounded(data.join(' ')) }
  return { outcome: 'passed', method, detail: '' }
}

/**
 * Plays the action on top of the latest block: the action and then its post-condition in one `eth_simulateV1` block;
 * where the node lacks it, the action alone by `eth_call`. Never throws: what cannot be had is `unavailable`.
 */
export const simulateAction = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: Policy,
  from: Address,
): Promise<SimulationResult> => {
  const call = {
    from,
    to: policy.target,
    data: policy.calldata,
    gas: `0x${policy.gasLimit.toString(16)}`,
  }
  const checks = action.postcondition.calls(policy).map((each) => ({ from, ...each }))
  try {
    const answer = await rpc.ask('eth_simulateV1', [
      { blockStateCalls: [{ calls: [call, ...checks] }], validation: false },
      'latest',
    ])
    const calls = answer.ok ? readCalls(answer.value) : undefined
    if (calls?.[0]) return judge(action, 'eth_simulateV1', calls[0], policy, calls.slice(1))
    const single = await rpc.ask('eth_call', [call, 'latest'])
    if (single.ok)
      return judge(action, 'eth_call', { success: true, data: '0x' }, policy, undefined)
    const isRevert = single.code === 3 || single.data !== '0x' || /revert/i.test(single.message)
    if (isRevert)
      return judge(action, 'eth_call', { success: false, data: single.data }, policy, undefined)
    return { outcome: 'unavailable', method: 'none', detail: bounded(single.message) }
  } catch (error) {
    return {
      outcome: 'unavailable',
      method: 'none',
      detail: isTocsinError(error) ? bounded(String(error.code)) : 'no answer',
    }
  }
}
