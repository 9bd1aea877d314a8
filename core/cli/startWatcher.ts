import { createLoop, messageOf, TocsinError } from '../base/index.ts'
import { createWatchdog, runWatcher } from '../engine/index.ts'
import { type LoadedPolicy, loadPolicies, requestExecutions } from '../response/index.ts'
import type { RunningProcess } from '../telemetry/index.ts'
import { EXIT } from './exitCodes.ts'
import { findBotFile, loadBots } from './loadBots.ts'
import type { ProcessInput } from './processInput.ts'

/** How often the watcher looks whether the policy files changed (ms): the signer refuses an intent of an older one. */
const POLICY_POLL_MS = 5_000

const readPolicies = async ({ config }: ProcessInput): Promise<readonly LoadedPolicy[]> => {
  if (config.answers.length === 0) return []
  const policies = await loadPolicies(config.actionsDir)
  const missing = config.answers.find(({ action }) => !policies.some(({ id }) => id === action))
  if (missing)
    throw new TocsinError(
      'config.unknown_action',
      `There is no policy file for the action "${missing.action}".`,
      {
        exitCode: EXIT.invalid,
        hints: [`Expected in ${config.actionsDir}.`, '`tocsin actions new` writes one.'],
      },
    )
  return policies
}

/** The watcher with its answers: findings and the intents they call for are committed in one transaction. */
export const startWatcher = async (input: ProcessInput): Promise<RunningProcess> => {
  const { store, log } = input
  let { config } = input
  let policies = await readPolicies(input)
  let policyFault = ''
  const bots = await loadBots(config.botsDir)
  const watchdog = input.isOwnProcess
    ? createWatchdog({
        service: 'watcher',
        databaseUrl: store.url,
        exitCode: EXIT.botBlocked,
        fileOf: findBotFile,
        onError: (message) => log.error(message),
      })
    : undefined
  const watcher = await runWatcher({
    config,
    store,
    log,
    marks: watchdog?.marks,
    ...(input.meter ? { meter: input.meter } : {}),
    bots,
    onCommit: async (tx, findings, block) => {
      if (findings.length === 0 || config.answers.length === 0) return
      await requestExecutions(tx, findings, {
        answers: config.answers,
        policies,
        ...(block.catchingUp ? {} : { seenAtMs: block.seenAtMs }),
      })
    },
  }).catch(async (error: unknown) => {
    await watchdog?.stop()
    throw error
  })
  const polling = createLoop(
    async () => {
      policies = await readPolicies({ ...input, config })
      policyFault = ''
    },
    {
      pauseMs: POLICY_POLL_MS,
      onError: (error) => {
        if (messageOf(error) !== policyFault)
          log.error(
            { error: messageOf(error) },
            'The policy files are wrong; the ones read before stay.',
          )
        policyFault = messageOf(error)
      },
    },
  )
  return {
    report: async () => {
      const report = await watcher.report()
      if (!policyFault) return report
      return { ...report, status: 'degraded', reason: `${report.reason} ${policyFault}`.trim() }
    },
    reload: async (next) => {
      await watcher.reload?.(next)
      config = next
      polling.wake()
    },
    stop: async () => {
      await polling.stop()
      await watcher.stop()
      await watchdog?.stop()
    },
  }
}
