import { eq } from 'drizzle-orm'
import { cleanText, toJson } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import { notify, tables } from '../../store/index.ts'
import { recordSelfFinding } from '../../telemetry/index.ts'
import { describeCall } from '../describeCall.ts'
import type { ExecutionRow, FindingRow } from '../executionStore.ts'
import type { SignerContext } from '../signerContext.ts'
import { describeSimulation } from '../simulation/describeSimulation.ts'
import { heardBy } from '../tellSuccess.ts'
import type { ActionDefinition, LoadedPolicy } from '../types.ts'
import { createNonce } from './answerProposal.ts'
import { bytesHashOf } from './approvalClaims.ts'
import type { Approver } from './readApprovals.ts'

/** What a link will say once the notifier makes it; no secret, so that it can lie in the outbox. */
export type Ask = {
  readonly execution: string
  readonly bytesHash: string
  readonly who: string
  readonly role: string
  readonly nonce: string
  readonly expiresS: number
}

/** The name under which whoever reads a channel answers, where no person is named for it. */
export const channelPerson = (channel: string): string => `channel ${channel}`

type Recipient = { readonly channel: string; readonly who: string; readonly role: string }

/** Each person's own channel; where none is known, the policy's channels. */
export const listRecipients = (
  policy: LoadedPolicy,
  approvers: readonly Approver[],
  channels: Readonly<Record<string, string>>,
): readonly Recipient[] => {
  const people = Object.entries(channels).flatMap(([who, channel]) => {
    const approver = approvers.find(({ name }) => name === who)
    if (approvers.length > 0 && !approver) return []
    return [{ channel, who, role: approver?.role ?? '' }]
  })
  if (people.length > 0 || approvers.length > 0) return people
  return policy.channels.map((channel) => ({ channel, who: channelPerson(channel), role: '' }))
}

type Proposal = {
  readonly row: ExecutionRow
  readonly policy: LoadedPolicy
  readonly action: ActionDefinition | undefined
  readonly finding: FindingRow | undefined
  readonly chainName: string
}

const evidenceOf = ({ row, policy, action, finding }: Proposal): Record<string, string> => ({
  action: `${policy.id}: ${action?.summary ?? policy.action}`,
  effect: action?.postcondition.description ?? 'unknown',
  target: policy.target,
  call: (action && describeCall(action, policy)) ?? 'not known to the action type',
  calldata: policy.calldata.slice(0, 400),
  simulation: describeSimulation(row.simulation),
  finding: finding ? cleanText(`${finding.name}: ${finding.description}`, 300) : 'none',
  transaction: finding?.txHash ?? 'none',
  people: String(policy.approval.required),
  execution: row.id,
})

/** Who reads a channel that is nobody's own must say who they are. */
const commandOf = (id: string, { channel, who }: Recipient): string => {
  const by = who === channelPerson(channel) ? 'YOUR-NAME' : JSON.stringify(who)
  return `tocsin actions approve ${id} --by ${by}`
}

/** The message as channels deliver it (`tocsin.alert.v1`), with the ask of one person. */
const encodeMessage = (proposal: Proposal, recipient: Recipient, expiresS: number) => {
  const { row, policy, finding } = proposal
  const now = new Date().toISOString()
  const block = finding?.blockNumber ?? 0
  const ask: Ask = {
    execution: row.id,
    bytesHash: bytesHashOf(row.id, policy),
    who: recipient.who,
    role: recipient.role,
    nonce: createNonce(),
    expiresS,
  }
  return {
    schema: 'tocsin.alert.v1',
    dedupKey: `${row.id}.proposed.1.${recipient.channel}.${recipient.who}`.slice(0, 250),
    change: 'opened',
    ordinal: 1,
    alert: row.id,
    incident: null,
    status: 'open',
    kind: 'event',
    severity: 'SEV1',
    title: cleanText(`Approve or deny: ${policy.id} on ${policy.target}`, 200),
    summary: cleanText(
      `${finding?.name ?? 'A finding'} calls for ${policy.id} (${proposal.action?.summary ?? policy.action}). It waits for ${policy.approval.required} of you until ${new Date(expiresS * 1000).toISOString()}. At the machine: ${commandOf(row.id, recipient)}`,
      1_000,
    ),
    bot: finding?.botId ?? 'unknown',
    alertId: 'PROPOSAL',
    chain: { id: policy.chain, name: proposal.chainName },
    thing: finding?.thing ?? null,
    owner: finding?.owner ?? null,
    protocol: finding?.protocol ?? null,
    blocks: { first: block, last: block },
    transactions: finding?.txHash ? [finding.txHash] : [],
    addresses: [policy.target],
    evidence: evidenceOf(proposal),
    findings: 1,
    final: finding?.status === 'final',
    runbook: policy.runbook,
    times: { opened: now, changed: now, closed: null },
    ask,
  }
}

/**
 * Tells people of a proposal, once: by the routes like any finding, and by a message with links of their own to each
 * who may answer. The links themselves are made by the notifier when it sends.
 */
export const tellProposal = async (
  context: SignerContext,
  config: Config,
  row: ExecutionRow,
  policy: LoadedPolicy,
): Promise<void> => {
  const { db } = context
  const [finding] = await db
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.id, row.findingId))
  const proposal: Proposal = {
    row,
    policy,
    action: context.getAction(policy.action),
    finding,
    chainName: config.chains.find(({ id }) => id === policy.chain)?.name ?? `chain-${policy.chain}`,
  }
  const since = (row.proposedAt ?? row.requestedAt).getTime() / 1000
  const expiresS = Math.floor(since + policy.approval.timeoutS)
  const recipients = listRecipients(
    policy,
    config.signer?.approvers ?? [],
    config.people?.channels ?? {},
  )
  await db.transaction(async (tx) => {
    await recordSelfFinding(tx, {
      alertId: 'PROPOSAL',
      name: `The action ${policy.id} waits for people`,
      description: `${cleanText(finding?.name ?? 'A finding', 120)} calls for ${policy.id} on ${policy.target}. ${policy.approval.required} must approve it until ${new Date(expiresS * 1000).toISOString()}: \`tocsin actions show ${row.id}\`, then \`tocsin actions approve ${row.id}\` or \`tocsin actions deny ${row.id}\`.`,
      severity: 'High',
      uniqueKey: row.id,
      owner: finding?.owner ?? null,
      protocol: finding?.protocol ?? null,
      // Who is asked directly is not told of it besides.
      metadata: {
        ...evidenceOf(proposal),
        ...heardBy({
          channels: policy.channels.filter(
            (name) => !recipients.some(({ channel }) => channel === name),
          ),
        }),
      },
    })
    for (const recipient of recipients) {
      const message = encodeMessage(proposal, recipient, expiresS)
      await tx
        .insert(tables.outbox)
        .values({
          dedupKey: message.dedupKey,
          channel: recipient.channel,
          alertId: row.id,
          lane: `${row.id}.${recipient.who}`.slice(0, 250),
          severity: 'SEV1',
          payload: toJson(message),
        })
        .onConflictDoNothing()
    }
    await notify(tx, 'tocsin_outbox')
  })
}
