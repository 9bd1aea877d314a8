import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import type { Config } from '../config/types.ts'
import { tables } from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { createPolicyBook } from './createPolicyBook.ts'

let f: SignerFixture
let folder: string
const log = createLogger({ service: 'test', level: 'silent' })
beforeAll(async () => {
  f = await createSignerFixture()
  folder = await mkdtemp(join(tmpdir(), 'tocsin-book-'))
}, 240_000)
beforeEach(() => f.reset())
afterAll(async () => {
  await f?.stop()
  await rm(folder, { recursive: true, force: true })
})

const config = (...actions: readonly string[]): Config => ({
  ...f.config,
  answers: actions.map((action) => ({
    when: { bot: ['tvl-drop'], minSeverity: 'High' as const },
    action,
  })),
})
const told = () =>
  f.database.db.select().from(tables.finding).where(eq(tables.finding.alertId, 'POLICY-FAULTY'))

test('error: a faulty file is refused with its place and pages once; the others stand', async () => {
  await f.writePolicy()
  await mkdir(join(f.actionsDir, 'halt'))
  const file = join(f.actionsDir, 'halt', 'policy.yaml')
  await writeFile(file, 'id: halt\nversion: one\n')
  const book = createPolicyBook({ store: f.database, log })
  await book.refresh(config('pause-vault', 'halt'))
  expect(book.list().map(({ id }) => id)).toEqual(['pause-vault'])
  expect(book.faults()).toContainEqual(expect.stringContaining(`${file}:2:10 version`))
  const [page, ...more] = await told()
  expect(more).toEqual([])
  expect(page).toMatchObject({ severity: 'High', metadata: { action: 'halt', file } })
  // Another process, or this one after a restart, sees the same.
  await createPolicyBook({ store: f.database, log }).refresh(config('pause-vault', 'halt'))
  expect((await told()).length).toBe(1)
  await rm(join(f.actionsDir, 'halt'), { recursive: true })
  await book.refresh(config('pause-vault'))
  expect(book.faults()).toEqual([])
})

test('error: an action without a file is told like a faulty one', async () => {
  await f.writePolicy()
  const book = createPolicyBook({ store: f.database, log })
  await book.refresh(config('pause-vault', 'nowhere'))
  expect(book.list().map(({ id }) => id)).toEqual(['pause-vault'])
  expect(book.faults()).toEqual([
    expect.stringContaining('there is no policy file for the action "nowhere"'),
  ])
  expect((await told()).map(({ metadata }) => metadata['action'])).toEqual(['nowhere'])
})

test('behavior: a file that turns faulty keeps its last right version, so that the refusal is seen', async () => {
  await f.writePolicy()
  const book = createPolicyBook({ store: f.database, log })
  await book.refresh(config('pause-vault'))
  const [before] = book.list()
  const file = join(f.actionsDir, 'pause-vault.yaml')
  await writeFile(file, (await readFile(file, 'utf8')).replace('gasLimit: 200000', 'gasLimit: -1'))
  await book.refresh(config('pause-vault'))
  expect(book.list()).toEqual([before])
  expect(book.faults()).toEqual([expect.stringMatching(/pause-vault\.yaml:\d+:\d+ gasLimit/)])
})
