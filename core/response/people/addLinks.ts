import { z } from 'zod'
import type { Config } from '../../config/types.ts'
import { type ApprovalClaims, encodeToken } from './approvalClaims.ts'
import type { PeopleSecret } from './peopleSecret.ts'
import { channelPerson } from './tellProposals.ts'

const askSchema = z.strictObject({
  execution: z.string().min(1).max(200),
  bytesHash: z.string().regex(/^[0-9a-f]{64}$/),
  who: z.string().min(1).max(200),
  role: z.string().max(100),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  expiresS: z.int().positive(),
})

/** Where a message goes and what makes its links. */
export type LinkMaker = {
  readonly secret: PeopleSecret
  readonly people: Pick<NonNullable<Config['people']>, 'url' | 'channels'>
}

/** A row that somebody wrote must not bring one person the links of another. */
const isTheirs = ({ people }: LinkMaker, who: string, channel: string): boolean =>
  Object.hasOwn(people.channels, who)
    ? people.channels[who] === channel
    : who === channelPerson(channel)

/**
 * Replaces the ask in a message by links to approve and to deny, for the person whose channel it is. Without
 * `people.url`, or for anybody else, the message goes out without links.
 */
export const addLinks = <T extends object>(
  maker: LinkMaker,
  message: T,
  channel: string,
): T & { readonly links?: { readonly approve: string; readonly deny: string } } => {
  if (!('ask' in message)) return message
  const { ask, ...rest } = message
  const parsed = askSchema.safeParse(ask)
  const { url } = maker.people
  // What remains is the message itself: `ask` is no part of what channels deliver.
  const plain = rest as T
  // A message to an address of its own may go to anybody who shares the channel.
  if (!url || !parsed.success || 'to' in message || !isTheirs(maker, parsed.data.who, channel))
    return plain
  const link = (decision: ApprovalClaims['decision']): string =>
    `${url}/answer?t=${encodeToken(maker.secret, { ...parsed.data, decision, via: 'link' })}`
  return { ...plain, links: { approve: link('approve'), deny: link('deny') } }
}
