import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { PeopleSecret } from '../../response/light.ts'

const keyOf = (secret: PeopleSecret, purpose: string): Buffer =>
  Buffer.from(secret.sign('console-seal', [purpose]), 'hex')

/** Text that only who holds the secret of `people` can read or make; `purpose` and `about` are bound to it. */
export const seal = (
  secret: PeopleSecret,
  purpose: string,
  about: string,
  text: string,
): string => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret, purpose), nonce)
  cipher.setAAD(Buffer.from(about))
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
}

/** What was sealed; undefined for what is not ours, was changed, or is about something else. */
export const unseal = (
  secret: PeopleSecret,
  purpose: string,
  about: string,
  sealed: string,
): string | undefined => {
  const bytes = Buffer.from(sealed.slice(0, 8_000), 'base64url')
  if (bytes.length < 29) return undefined
  const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, purpose), bytes.subarray(0, 12))
  decipher.setAAD(Buffer.from(about))
  decipher.setAuthTag(bytes.subarray(12, 28))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

type Ticket = { readonly text: string; readonly expiresMs: number }

/** A sealed text that is good for a while: what a form carries from one step to the next. */
export const sealTicket = (
  secret: PeopleSecret,
  purpose: string,
  ticket: Ticket,
  about = '',
): string => seal(secret, purpose, about, JSON.stringify([ticket.text, ticket.expiresMs]))

/** The text of a ticket, while it is good. */
export const openTicket = (
  secret: PeopleSecret,
  purpose: string,
  sealed: string,
  about = '',
  now = Date.now(),
): string | undefined => {
  const body = unseal(secret, purpose, about, sealed)
  if (body === undefined) return undefined
  const [text, expiresMs] = JSON.parse(body) as readonly [string, number]
  return expiresMs > now ? text : undefined
}
