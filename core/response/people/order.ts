import { z } from 'zod'
import { type Hex, stableHash } from '../../base/index.ts'
import type { FindingRow } from '../executionStore.ts'
import type { PeopleSecret } from './peopleSecret.ts'

/** Stands as the bot of a finding that a person made: an order to act. */
export const ORDER_BOT_ID = 'manual'
export const ORDER_ALERT_ID = 'MANUAL-ORDER'
/** An order is for now: none may be valid for longer (seconds). */
export const MAX_ORDER_S = 900

const orderSchema = z.strictObject({
  by: z.string().min(1).max(200),
  /** Chain id. */
  chain: z.int().positive(),
  /** `*` for every approved pause, else the ids of policies, comma-separated. */
  actions: z
    .string()
    .regex(/^(\*|[a-z0-9-]+(,[a-z0-9-]+)*)$/)
    .max(4_000),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  /** Unix seconds. */
  expiresS: z.int().positive(),
  /** By the approver's own key, or at the machine that holds the secret. */
  via: z.enum(['key', 'cli']),
})

/** What one person orders: approved actions of a chain, now and once. */
export type Order = z.infer<typeof orderSchema>

const partsOf = (order: Order): readonly (string | number)[] => [
  order.by,
  order.chain,
  order.actions,
  order.nonce,
  order.expiresS,
  order.via,
]

export const signOrder = (secret: PeopleSecret, order: Order): string =>
  secret.sign('order', partsOf(order))

export const verifyOrder = (secret: PeopleSecret, order: Order, proof: string): boolean =>
  secret.verify('order', partsOf(order), proof)

/** What the key of an approver signs (EIP-712). */
export const orderTypedData = (order: Order) =>
  ({
    domain: { name: 'Tocsin', version: '1', chainId: order.chain },
    types: {
      Order: [
        { name: 'by', type: 'string' },
        { name: 'actions', type: 'string' },
        { name: 'nonce', type: 'bytes16' },
        { name: 'expiry', type: 'uint256' },
      ],
    },
    primaryType: 'Order',
    message: {
      by: order.by,
      actions: order.actions,
      nonce: `0x${order.nonce}` as Hex,
      expiry: BigInt(order.expiresS),
    },
  }) as const

/** One order is one finding: it cannot be told twice. */
export const orderFindingId = (order: Pick<Order, 'chain' | 'nonce'>): string =>
  stableHash('order', order.chain, order.nonce)

/** How an order and its proof lie in a finding. */
export const encodeOrder = (order: Order, proof: string): Record<string, string> => ({
  ...order,
  chain: String(order.chain),
  expiresS: String(order.expiresS),
  proof,
})

/** The order in a finding, unproven; undefined when there is none that can be read. */
export const decodeOrder = (
  finding: Pick<FindingRow, 'metadata'>,
): { readonly order: Order; readonly proof: string } | undefined => {
  const { proof, ...rest } = finding.metadata
  const parsed = orderSchema.safeParse({
    by: rest['by'],
    chain: Number(rest['chain']),
    actions: rest['actions'],
    nonce: rest['nonce'],
    expiresS: Number(rest['expiresS']),
    via: rest['via'],
  })
  return parsed.success && proof ? { order: parsed.data, proof } : undefined
}

export const covers = (order: Order, policyId: string): boolean =>
  order.actions === '*' || order.actions.split(',').includes(policyId)
