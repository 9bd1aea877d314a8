import { desc, eq } from 'drizzle-orm'
import { cleanText, type Hex } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, notify, tables } from '../../store/index.ts'
import { insertIntent } from '../requestExecutions.ts'
import type { LoadedPolicy } from '../types.ts'
import { encodeOrder, ORDER_ALERT_ID, ORDER_BOT_ID, type Order, orderFindingId } from './order.ts'

const UNDER_WAY: readonly string[] = ['requested', 'sending', 'sent', 'mined']

/** The next epoch of an action, or undefined while one is under way already. */
const nextEpoch = async (
  tx: DatabaseTransaction,
  policy: LoadedPolicy,
): Promise<number | undefined> => {
  const { execution } = tables
  const [last] = await tx
    .select({ epoch: execution.epoch, status: execution.status })
    .from(execution)
    .where(eq(execution.actionId, policy.id))
    .orderBy(desc(execution.epoch))
    .limit(1)
  if (!last) return 1
  return UNDER_WAY.includes(last.status) ? undefined : last.epoch + 1
}

/** A block that the signer's endpoints should have too. */
export type OrderBlock = {
  readonly number: number
  readonly hash: Hex
  readonly timestampS: number
}

/**
 * Writes a person's order as a finding, and an intent for each of the policies. The signer verifies the proof and
 * everything else again.
 * @returns execution ids by policy; none for an action that is under way already.
 */
export const orderPauses = (
  db: Database,
  options: {
    readonly order: Order
    readonly proof: string
    readonly reason: string
    readonly block: OrderBlock
    readonly policies: readonly LoadedPolicy[]
  },
): Promise<Readonly<Record<string, string | undefined>>> =>
  db.transaction(async (tx) => {
    const { order, proof, block, policies } = options
    const by = cleanText(order.by, 200)
    const finding = {
      id: orderFindingId(order),
      botId: ORDER_BOT_ID,
      botVersion: '1.0.0',
      alertId: ORDER_ALERT_ID,
      alertKind: 'event' as const,
      chainId: order.chain,
      blockNumber: block.number,
      blockHash: block.hash,
      blockTimestampS: block.timestampS,
      uniqueKey: order.nonce,
      name: `${by} ordered ${policies.length === 1 ? 'an action' : `${policies.length} actions`}`,
      description: `${by} ordered ${policies.map(({ id }) => id).join(', ')}: ${cleanText(options.reason, 500)}`,
      severity: 'Critical',
      type: 'Info',
      metadata: encodeOrder(order, proof),
      status: 'final' as const,
    }
    await tx.insert(tables.finding).values(finding)
    const created: Record<string, string | undefined> = {}
    for (const policy of [...policies].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const epoch = await nextEpoch(tx, policy)
      created[policy.id] =
        epoch === undefined
          ? undefined
          : await insertIntent(tx, policy, { ...finding, thing: null }, epoch, undefined)
    }
    await notify(tx, 'tocsin_finding')
    return created
  })
