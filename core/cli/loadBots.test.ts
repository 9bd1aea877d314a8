import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadBots } from './loadBots.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-bots-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const put = (name: string, files: Record<string, string>): string => {
  const path = join(folder, name)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(path, file, '..'), { recursive: true })
    writeFileSync(join(path, file), text)
  }
  return path
}
const bot = (id: string): string =>
  `{ id: '${id}', version: '1.0.0', summary: '', alerts: [{ id: 'A' }], kinds: ['token'], needs: () => ({}) }`

test('behavior: bots of a user are found as .ts, .mjs and in folders; helpers beside them are not bots', async () => {
  const path = put('good', {
    'typed.ts': `const id: string = 'typed-own'\nexport const typed = ${bot('x').replace("'x'", 'id')} as const\nexport type Unused = string\n`,
    'plain.mjs': `export const plain = ${bot('plain-own')}\nexport default plain\n`,
    'in-folder/bot.mjs': `import { helper } from './helper.mjs'\nexport const inFolder = { ...${bot('folder-own')}, summary: helper }\n`,
    'in-folder/helper.mjs': `export const helper = 'x'\n`,
    'typed.test.ts': 'throw new Error("a test is not a bot")\n',
  })
  const ids = (await loadBots(path)).map(({ id }) => id)
  expect(ids.filter((id) => id.endsWith('-own')).sort()).toEqual([
    'folder-own',
    'plain-own',
    'typed-own',
  ])
})

test('error: a bot file that breaks, one without a bot, a missing folder, two of one id', async () => {
  await expect(loadBots(put('broken', { 'b.ts': 'export const x: = 1\n' }))).rejects.toMatchObject({
    code: 'bot.load_failed',
    exitCode: 2,
    message: expect.stringContaining(join('broken', 'b.ts')),
  })
  await expect(
    loadBots(put('throws', { 'b.mjs': 'throw new Error("boom")\n' })),
  ).rejects.toMatchObject({
    code: 'bot.load_failed',
    message: expect.stringContaining('boom'),
  })
  await expect(loadBots(put('empty', { 'b.mjs': 'export const x = 1\n' }))).rejects.toMatchObject({
    code: 'bot.load_failed',
    message: expect.stringContaining('defineBot'),
  })
  await expect(loadBots(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'bot.load_failed' })
  const twice = put('twice', {
    'a.mjs': `export const a = ${bot('same-own')}\n`,
    'b.mjs': `export const b = ${bot('same-own')}\n`,
  })
  await expect(loadBots(twice)).rejects.toMatchObject({
    code: 'bot.duplicate',
    message: expect.stringContaining('a.mjs'),
  })
})
