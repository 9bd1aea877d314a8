import type { PolicyCache } from './policyCache.ts'
import type { ReadinessMonitor } from './readinessMonitor.ts'
import { neededWei } from './readinessProbes.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { SignerSigns } from './signerMetrics.ts'

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** What the signer's gauges show now. Costs no request: balances are those of the last probe. */
export const readSigns = (parts: {
  readonly context: SignerContext
  readonly lanes: readonly SignerLane[]
  readonly policies: PolicyCache
  readonly monitor: ReadinessMonitor
}): SignerSigns => {
  const { context, lanes, policies, monitor } = parts
  const list = policies.list()
  const state = monitor.state()
  return {
    policies: list.map(({ id }) => id),
    faultyFiles: new Set(policies.faults().map(({ file }) => file)).size,
    readiness: state?.readiness ?? [],
    balances: Object.fromEntries(
      Object.entries(state?.balances ?? {}).flatMap(([chain, wei]) =>
        wei === 'unknown' ? [] : [[chain, BigInt(wei)]],
      ),
    ),
    needed: Object.fromEntries(
      lanes.map(({ chainId, chainName }) => [
        chainName,
        list
          .filter(({ chain }) => chain === chainId)
          .reduce((most, policy, _, all) => {
            const others = all.filter(({ id }) => id !== policy.id)
            return larger(most, neededWei(policy, monitor.settings.runs, others))
          }, 0n),
      ]),
    ),
    isHolder: context.isHolder(),
    isHalted: context.isHalted(),
    endpoints: lanes.flatMap(({ chainName, rpc }) =>
      rpc.health().map(({ name, ok }) => ({ chain: chainName, name, ok })),
    ),
  }
}
