import { createHmac, randomBytes } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const STEP_MS = 30_000
/** Clocks of telephones are a little off: one step before and one after count too. */
const DRIFT_STEPS = 1

/** Base32 (RFC 4648) without padding, as authenticators take it. */
export const encodeBase32 = (bytes: Uint8Array): string => {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('')
}

/** A new key of 160 bits, as RFC 4226 asks for. */
export const createTotpKey = (): Buffer => randomBytes(20)

/** The one-time password of a counter (RFC 4226, HMAC-SHA-1). */
export const hotp = (key: Uint8Array, counter: number, digits = 6): string => {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', key).update(message).digest()
  const offset = (mac.at(-1) ?? 0) & 0x0f
  const number = mac.readUInt32BE(offset) & 0x7fffffff
  return String(number % 10 ** digits).padStart(digits, '0')
}

/** The step of 30 s that a moment (ms) lies in (RFC 6238). */
export const stepAt = (ms: number): number => Math.floor(ms / STEP_MS)

/** The step that a code is of, when that is now or one step off, and none up to `after`; undefined for a wrong code. */
export const findStep = (
  key: Uint8Array,
  code: string,
  { now, after = -1 }: { readonly now: number; readonly after?: number | undefined },
): number | undefined => {
  const current = stepAt(now)
  let found: number | undefined
  for (let step = current - DRIFT_STEPS; step <= current + DRIFT_STEPS; step++)
    if (step > after && step >= 0 && hotp(key, step) === code) found ??= step
  return found
}

/** What authenticators read, as a link or as the text of a picture. */
export const otpauthUri = (key: Uint8Array, account: string, issuer: string): string => {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`
  const query = new URLSearchParams({
    secret: encodeBase32(key),
    issuer,
    digits: '6',
    period: '30',
  })
  return `otpauth://totp/${label}?${query.toString().replaceAll('+', '%20')}`
}
