import { createLoop, messageOf } from '../base/index.ts'
import { createWatchdog, runWatcher } from '../engine/index.ts'
import { isAnswered, requestExecutions, startAnsweringOutside } from '../response/index.ts'
import type { RunningProcess } from '../telemetry/index.ts'
import { startCommitWatch } from '../vigil/index.ts'
import { createPolicyBook } from './createPolicyBook.ts'
import { BLOCKED_SIGNAL, EXIT } from './exitCodes.ts'
import { hostForta } from './hostForta.ts'
import { findBotFile, loadBots } from './loadBots.ts'
import type { ProcessInput } from './processInput.ts'
import { tellPlan } from './tellPlan.ts'
import { watchBots } from './watchBots.ts'

/** How often the watcher looks whether the policy files changed (ms): the signer refuses an intent of an older one. */
const POLICY_POLL_MS = 5_000

/** The watcher with its answers: findings and the intents they call for are committed in one transaction. */
export const startWatcher = async (input: ProcessInput): Promise<RunningProcess> => {
  const { store, log } = input
  let { config } = input
  const book = createPolicyBook({ store, log })
  const onBookError = (error: unknown): void =>
    log.warn({ error: messageOf(error) }, 'Faults of the policy files were not told yet.')
  await book.refresh(config).catch(onBookError)
  let bots = await loadBots(config.botsDir)
  const forta = await hostForta(config, { store, log })
  const watchdog = input.isOwnProcess
    ? createWatchdog({
        service: 'watcher',
        databaseUrl: store.url,
        exitCode: EXIT.botBlocked,
        signal: BLOCKED_SIGNAL,
        fileOf: findBotFile,
        onError: (message) => log.error(message),
      })
    : undefined
  await watchdog?.ready
  const commits = startCommitWatch({ config: () => config, log })
  const watcher = await runWatcher({
    config,
    store,
    log,
    commits,
    marks: watchdog?.marks,
    ...(input.meter ? { meter: input.meter } : {}),
    bots: () => bots,
    hosted: forta.botsOf,
    concernsCommit: (finding) => isAnswered(finding, config.answers),
    onCommit: async (tx, findings, block) => {
      await requestExecutions(tx, findings, {
        answers: config.answers,
        policies: book.list(),
        ...(block.catchingUp ? {} : { seenAtMs: block.seenAtMs }),
      })
    },
  }).catch(async (error: unknown) => {
    await commits?.stop()
    await watchdog?.stop()
    await forta.stop()
    throw error
  })
  const onPlanError = (error: unknown): void =>
    log.warn({ error: messageOf(error) }, 'The console was not told what is watched by whom.')
  await tellPlan(store, config, bots, book.list()).catch(onPlanError)
  const followed = input.watchesBots ? config.botsDir : undefined
  const following =
    followed === undefined
      ? undefined
      : watchBots({
          botsDir: followed,
          onChange: async (next) => {
            const before = bots
            bots = next
            // Bots that do not fit leave those that run where they are.
            await watcher.reload?.(config).catch((error: unknown) => {
              bots = before
              throw error
            })
            log.info('The bots changed and were taken up.')
          },
          onError: (error) =>
            log.error({ error: messageOf(error) }, 'A changed bot is wrong; the old ones stay.'),
        })
  const outside = startAnsweringOutside({
    store,
    answers: () => config.answers,
    policies: book.list,
    log,
  })
  const polling = createLoop(() => book.refresh(config), {
    pauseMs: POLICY_POLL_MS,
    onError: onBookError,
  })
  return {
    report: async () => {
      const report = await watcher.report()
      const faults = book.faults()
      if (faults.length === 0) return report
      const refused = `Policies are refused: ${faults.slice(0, 3).join('; ')}.`
      return { ...report, status: 'degraded', reason: `${report.reason} ${refused}`.trim() }
    },
    reload: async (next) => {
      await watcher.reload?.(next)
      config = next
      await tellPlan(store, config, bots, book.list()).catch(onPlanError)
      polling.wake()
    },
    stop: async () => {
      await following?.stop()
      await outside?.stop()
      await polling.stop()
      await watcher.stop()
      await forta.stop()
      await commits?.stop()
      await watchdog?.stop()
    },
  }
}
