import { Argument, type Command } from 'commander'
import { messageOf, TocsinError, withTimeout } from '../../base/index.ts'
import { findWriter, recordConfigChanges, watchConfig } from '../../config/index.ts'
import {
  connectDatabase,
  ensureIntakeRole,
  migrateDatabase,
  startEmbeddedPostgres,
} from '../../store/index.ts'
import {
  createHeartbeat,
  createLogger,
  createMeter,
  type Meter,
  type RunningProcess,
  serveMetrics,
} from '../../telemetry/index.ts'
import { sendLifeSigns } from '../lifeSigns.ts'
import { findDatabaseUrl } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { printError } from '../printError.ts'
import { PROCESSES } from '../processes.ts'
import { readConfig } from '../readConfig.ts'
import { PROCESS_NAMES, type ProcessName } from '../supervisor.ts'
import { untilSignal } from '../untilSignal.ts'

/** A supervised process waits for its database as long as it takes; one started by hand gives up soon. */
const PATIENCE_MS = { supervised: 600_000, alone: 15_000 }

type Undo = (step: () => Promise<unknown>) => void

/** Whether the process itself says that it is well. */
const registerReport = (meter: Meter, running: RunningProcess): void => {
  const ok = meter.gauge({
    name: 'tocsin_process_ok',
    help: '1 when the process reports ok, 0 when it starts or is degraded.',
  })
  meter.onScrape(async () => ok.set({}, (await running.report()).status === 'ok' ? 1 : 0))
}

type RunOptions = CommonOptions & { readonly watch?: boolean }

const run = async (
  name: ProcessName,
  options: RunOptions,
  undo: Undo,
  over: Promise<void>,
): Promise<void> => {
  const { secrets, start } = PROCESSES[name]
  const supervised = process.env['TOCSIN_SUPERVISED'] !== undefined
  // The supervisor has said where the database is, and has kept the owner's own address to itself.
  const parts = supervised ? secrets.filter((part) => part !== 'database') : secrets
  const read = () => readConfig(options, parts)
  const config = await read()
  const log = createLogger({ service: name, level: process.env['LOG_LEVEL'] ?? 'info' })
  const openDatabase = async (): Promise<string> => {
    const server = await startEmbeddedPostgres({ dataDir: config.dataDir })
    undo(server.stop)
    return server.url
  }
  const url = findDatabaseUrl(config) ?? (await openDatabase())
  const store = await connectDatabase({
    url,
    name,
    patienceMs: supervised ? PATIENCE_MS.supervised : PATIENCE_MS.alone,
    onError: (error) => log.warn({ error: messageOf(error) }, 'A database connection was lost.'),
  })
  undo(store.stop)
  await migrateDatabase(store)
  // Where each process is started by itself, this one prepares the role by which the intake can log in.
  if (name === 'notifier' && !supervised && config.intake)
    await ensureIntakeRole(store.pool).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, 'The database role of the intake could not be made.'),
    )
  const meter = createMeter({ service: name, log })
  const running = await start({ config, store, log, meter, watchesBots: options.watch ?? false })
  undo(running.stop)
  registerReport(meter, running)
  const offset = PROCESS_NAMES.indexOf(name)
  const { host, basePort } = config.metrics
  const metrics = await serveMetrics({
    host,
    port: basePort === 0 ? 0 : basePort + offset,
    meter,
    report: () => running.report(),
  })
  undo(metrics.stop)
  const heartbeat = createHeartbeat({
    store,
    name,
    configHash: config.hash,
    report: () => running.report(),
    log,
  })
  undo(heartbeat.stop)
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
  undo(watching.stop)
  undo(sendLifeSigns())
  process.send?.('ready')
  log.info({ pid: process.pid }, `The ${name} runs.`)
  await over
}

/** How long one part may take to end (ms); the process ends in any case. */
const END_LIMIT_MS = 10_000

/** Runs, and ends whatever was begun, in the opposite order, however it ends. */
const runAndTidy = async (name: ProcessName, options: RunOptions): Promise<void> => {
  const steps: (() => Promise<unknown>)[] = []
  // Whoever supervises may be gone before this process is ready to hear of it.
  const orphaned = new Promise<void>((resolve) => {
    if (!process.env['TOCSIN_SUPERVISED'] || !process.send) return
    process.once('disconnect', resolve)
    if (!process.connected) resolve()
  })
  try {
    // A signal counts from the first moment on: what has begun by then is ended in order.
    const over = untilSignal()
    const running = run(name, options, (step) => steps.push(step), over)
    await Promise.race([running, orphaned, over])
  } finally {
    for (const step of steps.reverse())
      await withTimeout(async () => step(), END_LIMIT_MS, 'The end').catch((error: unknown) =>
        process.stderr.write(`${messageOf(error)}\n`),
      )
  }
}

/** `tocsin run <process>`: one process alone, as one container runs it. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('run'))
    .description('run one process alone, for example in a container of its own')
    .addArgument(new Argument('<process>').choices(PROCESS_NAMES))
    .option('--watch', 'watcher: take up changed files of `botsDir` while it runs, for development')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tocsin run watcher\n  $ DATABASE_URL=postgresql://… tocsin run signer',
    )
    .action(async (name: string, options: RunOptions) => {
      const known = PROCESS_NAMES.find((candidate) => candidate === name)
      if (!known)
        throw new TocsinError('cli.unknown_process', `There is no process "${name}".`, {
          exitCode: 2,
        })
      // Sockets of libraries may linger; everything of ours has ended.
      await runAndTidy(known, options).catch((error: unknown) =>
        process.exit(printError(error, { json: options.json ?? false })),
      )
      process.exit(0)
    })
}
