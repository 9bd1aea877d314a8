import { type Address, messageOf } from '../base/index.ts'
import { adaptPolicy } from './adaptCalldata.ts'
import { isLocalStep, type LaneSenders } from './senders/laneSenders.ts'
import type { RemoteSender } from './senders/remoteSender.ts'
import type { SignerLane } from './signerContext.ts'
import type { SignerRpc } from './signerRpc.ts'
import { simulateAction } from './simulation/simulateAction.ts'
import type { ActionDefinition, LoadedPolicy, Policy, ProbeResult } from './types.ts'

export const probe = (name: string, ok: boolean, good: string, bad: string): ProbeResult => ({
  name,
  ok,
  message: ok ? good : bad,
})

/**
 * Wei that must lie ready for so many runs of a policy at its fee cap, and for one of each other policy that draws on the
 * same account: all of them may run at once.
 */
export const neededWei = (policy: Policy, runs: number, others: readonly Policy[] = []): bigint =>
  others.reduce(
    (sum, { gasLimit, maxFeePerGasWei }) => sum + gasLimit * maxFeePerGasWei,
    BigInt(runs) * policy.gasLimit * policy.maxFeePerGasWei,
  )

/** Who pays on a chain: the signer's own account, or a sender's. */
export type Purse = {
  /** Name of the sender, or `local`. */
  readonly name: string
  readonly account: Address
  readonly balance: bigint
}

export const probeBalance = (
  policy: Policy,
  { name, account, balance }: Purse,
  runs: number,
  others: readonly Policy[] = [],
): ProbeResult => {
  const needed = neededWei(policy, runs, others)
  const more = others.length === 0 ? '' : `, and one of each of ${others.length} other policies,`
  return probe(
    name === 'local' ? 'balance' : `balance@${name}`,
    balance >= needed,
    `The balance covers ${runs} runs at the fee cap${more.replace(/,$/, '')}.`,
    `${name === 'local' ? 'The signer' : `The account of the sender ${name}`} ${account} holds ${balance} wei; ${runs} runs at the fee cap${more} need ${needed}.`,
  )
}

/** Accounts that pay for a policy's transactions, as far as they can be told now. */
const listPayers = async (
  senders: LaneSenders | undefined,
  policy: Policy,
  own: Address,
): Promise<readonly Address[]> => {
  const payers = await Promise.all(
    policy.senders.map(async ({ name }, step) =>
      isLocalStep(policy, step) ? own : senders?.payerOf(name),
    ),
  )
  return payers.filter((payer) => payer !== undefined)
}

/** Policies beside this one that may draw on the same accounts now: on its chain, sending, and in force; by account. */
export const listSharers = async (
  senders: LaneSenders | undefined,
  policy: Policy,
  all: readonly Policy[],
  own: Address,
): Promise<ReadonlyMap<Address, readonly Policy[]>> => {
  const others = all.filter(
    ({ id, chain, mode, expiresAt }) =>
      id !== policy.id &&
      chain === policy.chain &&
      mode !== 'observe' &&
      Date.parse(expiresAt) > Date.now(),
  )
  const sharers = new Map<Address, Policy[]>()
  for (const other of others)
    for (const payer of new Set(await listPayers(senders, other, own)))
      sharers.set(payer, [...(sharers.get(payer) ?? []), other])
  return sharers
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

/** What is asked of the account that a sender uses. */
export type AccountProbes = {
  readonly probeRole: (account: Address) => Promise<readonly ProbeResult[]>
  /** Of a sender that pays by itself. */
  readonly probePurse: (name: string, account: Address) => Promise<ProbeResult>
}

const probeSender = async (
  name: string,
  sender: RemoteSender | undefined,
  { probeRole, probePurse }: AccountProbes,
): Promise<readonly ProbeResult[]> => {
  if (!sender)
    return [probe(`sender:${name}`, false, '', `There is no sender "${name}" for the chain.`)]
  const own = await sender.probe()
  const bad = own.filter(({ ok }) => !ok)
  const account = await sender.account().catch((error: unknown) => {
    // Without it neither right nor balance can be looked at.
    if (bad.length === 0) bad.push({ name: 'account', ok: false, message: messageOf(error) })
    return undefined
  })
  const health = probe(
    `sender:${name}`,
    bad.length === 0,
    `The sender ${name} is well.`,
    bad.map(({ message }) => message).join(' ') || 'It is not well.',
  )
  if (account === undefined) return [health]
  const [roles, purse] = await Promise.all([
    probeRole(account),
    sender.type === 'safe' ? undefined : probePurse(name, account),
  ])
  return [
    health,
    ...roles.map((role) => ({ ...role, name: `${role.name}@${name}` })),
    ...(purse ? [purse] : []),
  ]
}

/** Every sender of the policy with a key of its own: whether it could send, has the right to, and can pay for it. */
export const probeSenders = async (
  senders: LaneSenders | undefined,
  policy: Policy,
  account: AccountProbes,
): Promise<readonly ProbeResult[]> => {
  const remote = policy.senders.filter((_, step) => !isLocalStep(policy, step))
  const results = await Promise.all(
    remote.map(({ name }) => probeSender(name, senders?.find(name), account)),
  )
  return results.flat()
}
