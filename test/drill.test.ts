import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { pause } from '../actions/pause/action.ts'
import type { Address, Hex } from '../core/base/index.ts'
import {
  createSignerRpc,
  dryRun,
  loadPolicies,
  rehearse,
  startPassage,
} from '../core/response/index.ts'
import { createLogger } from '../core/telemetry/index.ts'
import { type Anvil, startAnvil } from '../core/testing/anvil.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { programArgs } from './support/program.ts'
import { createSignerFixture, type SignerFixture } from './support/signerFixture.ts'

let f: SignerFixture
let fork: Anvil
let database: TestDatabase
let folder: string

beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(async () => {
  await f.reset()
  fork = await startAnvil({
    chainId: f.anvil.chainId,
    blockTimeS: 1,
    args: ['--fork-url', f.anvil.url, '--no-storage-caching'],
  })
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'tocsin-drill-test-'))
})
afterEach(async () => {
  await fork?.stop()
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

const policyOf = async (changes: Record<string, unknown> = {}) => {
  await f.writePolicy(changes)
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  return policy
}
const play = async (changes: Record<string, unknown> = {}, txHash?: Hex) =>
  rehearse({
    config: f.config,
    policy: await policyOf(changes),
    actor: f.signer,
    forkUrl: fork.url,
    store: database,
    folder,
    log: createLogger({ service: 'test', level: process.env['TEST_LOG'] ?? 'silent' }),
    txHash,
  })
const nonceAt = async ({ rpc }: Anvil, account: Address): Promise<number> =>
  Number(await rpc<Hex>('eth_getTransactionCount', [account, 'latest']))

test('default: the whole way on a fork, without the key, and nothing on the real chain', async () => {
  const before = await nonceAt(f.anvil, f.signer)
  const report = await play()
  expect(report.outcome).toBe('The effect stands.')
  expect(report).toMatchObject({ kind: 'fork', ok: true, policy: 'pause-vault', notes: [] })
  expect(report.steps.map(({ name }) => name)).toEqual([
    'signer',
    'readiness',
    'finding',
    'sending',
    'sent',
    'succeeded',
    'confirmed',
  ])
  expect(report.toBroadcastMs).toBeGreaterThanOrEqual(0)
  expect(report.toEffectMs).toBeGreaterThanOrEqual(report.toBroadcastMs ?? 0)
  expect(report.probes.filter(({ ok }) => !ok)).toEqual([])
  expect(await nonceAt(fork, f.signer)).toBe(before + 1)
  expect(await nonceAt(f.anvil, f.signer)).toBe(before)
  expect(await f.isPaused()).toBe(false)
}, 60_000)

test('behavior: what cannot be had on a fork is left out, and said', async () => {
  const report = await play({
    mode: 'observe',
    quorum: { bots: 2, endpoints: 3 },
    triggers: [
      { bot: 'tvl-drop', minSeverity: 'High' },
      { bot: 'large-transfer', minSeverity: 'High' },
    ],
    simulation: {
      mode: 'required',
      onUnavailable: 'stop',
      onRevert: 'stop',
      providers: ['tenderly'],
      assertions: { suspiciousReverts: 'required' },
    },
  })
  expect(report.outcome).toBe('The effect stands.')
  expect(report.notes).toEqual([
    'Mode observe is rehearsed as auto.',
    'The fork is the only endpoint.',
    'Tenderly does not know the fork and is left out.',
    'There is no suspicious transaction to replay: give one with --tx.',
  ])
}, 60_000)

test('behavior: an action that would not work fails the drill with its reason', async () => {
  const role = '0x65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a'
  await f.asAdmin('revokeRole', [role, f.signer])
  await fork.stop()
  fork = await startAnvil({
    chainId: f.anvil.chainId,
    blockTimeS: 1,
    args: ['--fork-url', f.anvil.url, '--no-storage-caching'],
  })
  const report = await play()
  expect(report).toMatchObject({ ok: false, toBroadcastMs: null, toEffectMs: null })
  expect(report.outcome).toContain('The simulated call reverts')
  expect(report.probes.filter(({ ok }) => !ok).map(({ name }) => name)).toContain('role')
  await f.asAdmin('grantRole', [role, f.signer])
}, 60_000)

test('behavior: the transaction that is given is replayed', async () => {
  const hash = await f.anvil.rpc<Hex>('eth_sendTransaction', [
    {
      from: f.admin,
      to: f.vault,
      data: `0x095ea7b3${'0'.repeat(63)}1${'0'.repeat(64)}`,
      gas: '0x30d40',
    },
  ])
  await f.mine()
  await fork.stop()
  fork = await startAnvil({
    chainId: f.anvil.chainId,
    blockTimeS: 1,
    args: ['--fork-url', f.anvil.url, '--no-storage-caching'],
  })
  const simulation = {
    mode: 'required',
    onUnavailable: 'stop',
    onRevert: 'stop',
    assertions: { suspiciousReverts: 'required' },
  }
  const report = await play({ simulation }, hash)
  expect(report).toMatchObject({
    ok: false,
    notes: [],
    outcome: expect.stringContaining('The suspicious call still succeeds after it'),
  })
}, 60_000)

test('behavior: a dry run takes every step up to the signature, and sends nothing', async () => {
  const policy = await policyOf()
  const rpc = createSignerRpc({ chainId: f.anvil.chainId, urls: [f.anvil.url] })
  const before = await nonceAt(f.anvil, f.signer)
  const run = (actor: Address) => dryRun({ rpc, action: pause, policy, actor })
  const report = await run(f.signer)
  expect(report).toMatchObject({
    kind: 'dry-run',
    ok: true,
    outcome: 'It would be sent.',
    notes: ['Nothing was signed or sent.', expect.stringContaining('tocsin actions verify')],
  })
  expect(report.steps.map(({ name }) => name)).toEqual([
    'head',
    'code',
    'effect',
    'calldata',
    'simulation',
    'fees',
    'account',
    'readiness',
  ])
  expect(await nonceAt(f.anvil, f.signer)).toBe(before)
  expect((await run(f.admin)).outcome).toContain('The simulated call reverts')
  const dead = createSignerRpc({ chainId: f.anvil.chainId, urls: ['http://127.0.0.1:1'] })
  const blind = await dryRun({ rpc: dead, action: pause, policy, actor: f.signer })
  expect(blind).toMatchObject({ ok: false, outcome: expect.stringContaining('No endpoint') })
})

test('behavior: a passage hides the address behind it', async () => {
  const passage = await startPassage(f.anvil.url)
  const rpc = createSignerRpc({ chainId: f.anvil.chainId, urls: [passage.url] })
  expect(await rpc.get('eth_chainId', [])).toBe(`0x${f.anvil.chainId.toString(16)}`)
  await passage.stop()
})

/** The command itself; its answer and exit code. */
const tocsin = async (...args: string[]): Promise<{ code: number | null; text: string }> => {
  const child = spawn(process.execPath, [...programArgs('core/cli/main'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, DATABASE_URL: '' },
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { code, text }
}

test('behavior: the command needs no password, plays every policy, and leaves nothing behind', async () => {
  await policyOf()
  const config = join(f.dataDir, 'watchlist.yaml')
  await writeFile(
    config,
    `version: 1
name: drill
chains: { local: { id: ${f.anvil.chainId}, blockTimeMs: 1000, rpc: [{ http: ${f.anvil.url} }] } }
watch: [{ kind: contract, name: vault, chain: local, address: "${f.vault}" }]
actionsDir: actions
signer: { rpc: { local: [${f.anvil.url}] }, keystore: keystore.json, password: { env: NOT_SET_HERE } }
`,
  )
  const list = async () =>
    (await readdir(tmpdir())).filter((name) => /^tocsin-drill-(?!test)/.test(name))
  const before = await list()
  const played = await tocsin('drill', '-c', config, '--json')
  const [report] = JSON.parse(played.text) as { outcome: string; steps: { name: string }[] }[]
  expect(report?.outcome).toBe('The effect stands.')
  expect(report?.steps.slice(0, 2).map(({ name }) => name)).toEqual(['fork', 'database'])
  expect(played.code).toBe(0)
  expect(await list()).toEqual(before)
  const dry = await tocsin('drill', 'pause-vault', '-c', config, '--dry-run', '--signer', f.admin)
  expect(dry.text).toContain('FAILED pause-vault: The simulated call reverts')
  expect(dry.code).toBe(3)
}, 120_000)
