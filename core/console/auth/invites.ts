import { z } from 'zod'
import { cleanText, TocsinError } from '../../base/index.ts'
import { ROLES, type Role } from '../principal.ts'
import type { PasswordCost } from './passwords.ts'
import { openTicket, sealTicket } from './seal.ts'
import {
  addUser,
  changeUser,
  checkName,
  findActiveUser,
  type User,
  type UserBook,
} from './users.ts'

/** So long a link to a password is good (ms). */
const INVITE_MS = 86_400_000
const PURPOSE = 'invite'

const invitationSchema = z.union([
  z.strictObject({
    kind: z.literal('new'),
    name: z.string(),
    role: z.enum(ROLES),
    by: z.string(),
    byOidc: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('password'),
    name: z.string(),
    changedAtMs: z.number(),
    by: z.string(),
    byOidc: z.boolean(),
  }),
])

/** What a link lets somebody do, once: become a user, or choose a new password. */
type Invitation = z.infer<typeof invitationSchema>

/** Who made the link: it is worth nothing when they are no admin any more. */
type Inviter = { readonly name: string; readonly isOidc: boolean }

const gone = (message: string): TocsinError =>
  new TocsinError('user.bad_link', message, { hints: ['Ask an admin for another one.'] })

const encode = ({ secret }: UserBook, invitation: Invitation, now: number): string =>
  sealTicket(secret, PURPOSE, { text: JSON.stringify(invitation), expiresMs: now + INVITE_MS })

/** The ticket of a link by which somebody becomes a user. @throws TocsinError `user.bad_name`, `user.exists` */
export const inviteUser = async (
  book: UserBook,
  given: {
    readonly name: string
    readonly role: Role
    readonly by: Inviter
    readonly now?: number
  },
): Promise<{ readonly name: string; readonly ticket: string }> => {
  const name = checkName(given.name)
  if (await findActiveUser(book, name))
    throw new TocsinError('user.exists', `There is a user "${name}" already.`)
  const { by, role } = given
  const invitation = { kind: 'new', name, role, by: by.name, byOidc: by.isOidc } as const
  return { name, ticket: encode(book, invitation, given.now ?? Date.now()) }
}

/**
 * The ticket of a link by which somebody chooses a new password. Who answers proposals gets none: whoever made the
 * link could then answer for them.
 * @throws TocsinError `user.unknown`, `user.is_approver`
 */
export const invitePassword = async (
  book: UserBook,
  given: { readonly name: string; readonly by: Inviter; readonly now?: number },
): Promise<string> => {
  const row = await findActiveUser(book, given.name)
  if (!row)
    throw new TocsinError('user.unknown', `There is no active user "${cleanText(given.name, 60)}".`)
  if (row.approver !== null)
    throw new TocsinError(
      'user.is_approver',
      `${row.name} answers proposals as ${row.approver}: their password is changed at the machine.`,
      { hints: [`\`tocsin users password ${row.name}\``] },
    )
  const changedAtMs = row.changedAt.getTime()
  const { by } = given
  const invitation = { kind: 'password', name: row.name, changedAtMs, by: by.name } as const
  return encode(book, { ...invitation, byOidc: by.isOidc }, given.now ?? Date.now())
}

/** What a link is for. @throws TocsinError `user.bad_link` */
export const readInvitation = async (
  book: UserBook,
  ticket: string,
  now = Date.now(),
): Promise<Invitation> => {
  const text = openTicket(book.secret, PURPOSE, ticket, '', now)
  const parsed = text === undefined ? undefined : invitationSchema.safeParse(JSON.parse(text))
  if (!parsed?.success) throw gone('This link is not one of ours, or its day is over.')
  const invitation = parsed.data
  const inviter = invitation.byOidc ? undefined : await findActiveUser(book, invitation.by)
  if (!invitation.byOidc && inviter?.role !== 'admin')
    throw gone('Who made this link is no admin any more.')
  if (invitation.kind === 'password') {
    const row = await findActiveUser(book, invitation.name)
    if (row?.changedAt.getTime() !== invitation.changedAtMs || row.approver !== null)
      throw gone('This link was used, or the user was changed since.')
  }
  return invitation
}

/**
 * Takes a link: makes the user, or gives the new password.
 * @throws TocsinError `user.bad_link`, `user.exists`, `user.weak_password`
 */
export const takeInvitation = async (
  book: UserBook,
  ticket: string,
  given: { readonly password: string; readonly cost?: PasswordCost | undefined },
): Promise<User> => {
  const invitation = await readInvitation(book, ticket)
  const { name } = invitation
  return invitation.kind === 'new'
    ? addUser(book, { name, role: invitation.role, ...given })
    : changeUser(book, name, { ...given, ifUnchangedSince: invitation.changedAtMs })
}
