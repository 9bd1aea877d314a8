import type { Address } from '../base/index.ts'
import { adaptPolicy } from './adaptCalldata.ts'
import { isLocalStep, type LaneSenders } from './senders/laneSenders.ts'
import type { SignerLane } from './signerContext.ts'
import type { SignerRpc } from './signerRpc.ts'
import { simulateAction } from './simulation/simulateAction.ts'
import type { ActionDefinition, LoadedPolicy, Policy, ProbeResult } from './types.ts'

export const probe = (name: string, ok: boolean, good: string, bad: string): ProbeResult => ({
  name,
  ok,
  message: ok ? good : bad,
})

/** Wei that must lie ready for so many runs of a policy at its fee cap. */
export const neededWei = (policy: Policy, runs: number): bigint =>
  BigInt(runs) * policy.gasLimit * policy.maxFeePerGasWei

export const probeBalance = (policy: Policy, balance: bigint, runs: number): ProbeResult => {
  const needed = neededWei(policy, runs)
  return probe(
    'balance',
    balance >= needed,
    `The balance covers ${runs} runs at the fee cap.`,
    `The signer holds ${balance} wei; ${runs} runs at the fee cap need ${needed}.`,
  )
}

export const probeExpiry = (
  policy: Pick<LoadedPolicy, 'expiresAt'>,
  noticeDays: number,
): ProbeResult => {
  const days = (Date.parse(policy.expiresAt) - Date.now()) / 86_400_000
  return probe(
    'expiry',
    days > noticeDays,
    `Approved until ${policy.expiresAt}.`,
    days > 0
      ? `The approval ends in ${days.toFixed(1)} days (${policy.expiresAt}).`
      : `The approval ended at ${policy.expiresAt}.`,
  )
}

/** The action, played as it would be sent now, with the canaries and the storage that the policy asserts. */
export const probeDryRun = async (
  rpc: SignerRpc,
  tenderly: SignerLane['tenderly'],
  action: ActionDefinition,
  policy: LoadedPolicy,
  from: Address,
): Promise<ProbeResult> => {
  const adapted = await adaptPolicy(rpc, action, policy, from)
  if (!adapted)
    return probe('dry-run', false, '', 'What stands on chain now could not be read for a dry run.')
  const result = await simulateAction({ rpc, tenderly, action, policy: adapted, from })
  const { outcome, method, detail } = result
  const ok = outcome === 'passed' || outcome === 'already_effective'
  const good =
    outcome === 'passed'
      ? `A dry run (${method}) succeeds.`
      : `Already so: ${action.postcondition.description}.`
  const bad = `A dry run is ${outcome.replaceAll('_', ' ')}${detail ? `: ${detail}` : ''}.`
  return probe('dry-run', ok, good, bad)
}

/** Whether so many of the signer's endpoints answer as the quorum asks for. */
export const probeEndpoints = async (rpc: SignerRpc, policy: Policy): Promise<ProbeResult> => {
  const answers = await Promise.allSettled(rpc.askEach('eth_blockNumber', []))
  const well = answers.filter((each) => each.status === 'fulfilled' && each.value.ok).length
  const needed = Math.max(1, policy.quorum.endpoints)
  return probe(
    'endpoints',
    well >= needed,
    `${well} of ${answers.length} endpoints answer.`,
    `${well} of ${answers.length} endpoints answer; ${needed} must.`,
  )
}

/** Every sender of the policy with a key of its own: whether it could send, and has the right to. */
export const probeSenders = async (
  senders: LaneSenders | undefined,
  policy: Policy,
  probeRole: (account: Address) => Promise<readonly ProbeResult[]>,
): Promise<readonly ProbeResult[]> => {
  const remote = policy.senders.filter((_, step) => !isLocalStep(policy, step))
  const results = await Promise.all(
    remote.map(async ({ name }): Promise<readonly ProbeResult[]> => {
      const sender = senders?.find(name)
      if (!sender)
        return [probe(`sender:${name}`, false, '', `There is no sender "${name}" for the chain.`)]
      const own = await sender.probe()
      const bad = own.filter(({ ok }) => !ok)
      const health = probe(
        `sender:${name}`,
        bad.length === 0,
        `The sender ${name} is well.`,
        bad.map(({ message }) => message).join(' ') || 'It is not well.',
      )
      const account = await sender.account().catch(() => undefined)
      const roles = account === undefined ? [] : await probeRole(account)
      return [health, ...roles.map((role) => ({ ...role, name: `${role.name}@${name}` }))]
    }),
  )
  return results.flat()
}
