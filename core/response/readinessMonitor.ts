import { createLoop, type Loop, messageOf } from '../base/index.ts'
import type { DeskPolicy } from './desk/deskPolicy.ts'
import { probeDesk } from './desk/probeDesk.ts'
import { probeLimits } from './probeLimits.ts'
import { probeReadiness, READINESS_DEFAULTS, type Readiness } from './readiness.ts'
import { createReadinessAlerts } from './readinessAlerts.ts'
import { readBalance } from './readTarget.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

/** How soon a probe that has just changed is looked at again. */
const SECOND_LOOK_MS = 5_000
const TICK_MS = 250

export type ReadinessState = {
  readonly readiness: readonly Readiness[]
  /** Wei per chain name, as decimal strings; `unknown` when it cannot be read. */
  readonly balances: Readonly<Record<string, string>>
}

export type ReadinessSettings = {
  readonly everyS: number
  readonly runs: number
  readonly expiryDays: number
}

export type ReadinessMonitor = Loop & {
  readonly state: () => ReadinessState | undefined
  readonly settings: ReadinessSettings
}

const probePolicy = async (
  lanes: readonly SignerLane[],
  context: SignerContext,
  policy: LoadedPolicy,
  policies: readonly LoadedPolicy[],
  { runs, expiryDays }: ReadinessSettings,
): Promise<Readiness> => {
  const action = context.getAction(policy.action)
  const lane = lanes.find(({ chainId }) => chainId === policy.chain)
  if (action && lane)
    return probeReadiness(lane.rpc, action, policy, context.key.address, {
      runs,
      expiryDays,
      lane,
      policies,
      signaturesRequired: context.signaturesRequired,
      probeLimits: () => probeLimits(context, lane, policy),
    })
  const message = `The signer has no endpoint for chain ${policy.chain}.`
  return { policy: policy.id, ready: false, probes: [{ name: 'chain', ok: false, message }] }
}

/**
 * Probes every policy now and on a schedule, and tells people of what fails: a pause that would not work must be known
 * before it is needed.
 */
export const startReadinessMonitor = (
  context: SignerContext,
  lanes: readonly SignerLane[],
  listPolicies: () => readonly LoadedPolicy[],
  listDesks: () => readonly DeskPolicy[] = () => [],
  settings: ReadinessSettings = { everyS: 30, ...READINESS_DEFAULTS },
): ReadinessMonitor => {
  const alerts = createReadinessAlerts(context.db)
  let state: ReadinessState | undefined
  let nextAtMs = 0
  let wasHolder = false
  const readBalanceOf = async ({ chainName, rpc }: SignerLane): Promise<[string, string]> => {
    const balance = await readBalance(rpc, context.key.address).catch(() => 'unknown')
    return [chainName, String(balance)]
  }
  const turn = async (): Promise<void> => {
    const isHolder = context.isHolder()
    if (isHolder && !wasHolder) nextAtMs = 0
    wasHolder = isHolder
    if (Date.now() < nextAtMs) return
    nextAtMs = Date.now() + settings.everyS * 1_000
    const [policies, desks] = [listPolicies(), listDesks()]
    const { signaturesRequired, signal } = context
    const [readiness, balances] = await Promise.all([
      Promise.all([
        ...policies.map((policy) => probePolicy(lanes, context, policy, policies, settings)),
        ...desks.map((desk) =>
          probeDesk(desk, { signaturesRequired, signal, expiryDays: settings.expiryDays }),
        ),
      ]),
      Promise.all(lanes.map(readBalanceOf)),
    ])
    state = { readiness, balances: Object.fromEntries(balances) }
    // Of several signers with one key, the one that acts speaks.
    if (!context.isHolder()) return
    await alerts.update(readiness, [...policies, ...desks])
    if (alerts.isUnsettled()) nextAtMs = Math.min(nextAtMs, Date.now() + SECOND_LOOK_MS)
  }
  const loop = createLoop(turn, {
    pauseMs: TICK_MS,
    onError: (error) =>
      context.log.error({ error: messageOf(error) }, 'The readiness probe failed.'),
  })
  return {
    stop: loop.stop,
    wake: () => {
      nextAtMs = 0
      loop.wake()
    },
    state: () => state,
    settings,
  }
}
