#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { COMMANDS } from './commandList.ts'
import { EXIT } from './exitCodes.ts'
import { printError } from './printError.ts'

/** The package's own package.json lies two folders up from the sources and three up from the compiled files. */
const readVersion = (): string => {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(
        readFileSync(new URL(path, import.meta.url), 'utf8'),
      ) as Record<string, unknown>
      if (name === 'tocsin' && typeof version === 'string') return version
    } catch {
      // Not here.
    }
  }
  return 'unknown'
}

const program = new Command('tocsin')
  .description('On-chain security watcher: it watches, it rings, and it shuts the gate.')
  .version(readVersion())
  .showHelpAfterError('(see --help)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Exit codes:
  0  done, or all is well
  1  failed, or something is not well
  2  the watchlist, a policy or the command line is wrong, or the data belong elsewhere
  3  check, start: the chain does not agree with the watchlist
  4  a port is taken
  5  run watcher: a bot blocked the process; start it again

Examples:
  $ tocsin demo                 a local chain, an attack, a pause; nothing to set up
  $ tocsin check --explain      what will be watched, who is told, what may act
  $ tocsin start                run everything
  $ tocsin status               is all well?`,
  )

const asked = Object.hasOwn(COMMANDS, process.argv[2] ?? '') ? process.argv[2] : undefined
// Help and unknown names need them all.
for (const [name, load] of Object.entries(COMMANDS))
  if (asked === undefined || asked === name) (await load()).register(program, COMMANDS)
// Sub-commands made before `exitOverride` must not end the process by themselves either.
for (const command of program.commands) command.exitOverride().showHelpAfterError('(see --help)')

// Whoever reads us through a pipe may have seen enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.ok)
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.invalid
  else process.exitCode = printError(error, { json: process.argv.includes('--json') })
}
