import { type Command, Option } from 'commander'
import {
  createLogger,
  createMeter,
  type ProcessReport,
  serveMetrics,
} from '../../telemetry/index.ts'
import { findConfigFile } from '../findConfigFile.ts'
import { findDatabaseUrl } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { readConfig } from '../readConfig.ts'
import { PROCESS_NAMES, type ProcessName, type Supervisor, startSupervisor } from '../supervisor.ts'
import { untilSignal } from '../untilSignal.ts'

type StartOptions = CommonOptions & { readonly only?: readonly ProcessName[] }

const reportOf = (supervisor: Supervisor): ProcessReport => {
  const gone = supervisor.processes().filter(({ pid }) => pid === undefined)
  return {
    status: gone.length > 0 ? 'degraded' : 'ok',
    reason: gone.map(({ name }) => `${name} is being started again`).join(', '),
    detail: {},
  }
}

/** `tocsin start`: all processes of one machine under one supervisor. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('start'))
    .description('run indexer, watcher, notifier, signer and console, and start again what dies')
    .addOption(new Option('--only <names...>', 'only these processes').choices(PROCESS_NAMES))
    .addHelpText(
      'after',
      '\nExamples:\n  $ tocsin start\n  $ tocsin start --env staging --only watcher notifier',
    )
    .action(async (options: StartOptions) => {
      const config = await readConfig(options, ['database', 'rpc', 'channels'])
      const databaseUrl = findDatabaseUrl(config)
      const wanted = (options.only ?? PROCESS_NAMES).filter((name) => {
        if (name === 'signer') return config.signer !== undefined
        if (name === 'indexer') return config.indexer.enabled
        return true
      })
      const meter = createMeter({
        service: 'supervisor',
        log: createLogger({ service: 'supervisor', level: process.env['LOG_LEVEL'] ?? 'info' }),
      })
      const supervisor = await startSupervisor({
        configFile: findConfigFile(options.config),
        dataDir: config.dataDir,
        only: wanted,
        meter,
        onLine: (_name, line) => process.stderr.write(`${line}\n`),
        onEvent: (event) => process.stderr.write(`tocsin: ${event}\n`),
        ...(options.env ? { env: options.env } : {}),
        ...(databaseUrl ? { databaseUrl } : {}),
      })
      const { host, basePort } = config.metrics
      const serving = serveMetrics({
        host,
        port: basePort === 0 ? 0 : basePort + PROCESS_NAMES.length,
        meter,
        report: () => reportOf(supervisor),
      })
      process.stdout.write(`Tocsin runs: ${wanted.join(', ')}.\n`)
      if (wanted.includes('console'))
        process.stdout.write(`Console: http://${config.console.host}:${config.console.port}\n`)
      try {
        await serving
        await Promise.race([untilSignal(), supervisor.failed])
      } finally {
        await serving.then(({ stop }) => stop()).catch(() => undefined)
        await supervisor.stop()
      }
    })
}
