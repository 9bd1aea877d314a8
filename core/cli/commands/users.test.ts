import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { programArgs } from '../../../test/support/program.ts'
import { createTokenDoor, listDeeds, listUsers } from '../../console/index.ts'
import { createPeopleSecret } from '../../response/light.ts'
import { tables } from '../../store/index.ts'

const SECRET = 'a-secret-of-people-that-is-long-enough'
const folder = mkdtempSync(join(tmpdir(), 'users-'))
let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase()
  writeFileSync(
    join(folder, 'watchlist.yaml'),
    `version: 1
name: test
chains: { mainnet: { id: 1, rpc: [{ http: http://127.0.0.1:8545 }] } }
watch: [{ kind: token, name: usd, chain: mainnet, address: '0x21a31ee1afc51d94c2efccaa2092ad1028285549' }]
people: { secret: { env: PEOPLE_SECRET } }
`,
  )
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await store?.drop()
})

type Answer = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

const tocsin = (args: readonly string[], input = ''): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const config = ['--config', join(folder, 'watchlist.yaml')]
    const child = spawn('node', [...programArgs('core/cli/main'), ...args, ...config], {
      env: {
        ...process.env,
        DATABASE_URL: store.url,
        PEOPLE_SECRET: SECRET,
      },
      timeout: 60_000,
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(input)
  })

test('behavior: a user by the standard input, a token shown once, and both in the audit', async () => {
  const added = await tocsin(
    ['users', 'add', 'Ada', '--role', 'approver', '--approver', 'Ada L'],
    'correct horse battery\nnot this line\n',
  )
  expect(added).toEqual({ code: 0, stdout: 'ada may sign in, as approver.\n', stderr: '' })
  const secret = createPeopleSecret(SECRET)
  expect(await listUsers({ db: store.db, secret })).toMatchObject([
    { name: 'ada', role: 'approver', approver: 'Ada L', isProven: true },
  ])
  const [row] = await store.db.select().from(tables.consoleUser)
  expect(row?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)

  const made = await tocsin(['tokens', 'create', 'grafana', '--scopes', 'read,subscribe'])
  const token = made.stdout.trim()
  expect(await createTokenDoor(store.db).admit(token)).toMatchObject({
    name: 'grafana (token)',
    scopes: ['read', 'subscribe'],
  })
  const deeds = await listDeeds(store.db, { limit: 10 })
  expect(JSON.stringify(deeds)).not.toContain(token)
  expect(deeds).toMatchObject([
    { act: 'token.create', via: 'cli', origin: 'machine', subject: token.slice(0, 14) },
    { act: 'user.add', via: 'cli', subject: 'ada', result: 'done' },
  ])
}, 120_000)
