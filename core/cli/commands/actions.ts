import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { asc, desc, eq } from 'drizzle-orm'
import { type Address, redactUrls, TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/index.ts'
import {
  type DeskPolicy,
  formatFault,
  type LoadedPolicy,
  listMissingRunbooks,
  loadActions,
  type PolicyFault,
  probeDesk,
  probeReadiness,
  type Readiness,
  readPolicies,
  verifyExecutionLog,
} from '../../response/index.ts'
import { type Store, tables } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { findSigner } from '../findSigner.ts'
import { listUnheard } from '../listUnheard.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { readConfig } from '../readConfig.ts'
import { renderCall, renderExecution } from '../renderExecution.ts'
import { rpcOf } from '../rpcOf.ts'
import { withStore } from '../withStore.ts'
import { registerAnswer } from './actionsAnswer.ts'
import { registerKeystore, registerNew } from './actionsNew.ts'
import { registerSign } from './actionsSign.ts'
import { register as registerDrill } from './drill.ts'
import { findApprovedFile, readApprovedFiles } from './findApprovedFile.ts'
import {
  checkPolicySignatures,
  describeSignatures,
  type PolicySignatures,
  readSigningConfig,
} from './policySignatures.ts'

type ExecutionRow = typeof tables.execution.$inferSelect

const line = (text = ''): void => void process.stdout.write(`${text}\n`)
const plain = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, each: unknown) => (typeof each === 'bigint' ? each.toString() : each),
    2,
  )

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
      line(plain({ policies, desks, faults, executions }))
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
      line(plain({ ...row, log }))
      return
    }
    const { policies } = await readPolicies(config.actionsDir)
    const policy = policies.find(({ id: each }) => each === row.execution.actionId)
    for (const text of await renderExecution(row.execution, row.finding, log, policy)) line(text)
  })

const showPolicy = async (id: string, options: CommonOptions): Promise<void> => {
  const config = await readSigningConfig(options)
  const policy = await findApprovedFile(config.actionsDir, id)
  const signatures = await checkPolicySignatures(config, policy)
  if (options.json) line(plain({ ...policy, signatures }))
  else {
    line(`${policy.file}\n\n${(await readFile(policy.file, 'utf8')).trimEnd()}\n`)
    line(`  hash      ${policy.hash}`)
    if (!('kind' in policy)) line(`  calls     ${await renderCall(policy)}`)
    for (const text of describeSignatures(signatures)) line(text)
  }
}

const probeAll = async (
  config: Config,
  policies: readonly LoadedPolicy[],
  signer: Address | undefined,
): Promise<readonly Readiness[]> => {
  const actions = await loadActions()
  return Promise.all(
    policies.map(async (policy): Promise<Readiness> => {
      const action = actions.find(({ id }) => id === policy.action)
      const missing = (message: string): Readiness => ({
        policy: policy.id,
        ready: false,
        probes: [{ name: 'setup', ok: false, message }],
      })
      if (!action) return missing(`Unknown action type "${policy.action}".`)
      if (!signer)
        return missing(
          'The address of the signer is not known: its keystore does not tell; give --signer.',
        )
      if (!config.chains.some(({ id }) => id === policy.chain))
        return missing(`The watchlist has no chain ${policy.chain}.`)
      return probeReadiness(rpcOf(config, policy.chain), action, policy, signer)
    }),
  )
}

/** Signatures are told apart from the probes. */
const probeDeskByHand = (desk: DeskPolicy): Promise<Readiness> =>
  probeDesk(desk, {
    signaturesRequired: 0,
    expiryDays: 14,
    signal: AbortSignal.timeout(30_000),
  })

type Verification = {
  readonly faults: readonly PolicyFault[]
  /** Answers of the watchlist that name no policy. */
  readonly missing: readonly string[]
  /** Nothing is refused for these. */
  readonly warnings: readonly string[]
  readonly readiness: readonly Readiness[]
  readonly signatures: readonly PolicySignatures[]
}

const printVerification = (found: Verification): void => {
  const { faults, missing, warnings, readiness, signatures } = found
  const told = [
    ...faults.map((fault) => `FAULT    ${formatFault(fault)}`),
    ...missing.map(
      (id) => `MISSING  ${id}: an answer of the watchlist names it, and there is no such policy`,
    ),
    ...warnings.map((text) => `WARNING  ${text}`),
  ]
  for (const text of told) line(text)
  for (const { policy, ready, probes } of readiness) {
    line(`${ready ? 'READY   ' : 'NOT READY'} ${policy}`)
    for (const { ok, name, message } of probes)
      line(`  ${ok ? 'ok ' : 'BAD'} ${name.padEnd(9)} ${redactUrls(message)}`)
    const signed = signatures.find((each) => each.policy === policy)
    for (const text of signed ? describeSignatures(signed) : []) line(text)
  }
  if (readiness.length + faults.length === 0) line('There are no policies.')
}

const verify = async (options: CommonOptions & { readonly signer?: string }): Promise<void> => {
  const config = await readConfig(options, ['rpc'])
  const { policies, desks, faults: faulty } = await readApprovedFiles(config.actionsDir)
  const faults = [...faulty, ...listUnheard(config, policies)]
  const named = new Set(config.answers.map(({ action }) => action))
  const missing = [...named].filter((id) => !policies.some((policy) => policy.id === id))
  const signer = await findSigner(config, options.signer)
  const readiness = [
    ...(await probeAll(config, policies, signer)),
    ...(await Promise.all(desks.map(probeDeskByHand))),
  ]
  const signatures = await Promise.all(
    [...policies, ...desks].map((each) => checkPolicySignatures(config, each)),
  )
  const warnings = await listMissingRunbooks([...policies, ...desks])
  const found = { faults, missing, warnings, readiness, signatures }
  if (options.json) line(plain(found))
  else printVerification(found)
  if (faults.length + missing.length > 0) process.exitCode = EXIT.invalid
  else if (readiness.some(({ ready }) => !ready) || signatures.some(({ enough }) => !enough))
    process.exitCode = EXIT.probeFailed
}

type LogOptions = CommonOptions & {
  readonly verify?: boolean
  readonly execution?: string
  readonly limit: string
}

const verifyLog = async (store: Store, json: boolean): Promise<void> => {
  const result = await verifyExecutionLog(store.db)
  const whole = result.ok ? `${result.entries} decisions, head ${result.head}.` : ''
  if (json) line(plain(result))
  else line(result.ok ? `The log is whole: ${whole}` : `BROKEN: ${result.message}`)
  if (!result.ok) process.exitCode = EXIT.failed
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
    line(plain(inOrder))
    return
  }
  for (const { at, executionId, event, detail } of inOrder) {
    const text = JSON.stringify(detail).slice(0, 200)
    line(`${at.toISOString()}  ${executionId}  ${event.padEnd(12)} ${text}`)
  }
}

const showLog = (options: LogOptions): Promise<void> =>
  withStore(options, (store) =>
    options.verify ? verifyLog(store, options.json ?? false) : printLog(store, options),
  )

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
    .description('a policy, or an execution with its finding and every decision')
    .action((id: string, options: CommonOptions) =>
      isExecutionId(id) ? showExecution(id, options) : showPolicy(id, options),
    )
  withCommonOptions(actions.command('verify'))
    .description('checks every policy file, and on chain whether it could be carried out now')
    .option('--signer <address>', 'address of the signer, when its keystore file does not tell')
    .action(verify)
  registerAnswer(actions)
  withCommonOptions(actions.command('log'))
    .description("the signer's decisions, refusals included")
    .option('--verify', 'recompute the hash chain')
    .option('--execution <id>', 'of one execution only')
    .option('--limit <n>', 'newest so many', '50')
    .action(showLog)
  registerDrill(actions)
  registerNew(actions)
  registerSign(actions)
  registerKeystore(actions)
}
