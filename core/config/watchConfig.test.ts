import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import {
  type Config,
  type ConfigChange,
  diffConfig,
  findWriter,
  loadConfig,
  recordConfigChanges,
  watchConfig,
} from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-watch-'))
const file = join(folder, 'watchlist.yaml')
const stops: (() => Promise<void>)[] = []
let database: TestDatabase | undefined
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await database?.drop()
})

const text = (
  parts: {
    limit?: number
    own?: number
    url?: string
    more?: string
    min?: string
    rpc?: string
    port?: number
  } = {},
): string => `version: 1
name: test
chains:
  local: { id: 31337, rpc: [{ http: ${parts.rpc ?? 'http://127.0.0.1:1'} }] }
watch:
  - { kind: token, name: usd, chain: local, address: 0x00000000000000000000000000000000000000aa, bots: { big: { limit: ${parts.own ?? 1} } } }
${parts.more ?? ''}
bots: { big: { parameters: { limit: ${parts.limit ?? 10} } } }
channels: { hook: { kind: webhook, url: ${parts.url ?? 'http://127.0.0.1:1/a'}, secret: { env: S } } }
routes: [{ channels: [hook] }]
answers: [{ when: { bot: [big], minSeverity: ${parts.min ?? 'High'} }, action: pause }]
console: { port: ${parts.port ?? 4680} }
`
const load = (secret = 'one'): Promise<Config> =>
  loadConfig({ file, secrets: ['channels'], environment: { S: secret } })
const put = (content: string): void => {
  writeFileSync(`${file}.new`, content)
  renameSync(`${file}.new`, file)
}
const more =
  '  - { kind: token, name: eur, chain: local, address: 0x00000000000000000000000000000000000000ab }'

test('behavior: changes are told by path; what needs a restart is kept apart and not applied', async () => {
  put(text())
  const before = await load()
  put(
    text({
      limit: 20,
      own: 2,
      url: 'http://127.0.0.1:1/b',
      min: 'Critical',
      more,
      rpc: 'http://127.0.0.1:2',
      port: 1,
    }),
  )
  const after = await load('two')
  const { changes, needsRestart, config } = diffConfig(before, after)
  expect(changes).toEqual([
    { path: 'answers[0].when.minSeverity', oldValue: 'High', newValue: 'Critical' },
    { path: 'bots.big.parameters.limit', oldValue: 10, newValue: 20 },
    { path: 'channels.hook.secret', oldValue: '[changed]', newValue: '[changed]' },
    { path: 'channels.hook.url', oldValue: '[changed]', newValue: '[changed]' },
    { path: 'watch.usd.bots.big.limit', oldValue: 1, newValue: 2 },
  ])
  expect(needsRestart).toEqual([
    { path: 'chains.local.rpc', oldValue: '[changed]', newValue: '[changed]' },
    { path: 'console.port', oldValue: 4680, newValue: 1 },
    {
      path: 'watch.eur',
      oldValue: null,
      newValue: {
        kind: 'token',
        chain: 'local',
        address: '0x00000000000000000000000000000000000000ab',
      },
    },
  ])
  expect(config.watch.map(({ name }) => name)).toEqual(['usd'])
  expect(config.watch[0]?.bots).toEqual({ big: { limit: 2 } })
  expect(config.chains[0]?.rpc[0]?.http).toBe('http://127.0.0.1:1')
  expect(config.console.port).toBe(4680)
  expect(config.channels[0]).toMatchObject({ url: 'http://127.0.0.1:1/b', secret: 'two' })
  expect(config.answers[0]?.when.minSeverity).toBe('Critical')
  expect(config.hash).toBe(before.hash)
  expect(diffConfig(after, after)).toMatchObject({ changes: [], needsRestart: [] })
  expect(JSON.stringify([changes, needsRestart])).not.toMatch(/two|127\.0\.0\.1/)
})

test('behavior: an answer that comes, goes or names another action needs a restart', async () => {
  put(text())
  const before = await load()
  put(text({ min: 'Low' }).replace('action: pause', 'action: halt'))
  const { changes, needsRestart, config } = diffConfig(before, await load())
  expect(changes).toEqual([])
  expect(needsRestart.map(({ path }) => path)).toEqual([
    'answers[0].action',
    'answers[0].when.minSeverity',
  ])
  expect(config.answers).toEqual(before.answers)
})

test('behavior: a running process takes up a new threshold, outlives a wrong file, and stops', async () => {
  put(text())
  const seen: {
    config: Config
    changes: readonly ConfigChange[]
    needsRestart: readonly ConfigChange[]
  }[] = []
  const errors: unknown[] = []
  const controller = new AbortController()
  const watcher = await watchConfig({
    load,
    onChange: (config, changes, needsRestart) => void seen.push({ config, changes, needsRestart }),
    onError: (error) => errors.push(error),
    signal: controller.signal,
    pollMs: 300,
    debounceMs: 20,
  })
  stops.push(watcher.stop)
  put(text({ limit: 11 }))
  await vi.waitFor(() => expect(seen).toHaveLength(1), 10_000)
  expect(seen[0]?.changes).toEqual([
    { path: 'bots.big.parameters.limit', oldValue: 10, newValue: 11 },
  ])

  put(text({ limit: 12 }).replace('chain: local', 'chain: locl'))
  await vi.waitFor(() => expect(errors).toHaveLength(1), 10_000)
  expect(errors[0]).toMatchObject({
    code: 'config.invalid',
    hints: [expect.stringContaining('"locl"')],
  })
  expect(watcher.current().bots['big']?.parameters).toEqual({ limit: 11 })

  put(text({ limit: 13, more }))
  await vi.waitFor(() => expect(seen).toHaveLength(2), 10_000)
  expect(seen[1]?.needsRestart.map(({ path }) => path)).toEqual(['watch.eur'])
  expect(watcher.current().watch).toHaveLength(1)
  expect(watcher.current().bots['big']?.parameters).toEqual({ limit: 13 })

  controller.abort()
  await watcher.stop()
  put(text({ limit: 14 }))
  expect(seen).toHaveLength(2)
  expect(errors).toHaveLength(1)
})

test('behavior: who changed what, from which value to which, is written down', async () => {
  database = await createTestDatabase()
  put(text())
  const before = await load()
  put(text({ limit: 20, url: 'http://127.0.0.1:1/b' }))
  const { changes } = diffConfig(before, await load())
  await recordConfigChanges(database.db, {
    process: 'watcher',
    file,
    who: findWriter(file),
    changes,
  })
  await recordConfigChanges(database.db, { process: 'watcher', file, who: 'x', changes: [] })
  const { rows } = await database.pool.query(
    'select process, who, file, path, old_value, new_value from tocsin.config_change order by path',
  )
  expect(rows).toEqual([
    {
      process: 'watcher',
      who: findWriter(file),
      file,
      path: 'bots.big.parameters.limit',
      old_value: 10,
      new_value: 20,
    },
    {
      process: 'watcher',
      who: findWriter(file),
      file,
      path: 'channels.hook.url',
      old_value: '[changed]',
      new_value: '[changed]',
    },
  ])
  expect(findWriter(file)).toMatch(/^\S/)
})
