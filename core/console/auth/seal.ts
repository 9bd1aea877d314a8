import { openText, sealText } from '../../base/index.ts'
import type { PeopleSecret } from '../../response/light.ts'

const keyOf = (secret: PeopleSecret, purpose: string): Buffer =>
  Buffer.from(secret.sign('console-seal', [purpose]), 'hex')

/** Text that only who holds the secret of `people` can read or make; `purpose` and `about` are bound to it. */
export const seal = (secret: PeopleSecret, purpose: string, about: string, text: string): string =>
  sealText(keyOf(secret, purpose), about, text)

/** What was sealed; undefined for what is not ours, was changed, or is about something else. */
export const unseal = (
  secret: PeopleSecret,
  purpose: string,
  about: string,
  sealed: string,
): string | undefined => openText(keyOf(secret, purpose), about, sealed.slice(0, 8_000))

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
