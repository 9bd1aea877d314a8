import { checkLimits } from './checkLimits.ts'
import { listDeeds, readCosts } from './deeds.ts'
import { readEffect } from './readTarget.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { LoadedPolicy, ProbeResult } from './types.ts'

/** Used up, not merely resting: a cooldown after a run is what the policy wants. */
const SPENT = ['limit', 'spend']

/**
 * Whether window, life and spending of a policy leave room for one more run at the fee cap. A run that used them up and
 * whose effect stands is no fault: it becomes one when somebody lifts the effect while there is no room.
 */
export const probeLimits = async (
  context: SignerContext,
  lane: SignerLane,
  policy: LoadedPolicy,
): Promise<ProbeResult> => {
  const nowMs = Date.now()
  const costs = await readCosts(lane, context.ledger, policy.id, nowMs)
  const deeds = await listDeeds(context.db, context.ledger, lane.chainId, '', costs)
  const refusal = checkLimits({
    policy,
    deeds,
    costWei: policy.gasLimit * policy.maxFeePerGasWei,
    // From after any cooldown.
    triggeredAtS: Number.MAX_SAFE_INTEGER,
    nowMs,
    cooldownOf: (id) => context.getPolicy(id)?.cooldownS,
  })
  if (!refusal || !SPENT.includes(refusal.code))
    return { name: 'limits', ok: true, message: 'The limits leave room for a run.' }
  // While what it is for stands, nothing of it is wanted.
  const action = context.getAction(policy.action)
  if (action && (await readEffect(lane.rpc, action, policy)))
    return {
      name: 'limits',
      ok: true,
      message: `Used up, and its effect stands: ${action.postcondition.description}.`,
    }
  return { name: 'limits', ok: false, message: refusal.reason }
}
