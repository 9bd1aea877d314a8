import { serializeSignature } from 'viem'
import { keccak256, recoverAddress } from 'viem/utils'
import { z } from 'zod'
import { parseStrictJson } from '../parseStrictJson.ts'

const headerSchema = z.object({ alg: z.literal('ETH'), typ: z.string().optional() })
const claimsSchema = z.object({
  sub: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  exp: z.number(),
  iat: z.number().optional(),
  nbf: z.number().optional(),
})

const decode = (part: string): Buffer => Buffer.from(part, 'base64url')

const parsePart = <T extends z.ZodType>(part: string, schema: T): z.infer<T> | undefined => {
  const json = parseStrictJson(decode(part))
  const parsed = json.ok ? schema.safeParse(json.value) : undefined
  return parsed?.success ? parsed.data : undefined
}

/** A scan node's clock may be wrong by so much (s). */
const LEEWAY_S = 30

/**
 * The address that signed a token of a scan node or bot, when it is valid now: `alg` ETH, the signature (r, s and the
 * recovery bit, no prefix) over the Keccak hash of `header.payload`. What the token says of itself counts for nothing
 * until the caller finds the address among those that it allows.
 */
export const readFortaToken = async (
  token: string,
  nowMs: number,
): Promise<`0x${string}` | undefined> => {
  if (token.length > 4_096) return undefined
  const [header = '', payload = '', signature = '', ...rest] = token.split('.')
  if (rest.length > 0) return undefined
  const claims = parsePart(payload, claimsSchema)
  if (!parsePart(header, headerSchema) || !claims) return undefined
  const nowS = nowMs / 1_000
  if (nowS > claims.exp + LEEWAY_S) return undefined
  if (claims.nbf !== undefined && nowS < claims.nbf - LEEWAY_S) return undefined
  const bytes = decode(signature)
  const parity = (bytes[64] ?? 255) % 27
  if (bytes.length !== 65 || parity > 1) return undefined
  try {
    const signer = await recoverAddress({
      hash: keccak256(Buffer.from(`${header}.${payload}`)),
      signature: serializeSignature({
        r: `0x${bytes.subarray(0, 32).toString('hex')}`,
        s: `0x${bytes.subarray(32, 64).toString('hex')}`,
        yParity: parity,
      }),
    })
    const lower = signer.toLowerCase() as `0x${string}`
    return lower === claims.sub.toLowerCase() ? lower : undefined
  } catch {
    // Bytes that are no signature of anybody.
    return undefined
  }
}
