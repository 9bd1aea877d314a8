import { z } from 'zod'
import { type Hex, stableHash, TocsinError } from '../../base/index.ts'
import type { LoadedPolicy } from '../types.ts'
import type { PeopleSecret } from './peopleSecret.ts'

/** Hash of exactly what people are asked to release: an answer to anything else counts for nothing. */
export const bytesHashOf = (
  executionId: string,
  policy: Pick<LoadedPolicy, 'hash' | 'chain' | 'target' | 'calldata'>,
): string =>
  stableHash('approval', executionId, policy.hash, policy.chain, policy.target, policy.calldata)

const word = z.string().min(1).max(200)
const claimsSchema = z.strictObject({
  execution: word,
  bytesHash: z.string().regex(/^[0-9a-f]{64}$/),
  who: word,
  role: z.string().max(100),
  decision: z.enum(['approve', 'deny']),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  /** Unix seconds. */
  expiresS: z.int().positive(),
  via: z.enum(['link', 'console', 'cli', 'key', 'chat']),
})

/** What one person says of one proposal, once. */
export type ApprovalClaims = z.infer<typeof claimsSchema>

/** An answer that waits to be given, with its proof. */
export type SignedClaims = { readonly claims: ApprovalClaims; readonly proof: string }

const signedSchema = z
  .array(z.strictObject({ claims: claimsSchema, proof: z.string().regex(/^[0-9a-f]{64}$/) }))
  .max(1_000)

/** Reads answers that were signed beforehand and kept as JSON. */
export const decodeSignedClaims = (json: string): readonly SignedClaims[] =>
  signedSchema.parse(JSON.parse(json))

const partsOf = (claims: ApprovalClaims): readonly (string | number)[] => [
  claims.execution,
  claims.bytesHash,
  claims.who,
  claims.role,
  claims.decision,
  claims.nonce,
  claims.expiresS,
  claims.via,
]

export const signClaims = (secret: Pick<PeopleSecret, 'sign'>, claims: ApprovalClaims): string =>
  secret.sign('approval', partsOf(claims))

export const verifyClaims = (
  secret: PeopleSecret,
  claims: ApprovalClaims,
  proof: string,
): boolean => secret.verify('approval', partsOf(claims), proof)

/** The part of a link that says everything and proves it. */
export const encodeToken = (secret: PeopleSecret, claims: ApprovalClaims): string =>
  `${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signClaims(secret, claims)}`

/**
 * Reads a link's token. @throws TocsinError `approval.bad_link`, `approval.expired`
 */
export const decodeToken = (secret: PeopleSecret, token: string): SignedClaims => {
  const bad = new TocsinError('approval.bad_link', 'This link is not one of ours, or is not whole.')
  const [body, proof] = /^([\w-]{1,2000})\.([0-9a-f]{64})$/.exec(token)?.slice(1) ?? []
  if (!body || !proof) throw bad
  let raw: unknown
  try {
    raw = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'))
  } catch {
    throw bad
  }
  const parsed = claimsSchema.safeParse(raw)
  if (!parsed.success || !verifyClaims(secret, parsed.data, proof)) throw bad
  if (parsed.data.expiresS * 1000 <= Date.now())
    throw new TocsinError('approval.expired', 'This link has expired.')
  return { claims: parsed.data, proof }
}

/** What the key of an approver signs (EIP-712) in place of the secret's code. */
export const approvalTypedData = (claims: ApprovalClaims, chainId: number) =>
  ({
    domain: { name: 'Tocsin', version: '1', chainId },
    types: {
      Approval: [
        { name: 'execution', type: 'string' },
        { name: 'bytesHash', type: 'bytes32' },
        { name: 'who', type: 'string' },
        { name: 'decision', type: 'string' },
        { name: 'nonce', type: 'bytes16' },
        { name: 'expiry', type: 'uint256' },
      ],
    },
    primaryType: 'Approval',
    message: {
      execution: claims.execution,
      bytesHash: `0x${claims.bytesHash}` as Hex,
      who: claims.who,
      decision: claims.decision,
      nonce: `0x${claims.nonce}` as Hex,
      expiry: BigInt(claims.expiresS),
    },
  }) as const
