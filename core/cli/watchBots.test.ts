import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { loadBots } from './loadBots.ts'
import { watchBots } from './watchBots.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-watchbots-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const put = (name: string, text: string): void => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
}
const bot = (version: string): string =>
  `import { limit } from './limit.mjs'
export const mine = { id: 'mine-own', version: '${version}-' + limit, summary: '', alerts: [{ id: 'A' }], kinds: ['token'], needs: () => ({}) }\n`
const versionIn = (bots: readonly { id: string; version: string }[]): string | undefined =>
  bots.find(({ id }) => id === 'mine-own')?.version

test('behavior: a written file is taken up, helpers too; a broken one is told and changes nothing', async () => {
  put('mine/bot.mjs', bot('1'))
  put('mine/limit.mjs', 'export const limit = 1\n')
  expect(versionIn(await loadBots(folder))).toBe('1-1')
  const seen: (string | undefined)[] = []
  const errors: unknown[] = []
  const watching = watchBots({
    botsDir: folder,
    onChange: async (bots) => void seen.push(versionIn(bots)),
    onError: (error) => errors.push(error),
    pollMs: 20,
    restMs: 20,
  })
  const wait = (check: () => void) => vi.waitFor(check, { timeout: 20_000 })
  try {
    put('mine/bot.mjs', bot('2'))
    await wait(() => expect(seen).toEqual(['2-1']))
    put('mine/limit.mjs', 'export const limit = 22\n')
    await wait(() => expect(seen).toEqual(['2-1', '2-22']))
    put('mine/bot.mjs', 'export const x: = 1\n')
    await wait(() => expect(errors).toHaveLength(1))
    expect(errors[0]).toMatchObject({ code: 'bot.load_failed' })
    // Tests and runbooks are no code of a bot.
    put('mine/bot.test.mjs', 'throw new Error("no")\n')
    put('mine/runbook.md', '# mine\n')
    put('mine/bot.mjs', bot('3'))
    await wait(() => expect(seen).toEqual(['2-1', '2-22', '3-22']))
    expect(errors).toHaveLength(1)
  } finally {
    await watching.stop()
  }
})
