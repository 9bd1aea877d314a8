import { mkdtemp, rm } from 'node:fs/promises'
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
      data: `0x095ea7b3${'0'.repeat(64)}${'0'.repeat(64)}`,
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
  expect(report).toMatchObject({ ok: false, notes: [] })
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
    notes: ['Nothing was signed or sent.'],
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
