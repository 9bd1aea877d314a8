import { startNotifier } from '../alerts/index.ts'
import type { Json } from '../base/index.ts'
import { startCrossCheck } from '../crosscheck/index.ts'
import { startOnCall } from '../oncall/index.ts'
import { startSubscriptions } from '../subscriptions/index.ts'
import type { ProcessReport, RunningProcess } from '../telemetry/index.ts'
import { startVigil } from '../vigil/index.ts'
import { createPrepare } from './createPrepare.ts'
import { findRunbook } from './findRunbook.ts'
import type { ProcessInput } from './processInput.ts'

/** One report of all: as unwell as the first that is not well, the others' figures under their names. */
const merge = (
  notifier: ProcessReport,
  beside: Readonly<Record<string, ProcessReport>>,
): ProcessReport => {
  const { detail } = notifier
  const isMap = typeof detail === 'object' && detail !== null && !Array.isArray(detail)
  const details = Object.entries(beside).map(([name, report]) => [name, report.detail])
  const whole: Json = { ...(isMap ? detail : {}), ...Object.fromEntries(details) }
  const all = [notifier, ...Object.values(beside)]
  return {
    status: all.find(({ status }) => status !== 'ok')?.status ?? 'ok',
    reason: all
      .map(({ reason }) => reason)
      .filter(Boolean)
      .join('; '),
    detail: whole,
  }
}

/**
 * The notifier, and beside it whatever needs nothing but the database and the ways to people: the cross-check, the
 * subscribers, the pager of whoever is on call, and the vigil over all processes. It stays up when watcher or indexer
 * go down and can then say so, and nobody is told of anything anyway where it does not run.
 */
export const startNotifierProcess = async (input: ProcessInput): Promise<RunningProcess> => {
  let { config } = input
  const prepare = await createPrepare(input, () => config)
  const notifier = await startNotifier({
    ...input,
    runbookFor: (botId) => findRunbook(config, botId),
    ...(prepare ? { prepare } : {}),
  })
  const subscriptions = await startSubscriptions(input)
  const vigil = startVigil(input)
  const onCall = startOnCall(input)
  const check = startCrossCheck(input)
  return {
    report: async () =>
      merge(await notifier.report(), {
        crossCheck: await check.report(),
        subscriptions: await subscriptions.report(),
        vigil: await vigil.report(),
        onCall: await onCall.report(),
      }),
    reload: async (next) => {
      config = next
      await notifier.reload(config)
      await onCall.reload(config)
      await subscriptions.reload(config)
      await vigil.reload(config)
    },
    stop: async () => {
      await check.stop()
      await vigil.stop()
      await onCall.stop()
      await subscriptions.stop()
      await notifier.stop()
    },
  }
}
