import { eq } from 'drizzle-orm'
import { getAddress } from 'viem'
import { cleanText } from '../../base/index.ts'
import { type DatabaseTransaction, tables } from '../../store/index.ts'
import { recordSelfFinding } from '../../telemetry/index.ts'
import type { ExecutionRow } from '../executionStore.ts'
import { heardBy } from '../tellSuccess.ts'
import type { LoadedPolicy } from '../types.ts'
import type { RelayTransaction } from './remoteSender.ts'

/**
 * Tells people that a Safe's owners must sign: the action happens only when they do. Once for each proposal; nothing for a
 * transaction that needs no people.
 */
export const tellSafeProposal = async (
  tx: DatabaseTransaction,
  row: Pick<ExecutionRow, 'id' | 'findingId'>,
  parts: {
    readonly policy: Pick<
      LoadedPolicy,
      'id' | 'target' | 'chain' | 'calldata' | 'channels' | 'runbook'
    >
    /** Name under `signer.senders`. */
    readonly sender: string
    readonly transaction: Pick<RelayTransaction, 'state' | 'proposal'>
  },
): Promise<void> => {
  const { policy, sender, transaction } = parts
  const { proposal } = transaction
  if (!proposal || transaction.state !== 'pending') return
  const { safeTxHash, link } = proposal
  // As wallets show it.
  const safe = getAddress(proposal.safe)
  const nonce = proposal.nonce === undefined ? 'unknown' : String(proposal.nonce)
  const [trigger] = await tx
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.id, row.findingId))
    .limit(1)
  const why = trigger ? cleanText(trigger.name, 120) : 'A finding'
  await recordSelfFinding(tx, {
    alertId: 'SAFE-PROPOSED',
    name: `The owners of the Safe ${safe} must sign ${policy.id}`,
    description: `${why} calls for ${policy.id} on ${policy.target} (chain ${policy.chain}). It is proposed to the Safe ${safe} with nonce ${nonce} and happens only once its owners sign and execute it, in the order of its nonces. Compare the hash ${safeTxHash} with what your wallet shows: ${cleanText(link, 400)}`,
    severity: 'Critical',
    uniqueKey: safeTxHash,
    owner: trigger?.owner ?? null,
    protocol: trigger?.protocol ?? null,
    metadata: {
      action: policy.id,
      target: policy.target,
      chain: String(policy.chain),
      calldata: policy.calldata.slice(0, 400),
      execution: row.id,
      sender,
      safe,
      nonce,
      safeTxHash,
      link: cleanText(link, 400),
      runbook: cleanText(policy.runbook, 300),
      ...heardBy(policy),
    },
  })
}
