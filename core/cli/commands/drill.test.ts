import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runCommand } from '../../../test/support/runCommand.ts'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import { register } from './drill.ts'

let f: SignerFixture
let file: string
beforeAll(async () => {
  f = await createSignerFixture()
  file = join(f.dataDir, 'watchlist.yaml')
  await writeFile(
    file,
    `version: 1
name: test
chains: { local: { id: ${f.anvil.chainId}, rpc: [{ http: ${f.anvil.url} }] } }
watch: [{ kind: vault, name: vault, chain: local, address: ${f.vault} }]
actionsDir: ${f.actionsDir}
signer: { rpc: { local: [${f.anvil.url}] }, keystore: ${f.keystore}, password: { env: NOT_SET } }
`,
  )
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

const drill = (...args: readonly string[]) =>
  runCommand(register, ['drill', ...args, '--dry-run', '-c', file])

test('behavior: one that cannot be played is told with it, and the rest are played', async () => {
  // Of a chain that the watchlist does not have: there is nobody to ask.
  await f.writePolicy({ id: 'pause-elsewhere', chain: 4711 })
  await f.writePolicy()
  const { out, err, code } = await drill('--json')
  expect(JSON.parse(out)).toMatchObject([
    {
      policy: 'pause-elsewhere',
      kind: 'dry-run',
      ok: false,
      outcome: 'It could not be played: The watchlist has no chain 4711.',
    },
    { policy: 'pause-vault', ok: true, outcome: 'It would be sent.' },
  ])
  expect([err, code]).toEqual(['', 3])
  const { out: told } = await drill()
  expect(told).toMatch(/FAILED pause-elsewhere: It could not[\s\S]*WELL +pause-vault/)
})

test('behavior: policy files that are wrong are named after the rest were played, with exit code 2', async () => {
  await f.writePolicy()
  const broken = join(f.actionsDir, 'pause-bridge.yaml')
  await writeFile(broken, 'id: pause-bridge\nversion: one\n')
  const { out, err, code } = await drill()
  expect(out).toMatch(/WELL +pause-vault/)
  expect(err).toMatch(/FAULT +not played: \S+pause-bridge\.yaml:\d+/)
  expect(code).toBe(2)
  // Who names one is not troubled with the others.
  expect(await drill('pause-vault')).toMatchObject({ code: 0, err: '' })
  await rm(join(f.actionsDir, 'pause-vault.yaml'))
  await expect(drill()).rejects.toMatchObject({
    code: 'policy.unknown',
    exitCode: 2,
    hints: expect.arrayContaining([expect.stringContaining('pause-bridge.yaml')]),
  })
})
