import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../core/base/index.ts'
import { programArgs } from './support/program.ts'
import { type Stack, startStack } from './support/stack.ts'

const lines: string[] = []
let stack: Stack

beforeAll(async () => {
  stack = await startStack({
    users: 2,
    anvil: { blockTimeS: 1 },
    only: ['watcher', 'notifier'],
    onLine: (_, line) => lines.push(line),
    watchlist: (text) =>
      text.replace(
        'answers:\n',
        'channels: { ops: { kind: console } }\nanswers:\n  - { when: { bot: [admin-call], minSeverity: Critical }, action: halt }\n',
      ),
    prepareFolder: async (folder) => {
      await mkdir(join(folder, 'actions', 'halt'), { recursive: true })
      await writeFile(join(folder, 'actions', 'halt', 'policy.yaml'), 'id: halt\nversion: one\n')
    },
  })
}, 180_000)
afterAll(() => stack?.stop())

const tocsin = (...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [...programArgs('core/cli/main'), ...args, '--config', stack.configFile],
      { env: { ...process.env, DATABASE_URL: stack.supervisor.databaseUrl } },
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
    )
  })

const first = async (query: ReturnType<typeof sql>): Promise<Record<string, unknown> | undefined> =>
  (await stack.store.db.execute(query)).rows[0]

/** The first row of a query, as soon as there is one. */
const until = async (query: ReturnType<typeof sql>): Promise<Record<string, unknown>> => {
  for (const deadline = Date.now() + 20_000; ; await sleep(100)) {
    const row = await first(query)
    if (row) return row
    if (Date.now() > deadline) throw new Error('there was no such row')
  }
}

test('error: a faulty policy stops neither the watcher nor the bots nor the other policies', async () => {
  const cursor = await until(sql`select number from tocsin.chain_cursor`)
  await until(sql`select 1 from tocsin.chain_cursor where number > ${Number(cursor['number']) + 1}`)
  const place = /halt\/policy\.yaml:2:10 version/
  const logged = lines.filter((line) => place.test(line))
  expect(logged.length).toBe(1)
  const page = await until(sql`select o.severity, o.payload from tocsin.outbox o
    where o.payload::text like '%POLICY-FAULTY%'`)
  expect(page['severity']).toBe('SEV2')
  expect(JSON.stringify(page['payload'])).toContain('halt')
  await until(
    sql`select 1 from tocsin.process_status where name = 'watcher' and status = 'degraded'`,
  )
  const status = await tocsin('status')
  expect(status.code).toBe(1)
  expect(status.output).toMatch(/watcher\s+degraded/)
  expect(status.output).toMatch(place)
  const failing = await first(sql`select 1 from tocsin.bot_health where status <> 'ok'`)
  expect(failing).toBeUndefined()
})

test('error: `tocsin check` still says so with exit code 2', async () => {
  const { code, output } = await tocsin('check', '--offline')
  expect(code).toBe(2)
  expect(output).toMatch(/error: .*halt\/policy\.yaml:2:10 version/)
})
