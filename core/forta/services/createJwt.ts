import { createHmac, randomBytes } from 'node:crypto'

const MOST_CLAIMS = 8_000
const LASTS_S = 30
const ZERO = `0x${'0'.repeat(40)}`

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Nobody outside can check these tokens, so nobody needs the key. */
const key = randomBytes(32)

/**
 * Answers what bots ask the JWT provider of a scan node: a token with the claims they asked for, of a scanner that does
 * not exist. It reads well, and no service of the network takes it.
 */
export const createJwt = (body: string, nowS = Math.floor(Date.now() / 1_000)): string => {
  if (body.length > MOST_CLAIMS) return '{"error":"too many claims"}'
  let asked: unknown
  try {
    asked = JSON.parse(body)
  } catch {
    return '{"error":"no claims"}'
  }
  const claims = isRecord(asked) && isRecord(asked['claims']) ? asked['claims'] : {}
  const head = encode({ alg: 'HS256', typ: 'JWT' })
  const payload = encode({
    jti: randomBytes(16).toString('hex'),
    sub: ZERO,
    iat: nowS,
    nbf: nowS - LASTS_S,
    exp: nowS + LASTS_S,
    ...claims,
  })
  const signature = createHmac('sha256', key).update(`${head}.${payload}`).digest('base64url')
  return JSON.stringify({ token: `${head}.${payload}.${signature}` })
}
