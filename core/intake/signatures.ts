import { createHmac } from 'node:crypto'
import { isSameText } from '../base/index.ts'

export type Keys = { readonly secret: string; readonly previous?: string | undefined }

/** The keys that count: while a key is being changed, the one before counts too. An empty one never does. */
export const keysOf = ({ secret, previous }: Keys): readonly string[] =>
  [secret, previous ?? ''].filter((key) => key !== '')

type Form = {
  /** Default: hex. */
  readonly encoding?: 'hex' | 'base64'
  /** Default: sha256. */
  readonly algorithm?: 'sha256' | 'sha512' | 'sha1'
}

/** The message authentication code over the parts, one after the other. */
export const macOf = (
  key: string | Buffer,
  parts: readonly (string | Uint8Array)[],
  { algorithm = 'sha256', encoding = 'hex' }: Form = {},
): string => {
  const mac = createHmac(algorithm, key)
  for (const part of parts) mac.update(part)
  return mac.digest(encoding)
}

/** Whether any of the given signatures is right by any of the keys; each is compared in constant time. */
export const isSigned = (
  given: readonly string[],
  keys: readonly (string | Buffer)[],
  parts: readonly (string | Uint8Array)[],
  options: Form & {
    /** What stands before the code in each signature. */
    readonly prefix?: string
  } = {},
): boolean => {
  const { prefix = '', ...form } = options
  let found = false
  for (const key of keys) {
    const expected = `${prefix}${macOf(key, parts, form)}`
    for (const one of given) found = isSameText(one, expected) || found
  }
  return found
}

/** Whether a time lies within so many seconds of now, before or after: a sender's clock may be wrong either way. */
export const isFresh = (timeMs: number, nowMs: number, withinS: number): boolean =>
  Number.isFinite(timeMs) && Math.abs(nowMs - timeMs) <= withinS * 1_000

/** Unix time in seconds or milliseconds, as ms; NaN for anything else. */
export const readUnixTime = (text: string): number => {
  if (!/^\d{9,13}$/.test(text)) return Number.NaN
  const value = Number(text)
  return text.length <= 11 ? value * 1_000 : value
}
