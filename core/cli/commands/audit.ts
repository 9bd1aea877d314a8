import { type Command, InvalidArgumentError } from 'commander'
import { eq } from 'drizzle-orm'
import { cleanText, messageOf } from '../../base/index.ts'
import { listDeeds } from '../../console/index.ts'
import { auditAnchorFile, readAuditAnchor, verifyExecutionLog } from '../../response/index.ts'
import { type Store, tables } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit } from '../parseOptions.ts'
import { printJson, printTable } from '../printTable.ts'

type Anchor = { readonly seq: number; readonly hash: string; readonly from: string }

const parseHead = (text: string): Anchor => {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (!seq || !hash) throw new InvalidArgumentError('row:hash, as an earlier run printed them.')
  return { seq: Number(seq), hash, from: '--head' }
}

/** What the signer's last heartbeat said of the log. */
const readHeartbeat = async ({ db }: Store): Promise<Anchor | undefined> => {
  const [row] = await db
    .select({ detail: tables.processStatus.detail })
    .from(tables.processStatus)
    .where(eq(tables.processStatus.name, 'signer'))
  const { detail } = row ?? {}
  const audit =
    detail && typeof detail === 'object' && !Array.isArray(detail) ? detail['audit'] : null
  if (!audit || typeof audit !== 'object' || Array.isArray(audit)) return undefined
  const { seq, hash } = audit
  return typeof seq === 'number' && typeof hash === 'string'
    ? { seq, hash, from: "the signer's heartbeat" }
    : undefined
}

const readAnchors = async (
  store: Store,
  dataDir: string,
  given: Anchor | undefined,
): Promise<{ readonly anchors: readonly Anchor[]; readonly fault: string | undefined }> => {
  const beat = await readHeartbeat(store)
  const others = [beat, given].flatMap((anchor) => anchor ?? [])
  const file = auditAnchorFile(dataDir)
  try {
    const noted = await readAuditAnchor(dataDir)
    return { anchors: noted ? [{ ...noted, from: file }, ...others] : others, fault: undefined }
  } catch (error) {
    return { anchors: others, fault: `${file} cannot be read: ${messageOf(error)}` }
  }
}

const verify = async (options: CommonOptions & { readonly head?: Anchor }): Promise<void> => {
  const { store, config, close } = await openStore(options)
  try {
    const { anchors, fault } = await readAnchors(store, config.dataDir, options.head)
    const result = await verifyExecutionLog(store.db, { anchors })
    const ok = result.ok && fault === undefined
    if (!ok) process.exitCode = EXIT.failed
    if (options.json) {
      const problem = fault === undefined ? {} : { message: fault }
      process.stdout.write(`${JSON.stringify({ ...result, ...problem, ok, anchors }, null, 2)}\n`)
      return
    }
    if (!result.ok) process.stdout.write(`BROKEN: ${result.message}\n`)
    if (fault) process.stdout.write(`BROKEN: ${cleanText(fault, 300)}\n`)
    if (result.ok)
      process.stdout.write(
        `The log is whole: ${result.entries} decisions, head ${result.seq}:${result.head}.\n`,
      )
    for (const { from, seq } of anchors)
      process.stdout.write(`Held against row ${seq}, noted by ${from}.\n`)
    if (anchors.length === 0)
      process.stdout.write('No head was noted yet: a cut-off end would not show.\n')
  } finally {
    await close()
  }
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
    .action(verify)
}
