import { type Command, Option } from 'commander'
import { findConfigFile } from '../findConfigFile.ts'
import { findDatabaseUrl } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { readConfig } from '../readConfig.ts'
import { PROCESS_NAMES, type ProcessName, startSupervisor } from '../supervisor.ts'
import { untilSignal } from '../untilSignal.ts'

type StartOptions = CommonOptions & { readonly only?: readonly ProcessName[] }

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
      const supervisor = await startSupervisor({
        configFile: findConfigFile(options.config),
        dataDir: config.dataDir,
        only: wanted,
        onLine: (_name, line) => process.stderr.write(`${line}\n`),
        onEvent: (event) => process.stderr.write(`tocsin: ${event}\n`),
        ...(options.env ? { env: options.env } : {}),
        ...(databaseUrl ? { databaseUrl } : {}),
      })
      process.stdout.write(`Tocsin runs: ${wanted.join(', ')}.\n`)
      if (wanted.includes('console'))
        process.stdout.write(`Console: http://${config.console.host}:${config.console.port}\n`)
      try {
        await Promise.race([untilSignal(), supervisor.failed])
      } finally {
        await supervisor.stop()
      }
    })
}
