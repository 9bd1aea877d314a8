import { type Command, InvalidArgumentError } from 'commander'
import { createToken, listTokens, noteDeed, revokeToken, SCOPES } from '../../console/index.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { withStore } from '../withStore.ts'
import { userName } from './actionsAnswer.ts'

const whole = (text: string): number => {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number.')
  return Number(text)
}

const words = (text: string): readonly string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

type CreateOptions = CommonOptions & {
  readonly scopes: readonly string[]
  readonly days: number
  readonly perMinute: number
}

const create = (name: string, options: CreateOptions): Promise<void> =>
  withStore(options, async ({ db }) => {
    const { scopes, days, perMinute } = options
    const by = userName() || 'unknown'
    const { token, row } = await createToken(db, { name, scopes, days, perMinute, by })
    const base = { who: by, via: 'cli', origin: 'machine', result: 'done' } as const
    await noteDeed(db, {
      ...base,
      act: 'token.create',
      subject: row.id,
      detail: { name: row.name, scopes: [...row.scopes] },
    })
    if (options.json) return printJson({ ...row, token })
    process.stdout.write(`${token}\n`)
    process.stderr.write(
      `Shown this once. It may ${row.scopes.join(', ')}, until ${row.expiresAt.toISOString()}.\n`,
    )
  })

const stateOf = (row: { readonly revokedAt: Date | null; readonly expiresAt: Date }): string => {
  if (row.revokedAt) return 'revoked'
  return row.expiresAt.getTime() <= Date.now() ? 'expired' : 'active'
}

const list = (options: CommonOptions): Promise<void> =>
  withStore(options, async ({ db }) => {
    const rows = await listTokens(db)
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'ID', of: ({ id }) => id },
        { title: 'NAME', of: ({ name }) => name, max: 40 },
        { title: 'SCOPES', of: ({ scopes }) => scopes.join(',') },
        { title: 'STATE', of: stateOf },
        { title: 'EXPIRES', of: ({ expiresAt }) => expiresAt.toISOString() },
        { title: 'USED', of: ({ lastUsedAt }) => lastUsedAt?.toISOString() ?? 'never' },
        { title: 'BY', of: ({ createdBy }) => createdBy, max: 40 },
      ],
      'No tokens.',
    )
  })

const revoke = (id: string, options: CommonOptions): Promise<void> =>
  withStore(options, async ({ db }) => {
    const row = await revokeToken(db, id)
    const who = userName() || 'unknown'
    const base = { who, via: 'cli', origin: 'machine', result: 'done' } as const
    await noteDeed(db, { ...base, act: 'token.revoke', subject: row.id })
    if (options.json) return printJson(row)
    process.stdout.write(`${row.id} (${row.name}) lets nobody in any more.\n`)
  })

/** `tocsin tokens`: keys of programs for the API. */
export const register = (program: Command): void => {
  const tokens = program.command('tokens').description('keys of programs for the API')
  withCommonOptions(
    tokens.command('list', { isDefault: true }).description('every token, newest first'),
  ).action(list)
  withCommonOptions(tokens.command('create <name>'))
    .description('makes a token and prints it, this once')
    .requiredOption('--scopes <list>', `of ${SCOPES.join(', ')}`, words)
    .option('--days <n>', 'it lasts so long', whole, 90)
    .option('--per-minute <n>', 'most requests in a minute', whole, 120)
    .action(create)
  withCommonOptions(tokens.command('revoke <id>').description('ends a token at once')).action(
    revoke,
  )
  tokens.addHelpText(
    'after',
    `
No token approves an action.

Examples:
  $ tocsin tokens create grafana --scopes read
  $ tocsin tokens create chat-bot --scopes read,acknowledge --days 30
  $ tocsin tokens revoke tcs_0123456789`,
  )
}
