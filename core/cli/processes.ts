import type { SecretPart } from '../config/index.ts'
import type { RunningProcess } from '../telemetry/index.ts'
import type { ProcessInput } from './processInput.ts'
import type { SecretParts } from './readConfig.ts'
import type { ProcessName } from './supervisor.ts'

type ProcessPlan = {
  /** All that this process may see: keys go to the signer alone, channel tokens to the notifier alone. */
  readonly secrets: SecretParts
  readonly start: (input: ProcessInput) => Promise<RunningProcess>
}

/** What each process needs and how it starts. Rooms are loaded when asked for: no process holds another's code in memory. */
export const PROCESSES: Readonly<Record<ProcessName, ProcessPlan>> = {
  watcher: {
    secrets: ['database', 'rpc', 'lastGasp'],
    start: async (input) =>
      (await import('./startWatcher.ts')).startWatcher({ ...input, isOwnProcess: true }),
  },
  notifier: {
    secrets: ['database', 'channels', 'people'],
    start: async (input) => (await import('./startNotifierProcess.ts')).startNotifierProcess(input),
  },
  signer: {
    secrets: ['database', 'signer', 'people'],
    start: async (input) => (await import('../response/index.ts')).startSigner(input),
  },
  indexer: {
    secrets: ['database', 'rpc'],
    start: async ({ config, store, log, meter }) =>
      (await import('../indexer/index.ts')).startIndexer({
        config,
        databaseUrl: store.url,
        port: config.indexer.port,
        log,
        ...(meter ? { meter } : {}),
      }),
  },
  console: {
    secrets: ['database', 'people', 'console'],
    start: async ({ config, store, log }) =>
      (await import('../console/index.ts')).startConsole({
        config,
        store,
        log,
        ...(config.indexer.enabled
          ? { graphqlUrl: `http://127.0.0.1:${config.indexer.port}/graphql` }
          : {}),
      }),
  },
  intake: {
    secrets: ['database', 'intake'],
    start: async (input) => (await import('./startIntakeProcess.ts')).startIntakeProcess(input),
  },
}

/** Variables of the environment that hold secrets of other processes alone. */
export const hiddenFrom = (
  process: ProcessName,
  variables: readonly { readonly name: string; readonly part: SecretPart }[],
): readonly string[] => {
  // Where the database is, the supervisor says.
  const own = PROCESSES[process].secrets.filter((part) => part !== 'database')
  const needed = new Set(
    variables.flatMap(({ name, part }) => (own.some((one) => one === part) ? [name] : [])),
  )
  return [...new Set(variables.map(({ name }) => name))].filter((name) => !needed.has(name))
}
