import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { expect, test, vi } from 'vitest'
import { registerSchema } from './actionsSchema.ts'

const run = async (...args: readonly string[]): Promise<string> => {
  let out = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  try {
    const program = new Command().exitOverride()
    registerSchema(program)
    await program.parseAsync(['node', 'actions', 'schema', ...args])
    return out
  } finally {
    spy.mockRestore()
  }
}
const docs = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

test('default: it writes docs/policy.schema.json, and docs/policy-reference.md with --markdown', async () => {
  expect(await run()).toBe(docs('policy.schema.json'))
  expect(await run('--markdown')).toBe(docs('policy-reference.md'))
})
