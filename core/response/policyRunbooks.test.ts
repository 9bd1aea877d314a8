import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadActions } from './loadActions.ts'
import { copyRunbook, listMissingRunbooks } from './policyRunbooks.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-runbooks-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('default: every action type has a runbook that comes to lie beside the policy', async () => {
  for (const { id } of await loadActions()) {
    const file = join(folder, id, 'policy.yaml')
    await mkdir(join(folder, id))
    const runbook = await copyRunbook(id, file)
    expect(runbook).toBe(join(folder, id, 'runbook.md'))
    expect(await readFile(runbook ?? '', 'utf8')).toBe(
      await readFile(new URL(`../../actions/${id}/runbook.md`, import.meta.url), 'utf8'),
    )
    expect(await listMissingRunbooks([{ file, runbook: 'runbook.md' }])).toEqual([])
  }
})

test("behavior: a runbook of one's own is not overwritten, and no other file is ever copied", async () => {
  const own = join(folder, 'own')
  await mkdir(own)
  await writeFile(join(own, 'runbook.md'), 'ours\n')
  await copyRunbook('pause', join(own, 'policy.yaml'))
  expect(await readFile(join(own, 'runbook.md'), 'utf8')).toBe('ours\n')
  for (const id of ['aave', '../bots/tvl-drop', 'nothing'])
    expect(await copyRunbook(id, join(own, 'policy.yaml')), id).toBeUndefined()
})

test('error: a runbook that is not there is told with its line; a folder is none, a URL is not asked', async () => {
  const file = join(folder, 'lonely.yaml')
  await writeFile(file, 'id: lonely\nversion: 1\nrunbook: books/lonely.md\n')
  const told = (runbook: string) => listMissingRunbooks([{ file, runbook }])
  const path = join(folder, 'books', 'lonely.md')
  expect(await told('books/lonely.md')).toEqual([
    expect.stringContaining(`${file}:3 runbook: there is no ${path}. Write what`),
  ])
  await mkdir(path, { recursive: true })
  expect(await told('books/lonely.md')).toHaveLength(1)
  await rm(path, { recursive: true })
  await writeFile(path, '# what to do\n')
  expect(await told('books/lonely.md')).toEqual([])
  expect(await told('https://wiki.example/pause')).toEqual([])
})
