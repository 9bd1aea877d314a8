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
import { preflight, supervisorPort } from '../preflight.ts'
import { hiddenFrom, PROCESSES } from '../processes.ts'
import { readConfig } from '../readConfig.ts'
import { PROCESS_NAMES, type ProcessName, type Supervisor, startSupervisor } from '../supervisor.ts'
import { untilSignal } from '../untilSignal.ts'

type StartOptions = CommonOptions & {
  readonly only?: readonly ProcessName[]
  readonly unchecked?: boolean
  readonly watch?: boolean
}

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
    .description(
      'run indexer, watcher, notifier, signer, console and intake, and start again what dies',
    )
    .addOption(new Option('--only <names...>', 'only these processes').choices(PROCESS_NAMES))
    .option('--unchecked', 'start also when the chain does not agree with the watchlist')
    .option('--watch', 'take up changed files of `botsDir` while it runs, for development')
    .addHelpText(
      'after',
      `
Exit codes: 2 the watchlist is wrong, 3 the chain does not agree with it, 4 a port is taken; nothing was started then.

Examples:
  $ tocsin start
  $ tocsin start --env staging --only watcher notifier`,
    )
    .action(async (options: StartOptions) => {
      const stopping = new AbortController()
      const interrupted = untilSignal().then(() => stopping.abort())
      const named = options.only ?? PROCESS_NAMES
      // Whether each secret is there is asked for all of them; what they say is for the processes alone.
      let variables: Parameters<typeof hiddenFrom>[1] = []
      await readConfig(
        options,
        [...new Set(named.flatMap((name) => PROCESSES[name].secrets))],
        (found) => {
          variables = found
        },
      )
      const config = await readConfig(options, ['database', 'rpc'])
      const databaseUrl = findDatabaseUrl(config)
      const wanted = named.filter((name) => {
        if (name === 'signer') return config.signer !== undefined
        if (name === 'indexer') return config.indexer.enabled
        if (name === 'intake') return config.intake !== undefined
        return true
      })
      await preflight({
        config,
        names: wanted,
        all: PROCESS_NAMES,
        asksChains: options.unchecked !== true,
        onWarning: (text) => process.stderr.write(`warning: ${text}\n`),
      })
      const meter = createMeter({
        service: 'supervisor',
        log: createLogger({ service: 'supervisor', level: process.env['LOG_LEVEL'] ?? 'info' }),
      })
      const supervisor = await startSupervisor({
        configFile: findConfigFile(options.config),
        dataDir: config.dataDir,
        only: wanted,
        watchesBots: options.watch ?? false,
        hidden: (name) => hiddenFrom(name, variables),
        meter,
        signal: stopping.signal,
        onLine: (_name, line) => process.stderr.write(`${line}\n`),
        onEvent: (event) => process.stderr.write(`tocsin: ${event}\n`),
        ...(options.env ? { env: options.env } : {}),
        ...(databaseUrl ? { databaseUrl } : {}),
      })
      const { host, basePort } = config.metrics
      const serving = serveMetrics({
        host,
        port: supervisorPort(basePort, PROCESS_NAMES),
        meter,
        report: () => reportOf(supervisor),
      })
      process.stdout.write(`Tocsin runs: ${wanted.join(', ')}.\n`)
      if (wanted.includes('console') && config.console.port !== 0)
        process.stdout.write(`Console: http://${config.console.host}:${config.console.port}\n`)
      try {
        await serving
        await Promise.race([interrupted, supervisor.failed])
      } finally {
        await serving.then(({ stop }) => stop()).catch(() => undefined)
        await supervisor.stop()
      }
    })
}
