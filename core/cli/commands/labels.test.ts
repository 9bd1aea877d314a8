import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { programArgs } from '../../../test/support/program.ts'

const A = '0x28c6c06298d514db089934071355e5743bf21d60'
const B = '0x21a31ee1afc51d94c2efccaa2092ad1028285549'
const folder = mkdtempSync(join(tmpdir(), 'labels-'))
let store: TestDatabase
beforeAll(async () => {
  store = await createTestDatabase()
  writeFileSync(
    join(folder, 'watchlist.yaml'),
    `version: 1
name: test
chains: { mainnet: { id: 1, rpc: [{ http: http://127.0.0.1:8545 }] } }
watch: [{ kind: token, name: usd, chain: mainnet, address: '${B}' }]
`,
  )
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await store?.drop()
})

type Answer = { readonly code: number; readonly stdout: string; readonly stderr: string }

const tocsin = async (...args: readonly string[]): Promise<Answer> => {
  const config = join(folder, 'watchlist.yaml')
  const command = [...programArgs('core/cli/main'), 'labels', ...args]
  return promisify(execFile)('node', [...command, '--config', config], {
    env: { ...process.env, DATABASE_URL: store.url },
    timeout: 60_000,
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Answer) => error,
  )
}

test('behavior: import, show, and nothing of a file with a fault', async () => {
  const file = join(folder, 'list.csv')
  writeFileSync(file, `address,name\n${A},Binance 14\n${B},Stranger\n`)
  expect(await tocsin('import', file, '--tag', 'cex')).toMatchObject({
    code: 0,
    stdout: 'list: 2 added, 0 changed, 0 as they were, 0 removed; 2 labels in all.\n',
  })
  writeFileSync(file, `address,name\n${A},Renamed\n0x12,Bad\n`)
  const refused = await tocsin('import', file)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('1 rows are faulty, 1 are good; nothing was imported.')
  expect(refused.stderr).toContain('list.csv:3:1: "0x12" is not an address')
  const shown = await tocsin('show', B, '--json')
  expect(JSON.parse(shown.stdout)).toMatchObject([
    { holds: true, name: 'usd', source: 'watchlist' },
    { holds: false, name: 'Stranger', tags: ['exchange'], source: 'list' },
  ])
  expect((await tocsin('remove', '--source', 'list')).stdout).toBe('2 removed.\n')
}, 240_000)
