import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { writtenBot } from '../../test/support/fortaScene.ts'
import { loadConfig } from '../config/index.ts'
import { inspectBot } from '../forta/light.ts'
import { addFortaBot, fortaEntry } from './fortaEntry.ts'
import { nameOfBot } from './nameOfBot.ts'

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0)) await step()
})

const WATCHLIST = `version: 1
name: x
chains:
  local: { id: 31337, rpc: [{ http: 'http://127.0.0.1:1' }] }
watch:
  # what matters
  - { name: token, kind: token, chain: local, address: '0x00000000000000000000000000000000000000aa' }
`
const setUp = async (source: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-forta-entry-'))
  const bot = await writtenBot(source, [31_337])
  undo.push(bot.remove, () => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'watchlist.yaml')
  await writeFile(file, WATCHLIST)
  const pack = inspectBot(bot.dir)
  return { file, bot, pack, entry: await fortaEntry(pack, file) }
}

test('behavior: an imported bot stands in the watchlist, and nothing else of it changed', async () => {
  const { file, bot, pack, entry } = await setUp(
    'const key = process.env.SOME_KEY; module.exports = {}',
  )
  expect(nameOfBot(pack)).toBe('written-bot')
  expect(entry.value).toMatchObject({ traces: false, env: ['SOME_KEY'] })
  await addFortaBot(file, 'first', entry)
  expect((await readFile(file, 'utf8')).startsWith(WATCHLIST)).toBe(true)
  await addFortaBot(file, 'second', entry)
  const text = await readFile(file, 'utf8')
  expect(text).toContain('# what matters')
  const config = await loadConfig({ file, secrets: 'none' })
  expect(config.forta?.map(({ name, dir, traces }) => [name, dir, traces])).toEqual([
    ['first', bot.dir, false],
    ['second', bot.dir, false],
  ])
  await expect(addFortaBot(file, 'first', entry)).rejects.toMatchObject({ code: 'forta.duplicate' })
})

test('behavior: a bot that reads traces keeps them, and what cannot be served is said', async () => {
  const { entry } = await setUp(
    "const { fetchJwt } = require('forta-agent'); const db = 'https://research.forta.network/database/bot/'; module.exports = { handleTransaction: (tx) => tx.traces }",
  )
  expect(entry.value).not.toHaveProperty('traces')
  expect(entry.notes.join(' ')).toContain('fetchJwt')
  expect(entry.notes.join(' ')).toContain('.forta-database/owner/secrets.json')
})

test('error: a wrong folder, chain or name of a hosted bot is told of with its place', async () => {
  const { file } = await setUp('module.exports = {}')
  await writeFile(
    file,
    `${WATCHLIST}forta:\n  one: { dir: nowhere, chains: [other], compat: odd }\n`,
  )
  await expect(loadConfig({ file, secrets: 'none' })).rejects.toMatchObject({
    code: 'config.invalid',
    hints: expect.arrayContaining([
      expect.stringContaining('forta.one.dir: there is no package.json'),
      expect.stringContaining('there is no chain "other"'),
      expect.stringContaining('"odd" is not allowed'),
    ]),
  })
})

test('behavior: a bot over gRPC is named by its address and its chains', async () => {
  const { file } = await setUp('module.exports = {}')
  await writeFile(
    file,
    `${WATCHLIST}forta:\n  py: { grpc: '127.0.0.1:50051', chains: [local], parallel: 4, rpcPort: 9545 }\n`,
  )
  const config = await loadConfig({ file, secrets: 'none' })
  expect(config.forta).toMatchObject([
    { name: 'py', dir: undefined, grpc: '127.0.0.1:50051', patienceMs: 15_000, parallel: 4 },
  ])
  await writeFile(
    file,
    `${WATCHLIST}forta:\n  py: { grpc: 'nowhere' }\n  no: { chains: [local] }\n  ok: { grpc: 'a:1' }\n`,
  )
  await expect(loadConfig({ file, secrets: 'none' })).rejects.toMatchObject({
    code: 'config.invalid',
    hints: expect.arrayContaining([
      expect.stringContaining('host:port'),
      expect.stringContaining('it does not say where the bot is'),
      expect.stringContaining('it does not say which chains it watches'),
    ]),
  })
})

test('error: what is no bot of the first SDK is said, with what to do', async () => {
  const { bot } = await setUp('module.exports = {}')
  await rm(join(bot.dir, 'src', 'agent.js'))
  expect(() => inspectBot(bot.dir)).toThrow(/src\/agent.js/)
  await writeFile(join(bot.dir, 'src', 'agent.ts'), '')
  await writeFile(
    join(bot.dir, 'tsconfig.json'),
    '{ // where\n "compilerOptions": { "outDir": "out", }, }',
  )
  expect(() => inspectBot(bot.dir)).toThrow(/out\/agent.js/)
  await rm(join(bot.dir, 'src', 'agent.ts'))
  await writeFile(join(bot.dir, 'src', 'agent.py'), '')
  expect(() => inspectBot(bot.dir)).toThrow(/Python/)
})
