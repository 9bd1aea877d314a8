import { type Command, InvalidArgumentError } from 'commander'
import { listDeeds } from '../../console/index.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit } from '../parseOptions.ts'
import { printJson, printTable } from '../printTable.ts'
import { type Anchor, verifyAudit } from './auditVerify.ts'

const parseHead = (text: string): Anchor => {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (!seq || !hash) throw new InvalidArgumentError('row:hash, as an earlier run printed them.')
  return { seq: Number(seq), hash, from: '--head' }
}

const showDeeds = async (
  options: CommonOptions & {
    readonly limit: number
    readonly who?: string
    readonly act?: string
  },
): Promise<void> => {
  const { store, close } = await openStore(options)
  try {
    const { limit, who, act } = options
    const rows = await listDeeds(store.db, { limit, who, act })
    if (options.json) return printJson(rows)
    printTable(
      rows,
      [
        { title: 'AT', of: (row) => row.at.toISOString() },
        { title: 'WHO', of: (row) => row.who, max: 40 },
        { title: 'BY', of: (row) => row.via },
        { title: 'WHAT', of: (row) => row.act },
        { title: 'TO', of: (row) => row.subject || '-', max: 40 },
        { title: 'RESULT', of: (row) => row.result },
        { title: 'FROM', of: (row) => row.origin },
        { title: 'DETAIL', of: (row) => JSON.stringify(row.detail), max: 80 },
      ],
      'Nobody has done anything by the console yet.',
    )
  } finally {
    await close()
  }
}

/** `tocsin audit`: the signer's decision log, and what people did by the console. */
export const register = (program: Command): void => {
  const audit = program
    .command('audit')
    .description("the signer's decision log, and what people did by the console")
  withCommonOptions(audit.command('console'))
    .description('what people and programs did by the console, newest first')
    .option('--who <name>', 'of one person')
    .option('--act <name>', 'of one kind, such as sign-in or incident.acknowledge')
    .option('--limit <n>', 'at most so many', parseLimit, 50)
    .action(showDeeds)

  withCommonOptions(audit.command('verify'))
    .description(
      'recomputes the hash chain and holds it against every head that was noted elsewhere',
    )
    .option('--head <row:hash>', 'a head that you noted yourself', parseHead)
    .addHelpText(
      'after',
      `
Exit codes: 0 the log is whole, 1 it was changed, reordered, cut off or written anew.

Examples:
  $ tocsin audit verify
  $ tocsin audit verify --json --head 4711:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`,
    )
    .action(verifyAudit)
}
