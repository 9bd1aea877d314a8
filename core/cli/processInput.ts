import type { Config } from '../config/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger, Meter } from '../telemetry/index.ts'

/** What every process is started with. `config` holds the secrets of its own part only. */
export type ProcessInput = {
  readonly config: Config
  readonly store: Store
  readonly log: Logger
  /** Default: nothing is measured. */
  readonly meter?: Meter
  /** The process is there for this alone: a watchdog may end it. Default: false. */
  readonly isOwnProcess?: boolean
  /** The watcher takes up changed files of `botsDir` while it runs. Default: false. */
  readonly watchesBots?: boolean
}
