import { type Command, InvalidArgumentError } from 'commander'
import {
  type Address,
  cleanText,
  type Hex,
  isTocsinError,
  messageOf,
  TocsinError,
} from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import {
  type DrillReport,
  type DrillStep,
  dryRun,
  formatFault,
  type LoadedPolicy,
  loadActions,
  type ReadPoliciesResult,
  readPolicies,
} from '../../response/index.ts'
import { EXIT } from '../exitCodes.ts'
import { findSigner } from '../findSigner.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { openDrillGround, playDrill, shown } from '../playDrill.ts'
import { readConfig } from '../readConfig.ts'
import { rpcOf } from '../rpcOf.ts'

type DrillOptions = CommonOptions & {
  readonly dryRun?: boolean
  readonly signer?: Address
  readonly tx?: Hex
  readonly blockTime?: number
}

const line = (text = ''): void => void process.stdout.write(`${text}\n`)

const parseAddress = (text: string): Address => {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text.toLowerCase() as Address
  throw new InvalidArgumentError('An address is 0x and 40 hexadecimal digits.')
}
const parseHash = (text: string): Hex => {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase() as Hex
  throw new InvalidArgumentError('A transaction hash is 0x and 64 hexadecimal digits.')
}
const parseSeconds = (text: string): number => {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= 60) return seconds
  throw new InvalidArgumentError('Say a number of seconds from 1 to 60.')
}

/** The policies to play; faults only where all of them are. */
const choosePolicies = async (
  config: Config,
  id: string | undefined,
): Promise<ReadPoliciesResult> => {
  const { policies, faults } = await readPolicies(config.actionsDir)
  if (id === undefined && policies.length > 0) return { policies, faults }
  const chosen = policies.filter((policy) => policy.id === id)
  if (chosen.length > 0) return { policies: chosen, faults: [] }
  throw new TocsinError(
    'policy.unknown',
    id === undefined
      ? `There is no approved policy in ${config.actionsDir}.`
      : `There is no approved policy "${id.slice(0, 80)}".`,
    {
      exitCode: EXIT.invalid,
      hints: [
        `Policies: ${policies.map((each) => each.id).join(', ') || 'none'}.`,
        ...faults.map(formatFault),
      ],
    },
  )
}

const printStep = ({ name, tookMs, detail }: DrillStep): void =>
  line(`  ${name.padEnd(11)} ${String(tookMs).padStart(7)} ms  ${shown(detail)}`)

const printEnd = (report: DrillReport): void => {
  for (const { name, ok, message } of report.probes)
    if (!ok) line(`  BAD ${name}: ${shown(message)}`)
  for (const note of report.notes) line(`  note: ${note}`)
  const times = [
    ...(report.toBroadcastMs === null ? [] : [`broadcast after ${report.toBroadcastMs} ms`]),
    ...(report.toEffectMs === null ? [] : [`effect after ${report.toEffectMs} ms`]),
  ]
  const tail = times.length > 0 ? ` From the finding: ${times.join(', ')}.` : ''
  line(`${report.ok ? 'WELL  ' : 'FAILED'} ${report.policy}: ${shown(report.outcome)}${tail}`)
}

/** What kept one action from being played is told with it; the others are played all the same. */
const failedReport = (
  { id, chain }: LoadedPolicy,
  kind: DrillReport['kind'],
  steps: readonly DrillStep[],
  error: unknown,
): DrillReport => ({
  policy: id,
  chain,
  kind,
  block: 0,
  ok: false,
  outcome: shown(`It could not be played: ${messageOf(error)}`),
  steps,
  toBroadcastMs: null,
  toEffectMs: null,
  probes: [],
  notes: isTocsinError(error) ? error.hints : [],
})

type Play = (policy: LoadedPolicy, onStep: (step: DrillStep) => void) => Promise<DrillReport>

const playAll = async (
  { policies, faults }: ReadPoliciesResult,
  kind: DrillReport['kind'],
  play: Play,
  isJson: boolean,
): Promise<void> => {
  const reports: DrillReport[] = []
  for (const policy of policies) {
    if (!isJson) line(`${policy.id} (${policy.action} ${policy.target}, chain ${policy.chain})`)
    const steps: DrillStep[] = []
    const report = await play(policy, (step) => {
      steps.push(step)
      if (!isJson) printStep(step)
    }).catch((error: unknown) => failedReport(policy, kind, steps, error))
    reports.push(report)
    if (!isJson) printEnd(report)
  }
  if (isJson) line(JSON.stringify(reports, null, 2))
  // A machine reads the reports alone; that something is missing among them it hears by the exit code and here.
  for (const fault of faults)
    process.stderr.write(`FAULT  not played: ${cleanText(formatFault(fault), 500)}\n`)
  if (faults.length > 0) process.exitCode = EXIT.invalid
  else if (reports.some(({ ok }) => !ok)) process.exitCode = EXIT.probeFailed
}

const drill = async (id: string | undefined, options: DrillOptions): Promise<void> => {
  const config = await readConfig(options, ['rpc'])
  const chosen = await choosePolicies(config, id)
  const actor = await findSigner(config, options.signer)
  if (!actor)
    throw new TocsinError('drill.signer_unknown', 'The account that acts is not known.', {
      exitCode: EXIT.invalid,
      hints: ['The keystore file does not tell it: give --signer 0x….'],
    })
  const isJson = options.json ?? false
  if (options.dryRun) {
    const actions = await loadActions()
    const play: Play = async (policy, onStep) => {
      const action = actions.find((each) => each.id === policy.action)
      if (!action)
        throw new TocsinError('action.unknown', `Unknown action type "${policy.action}".`)
      const rpc = rpcOf(config, policy.chain)
      return dryRun({ rpc, action, policy, actor, txHash: options.tx, onStep })
    }
    await playAll(chosen, 'dry-run', play, isJson)
    return
  }
  const ground = await openDrillGround()
  try {
    const { tx: txHash, blockTime: blockTimeS } = options
    const play: Play = (policy, onStep) =>
      playDrill({ config, policy, actor, txHash, blockTimeS, ground, onStep })
    await playAll(chosen, 'fork', play, isJson)
  } finally {
    await ground.close()
  }
}

/** `tocsin drill`, also as `tocsin actions drill`: approved actions played to their effect, on a fork or dry. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('drill [policy]'))
    .description(
      'plays approved actions the whole way on a fork of their chain, and takes the time',
    )
    .option('--dry-run', 'on the live chain instead, up to the signature; nothing is sent')
    .option(
      '--signer <address>',
      'the account that acts, when its keystore file does not tell',
      parseAddress,
    )
    .option(
      '--tx <hash>',
      'a transaction of the chain that the finding names; it is replayed',
      parseHash,
    )
    .option(
      '--block-time <s>',
      "seconds between the fork's blocks (default: the chain's)",
      parseSeconds,
    )
    .addHelpText(
      'after',
      `
Neither the key nor its password is needed: on the fork a key made for the day acts as the account.

Exit codes: 0 well, 2 the watchlist or a policy file is wrong (the others are played), 3 an action did not work.

Examples:
  $ tocsin drill
  $ tocsin drill pause-vault --block-time 1
  $ tocsin drill pause-vault --dry-run --json`,
    )
    .action(drill)
}
