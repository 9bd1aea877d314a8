import { Command } from 'commander'
import { messageOf } from '../../base/index.ts'
import type { CommandList } from '../options.ts'
import type { Runbook } from './readRunbook.ts'

/** Words as a shell would split them: by blanks, quotes kept together. */
const split = (text: string): readonly string[] =>
  [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) =>
    String(single ?? double ?? plain),
  )

/** Something that could stand in the place of `<block>` or `<id>`. */
const fill = (text: string): string =>
  text.replace(/<([^<>]+)>/g, (_, name: string) => {
    if (/block|number|height|seconds|count/i.test(name)) return '1'
    if (/address/i.test(name)) return `0x${'0'.repeat(40)}`
    return 'x'
  })

/** Nothing is done, nothing is printed, and what is wrong is thrown. */
const silence = (command: Command): void => {
  command
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    .action(() => undefined)
  for (const child of command.commands) silence(child)
}

const createProgram = async (name: string, all: CommandList): Promise<Command> => {
  const program = new Command('tocsin')
  if (Object.hasOwn(all, name)) (await all[name]?.())?.register(program, all)
  for (const child of program.commands) silence(child)
  return program.exitOverride().configureOutput({ writeErr: () => undefined })
}

/** Faults of the commands of a runbook: names, options and values that the command line does not take. */
export const checkCommands = async (
  { commands }: Runbook,
  all: CommandList,
): Promise<readonly { readonly line: number; readonly fault: string }[]> => {
  const faults: { line: number; fault: string }[] = []
  for (const { text, line } of commands) {
    const [one = ''] = text.split(/\s[|>]\s/)
    // `…` stands for whatever else one wants.
    const words = split(fill(one).replace(/…|\.\.\./g, '')).slice(1)
    try {
      const program = await createProgram(words[0] ?? '', all)
      if (program.commands.length === 0) throw new Error(`there is no command "${words[0] ?? ''}"`)
      await program.parseAsync(words, { from: 'user' })
    } catch (error) {
      const isHelp = typeof error === 'object' && error !== null && 'exitCode' in error
      if (isHelp && error.exitCode === 0) continue
      faults.push({
        line,
        fault: `\`${text}\` is refused: ${messageOf(error).replace(/^error: /, '')}`,
      })
    }
  }
  return faults
}
