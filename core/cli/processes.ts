import { startNotifier } from '../alerts/index.ts'
import type { Config } from '../config/index.ts'
import { startConsole } from '../console/index.ts'
import { startIndexer } from '../indexer/index.ts'
import { startSigner } from '../response/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger, RunningProcess } from '../telemetry/index.ts'
import type { SecretParts } from './openStore.ts'
import { startWatcher } from './startWatcher.ts'
import type { ProcessName } from './supervisor.ts'

export type ProcessInput = {
  readonly config: Config
  readonly store: Store
  readonly log: Logger
}

/** What each process needs of the secrets, and how it starts. The signer alone sees keys; the notifier alone sees channel tokens. */
export const PROCESSES: Readonly<
  Record<
    ProcessName,
    {
      readonly secrets: SecretParts
      readonly start: (input: ProcessInput) => Promise<RunningProcess>
    }
  >
> = {
  watcher: { secrets: ['database', 'rpc'], start: startWatcher },
  notifier: { secrets: ['database', 'channels'], start: (input) => startNotifier(input) },
  signer: { secrets: ['database', 'signer'], start: (input) => startSigner(input) },
  indexer: {
    secrets: ['database', 'rpc'],
    start: ({ config, store, log }) =>
      startIndexer({ config, databaseUrl: store.url, port: config.indexer.port, log }),
  },
  console: {
    secrets: ['database'],
    start: ({ config, store, log }) =>
      startConsole({
        config,
        store,
        log,
        ...(config.indexer.enabled
          ? { graphqlUrl: `http://127.0.0.1:${config.indexer.port}/graphql` }
          : {}),
      }),
  },
}
