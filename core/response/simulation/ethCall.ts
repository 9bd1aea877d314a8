import { bounded, encodeCall } from './readAnswers.ts'
import type { Simulator } from './types.ts'

/** `eth_call`: the action alone. Whether it succeeds, and nothing about what comes after. */
export const ethCall: Simulator = async (plan, { rpc }) => {
  const answer = await rpc.ask('eth_call', [encodeCall(plan.action), 'latest'])
  const rest = { checks: undefined, probes: [], changes: undefined, block: undefined }
  if (answer.ok) return { action: { success: true, data: '0x' }, ...rest }
  const isRevert = answer.code === 3 || answer.data !== '0x' || /revert/i.test(answer.message)
  return isRevert
    ? { action: { success: false, data: answer.data }, ...rest }
    : bounded(answer.message || `error ${answer.code}`)
}
