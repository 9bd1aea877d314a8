import { type AlertMessage, startNotifier } from '../alerts/index.ts'
import type { Json } from '../base/index.ts'
import type { Config } from '../config/types.ts'
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

/** Where proposals can come up, the notifier makes their links: what lies in the outbox holds no secret. */
const createLinks = async (
  config: Config,
): Promise<((message: AlertMessage, channel: string) => AlertMessage) | undefined> => {
  if (!config.signer) return undefined
  const { addLinks, loadPeopleSecret } = await import('../response/index.ts')
  const secret = await loadPeopleSecret(config)
  const people = config.people ?? { url: undefined, channels: {} }
  return (message, channel) => addLinks({ secret, people }, message, channel)
}

/**
 * The notifier, and the cross-check beside it: it needs nothing but the database and no secret of the chain, it stays
 * up when watcher or indexer go down and can then say that nobody compares them, and nobody is told of anything anyway
 * where it does not run.
 */
export const startNotifierProcess = async (input: ProcessInput): Promise<RunningProcess> => {
  const prepare = await createLinks(input.config)
  const notifier = await startNotifier({ ...input, ...(prepare ? { prepare } : {}) })
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
