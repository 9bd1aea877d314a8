import { recoverTypedDataAddress } from 'viem/utils'
import type { Hex } from '../../base/index.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { FindingRow } from '../executionStore.ts'
import type { ActionDefinition, LoadedPolicy } from '../types.ts'
import { nameOf } from './nameOf.ts'
import {
  covers,
  decodeOrder,
  MAX_ORDER_S,
  ORDER_BOT_ID,
  type Order,
  orderFindingId,
  orderTypedData,
  verifyOrder,
} from './order.ts'
import type { Approver, People } from './readApprovals.ts'

/** Whether a finding is a person's order for a policy. `none`: a bot found it. */
export type OrderReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'ordered'; readonly by: string }
  | ({ readonly kind: 'refuse' } & Refusal)

/** What may be ordered for a whole chain: guards that can be raised twice without harm and lowered again by people. */
export const isPause = (action: ActionDefinition, policy: LoadedPolicy): boolean =>
  action.isIdempotent && !(action.isIrreversible?.(policy) ?? false)

const isSignedBy = async (approver: Approver, order: Order, proof: string): Promise<boolean> => {
  if (!approver.address) return false
  try {
    const signer = await recoverTypedDataAddress({
      ...orderTypedData(order),
      signature: proof as Hex,
    })
    return signer.toLowerCase() === approver.address.toLowerCase()
  } catch {
    return false
  }
}

/** With keys among the approvers only they prove an order; else whoever holds the secret does. */
const isProven = async (people: People, order: Order, proof: string): Promise<boolean> => {
  const { approvers, secret } = people
  const approver = approvers.find(({ name }) => nameOf(name) === nameOf(order.by))
  if (approvers.length > 0 && !approver) return false
  if (order.via === 'key') return approver !== undefined && isSignedBy(approver, order, proof)
  if (approvers.some(({ address }) => address !== undefined)) return false
  return verifyOrder(secret, order, proof)
}

/**
 * Reads the order in a finding and verifies it: rows that somebody wrote order nothing.
 * @param nowMs Wall clock of the signer.
 */
export const readOrder = async (
  people: People,
  finding: FindingRow | null,
  policy: LoadedPolicy,
  action: ActionDefinition,
  nowMs: number,
): Promise<OrderReading> => {
  if (finding?.botId !== ORDER_BOT_ID) return { kind: 'none' }
  const forged = (reason: string): OrderReading => ({ kind: 'refuse', ...refuse('forged', reason) })
  const decoded = decodeOrder(finding)
  if (!decoded) return forged('The order cannot be read.')
  const { order, proof } = decoded
  if (finding.id !== orderFindingId(order)) return forged('The order is not of this finding.')
  if (!(await isProven(people, order, proof)))
    return forged('The order is not proven to come from somebody who may give it.')
  if (order.chain !== policy.chain || finding.chainId !== order.chain)
    return forged('The order is for another chain.')
  const { roles } = policy.approval
  const approver = people.approvers.find(({ name }) => nameOf(name) === nameOf(order.by))
  if (roles.length > 0 && !roles.includes(approver?.role ?? ''))
    return forged(`The order is not of somebody with the role ${roles.join(' or ')}.`)
  if (!covers(order, policy.id)) return forged('The order does not name this action.')
  if (order.actions === '*' && !isPause(action, policy))
    return forged('The order is for pauses, and this action is none.')
  if (order.expiresS * 1000 <= nowMs)
    return { kind: 'refuse', ...refuse('order_expired', 'The order has expired.') }
  if (order.expiresS * 1000 > nowMs + MAX_ORDER_S * 1000 + 60_000)
    return forged('The order claims to be valid for too long.')
  return { kind: 'ordered', by: order.by }
}
