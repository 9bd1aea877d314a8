import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { runCommand } from '../../../test/support/runCommand.ts'
import { killSwitchFile, readHalt } from '../../response/index.ts'
import { tables } from '../../store/index.ts'
import { registerHalt } from './halt.ts'

let database: TestDatabase
let folder: string
let file: string
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(async () => {
  await database.db.delete(tables.killSwitch)
  folder = await mkdtemp(join(tmpdir(), 'tocsin-halt-'))
  file = join(folder, 'watchlist.yaml')
  vi.stubEnv('DATABASE_URL', '')
  return async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true, force: true })
  }
})

const READABLE = `version: 1
name: test
chains: { local: { id: 31337, rpc: [{ http: "http://127.0.0.1:1" }] } }
watch: [{ kind: contract, name: vault, chain: local, address: "0x${'11'.repeat(20)}" }]
`
const BROKEN = 'version: 1\nchains: [\n'

const halt = (...args: readonly string[]) =>
  runCommand(registerHalt, ['halt', '-c', file, '--by', 'Ada', ...args])
const row = () => readHalt(database.db)
const leftIn = (dataDir: string): boolean => existsSync(killSwitchFile(dataDir))

test('default: the file in the folder of the watchlist is enough, and the database is told where it is named', async () => {
  await writeFile(file, READABLE)
  const alone = await halt()
  expect(alone).toMatchObject({ code: 0, out: expect.stringContaining('is stopped') })
  expect(alone.err).toContain('the database was not told (the database does not run)')
  expect(leftIn(join(folder, '.tocsin'))).toBe(true)

  // By the name of a variable: the address is read only for the row.
  vi.stubEnv('HALT_TEST_DATABASE', database.url)
  await writeFile(file, `${READABLE}database: { url: { env: HALT_TEST_DATABASE } }\n`)
  const both = await halt()
  expect(both).toMatchObject({ code: 0, out: expect.stringContaining('and the database says so') })
  expect(await row()).toMatchObject({ who: 'Ada' })
})

test('error: with a broken watchlist and neither database nor known folder it is not certain', async () => {
  await writeFile(file, BROKEN)
  for (const _ of [1, 2]) {
    // The file of the first stop makes the folder no better known.
    const { out, err, code } = await halt()
    expect(code).toBe(1)
    expect(out).toContain('NOT CERTAIN')
    expect(out).not.toContain('All automatic action is stopped')
    expect(err).toContain('--data-dir')
  }
  expect(leftIn(join(folder, '.tocsin'))).toBe(true)
  expect(JSON.parse((await halt('--json')).out)).toMatchObject({ halted: false, database: false })
})

test('behavior: with a broken watchlist the database at DATABASE_URL is told', async () => {
  await writeFile(file, BROKEN)
  vi.stubEnv('DATABASE_URL', database.url)
  expect(await halt()).toMatchObject({ code: 0, out: expect.stringContaining('database says so') })
  expect(await row()).toMatchObject({ who: 'Ada' })
})

test('behavior: with a broken watchlist the folder that it names is found, and known by what lies in it', async () => {
  await writeFile(file, `dataDir: "my data" # ours\n${BROKEN}`)
  const dataDir = join(folder, 'my data')
  expect((await halt()).code).toBe(1)
  expect(leftIn(dataDir)).toBe(true)
  await writeFile(join(dataDir, 'signer.ledger'), '')
  expect(await halt()).toMatchObject({ code: 0, out: expect.stringContaining(dataDir) })
})

test('error: a data folder from the command line that Tocsin never used is not certain', async () => {
  await writeFile(file, READABLE)
  const typo = join(folder, 'tpyo')
  expect(await halt('--data-dir', typo)).toMatchObject({
    code: 1,
    out: expect.stringContaining('NOT CERTAIN'),
  })
  await mkdir(join(folder, 'used', 'postgres'), { recursive: true })
  expect((await halt('--data-dir', join(folder, 'used'))).code).toBe(0)
})

test('behavior: a folder that cannot be written does not keep the database from being told', async () => {
  await writeFile(file, READABLE)
  await writeFile(join(folder, '.tocsin'), 'a file in its place')
  expect((await halt()).code).toBe(1)
  vi.stubEnv('DATABASE_URL', database.url)
  expect(await halt()).toMatchObject({
    code: 0,
    out: expect.stringContaining('could not be written'),
  })
  expect(await row()).toMatchObject({ who: 'Ada' })
})
