import { hashMessage, recoverAddress, serializeSignature } from 'viem'
import { z } from 'zod'
import type { Hex, Json } from '../base/index.ts'
import type { DigestSigner } from './signerKey.ts'

/** How often a reorg may renew a warrant, and for how long after the first (ms). */
const MAX_RENEWALS = 5
const RENEW_MS = 3_600_000

/**
 * The signer's signed word that it decided to act, for hand-overs that leave no transaction of its own behind: rows in
 * the database alone, which others may write, must never make it ask another sender.
 */
export type Warrant = {
  readonly executionId: string
  readonly policyHash: string
  /** When it was decided (ms since epoch). */
  readonly firstAtMs: number
  /** When it was last renewed, since a reorg took the effect away. */
  readonly atMs: number
  readonly renewals: number
  readonly signature: Hex
}

const schema = z.object({
  executionId: z.string().max(200),
  policyHash: z.string().max(200),
  firstAtMs: z.int().min(0),
  atMs: z.int().min(0),
  renewals: z.int().min(0).max(MAX_RENEWALS),
  signature: z
    .string()
    .regex(/^0x[0-9a-f]{130}$/)
    .transform((text) => text as Hex),
})

const digestOf = (content: Omit<Warrant, 'signature'>): Hex =>
  hashMessage(
    [
      'Tocsin warrant',
      content.executionId,
      content.policyHash,
      content.firstAtMs,
      content.atMs,
      content.renewals,
    ].join('\n'),
  )

const seal = async (key: DigestSigner, content: Omit<Warrant, 'signature'>): Promise<Warrant> => ({
  ...content,
  signature: serializeSignature(await key.signDigest(digestOf(content))),
})

export const createWarrant = (
  key: DigestSigner,
  executionId: string,
  policyHash: string,
): Promise<Warrant> => {
  const now = Date.now()
  return seal(key, { executionId, policyHash, firstAtMs: now, atMs: now, renewals: 0 })
}

/** The stored warrant when it is the signer's own, for this execution and policy; else undefined. */
export const readWarrant = async (
  stored: Json | null,
  expected: {
    readonly key: DigestSigner
    readonly executionId: string
    readonly policyHash: string
  },
): Promise<Warrant | undefined> => {
  const parsed = schema.safeParse(stored)
  if (!parsed.success) return undefined
  const { signature, ...content } = parsed.data
  if (content.executionId !== expected.executionId || content.policyHash !== expected.policyHash)
    return undefined
  const signer = await recoverAddress({ hash: digestOf(content), signature }).catch(() => '')
  return signer.toLowerCase() === expected.key.address ? parsed.data : undefined
}

/** A warrant that counts anew, after a reorg; undefined when it was renewed too often or is too old. */
export const renewWarrant = async (
  key: DigestSigner,
  { signature: _, ...content }: Warrant,
): Promise<Warrant | undefined> => {
  const atMs = Date.now()
  if (content.renewals >= MAX_RENEWALS || atMs - content.firstAtMs > RENEW_MS) return undefined
  return seal(key, { ...content, atMs, renewals: content.renewals + 1 })
}
