import { startNotifier } from '../alerts/index.ts'
import type { Json } from '../base/index.ts'
import { startCrossCheck } from '../crosscheck/index.ts'
import type { ProcessReport, RunningProcess } from '../telemetry/index.ts'
import type { ProcessInput } from './processInput.ts'

const merge = (notifier: ProcessReport, check: ProcessReport): ProcessReport => {
  const { detail } = notifier
  const isMap = typeof detail === 'object' && detail !== null && !Array.isArray(detail)
  const whole: Json = { ...(isMap ? detail : {}), crossCheck: check.detail }
  return {
    status: notifier.status === 'ok' ? check.status : notifier.status,
    reason: [notifier.reason, check.reason].filter(Boolean).join('; '),
    detail: whole,
  }
}

/**
 * The notifier, and the cross-check beside it: it needs nothing but the database and no secret of the chain, it stays
 * up when watcher or indexer go down and can then say that nobody compares them, and nobody is told of anything anyway
 * where it does not run.
 */
export const startNotifierProcess = async (input: ProcessInput): Promise<RunningProcess> => {
  const notifier = await startNotifier(input)
  const check = startCrossCheck(input)
  return {
    report: async () => merge(await notifier.report(), await check.report()),
    reload: notifier.reload,
    stop: async () => {
      await check.stop()
      await notifier.stop()
    },
  }
}
