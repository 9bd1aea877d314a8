import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { runCommand } from '../../../test/support/runCommand.ts'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import { encodeKeystore, recordHalt } from '../../response/index.ts'
import { tables } from '../../store/index.ts'
import { defaultWaitS, register } from './pause.ts'

const adaKey = generatePrivateKey()
const ada = privateKeyToAccount(adaKey).address
let f: SignerFixture
let folder: string
beforeAll(async () => {
  f = await createSignerFixture()
  folder = await mkdtemp(join(tmpdir(), 'tocsin-pause-'))
  const sealed = await encodeKeystore(adaKey, 'pw', { n: 1024, r: 8, p: 1 })
  await writeFile(join(folder, 'ada.json'), sealed.text)
  await writeFile(join(folder, 'ada.pw'), 'pw\n')
  vi.stubEnv('DATABASE_URL', f.database.url)
}, 240_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  await f?.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await f.reset()
  await f.database.db.delete(tables.processStatus)
})

const write = async (approvers = '[]'): Promise<string> => {
  const file = join(folder, 'watchlist.yaml')
  await writeFile(
    file,
    `version: 1
name: test
chains:
  local: { id: ${f.anvil.chainId}, blockTimeMs: 1000, rpc: [{ http: ${f.anvil.url} }] }
  other: { id: 4711, blockTimeMs: 1000, rpc: [{ http: ${f.anvil.url} }] }
watch:
  - { kind: vault, name: vault, chain: local, address: ${f.vault} }
dataDir: ${f.dataDir}
actionsDir: ${f.actionsDir}
signer:
  rpc: { local: [${f.anvil.url}] }
  keystore: ${f.keystore}
  password: { env: SIGNER_PASSWORD }
  approvers: ${approvers}
  approvalsRequired: 0
`,
  )
  return file
}

const pause = (file: string, ...args: readonly string[]) =>
  runCommand(register, ['pause', ...args, '-c', file, '--chain', 'local'])
const orders = async (): Promise<number> =>
  (await f.database.db.select().from(tables.finding)).length
const beat = (heartbeatAt: Date, status: 'ok' | 'stopped' = 'ok') =>
  f.database.db.insert(tables.processStatus).values({ name: 'signer', pid: 1, status, heartbeatAt })

test('behavior: a broken policy file is named, and the others are paused all the same', async () => {
  await f.writePolicy()
  await writeFile(join(f.actionsDir, 'pause-bridge.yaml'), 'id: pause-bridge\nversion: one\n')
  await f.start()
  const file = await write()
  const asked = pause(file, '--all', '--by', 'Ada', '--wait', '30')
  await expect
    .poll(
      async () => {
        await f.mine()
        return f.isPaused()
      },
      { timeout: 15_000, interval: 200 },
    )
    .toBe(true)
  const { out, code } = await asked
  expect(out).toMatch(/pause-vault +succeeded/)
  expect(out).toMatch(/pause-bridge +FAULTY FILE +not paused: \S+pause-bridge\.yaml:\d+/)
  expect(code).toBe(1)
  await expect(pause(file, 'pause-bridge')).rejects.toMatchObject({
    code: 'policy.unknown',
    hints: expect.arrayContaining([expect.stringContaining('pause-bridge.yaml:')]),
  })
})

test('behavior: --all tells what is left out and why, and fails for a pause that it could not order', async () => {
  await f.writePolicy()
  await f.writePolicy({ id: 'pause-elsewhere', chain: 4711 })
  const file = await write()
  const well = await pause(file, '--all', '--by', 'Ada', '--wait', '1', '--json')
  const rows = JSON.parse(well.out) as readonly { policy: string; status: string; reason: string }[]
  expect(rows).toMatchObject([
    { policy: 'pause-vault', status: 'requested' },
    { policy: 'pause-elsewhere', status: 'left out', reason: 'of the chain other' },
  ])
  await f.database.db.delete(tables.execution)
  await f.writePolicy({
    id: 'pause-old',
    approvedAt: '2020-01-01T00:00:00Z',
    expiresAt: '2021-01-01T00:00:00Z',
  })
  await f.writePolicy({ id: 'pause-guarded', approval: { timeoutS: 600, roles: ['guardian'] } })
  const { out, code } = await pause(file, '--all', '--by', 'Ada', '--wait', '1')
  expect(out).toMatch(/pause-old +left out +The policy expired at 2021-01-01/)
  expect(out).toMatch(
    /pause-guarded +left out +it takes orders of an approver with the role guardian/,
  )
  expect(code).toBe(1)
  const ids = (await f.database.db.select().from(tables.execution)).map(({ actionId }) => actionId)
  expect(ids).toEqual(['pause-vault'])
})

test('behavior: a stop that stands and a signer that is away are told before anything is waited for', async () => {
  await f.writePolicy()
  const file = await write()
  const never = await pause(file, 'pause-vault', '--by', 'Ada', '--wait', '1')
  expect(never.err).toContain('NO SIGNER: no signer has run with this database')
  expect(never.err.indexOf('NO SIGNER')).toBeLessThan(never.err.indexOf('followed for 1 s'))
  expect(never.code).toBe(1)

  await beat(new Date(Date.now() - 60_000))
  await recordHalt(f.database.db, { who: 'Grace', via: 'cli', reason: 'a migration' })
  const held = await pause(file, 'pause-vault', '--by', 'Ada', '--wait', '1')
  expect(held.err).toMatch(/NO SIGNER: the signer has given no sign of life for 6\d s/)
  expect(held.err).toMatch(/NOT SENT while this stands: Grace stopped .*a migration.*tocsin resume/)

  await f.database.db.delete(tables.killSwitch)
  await f.database.db.delete(tables.processStatus)
  await beat(new Date())
  const clear = await pause(file, 'pause-vault', '--by', 'Ada', '--wait', '1')
  expect(clear.err).not.toMatch(/NO SIGNER|NOT SENT/)
})

test('behavior: the key says who orders, and the signer takes it for theirs', async () => {
  await f.writePolicy()
  const file = await write(`[{ name: Ada, address: "${ada}" }]`)
  const key = ['--keystore', join(folder, 'ada.json'), '--password-file', join(folder, 'ada.pw')]
  const { err } = await pause(file, 'pause-vault', ...key, '--wait', '1')
  expect(err).toContain('as Ada')
  const [finding] = await f.database.db.select().from(tables.finding)
  expect(finding?.metadata).toMatchObject({ by: 'Ada', via: 'key' })
})

const KEYED = `[{ name: Ada, address: "${ada}", role: guardian }, { name: Grace, role: guest }]`
const refused: readonly (readonly [string, string, readonly string[], RegExp])[] = [
  ['a name that is no approver', '[{ name: Ada }]', ['pause-vault', '--by', 'root'], /has: Ada/],
  [
    'no key where approvers have one',
    KEYED,
    ['pause-vault', '--by', 'Ada'],
    /--keystore.*Ada \(guardian, by key\)/,
  ],
  ['an approver without a key beside others', KEYED, ['--all', '--by', 'Grace'], /may order: Ada/],
  [
    'a role that a named policy does not take',
    '[{ name: Grace, role: guest }, { name: Edith, role: guardian }]',
    ['pause-guarded', '--by', 'Grace'],
    /may order it: Edith/,
  ],
]
test.each(refused)('error: %s fails here, and orders nothing', async (_, approvers, args, hint) => {
  await f.writePolicy()
  await f.writePolicy({ id: 'pause-guarded', approval: { timeoutS: 600, roles: ['guardian'] } })
  const fault = await pause(await write(approvers), ...args).catch((error: unknown) => error)
  expect(fault).toMatchObject({ code: 'approval.not_counted', exitCode: 2 })
  expect((fault as { readonly hints: readonly string[] }).hints.join(' ')).toMatch(hint)
  expect(await orders()).toBe(0)
})

test('behavior: the wait grows with the number of pauses and the block time, up to the life of an order', () => {
  expect(defaultWaitS(1, 2_000)).toBe(60)
  expect(defaultWaitS(1, 12_000)).toBe(60)
  expect(defaultWaitS(2, 12_000)).toBe(78)
  expect(defaultWaitS(10, 12_000)).toBe(270)
  expect(defaultWaitS(100, 12_000)).toBe(900)
})
