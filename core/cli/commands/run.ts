import { Argument, type Command } from 'commander'
import { messageOf, TocsinError } from '../../base/index.ts'
import { findWriter, recordConfigChanges, watchConfig } from '../../config/index.ts'
import { connectDatabase, migrateDatabase, startEmbeddedPostgres } from '../../store/index.ts'
import {
  createHeartbeat,
  createLogger,
  createRegistry,
  serveMetrics,
} from '../../telemetry/index.ts'
import { findDatabaseUrl, readConfig } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { PROCESSES } from '../processes.ts'
import { registerChainMetrics } from '../registerChainMetrics.ts'
import { PROCESS_NAMES, type ProcessName } from '../supervisor.ts'
import { untilSignal } from '../untilSignal.ts'

/** A supervised process waits for its database as long as it takes; one started by hand gives up soon. */
const PATIENCE_MS = { supervised: 600_000, alone: 15_000 }

const run = async (name: ProcessName, options: CommonOptions): Promise<void> => {
  const { secrets, start } = PROCESSES[name]
  const read = () => readConfig(options, secrets)
  const config = await read()
  const log = createLogger({ service: name, level: process.env['LOG_LEVEL'] ?? 'info' })
  const supervised = process.env['TOCSIN_SUPERVISED'] !== undefined
  const url =
    findDatabaseUrl(config) ?? (await startEmbeddedPostgres({ dataDir: config.dataDir })).url
  const store = await connectDatabase({
    url,
    name,
    patienceMs: supervised ? PATIENCE_MS.supervised : PATIENCE_MS.alone,
    onError: (error) => log.warn({ error: messageOf(error) }, 'A database connection was lost.'),
  })
  await migrateDatabase(store)
  const running = await start({ config, store, log })
  const registry = createRegistry(name)
  if (name === 'watcher') registerChainMetrics(registry, running)
  const offset = PROCESS_NAMES.indexOf(name)
  const { host, basePort } = config.metrics
  const metrics = await serveMetrics({
    host,
    port: basePort === 0 ? 0 : basePort + offset,
    registry,
    report: () => running.report(),
  }).catch(async (error: unknown) => {
    await running.stop()
    await store.stop()
    throw error
  })
  const heartbeat = createHeartbeat({
    store,
    name,
    configHash: config.hash,
    report: () => running.report(),
    log,
  })
  const watching = await watchConfig({
    load: read,
    current: config,
    onChange: async (next, changes, needsRestart) => {
      await running.reload?.(next)
      const file = next.files[0] ?? ''
      await recordConfigChanges(store.db, { process: name, file, who: findWriter(file), changes })
      log.info(
        { changes: changes.map(({ path }) => path) },
        'The watchlist changed and was taken up.',
      )
      if (needsRestart.length > 0)
        log.warn(
          { changes: needsRestart.map(({ path }) => path) },
          'These changes need a restart and were left out.',
        )
    },
    onError: (error) =>
      log.error({ error: messageOf(error) }, 'The changed watchlist is wrong; the old one stays.'),
  })
  process.send?.('ready')
  log.info({ pid: process.pid }, `The ${name} runs.`)
  await untilSignal()
  await watching.stop()
  await running.stop()
  await heartbeat.stop()
  await metrics.stop()
  await store.stop()
}

/** `tocsin run <process>`: one process alone, as one container runs it. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('run'))
    .description('run one process alone, for example in a container of its own')
    .addArgument(new Argument('<process>').choices(PROCESS_NAMES))
    .addHelpText(
      'after',
      '\nExamples:\n  $ tocsin run watcher\n  $ DATABASE_URL=postgresql://… tocsin run signer',
    )
    .action(async (name: string, options: CommonOptions) => {
      const known = PROCESS_NAMES.find((candidate) => candidate === name)
      if (!known)
        throw new TocsinError('cli.unknown_process', `There is no process "${name}".`, {
          exitCode: 2,
        })
      await run(known, options)
      // Sockets of libraries may linger; everything of ours has ended.
      process.exit(0)
    })
}
