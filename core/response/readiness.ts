import { type Address, isTocsinError, messageOf } from '../base/index.ts'
import { createProbeContext } from './adaptCalldata.ts'
import {
  listSharers,
  probe,
  probeBalance,
  probeDryRun,
  probeEndpoints,
  probeExpiry,
  probeSenders,
} from './readinessProbes.ts'
import { checkCode, readBalance } from './readTarget.ts'
import { checkSenders } from './senders/checkSenders.ts'
import { isLocalStep } from './senders/laneSenders.ts'
import type { SignerLane } from './signerContext.ts'
import type { SignerRpc } from './signerRpc.ts'
import type { ActionDefinition, LoadedPolicy, ProbeResult } from './types.ts'

export type Readiness = {
  readonly policy: string
  readonly ready: boolean
  readonly probes: readonly ProbeResult[]
}

export type ReadinessOptions = {
  /** Runs at the fee cap that the balance must cover. Default: 3. */
  readonly runs?: number
  /** Days before the end of an approval at which it counts as near. Default: 14. */
  readonly expiryDays?: number
  /** Senders and Tenderly as the signer has them; a person at a desk may not. Default: unknown, and not probed. */
  readonly lane?: Pick<SignerLane, 'chainName' | 'senders' | 'hasPrivateRpc' | 'tenderly'>
  /** Policies that may draw on the same accounts; itself may be among them. Default: none. */
  readonly policies?: readonly LoadedPolicy[]
  /** Approvers whose signatures a policy needs. Default: none. */
  readonly signaturesRequired?: number
  /** Whether its limits leave room for a run. Default: not probed. */
  readonly probeLimits?: () => Promise<ProbeResult>
}

export const READINESS_DEFAULTS = { runs: 3, expiryDays: 14 } as const

export const probeSignatures = (
  policy: Pick<LoadedPolicy, 'signedBy'>,
  needed: number,
): readonly ProbeResult[] => {
  const count = policy.signedBy?.length ?? 0
  if (needed === 0) return []
  const bad = `The policy needs the signatures of ${needed} approvers and has ${count}.`
  return [probe('signatures', count >= needed, `${count} approvers signed it.`, bad)]
}

const probeAll = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: LoadedPolicy,
  signer: Address,
  options: ReadinessOptions,
): Promise<readonly ProbeResult[]> => {
  const { runs, expiryDays } = { ...READINESS_DEFAULTS, ...options }
  const { lane, probeLimits } = options
  const actor = (await lane?.senders?.actorOf(policy, signer)) ?? signer
  const isLocal = policy.senders.some((_, step) => isLocalStep(policy, step))
  const probeRole = (account: Address) => action.probe(createProbeContext(rpc, policy, account))
  const sharers = await listSharers(lane?.senders, policy, options.policies ?? [], signer)
  const probePurse = async (name: string, account: Address): Promise<ProbeResult> => {
    const balance = await readBalance(rpc, account)
    return probeBalance(policy, { name, account, balance }, runs, sharers.get(account))
  }
  const [codeFault, purse, dryRun, own, remote, endpoints, limits] = await Promise.all([
    checkCode(rpc, policy),
    isLocal ? probePurse('local', signer) : undefined,
    probeDryRun(rpc, lane?.tenderly, action, policy, actor),
    isLocal ? probeRole(signer) : [],
    lane ? probeSenders(lane.senders, policy, { probeRole, probePurse }) : [],
    probeEndpoints(rpc, policy),
    probeLimits?.(),
  ])
  const misfit = lane && checkSenders(lane, policy, action)
  return [
    probe(
      'code',
      codeFault === undefined,
      'The code is the approved one.',
      `The target changed: ${codeFault}.`,
    ),
    ...own,
    ...(purse ? [purse] : []),
    dryRun,
    endpoints,
    ...(misfit ? [probe('senders', false, '', misfit.reason)] : []),
    ...remote,
    ...probeSignatures(policy, options.signaturesRequired ?? 0),
    ...(limits ? [limits] : []),
    probeExpiry(policy, expiryDays),
  ]
}

/** Whether a policy could be carried out now: code, right, balance, dry run, senders, limits, expiry. Never throws. */
export const probeReadiness = async (
  rpc: SignerRpc,
  action: ActionDefinition,
  policy: LoadedPolicy,
  signer: Address,
  options: ReadinessOptions = {},
): Promise<Readiness> => {
  try {
    const probes = await probeAll(rpc, action, policy, signer, options)
    return { policy: policy.id, ready: probes.every(({ ok }) => ok), probes }
  } catch (error) {
    const message = isTocsinError(error) ? error.message : messageOf(error)
    return { policy: policy.id, ready: false, probes: [{ name: 'endpoint', ok: false, message }] }
  }
}
