import { type Address, type Hex, isTocsinError, messageOf } from '../base/index.ts'
import { checkCode, readBalance } from './readTarget.ts'
import type { SignerRpc } from './signerRpc.ts'
import { simulateAction } from './simulation/simulateAction.ts'
import type { ActionDefinition, LoadedPolicy, Policy, ProbeResult } from './types.ts'

/** Transactions at the fee cap that the balance must cover. */
const RESERVE = 3n
const EXPIRY_NOTICE_DAYS = 14

/** Wei that must lie ready for a policy. */
export const neededWei = (policy: Policy): bigint =>
  RESERVE * policy.gasLimit * policy.maxFeePerGasWei

export type Readiness = {
  readonly policy: string
  readonly ready: boolean
  readonly probes: readonly ProbeResult[]
}

const probe = (name: string, ok: boolean, good: string, bad: string): ProbeResult => ({
  name,
  ok,
  message: ok ? good : bad,
})

const probeExpiry = (policy: LoadedPolicy): ProbeResult => {
  const days = (Date.parse(policy.expiresAt) - Date.now()) / 86_400_000
  return probe(
    'expiry',
    days > EXPIRY_NOTICE_DAYS,
    `Approved until ${policy.expiresAt}.`,
    days > 0
      ? `The approval ends in ${days.toFixed(1)} days (${policy.expiresAt}).`
      : `The approval ended at ${policy.expiresAt}.`,
  )
}

const probeDryRun = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: LoadedPolicy,
  signer: Address,
): Promise<ProbeResult> => {
  const { outcome, method, detail } = await simulateAction({
    rpc,
    action,
    policy,
    from: signer,
  })
  const ok = outcome === 'passed' || outcome === 'already_effective'
  const good =
    outcome === 'passed'
      ? `A dry run (${method}) succeeds.`
      : `Already so: ${action.postcondition.description}.`
  return probe(
    'dry-run',
    ok,
    good,
    `A dry run is ${outcome.replaceAll('_', ' ')}${detail ? `: ${detail}` : ''}.`,
  )
}

/** Whether a policy could be carried out now: code, right, balance, dry run, expiry. Never throws. */
export const probeReadiness = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: LoadedPolicy,
  signer: Address,
): Promise<Readiness> => {
  try {
    const call = async (to: Address, data: Hex): Promise<{ ok: boolean; data: Hex }> => {
      const answer = await rpc.ask('eth_call', [{ to, data }, 'latest'])
      if (!answer.ok) return { ok: false, data: answer.data }
      return { ok: true, data: typeof answer.value === 'string' ? (answer.value as Hex) : '0x' }
    }
    const [codeFault, balance, dryRun, own] = await Promise.all([
      checkCode(rpc, policy),
      readBalance(rpc, signer),
      probeDryRun(rpc, action, policy, signer),
      action.probe({ policy, signer, call }),
    ])
    const needed = neededWei(policy)
    const probes = [
      probe(
        'code',
        codeFault === undefined,
        'The code is the approved one.',
        `The target changed: ${codeFault}.`,
      ),
      ...own,
      probe(
        'balance',
        balance >= needed,
        `The balance covers ${RESERVE} runs at the fee cap.`,
        `The signer holds ${balance} wei; ${RESERVE} runs at the fee cap need ${needed}.`,
      ),
      dryRun,
      probeExpiry(policy),
    ]
    return { policy: policy.id, ready: probes.every(({ ok }) => ok), probes }
  } catch (error) {
    const message = isTocsinError(error) ? error.message : messageOf(error)
    return { policy: policy.id, ready: false, probes: [{ name: 'endpoint', ok: false, message }] }
  }
}
