import type { Address, Hex } from '../base/index.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { ActionDefinition, LoadedPolicy, Policy, ProbeContext } from './types.ts'

/** Reads for probes and for `adapt`, at the latest block of the signer's own endpoint. */
export const createProbeContext = (
  rpc: SignerRpc,
  policy: Policy,
  signer: Address,
): ProbeContext => ({
  policy,
  signer,
  call: async (to, data) => {
    const answer = await rpc.ask('eth_call', [{ to, data }, 'latest'])
    if (!answer.ok) return { ok: false, data: answer.data }
    return { ok: true, data: typeof answer.value === 'string' ? (answer.value as Hex) : '0x' }
  },
})

/** Whether these bytes may be signed for a policy: its own, or such as raise at least what it raises. */
export const isApprovedCalldata = (
  action: ActionDefinition | undefined,
  policy: Policy,
  calldata: Hex,
): boolean => {
  if (calldata === policy.calldata) return true
  if (!action?.adapt || action.selectors === 'any') return false
  if (!action.selectors.some((each) => calldata.startsWith(each))) return false
  return action.adapt.accepts(policy, calldata)
}

/**
 * The policy with the calldata that fits what stands on chain now: flags that are raised stay raised. The same policy
 * when its action type has nothing to adapt. Undefined when
 * what stands cannot be read, or the type's answer is not one that it accepts itself.
 * @throws TocsinError `rpc.*` when the chain cannot be read.
 */
export const adaptPolicy = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: LoadedPolicy,
  signer: Address,
): Promise<LoadedPolicy | undefined> => {
  if (!action.adapt) return policy
  const calldata = await action.adapt.prepare(createProbeContext(rpc, policy, signer))
  if (calldata === undefined) return undefined
  return isApprovedCalldata(action, policy, calldata) ? { ...policy, calldata } : undefined
}
