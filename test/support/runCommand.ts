import { Command } from 'commander'
import { vi } from 'vitest'

export type CommandAnswer = { readonly out: string; readonly err: string; readonly code: number }

/** Runs a command in this process: what it wrote, and its exit code. */
export const runCommand = async (
  register: (program: Command) => unknown,
  args: readonly string[],
): Promise<CommandAnswer> => {
  const text = { out: '', err: '' }
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text.out += String(chunk)
      return true
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      text.err += String(chunk)
      return true
    }),
  ]
  try {
    const program = new Command().exitOverride()
    register(program)
    await program.parseAsync(['node', 'tocsin', ...args])
    return { ...text, code: Number(process.exitCode ?? 0) }
  } finally {
    for (const spy of spies) spy.mockRestore()
    process.exitCode = undefined
  }
}
