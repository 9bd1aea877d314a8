import type { Command } from 'commander'
import { closeTicket, listTickets } from '../../oncall/index.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printJson, printTable } from '../printTable.ts'
import { userName } from '../userName.ts'

type ListOptions = CommonOptions & { readonly all?: boolean; readonly team?: string }

const list = async (options: ListOptions): Promise<void> => {
  const { store, close } = await openStore(options)
  try {
    const rows = await listTickets(store.db, options)
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'ID', of: (row) => row.id },
        { title: 'STATE', of: (row) => row.status },
        { title: 'TEAM', of: (row) => row.team },
        { title: 'ALERTS', of: (row) => String(row.alerts) },
        { title: 'LAST (UTC)', of: (row) => row.updatedAt.toISOString().slice(0, 16) },
        { title: 'ISSUE', of: (row) => row.issue ?? row.issueError ?? '-' },
        { title: 'THING', of: (row) => row.thing ?? '-' },
        { title: 'WHAT', of: (row) => row.title, max: 100 },
      ],
      'No ticket waits.',
    )
  } finally {
    await close()
  }
}

const end = async (
  ids: readonly string[],
  options: CommonOptions & { readonly by: string },
): Promise<void> => {
  const { store, close } = await openStore(options)
  try {
    for (const id of ids) {
      const row = await closeTicket(store.db, id, options.by)
      if (options.json) printJson(row)
      else process.stdout.write(`${row.id} is closed: ${row.title}\n`)
    }
  } finally {
    await close()
  }
}

/** `tocsin tickets`: what waits for the next business day. */
export const register = (program: Command): void => {
  const tickets = program.command('tickets').description('what waits for the next business day')
  withCommonOptions(
    tickets
      .command('list', { isDefault: true })
      .description('those that are open')
      .option('--all', 'closed ones too')
      .option('--team <name>', 'one team alone'),
  ).action(list)
  withCommonOptions(
    tickets
      .command('close <ids...>')
      .description('done; the next alert of its sort opens a new one')
      .option('--by <name>', 'who says so', userName()),
  ).action(end)
}
