import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { asc, desc, eq } from 'drizzle-orm'
import { messageOf, redactUrls, TocsinError } from '../../base/index.ts'
import { formatFault, readPolicies } from '../../response/index.ts'
import { type Store, tables } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openRunningStore } from '../openRunningStore.ts'
import { findDatabaseUrl } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { plainJson } from '../plainJson.ts'
import { readConfig } from '../readConfig.ts'
import { renderCall, renderExecution } from '../renderExecution.ts'
import { withStore } from '../withStore.ts'
import { registerAnswer } from './actionsAnswer.ts'
import { registerKeystore, registerNew } from './actionsNew.ts'
import { registerSchema } from './actionsSchema.ts'
import { registerSign } from './actionsSign.ts'
import { verify } from './actionsVerify.ts'
import { verifyAudit } from './auditVerify.ts'
import { register as registerDrill } from './drill.ts'
import { findApprovedFile, readApprovedFiles } from './findApprovedFile.ts'
import { checkPolicySignatures, describeSignatures, readSigningConfig } from './policySignatures.ts'

type ExecutionRow = typeof tables.execution.$inferSelect

const line = (text = ''): void => void process.stdout.write(`${text}\n`)
/** So many executions are shown of a policy. */
const SHOWN = 10

const summary = (row: ExecutionRow): string =>
  `  ${row.id}  ${row.requestedAt.toISOString()}  ${row.actionId.padEnd(20)} ${row.status.padEnd(10)} ${row.reason ?? row.minedTxHash ?? ''}`

const list = async (options: CommonOptions): Promise<void> =>
  withStore(options, async ({ db }, config) => {
    const { policies, desks, faults } = await readApprovedFiles(config.actionsDir)
    const executions = await db
      .select()
      .from(tables.execution)
      .orderBy(desc(tables.execution.requestedAt))
      .limit(20)
    if (faults.length > 0) process.exitCode = EXIT.invalid
    if (options.json) {
      line(plainJson({ policies, desks, faults, executions }))
      return
    }
    line(`Approved actions (${config.actionsDir})`)
    for (const policy of policies)
      line(
        `  ${policy.id.padEnd(20)} ${policy.action} ${policy.target} on chain ${policy.chain}, ${policy.mode}, until ${policy.expiresAt}`,
      )
    for (const desk of desks)
      line(`  ${desk.id.padEnd(20)} calls ${desk.url}, ${desk.mode}, until ${desk.expiresAt}`)
    if (policies.length + desks.length === 0)
      line('  none: `tocsin actions new pause --target 0x…` writes one')
    for (const fault of faults) line(`  FAULT ${formatFault(fault)}`)
    line('Last executions')
    for (const row of executions) line(summary(row))
    if (executions.length === 0) line('  none')
  })

const showExecution = async (id: string, options: CommonOptions): Promise<void> =>
  withStore(options, async ({ db }, config) => {
    const [row] = await db
      .select({ execution: tables.execution, finding: tables.finding })
      .from(tables.execution)
      .leftJoin(tables.finding, eq(tables.finding.id, tables.execution.findingId))
      .where(eq(tables.execution.id, id))
    if (!row)
      throw new TocsinError('execution.unknown', `There is no execution "${id.slice(0, 80)}".`, {
        exitCode: EXIT.invalid,
        hints: ['`tocsin actions list` shows the last ones.'],
      })
    const log = await db
      .select()
      .from(tables.executionLog)
      .where(eq(tables.executionLog.executionId, id))
      .orderBy(asc(tables.executionLog.seq))
    if (options.json) {
      line(plainJson({ ...row, log }))
      return
    }
    const { policies } = await readPolicies(config.actionsDir)
    const policy = policies.find(({ id: each }) => each === row.execution.actionId)
    for (const text of await renderExecution(row.execution, row.finding, log, policy)) line(text)
  })

type Latest = { readonly executions: readonly ExecutionRow[]; readonly problem?: string }

/** The last executions of a policy, newest first; why they are not known where nothing can be asked. */
const readLatest = async (id: string, options: CommonOptions): Promise<Latest> => {
  try {
    const config = await readConfig(options, ['database'])
    const { store, close } = await openRunningStore({
      url: findDatabaseUrl(config),
      dataDir: config.dataDir,
    })
    try {
      const executions = await store.db
        .select()
        .from(tables.execution)
        .where(eq(tables.execution.actionId, id))
        .orderBy(desc(tables.execution.requestedAt))
        .limit(SHOWN)
      return { executions }
    } finally {
      await close()
    }
  } catch (error) {
    return { executions: [], problem: redactUrls(messageOf(error)) }
  }
}

const printLatest = ({ executions, problem }: Latest): void => {
  line('Last executions (`tocsin actions show x_…` tells one whole)')
  for (const row of executions) line(summary(row))
  if (problem !== undefined) line(`  not known: ${problem}`)
  else if (executions.length === 0) line('  none')
}

const showPolicy = async (id: string, options: CommonOptions): Promise<void> => {
  const config = await readSigningConfig(options)
  const policy = await findApprovedFile(config.actionsDir, id)
  const signatures = await checkPolicySignatures(config, policy)
  const latest = await readLatest(id, options)
  if (options.json) {
    line(plainJson({ ...policy, signatures, ...latest }))
    return
  }
  line(`${policy.file}\n\n${(await readFile(policy.file, 'utf8')).trimEnd()}\n`)
  line(`  hash      ${policy.hash}`)
  if (!('kind' in policy)) line(`  calls     ${await renderCall(policy)}`)
  for (const text of describeSignatures(signatures)) line(text)
  if (!('kind' in policy)) printLatest(latest)
}

type LogOptions = CommonOptions & {
  readonly verify?: boolean
  readonly execution?: string
  readonly limit: string
}

const printLog = async ({ db }: Store, options: LogOptions): Promise<void> => {
  const limit = Math.min(10_000, Math.max(1, Number.parseInt(options.limit, 10) || 50))
  const ofOne = options.execution
    ? eq(tables.executionLog.executionId, options.execution)
    : undefined
  const rows = await db
    .select()
    .from(tables.executionLog)
    .where(ofOne)
    .orderBy(desc(tables.executionLog.seq))
    .limit(limit)
  const inOrder = rows.reverse()
  if (options.json) {
    line(plainJson(inOrder))
    return
  }
  for (const { at, executionId, event, detail } of inOrder) {
    const text = JSON.stringify(detail).slice(0, 200)
    line(`${at.toISOString()}  ${executionId}  ${event.padEnd(12)} ${text}`)
  }
}

const showLog = (options: LogOptions): Promise<void> =>
  options.verify ? verifyAudit(options) : withStore(options, (store) => printLog(store, options))

const isExecutionId = (id: string): boolean => /^x_[0-9a-f]+$/.test(id)

/** `tocsin actions …`: approved responses, their executions, approvals and the decision log. */
export const register = (program: Command): void => {
  const actions = program
    .command('actions')
    .description('approved responses: list, check, approve, write new ones')
    .addHelpText(
      'after',
      `
Exit codes: 0 well, 1 failed or a broken log, 2 a policy file is wrong or missing, 3 an action is not ready.

Examples:
  $ tocsin actions list
  $ tocsin actions verify
  $ tocsin actions show pause-vault
  $ tocsin actions drill pause-vault
  $ tocsin actions sign pause-vault --keystore my-key.json --password-file password
  $ tocsin actions approve x_1f… --by "Ada Lovelace"
  $ tocsin actions new pause --chain mainnet --target 0x… --bot tvl-drop
  $ tocsin actions keystore new --out signer.json --password-file password
  $ tocsin actions log --verify`,
    )
  withCommonOptions(actions.command('list'))
    .description('policies, and the last executions')
    .action(list)
  withCommonOptions(actions.command('show <id>'))
    .description(
      'a policy with its last executions, or an execution with its finding and every decision',
    )
    .action((id: string, options: CommonOptions) =>
      isExecutionId(id) ? showExecution(id, options) : showPolicy(id, options),
    )
  withCommonOptions(actions.command('verify'))
    .description(
      'checks every policy file, and on chain whether it could be carried out now; beside it what the running signer says',
    )
    .option('--signer <address>', 'address of the signer, when its keystore file does not tell')
    .action(verify)
  registerAnswer(actions)
  withCommonOptions(actions.command('log'))
    .description("the signer's decisions, refusals included")
    .option(
      '--verify',
      'the whole log, held against every noted head: the same as `tocsin audit verify`',
    )
    .option('--execution <id>', 'of one execution only')
    .option('--limit <n>', 'newest so many', '50')
    .action(showLog)
  registerDrill(actions)
  registerNew(actions)
  registerSchema(actions)
  registerSign(actions)
  registerKeystore(actions)
}
