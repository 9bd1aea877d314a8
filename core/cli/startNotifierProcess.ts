import { type AlertMessage, startNotifier } from '../alerts/index.ts'
import type { Json } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import { startCrossCheck } from '../crosscheck/index.ts'
import { startSubscriptions } from '../subscriptions/index.ts'
import type { ProcessReport, RunningProcess } from '../telemetry/index.ts'
import { startVigil } from '../vigil/index.ts'
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
 * The notifier, and beside it whatever needs nothing but the database and the ways to people: the cross-check, the
 * subscribers, and the vigil over all processes. It stays up when watcher or indexer go down and can then say so, and
 * nobody is told of anything anyway where it does not run.
 */
export const startNotifierProcess = async (input: ProcessInput): Promise<RunningProcess> => {
  const prepare = await createLinks(input.config)
  const notifier = await startNotifier({ ...input, ...(prepare ? { prepare } : {}) })
  const subscriptions = await startSubscriptions(input)
  const vigil = startVigil(input)
  const check = startCrossCheck(input)
  return {
    report: async () =>
      merge(await notifier.report(), {
        crossCheck: await check.report(),
        subscriptions: await subscriptions.report(),
        vigil: await vigil.report(),
      }),
    reload: async (config) => {
      await notifier.reload(config)
      await subscriptions.reload(config)
      await vigil.reload(config)
    },
    stop: async () => {
      await check.stop()
      await vigil.stop()
      await subscriptions.stop()
      await notifier.stop()
    },
  }
}
