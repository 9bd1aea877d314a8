import type { Command } from 'commander'
import { isTocsinError } from '../../base/index.ts'
import {
  type Config,
  exportJsonSchema,
  type Fault,
  faultLine,
  loadConfig,
} from '../../config/index.ts'
import { type ProbeReport, probeWatchlist } from '../../config/probe/index.ts'
import type { BotDefinition } from '../../engine/types.ts'
import {
  formatFault,
  listMissingRunbooks,
  policyIdOf,
  type ReadPoliciesResult,
  readPolicies,
} from '../../response/index.ts'
import { checkConsole } from '../check/checkConsole.ts'
import { explainPlan } from '../check/explainPlan.ts'
import { planWatch } from '../check/planWatch.ts'
import { renderPlan } from '../check/renderPlan.ts'
import { EXIT } from '../exitCodes.ts'
import { listUnheard } from '../listUnheard.ts'
import { loadBots } from '../loadBots.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printError } from '../printError.ts'
import { createProgress } from '../progress.ts'

type CheckOptions = CommonOptions & {
  readonly offline?: boolean
  readonly explain?: boolean
  readonly schema?: boolean
}

const line = (text = ''): void => void process.stdout.write(`${text}\n`)
const json = (value: unknown): void => line(JSON.stringify(value, null, 2))

/** Those that `check` itself can do without, and `start` cannot. */
const LATER_SECRETS = ['channels', 'signer', 'database', 'people', 'console', 'intake'] as const

type Loaded = {
  readonly config: Config
  readonly bots: readonly BotDefinition<unknown>[]
  readonly policies: ReadPoliciesResult
  /** Secrets that are not at hand here: no fault of the watchlist, but the processes will want them. */
  readonly missing: readonly string[]
}

const load = async (options: CheckOptions): Promise<Loaded> => {
  let bots: readonly BotDefinition<unknown>[] = []
  let policies: ReadPoliciesResult = { policies: [], faults: [] }
  let missing: readonly string[] = []
  const config = await loadConfig({
    file: options.config,
    env: options.env,
    dataDir: options.dataDir,
    secrets: options.offline ? 'none' : ['rpc'],
    bots: async (botsDir) => {
      bots = await loadBots(botsDir)
      return bots
    },
    actions: async (actionsDir) => {
      policies = await readPolicies(actionsDir)
      // A faulty file is told for itself; that its name exists is known all the same.
      return [
        ...policies.policies.map(({ id }) => id),
        ...policies.faults.map(({ file }) => policyIdOf(file)),
      ]
    },
    ...(options.offline
      ? {}
      : {
          alsoLookFor: {
            parts: LATER_SECRETS,
            onMissing: (faults) => {
              missing = faults.map((fault) => `${faultLine(fault)} \`tocsin start\` needs it.`)
            },
          },
        }),
  })
  const faults = [...policies.faults, ...listUnheard(config, policies.policies)]
  return { config, bots, policies: { ...policies, faults }, missing }
}

const probe = async (config: Config): Promise<ProbeReport> => {
  const progress = createProgress('Asking the chains', config.watch.length)
  try {
    return await probeWatchlist(config, { onProgress: (done) => progress.update(done) })
  } finally {
    progress.end()
  }
}

const printProbe = (report: ProbeReport): void => {
  line()
  line('On chain')
  for (const { chain, url, chainId, block, latencyMs, reason } of report.endpoints)
    line(`  ${chain} ${url}: ${reason || `chain ${chainId}, block ${block}, ${latencyMs} ms`}`)
  line(
    `  ${report.checked.length} thing${report.checked.length === 1 ? '' : 's'} compared with the chain.`,
  )
}

const exitCodeOf = (policyFaults: number, report: ProbeReport | undefined): number => {
  if (policyFaults > 0) return EXIT.invalid
  return report?.faults.some(({ severity }) => severity === 'fault') ? EXIT.probeFailed : EXIT.ok
}

const check = async (options: CheckOptions): Promise<void> => {
  if (options.schema) return json(exportJsonSchema())
  const { config, bots, policies, missing } = await load(options)
  const plan = planWatch(config, bots, policies.policies)
  const report = options.offline ? undefined : await probe(config)
  const exposure = checkConsole(config)
  const exitCode = exitCodeOf(policies.faults.length + exposure.faults.length, report)
  const runbooks = await listMissingRunbooks(policies.policies)
  const warnings = [...plan.warnings, ...exposure.warnings, ...missing, ...runbooks]
  process.exitCode = exitCode
  if (options.json)
    return json({
      ok: exitCode === EXIT.ok,
      ...plan,
      warnings,
      policyFaults: policies.faults,
      consoleFaults: exposure.faults,
      probe: report ?? null,
    })
  for (const text of options.explain ? explainPlan(plan) : renderPlan(plan)) line(text)
  if (report) printProbe(report)
  const faults: readonly string[] = [
    ...policies.faults.map((fault) => `error: ${formatFault(fault)}`),
    ...exposure.faults.map((text) => `error: ${text}`),
    ...(report?.faults ?? []).map(
      (fault) => `${fault.severity === 'fault' ? 'error' : 'warning'}: ${faultLine(fault)}`,
    ),
    ...warnings.map((text) => `warning: ${text}`),
  ]
  if (faults.length > 0) line()
  for (const text of faults) line(text)
  line()
  line(
    exitCode === EXIT.ok
      ? `The watchlist is well-formed${report ? ', and the chains agree with it' : ''}.`
      : 'Something is wrong: see the errors above.',
  )
}

const faultsIn = (error: unknown): readonly Fault[] =>
  typeof error === 'object' && error !== null && 'faults' in error && Array.isArray(error.faults)
    ? error.faults
    : []

const run = async (options: CheckOptions): Promise<void> => {
  try {
    await check(options)
  } catch (error) {
    if (!options.json || !isTocsinError(error)) throw error
    json({ ok: false, code: error.code, faults: faultsIn(error) })
    process.exitCode = printError(error, { json: true })
  }
}

/** `tocsin check`: what the watchlist means, whether it is right, and whether the chains agree. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('check'))
    .description(
      'what will be watched, by which bots, who is told and what may act; and whether it is right',
    )
    .option('--offline', 'ask no endpoint and need no secrets')
    .option('--explain', 'in full sentences')
    .option('--schema', 'print the JSON Schema of the watchlist and end')
    .addHelpText(
      'after',
      `
Exit codes: 0 well, 2 the watchlist or a policy is wrong, 3 the chain does not agree with it.

Examples:
  $ tocsin check
  $ tocsin check --offline --explain
  $ tocsin check --config ops/watchlist.yaml --env staging --json
  $ tocsin check --schema > watchlist.schema.json`,
    )
    .action(run)
}
