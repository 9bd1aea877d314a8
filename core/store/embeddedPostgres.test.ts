import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedPostgres } from './embeddedPostgres.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-embedded-'))
  // As root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755)
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const faultOf = (dataDir: string): Promise<unknown> =>
  startEmbeddedPostgres({ dataDir }).then(
    async ({ stop }) => {
      await stop()
      throw new Error('it started')
    },
    (error: unknown) => error,
  )

test('error: files of somebody else in the place of the cluster stay as they are', async () => {
  const cluster = join(folder, 'data', 'postgres')
  await mkdir(cluster, { recursive: true })
  await writeFile(join(cluster, 'precious'), 'mine')
  expect(await faultOf(join(folder, 'data'))).toMatchObject({
    code: 'store.not_a_cluster',
    exitCode: 2,
    message: expect.stringContaining(cluster),
  })
  expect(await readFile(join(cluster, 'precious'), 'utf8')).toBe('mine')
  expect(await readdir(join(folder, 'data'))).toEqual(['postgres'])
})

test.each([
  ['a file', 'file', 'a file stands in its way'],
  ['a folder below a file', 'file/data', 'a file stands in its way'],
])('error: a data folder that is %s', async (_, path, reason) => {
  await writeFile(join(folder, 'file'), '')
  expect(await faultOf(join(folder, path))).toMatchObject({
    code: 'store.data_folder',
    exitCode: 2,
    message: expect.stringContaining(reason),
  })
  expect(await readdir(folder)).toEqual(['file'])
})

test.runIf(process.platform === 'linux')(
  'error: a data folder where none can be made ends at once',
  async () => {
    expect(await faultOf('/proc/tocsin/data')).toMatchObject({ code: 'store.data_folder' })
  },
)

test('error: a first start that fails leaves no half-made data folder', async () => {
  const dataDir = join(folder, 'deep', 'data')
  // A password file that is a folder: initdb cannot have the password written.
  await mkdir(join(dataDir, 'postgres.pw'), { recursive: true })
  expect(await faultOf(dataDir)).toMatchObject({ code: 'store.embedded_failed' })
  expect(existsSync(join(dataDir, 'postgres'))).toBe(false)
  expect(existsSync(join(dataDir, 'postgres.password'))).toBe(false)
})

test('behavior: what an interrupted first start left is made anew, and a damaged cluster says what is wrong', async () => {
  const draft = join(folder, 'postgres.new')
  await mkdir(draft)
  await writeFile(join(draft, 'PG_VERSION'), '18\n')
  const server = await startEmbeddedPostgres({ dataDir: folder })
  await server.stop()
  expect(existsSync(draft)).toBe(false)

  await rm(join(folder, 'postgres', 'global', 'pg_control'))
  expect(await faultOf(folder)).toMatchObject({
    code: 'store.embedded_failed',
    message: expect.stringContaining('pg_control'),
    hints: expect.arrayContaining([expect.stringContaining('postgres.log')]),
  })
  expect(existsSync(join(folder, 'postgres', 'PG_VERSION'))).toBe(true)
}, 60_000)
