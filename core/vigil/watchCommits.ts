import { routeFinding } from '../alerts/light.ts'
import { createLoop, messageOf } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { Logger } from '../telemetry/index.ts'
import { createDirectChannel } from './directChannel.ts'
import type { DirectFinding } from './directMessage.ts'
import { createLastGasp } from './lastGasp.ts'

/** What hears of every attempt to commit findings. */
export type CommitWatch = {
  readonly onFailed: (findings: readonly DirectFinding[]) => void
  readonly onStored: (findings: readonly Pick<DirectFinding, 'id'>[]) => void
  readonly stop: () => Promise<void>
}

/**
 * In the watcher: pages SEV1 findings directly that could not be committed for `vigil.lastGasp.afterS`. Undefined where
 * the watchlist names no channel for it. `config` needs the secrets of `lastGasp`.
 * @throws TocsinError when the channel's settings cannot work
 */
export const startCommitWatch = (options: {
  readonly config: () => Config
  readonly log: Logger
}): CommitWatch | undefined => {
  const { log } = options
  const config = options.config()
  const lastGasp = config.vigil?.lastGasp
  const send = lastGasp && createDirectChannel(config, lastGasp.channel)
  if (!lastGasp || !send) return undefined
  const stopping = new AbortController()
  const gasp = createLastGasp({
    channel: lastGasp.channel,
    afterMs: lastGasp.afterS * 1_000,
    chains: config.chains,
    severityOf: (finding) => routeFinding(options.config(), finding).severity,
    send: (message) => send(message, stopping.signal),
    onSent: (message) =>
      log.warn({ alert: message.alert }, 'A finding was paged directly: Postgres is away.'),
  })
  const loop = createLoop(() => gasp.turn(Date.now()), {
    pauseMs: 500,
    onError: (error) => log.error({ error: messageOf(error) }, 'Nothing was paged directly.'),
  })
  return {
    onFailed: (findings) => {
      gasp.onFailed(findings, Date.now())
      loop.wake()
    },
    onStored: gasp.onStored,
    stop: async () => {
      stopping.abort()
      await loop.stop()
    },
  }
}
