import { createLoop, type Loop, messageOf } from '../base/index.ts'
import { probeReadiness, type Readiness } from './readiness.ts'
import { readBalance } from './readTarget.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

const PAUSE_MS = 30_000

export type ReadinessState = {
  readonly readiness: readonly Readiness[]
  /** Wei per chain name, as decimal strings; `unknown` when it cannot be read. */
  readonly balances: Readonly<Record<string, string>>
}

export type ReadinessMonitor = Loop & { readonly state: () => ReadinessState | undefined }

const probePolicy = async (
  lanes: readonly SignerLane[],
  context: SignerContext,
  policy: LoadedPolicy,
): Promise<Readiness> => {
  const action = context.getAction(policy.action)
  const lane = lanes.find(({ chainId }) => chainId === policy.chain)
  if (action && lane) return probeReadiness(lane.rpc, action, policy, context.key.address)
  const message = `The signer has no endpoint for chain ${policy.chain}.`
  return { policy: policy.id, ready: false, probes: [{ name: 'chain', ok: false, message }] }
}

/** Probes every policy now and every 30 s: a pause that would not work must be known before it is needed. */
export const startReadinessMonitor = (
  context: SignerContext,
  lanes: readonly SignerLane[],
  listPolicies: () => readonly LoadedPolicy[],
): ReadinessMonitor => {
  let state: ReadinessState | undefined
  const readBalanceOf = async ({ chainName, rpc }: SignerLane): Promise<[string, string]> => {
    const balance = await readBalance(rpc, context.key.address).catch(() => 'unknown')
    return [chainName, String(balance)]
  }
  const turn = async (): Promise<void> => {
    const probes = listPolicies().map((policy) => probePolicy(lanes, context, policy))
    const [readiness, balances] = await Promise.all([
      Promise.all(probes),
      Promise.all(lanes.map(readBalanceOf)),
    ])
    state = { readiness, balances: Object.fromEntries(balances) }
  }
  const loop = createLoop(turn, {
    pauseMs: PAUSE_MS,
    onError: (error) =>
      context.log.error({ error: messageOf(error) }, 'The readiness probe failed.'),
  })
  return { ...loop, state: () => state }
}
