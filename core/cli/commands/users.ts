import { type Command, Option } from 'commander'
import { cleanText, type Json } from '../../base/index.ts'
import {
  addUser,
  changeUser,
  endSessionsOf,
  listSessions,
  listUsers,
  noteDeed,
  parseRole,
  ROLES,
  type UserBook,
  type UserChange,
  userNameOf,
} from '../../console/index.ts'
import { loadPeopleSecret } from '../../response/light.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { readPassword } from '../readPassword.ts'
import { userName } from './actionsAnswer.ts'

type RoleOption = { readonly role: string }
type ApproverOption = { readonly approver?: string }

const withBook = async (
  options: CommonOptions,
  work: (book: UserBook) => Promise<void>,
): Promise<void> => {
  const { store, config, close } = await openStore(options, ['people'])
  try {
    await work({ db: store.db, secret: await loadPeopleSecret(config) })
  } finally {
    await close()
  }
}

const note = (
  { db }: UserBook,
  act: string,
  subject: string,
  detail: { readonly [key: string]: Json } = {},
): Promise<void> =>
  noteDeed(db, {
    who: userName() || 'unknown',
    via: 'cli',
    act,
    subject: userNameOf(subject),
    origin: 'machine',
    result: 'done',
    detail,
  })

const say = (options: CommonOptions, value: object, text: string): void => {
  if (options.json) printJson(value)
  else process.stdout.write(`${text}\n`)
}

const add = async (
  name: string,
  options: CommonOptions & RoleOption & ApproverOption,
): Promise<void> => {
  const role = parseRole(options.role)
  const password = await readPassword(cleanText(name, 60))
  await withBook(options, async (book) => {
    const user = await addUser(book, { name, role, password, approver: options.approver })
    await note(book, 'user.add', user.name, { role, approver: user.approver })
    say(options, user, `${user.name} may sign in, as ${user.role}.`)
  })
}

const list = (options: CommonOptions): Promise<void> =>
  withBook(options, async (book) => {
    const users = await listUsers(book)
    if (options.json) return printJson(users)
    printTable(
      users,
      [
        { title: 'NAME', of: ({ name }) => name },
        { title: 'ROLE', of: ({ role }) => role },
        { title: 'ANSWERS AS', of: ({ approver }) => approver ?? '-' },
        { title: 'CODE', of: ({ hasFactor }) => (hasFactor ? 'yes' : '-') },
        {
          title: 'STATE',
          of: ({ isProven, disabledAt }) =>
            isProven ? (disabledAt ? 'disabled' : 'active') : 'FORGED: lets nobody in',
        },
        { title: 'CHANGED', of: ({ changedAt }) => changedAt.toISOString() },
      ],
      'No users: nobody has to sign in, and the console only shows.',
    )
  })

const change = (
  name: string,
  options: CommonOptions,
  what: UserChange,
  act: string,
  detail: { readonly [key: string]: Json } = {},
): Promise<void> =>
  withBook(options, async (book) => {
    const user = await changeUser(book, name, what)
    await note(book, act, user.name, detail)
    say(options, user, `${user.name} is changed, and signed out everywhere.`)
  })

const sessions = (options: CommonOptions & { readonly end?: string }): Promise<void> =>
  withBook(options, async (book) => {
    if (options.end !== undefined) {
      const ended = await endSessionsOf(book.db, userNameOf(options.end))
      await note(book, 'sign-out.everywhere', options.end, { ended })
      say(options, { ended }, `${ended} ${ended === 1 ? 'session is' : 'sessions are'} ended.`)
      return
    }
    const rows = await listSessions(book.db)
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'USER', of: ({ user }) => user },
        { title: 'ROLE', of: ({ role }) => role },
        { title: 'BY', of: ({ via }) => via },
        { title: 'SINCE', of: ({ createdAt }) => createdAt.toISOString() },
        { title: 'USED', of: ({ seenAt }) => seenAt.toISOString() },
        { title: 'FROM', of: ({ address }) => address },
        { title: 'WITH', of: ({ agent }) => agent, max: 60 },
      ],
      'Nobody is signed in.',
    )
  })

/** `tocsin users`: who may sign in to the console. */
export const register = (program: Command): void => {
  const users = program.command('users').description('who may sign in to the console')
  const role = () => new Option('--role <role>', 'what they may do').choices([...ROLES])
  withCommonOptions(users.command('list', { isDefault: true }).description('who may')).action(list)
  withCommonOptions(users.command('add <name>'))
    .description('adds somebody; the password is asked for, or comes by the standard input')
    .addOption(role().makeOptionMandatory())
    .option('--approver <name>', 'name under `signer.approvers` for which they answer proposals')
    .action(add)
  withCommonOptions(users.command('role <name> <role>'))
    .description('changes what somebody may do')
    .action((name: string, text: string, options: CommonOptions) => {
      const next = parseRole(text)
      return change(name, options, { role: next }, 'user.role', { role: next })
    })
  withCommonOptions(users.command('approver <name> [approver]'))
    .description('says for whom somebody answers proposals; without a name, for nobody')
    .action((name: string, approver: string | undefined, options: CommonOptions) =>
      change(name, options, { approver: approver ?? null }, 'user.approver', {
        approver: approver ?? null,
      }),
    )
  withCommonOptions(users.command('password <name>'))
    .description('gives somebody a new password')
    .action(async (name: string, options: CommonOptions) => {
      const password = await readPassword(cleanText(name, 60))
      await change(name, options, { password }, 'user.password')
    })
  withCommonOptions(users.command('factor <name>'))
    .description('takes away a second factor that was lost, with its recovery codes')
    .addOption(new Option('--reset', 'says that you mean it').makeOptionMandatory())
    .action((name: string, options: CommonOptions) =>
      change(name, options, { factor: null }, 'user.factor'),
    )
  withCommonOptions(users.command('disable <name>'))
    .description('lets somebody in no more')
    .action((name: string, options: CommonOptions) =>
      change(name, options, { disabled: true }, 'user.disable'),
    )
  withCommonOptions(users.command('enable <name>'))
    .description('lets somebody in again')
    .action((name: string, options: CommonOptions) =>
      change(name, options, { disabled: false }, 'user.enable'),
    )
  withCommonOptions(users.command('sessions'))
    .description('who is signed in')
    .option('--end <name>', 'sign somebody out everywhere')
    .action(sessions)
  users.addHelpText(
    'after',
    `
Roles: viewer sees; responder acknowledges, silences and comments; approver answers proposals, stops everything, and
agrees that it goes on; admin also manages users and tokens.

Examples:
  $ tocsin users add ada --role approver --approver Ada
  $ openssl rand -base64 18 | tee /dev/tty | tocsin users add grace --role viewer
  $ tocsin users sessions --end ada`,
  )
}
