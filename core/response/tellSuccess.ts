import { eq } from 'drizzle-orm'
import { cleanText } from '../base/index.ts'
import { type DatabaseTransaction, tables } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import type { ExecutionRow } from './executionStore.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

/** What makes the channels of a policy hear of a finding about it, beside those that the routes name. */
export const heardBy = (
  policy: Pick<LoadedPolicy, 'channels'> | undefined,
): Readonly<Record<string, string>> =>
  policy && policy.channels.length > 0 ? { channels: policy.channels.join(',') } : {}

/** Tells people that an action took effect, once: what they were woken for has been answered, and is theirs to lift. */
export const tellSuccess = async (
  tx: DatabaseTransaction,
  row: ExecutionRow,
  { policy, action }: { readonly policy: LoadedPolicy; readonly action: ActionDefinition },
  mined: { readonly txHash: string | null; readonly block: number },
): Promise<void> => {
  const [trigger] = await tx
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.id, row.findingId))
    .limit(1)
  const asked = trigger
    ? `${cleanText(trigger.name, 120)} (${trigger.botId}/${trigger.alertId}, block ${trigger.blockNumber})`
    : 'a finding that does not exist'
  const by = mined.txHash ? `transaction ${mined.txHash}` : 'a transaction of somebody else'
  await recordSelfFinding(tx, {
    alertId: 'EXECUTION-SUCCEEDED',
    name: `The action ${policy.id} took effect`,
    description: `${policy.id} on ${policy.target} (chain ${policy.chain}), asked for by ${asked}, took effect in block ${mined.block} by ${by}: ${action.postcondition.description}. Only people lift it; execution ${row.id}.`,
    severity: 'Info',
    uniqueKey: row.id,
    owner: trigger?.owner ?? null,
    protocol: trigger?.protocol ?? null,
    metadata: {
      action: policy.id,
      target: policy.target,
      chain: String(policy.chain),
      execution: row.id,
      finding: cleanText(row.findingId, 80),
      transaction: mined.txHash ?? 'none',
      ...heardBy(policy),
    },
  })
}
