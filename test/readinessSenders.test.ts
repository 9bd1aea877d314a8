import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { desc, eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pause } from '../actions/pause/action.ts'
import { foldFindings } from '../core/alerts/foldFindings.ts'
import { routingConfig } from '../core/alerts/testSupport.ts'
import { type Address, SELF_BOT_ID } from '../core/base/index.ts'
import type { Config } from '../core/config/types.ts'
import { createSignerRpc, type LoadedPolicy, loadPolicies } from '../core/response/index.ts'
import { probeReadiness } from '../core/response/readiness.ts'
import { createLaneSenders } from '../core/response/senders/laneSenders.ts'
import type { RemoteSender } from '../core/response/senders/remoteSender.ts'
import { tables } from '../core/store/index.ts'
import { createActionStage } from './support/actionScene.ts'
import { createSafe } from './support/safeScene.ts'
import { startSafeServiceStandin } from './support/safeServiceStandin.ts'
import { createSignerFixture, type SignerFixture } from './support/signerFixture.ts'
import { startStandinServer } from './support/standinServer.ts'

const PAUSER_ROLE = '0x65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a'
/** Gas limit and fee cap of the fixture's policy. */
const RUN = 200_000n * 500n * 10n ** 9n
const RELAYER: Address = `0x${'44'.repeat(20)}`
const OTHER: Address = `0x${'55'.repeat(20)}`

let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())

const start = (senders: readonly object[]) => {
  const { signer } = f.config
  if (!signer) throw new Error('no signer')
  const readiness = { everyS: 0.3, runs: 3, expiryDays: 14 }
  return f.start({
    config: { ...f.config, signer: { ...signer, readiness, senders } } as unknown as Config,
  })
}
const alertBecomes = (policy: string, probe: string, expected: object): Promise<void> =>
  expect
    .poll(
      async () => {
        await foldFindings({ db: f.database.db, config: routingConfig() })
        const [alert] = await f.database.db
          .select()
          .from(tables.alert)
          .where(eq(tables.alert.key, `${SELF_BOT_ID}/ACTION-NOT-READY/0/${policy}/${probe}`))
          .orderBy(desc(tables.alert.openedAt))
        return alert
      },
      { timeout: 30_000, interval: 250 },
    )
    .toMatchObject(expected)
const setBalance = (account: Address, wei: bigint) =>
  f.anvil.rpc('anvil_setBalance', [account, `0x${wei.toString(16)}`])
const stepsOf = (...names: readonly string[]) => names.map((name) => ({ name, deadlineS: 5 }))

test('behavior: a relayer whose account is empty is an alert, and none once it is filled', async () => {
  const relayer = { address: RELAYER, paused: false }
  const service = await startStandinServer(async () => ({
    status: 200,
    body: { success: true, data: relayer, error: null },
  }))
  await f.asAdmin('grantRole', [PAUSER_ROLE, RELAYER])
  await setBalance(RELAYER, 3n * RUN - 1n)
  await f.writePolicy({ senders: stepsOf('relay', 'local') })
  const sender = {
    name: 'relay',
    type: 'openzeppelin-relayer',
    chain: 'local',
    url: service.url,
    apiKey: 'a-key',
    relayer: 'pauser',
    address: undefined,
  }
  try {
    await start([sender])
    await alertBecomes('pause-vault', 'balance@relay', {
      status: 'open',
      summary: expect.stringContaining(`account of the sender relay ${RELAYER} holds`),
    })
    await setBalance(RELAYER, 3n * RUN)
    await alertBecomes('pause-vault', 'balance@relay', { status: 'resolved' })
    // It tells no account any more: neither its right nor its balance is known.
    relayer.address = '' as Address
    await alertBecomes('pause-vault', 'sender:relay', {
      status: 'open',
      summary: expect.stringContaining('tells no address'),
    })
  } finally {
    await f.stopSigners()
    await service.stop()
  }
}, 90_000)

test('behavior: all policies on one key may fire at once: the balance covers one of each beside the runs of its own', async () => {
  await f.writePolicy()
  await f.writePolicy({ id: 'pause-too', gasLimit: 400_000 })
  await f.writePolicy({ id: 'pause-watched', mode: 'observe' })
  // Each alone would be covered.
  await setBalance(f.signer, 6n * RUN)
  await start([])
  try {
    await alertBecomes('pause-too', 'balance', {
      status: 'open',
      summary: expect.stringContaining(
        `3 runs at the fee cap, and one of each of 1 other policies, need ${7n * RUN}.`,
      ),
    })
    await setBalance(f.signer, 5n * RUN - 1n)
    await alertBecomes('pause-vault', 'balance', { status: 'open' })
    await setBalance(f.signer, 7n * RUN)
    await alertBecomes('pause-too', 'balance', { status: 'resolved' })
    await alertBecomes('pause-vault', 'balance', { status: 'resolved' })
  } finally {
    await f.stopSigners()
    for (const id of ['pause-too', 'pause-watched'])
      await rm(join(f.actionsDir, `${id}.yaml`), { force: true })
  }
}, 90_000)

test('behavior: what two senders pay from one account is added up, and what other accounts pay is not', async () => {
  await f.writePolicy({ senders: stepsOf('first', 'local') })
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const relay = (name: string, account: Address): RemoteSender => ({
    name,
    type: 'openzeppelin-relayer',
    chainId: f.anvil.chainId,
    account: async () => account,
    submit: async () => ({ outcome: 'refused', isFinal: true, message: 'never' }),
    list: async () => [],
    get: async () => undefined,
    probe: async () => [{ name: 'health', ok: true, message: 'Well.' }],
    stop: async () => undefined,
  })
  const senders = createLaneSenders([
    relay('first', RELAYER),
    relay('second', RELAYER),
    relay('third', OTHER),
    { ...relay('council', RELAYER), type: 'safe' },
  ])
  const rpc = createSignerRpc({ chainId: f.anvil.chainId, urls: [f.anvil.url] })
  await setBalance(RELAYER, 4n * RUN)
  await setBalance(f.signer, 4n * RUN)
  const by = (id: string, changes: Partial<LoadedPolicy>): LoadedPolicy => ({
    ...policy,
    id,
    ...changes,
  })
  const bad = async (...others: readonly LoadedPolicy[]): Promise<readonly string[]> => {
    const lane = { chainName: 'local', senders, tenderly: undefined }
    const policies = [policy, ...others]
    const { probes } = await probeReadiness(rpc, pause, policy, f.signer, { lane, policies })
    return probes.filter(({ ok }) => !ok).map(({ name }) => name)
  }
  expect(await bad()).toEqual([])
  const second = by('second', { senders: stepsOf('second') })
  expect(await bad(second)).toEqual([])
  expect(await bad(second, by('first', { senders: stepsOf('first') }))).toEqual(['balance@first'])
  // A Safe's owners pay for what they execute; an expired policy, one that observes and one elsewhere pay nothing.
  const free = [
    by('council', { senders: stepsOf('council') }),
    by('third', { senders: stepsOf('third') }),
    by('expired', { senders: stepsOf('second'), expiresAt: '2021-01-01T00:00:00Z' }),
    by('observes', { senders: stepsOf('second'), mode: 'observe' }),
    by('elsewhere', { senders: stepsOf('second'), chain: 1 }),
  ]
  expect(await bad(second, ...free)).toEqual([])
  expect(
    await bad(
      by('a', { senders: stepsOf('local') }),
      by('b', { senders: stepsOf('third', 'local') }),
    ),
  ).toEqual(['balance'])
})

test('behavior: a Safe whose service would refuse the signer’s proposals is an alert until an owner names it', async () => {
  const stage = await createActionStage(f.anvil)
  const service = await startSafeServiceStandin(f.anvil)
  const { safe } = await createSafe(stage)
  await f.asAdmin('grantRole', [PAUSER_ROLE, safe.address])
  await setBalance(f.signer, 100n * RUN)
  await f.writePolicy({ senders: stepsOf('local', 'council') })
  const sender = {
    name: 'council',
    type: 'safe',
    chain: 'local',
    url: service.url,
    apiKey: '',
    safe: safe.address,
  }
  try {
    await start([sender])
    await alertBecomes('pause-vault', 'sender:council', {
      status: 'open',
      summary: expect.stringContaining('neither an owner of the Safe'),
    })
    service.addDelegate(f.signer, f.admin)
    await alertBecomes('pause-vault', 'sender:council', { status: 'resolved' })
  } finally {
    await f.stopSigners()
    await service.stop()
  }
}, 90_000)
