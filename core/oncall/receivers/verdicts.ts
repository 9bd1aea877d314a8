import { createHmac } from 'node:crypto'
import { isSameText } from '../../base/index.ts'
import type { Acceptance, Acknowledgement, IntakeEvent, Refusal } from '../../intake/types.ts'

export const refuse = (status: Refusal['status'], reason: string, say: string): Refusal => ({
  verdict: 'refused',
  status,
  reason,
  say,
})

/** The signature is missing or wrong: which of the two is nobody's business. */
export const badSignature = (): Refusal =>
  refuse(401, 'signature', 'The signature is missing or wrong.')

export const accept = (
  events: readonly IntakeEvent[],
  rest: Omit<Acceptance, 'verdict' | 'events'> = {},
): Acceptance => ({ verdict: 'accepted', events, ...rest })

export const note = (text: string): IntakeEvent => ({ kind: 'note', text: text.slice(0, 200) })

/** Keys that count: while one is being changed the one before counts too; an empty one never does. */
export const keysOf = (secret: string, previous: string | undefined): readonly string[] =>
  [secret, previous ?? ''].filter((key) => key !== '')

export const hmac = (
  algorithm: 'sha256' | 'sha1',
  key: string,
  parts: readonly (string | Buffer)[],
  encoding: 'hex' | 'base64',
): string => {
  const mac = createHmac(algorithm, key)
  for (const part of parts) mac.update(part)
  return mac.digest(encoding)
}

/** Whether any of the given signatures is right by any of the keys. */
export const isSigned = (given: readonly string[], expected: readonly string[]): boolean => {
  let found = false
  for (const one of given) for (const right of expected) found = isSameText(one, right) || found
  return found
}

/** JSON that came signed; undefined when it is none. */
export const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the button of a message says: the opaque word that it carries. */
export const buttonPressed = (options: {
  readonly button: string
  readonly by: string
  readonly atMs: number
  readonly detail?: Readonly<Record<string, string>>
}): Acknowledgement => ({
  kind: 'acknowledgement',
  act: 'acknowledge',
  about: { dedupKey: `button:${options.button}` },
  by: options.by,
  atMs: options.atMs,
  text: undefined,
  detail: { ...options.detail, button: options.button },
})

/** What a button carries, wherever it stands. */
export const BUTTON = /^[0-9a-f]{32}$/
