import { desc, eq, like } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pause } from '../actions/pause/action.ts'
import { foldFindings } from '../core/alerts/foldFindings.ts'
import { routingConfig } from '../core/alerts/testSupport.ts'
import { type Hex, SELF_BOT_ID } from '../core/base/index.ts'
import type { Config } from '../core/config/types.ts'
import { createSignerRpc, loadPolicies } from '../core/response/index.ts'
import { probeReadiness } from '../core/response/readiness.ts'
import { createReadinessAlerts } from '../core/response/readinessAlerts.ts'
import { createLaneSenders } from '../core/response/senders/laneSenders.ts'
import type { RemoteSender } from '../core/response/senders/remoteSender.ts'
import { tables } from '../core/store/index.ts'
import type { RunningProcess } from '../core/telemetry/index.ts'
import { createSignerFixture, type SignerFixture } from './support/signerFixture.ts'
import { startStandinServer } from './support/standinServer.ts'
import { type StrictNode, startStrictNode } from './support/strictNode.ts'

let f: SignerFixture
let node: StrictNode
let signer: RunningProcess

const PAUSER_ROLE = '0x65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a'
const DAY_MS = 86_400_000

const withSettings = (signer: object): Config =>
  ({
    ...f.config,
    signer: {
      ...f.config.signer,
      rpc: { local: [node.url] },
      readiness: { everyS: 0.3, runs: 3, expiryDays: 14 },
      ...signer,
    },
  }) as unknown as Config

beforeAll(async () => {
  f = await createSignerFixture()
  node = await startStrictNode(f.anvil.url)
  await f.writePolicy()
  signer = await f.start({ config: withSettings({}) })
}, 240_000)
afterAll(async () => {
  await f?.stopSigners()
  await node?.stop()
  await f?.stop()
})

const findAlert = async (probe: string, policy = 'pause-vault') => {
  await foldFindings({ db: f.database.db, config: routingConfig() })
  const [alert] = await f.database.db
    .select()
    .from(tables.alert)
    .where(eq(tables.alert.key, `${SELF_BOT_ID}/ACTION-NOT-READY/0/${policy}/${probe}`))
    .orderBy(desc(tables.alert.openedAt))
  return alert
}
const alertBecomes = (probe: string, expected: object): Promise<void> =>
  expect.poll(() => findAlert(probe), { timeout: 30_000, interval: 250 }).toMatchObject(expected)

const setBalance = (wei: bigint) =>
  f.anvil.rpc('anvil_setBalance', [f.signer, `0x${wei.toString(16)}`])
const execution = {
  id: 'x_used',
  idempotencyKey: 'used',
  actionId: 'pause-vault',
  findingId: 'none',
  status: 'failed' as const,
  sendingAt: new Date(),
  triggeredAtS: 1,
  feeWei: '1',
}

/** Each probe: how to make it fail, what people are told, and how to mend it. */
const cases: readonly (readonly [
  probe: string,
  told: string,
  makeFail: () => Promise<unknown>,
  mend: () => Promise<unknown>,
])[] = [
  [
    'role',
    'neither holds the pauser role',
    () => f.asAdmin('revokeRole', [PAUSER_ROLE, f.signer]),
    () => f.asAdmin('grantRole', [PAUSER_ROLE, f.signer]),
  ],
  [
    'balance',
    '3 runs at the fee cap need',
    () => setBalance(3n * 200_000n * 500n * 10n ** 9n - 1n),
    () => setBalance(3n * 200_000n * 500n * 10n ** 9n),
  ],
  [
    'code',
    'approved was 0x2222222222222222222222222222222222222222',
    () => f.writePolicy({ implementation: `0x${'22'.repeat(20)}` }),
    () => f.writePolicy(),
  ],
  [
    'dry-run',
    'stated was that it succeeds',
    () =>
      f.writePolicy({
        simulation: {
          mode: 'required',
          onUnavailable: 'stop',
          onRevert: 'stop',
          assertions: {
            canaries: [
              {
                name: 'transfer',
                from: f.admin,
                to: f.vault,
                data: `0xa9059cbb${'0'.repeat(24)}${f.admin.slice(2)}${'0'.repeat(64)}`,
                expect: 'succeeds',
              },
            ],
          },
        },
      }),
    () => f.writePolicy(),
  ],
  [
    'endpoints',
    '1 of 1 endpoints answer; 2 must',
    () => f.writePolicy({ quorum: { bots: 1, endpoints: 2 } }),
    () => f.writePolicy(),
  ],
  [
    'expiry',
    'The approval ends in 2.5 days',
    () => f.writePolicy({ expiresAt: new Date(Date.now() + 2.5 * DAY_MS).toISOString() }),
    () => f.writePolicy(),
  ],
  [
    'limits',
    '1 are allowed',
    async () => {
      await f.database.db
        .insert(tables.execution)
        .values({ ...execution, chainId: f.anvil.chainId, target: f.vault })
      await f.writePolicy({ limits: { maxPerWindow: 1, windowS: 3_600, maxLifetime: 100 } })
    },
    () => f.writePolicy(),
  ],
  [
    'senders',
    'is not among `signer.senders`',
    () =>
      f.writePolicy({
        senders: [
          { name: 'relay', deadlineS: 10 },
          { name: 'local', deadlineS: 60 },
        ],
      }),
    () => f.writePolicy(),
  ],
]

test('default: everything is ready, and nobody is told anything', async () => {
  await expect.poll(async () => (await signer.report()).status, { timeout: 10_000 }).toBe('ok')
  // Some runs more.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await foldFindings({ db: f.database.db, config: routingConfig() })
  expect(await f.database.db.select().from(tables.alert)).toEqual([])
})

test.each(cases)(
  'behavior: the probe %s fails, people are alerted, and told when it passes again',
  async (probe, told, makeFail, mend) => {
    await makeFail()
    await alertBecomes(probe, {
      status: 'open',
      botId: SELF_BOT_ID,
      kind: 'condition',
      findings: 1,
      summary: expect.stringContaining(told),
    })
    expect((await signer.report()).status).toBe('degraded')
    await mend()
    await alertBecomes(probe, { status: 'resolved', closedBy: 'condition', findings: 1 })
  },
  90_000,
)

test('behavior: limits used up by a pause are no fault while it stands, and are one when it is lifted', async () => {
  const readLimits = async (): Promise<unknown> => {
    const { detail } = await signer.report()
    const { readiness } = detail as { readiness: { probes: { name: string }[] }[] }
    return readiness[0]?.probes.find(({ name }) => name === 'limits')
  }
  await f.asAdmin('grantRole', [PAUSER_ROLE, f.admin])
  await f.asAdmin('pause')
  await f.writePolicy({ limits: { maxPerWindow: 1, windowS: 3_600, maxLifetime: 100 } })
  await expect
    .poll(readLimits, { timeout: 30_000 })
    .toMatchObject({ ok: true, message: expect.stringContaining('Used up, and its effect stands') })
  expect((await findAlert('limits'))?.status ?? 'none').not.toBe('open')
  await f.asAdmin('unpause')
  await f.asAdmin('revokeRole', [PAUSER_ROLE, f.admin])
  await alertBecomes('limits', { status: 'open' })
  await f.writePolicy()
  await alertBecomes('limits', { status: 'resolved' })
}, 90_000)

test('behavior: an end of approval is told gently while it nears, and gravely once it is past', async () => {
  const severities = async (): Promise<readonly string[]> => {
    const rows = await f.database.db
      .select()
      .from(tables.finding)
      .where(like(tables.finding.uniqueKey, 'pause-vault/expiry'))
      .orderBy(tables.finding.seq)
    return rows.map(({ severity, condition }) => `${severity} ${condition}`)
  }
  await f.writePolicy({ expiresAt: new Date(Date.now() + 7_000).toISOString() })
  await expect
    .poll(async () => (await severities()).slice(-2), { timeout: 20_000 })
    .toEqual(['Medium holds', 'High holds'])
  await f.writePolicy()
  await expect.poll(async () => (await severities()).at(-1), { timeout: 10_000 }).toMatch(/ ended$/)
}, 90_000)

test('behavior: a signer that starts again tells nothing twice, and ends what it did not begin', async () => {
  await f.asAdmin('revokeRole', [PAUSER_ROLE, f.signer])
  await alertBecomes('role', { status: 'open' })
  const count = async (): Promise<number> =>
    (
      await f.database.db
        .select()
        .from(tables.finding)
        .where(like(tables.finding.uniqueKey, 'pause-vault/role'))
    ).length
  const before = await count()
  await signer.stop()
  signer = await f.start({ config: withSettings({}) })
  await expect.poll(async () => (await signer.report()).status).toBe('degraded')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(await count()).toBe(before)
  await f.asAdmin('grantRole', [PAUSER_ROLE, f.signer])
  await alertBecomes('role', { status: 'resolved' })
  expect(await count()).toBe(before + 1)
}, 90_000)

test('behavior: while the chain cannot be read, that is told, and what was known stays', async () => {
  await signer.stop()
  const dark = await f.start({ config: withSettings({ rpc: { local: ['http://127.0.0.1:1'] } }) })
  await alertBecomes('endpoint', { status: 'open' })
  await dark.stop()
  signer = await f.start({ config: withSettings({}) })
  await alertBecomes('endpoint', { status: 'resolved' })
}, 90_000)

test('behavior: a policy without the signatures it needs is not ready', async () => {
  await signer.stop()
  const address: Hex = `0x${'33'.repeat(20)}`
  signer = await f.start({
    config: withSettings({ approvers: [{ name: 'Ada', address }], approvalsRequired: 1 }),
  })
  await alertBecomes('signatures', {
    status: 'open',
    summary: expect.stringContaining('needs the signatures of 1 approvers and has 0'),
  })
  await signer.stop()
  signer = await f.start({ config: withSettings({}) })
  await alertBecomes('signatures', { status: 'resolved' })
}, 90_000)

test('behavior: a chain that the signer does not serve, a sender that is unwell and one without the right are alerts', async () => {
  await signer.stop()
  const nowhere = await f.start({ config: withSettings({ rpc: {} }) })
  await alertBecomes('chain', {
    status: 'open',
    summary: expect.stringContaining('no endpoint for chain'),
  })
  await nowhere.stop()

  const relayer = { address: f.signer, paused: true }
  const service = await startStandinServer(async () => ({
    status: 200,
    body: { success: true, data: relayer, error: null },
  }))
  const senders = [
    {
      name: 'relay',
      type: 'openzeppelin-relayer',
      chain: 'local',
      url: service.url,
      apiKey: 'a-key',
      relayer: 'pauser',
      address: undefined,
    },
  ]
  try {
    signer = await f.start({ config: withSettings({ senders }) })
    await alertBecomes('chain', { status: 'resolved' })
    await f.writePolicy({
      senders: [
        { name: 'relay', deadlineS: 10 },
        { name: 'local', deadlineS: 60 },
      ],
    })
    await alertBecomes('sender:relay', {
      status: 'open',
      summary: expect.stringContaining('is paused or disabled'),
    })
    relayer.paused = false
    await alertBecomes('sender:relay', { status: 'resolved' })
    relayer.address = f.admin
    await signer.stop()
    signer = await f.start({ config: withSettings({ senders }) })
    await alertBecomes('role@relay', {
      status: 'open',
      summary: expect.stringContaining('neither holds the pauser role'),
    })
    relayer.address = f.signer
    await f.writePolicy()
    await alertBecomes('role@relay', { status: 'resolved' })
  } finally {
    await signer.stop()
    await service.stop()
    signer = await f.start({ config: withSettings({}) })
  }
}, 90_000)

test('behavior: a sender that is unwell or lacks the right is told by its name', async () => {
  await f.writePolicy({
    senders: [
      { name: 'relay', deadlineS: 10 },
      { name: 'local', deadlineS: 60 },
    ],
  })
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  let isWell = true
  let account = f.signer
  const relay: RemoteSender = {
    name: 'relay',
    type: 'openzeppelin-relayer',
    chainId: f.anvil.chainId,
    account: async () => account,
    submit: async () => ({ outcome: 'refused', isFinal: true, message: 'never' }),
    list: async () => [],
    get: async () => undefined,
    probe: async () => [
      { name: 'health', ok: isWell, message: isWell ? 'Well.' : 'It is paused.' },
    ],
    stop: async () => undefined,
  }
  const rpc = createSignerRpc({ chainId: f.anvil.chainId, urls: [f.anvil.url] })
  const bad = async (): Promise<readonly string[]> => {
    const lane = { chainName: 'local', senders: createLaneSenders([relay]), tenderly: undefined }
    const { probes } = await probeReadiness(rpc, pause, policy, f.signer, { lane })
    return probes.filter(({ ok }) => !ok).map(({ name, message }) => `${name}: ${message}`)
  }
  expect(await bad()).toEqual([])
  isWell = false
  expect(await bad()).toEqual(['sender:relay: It is paused.'])
  isWell = true
  account = f.admin
  expect(await bad()).toEqual([
    expect.stringMatching(/^dry-run: A dry run is reverted/),
    expect.stringMatching(/^role@relay: The signer 0x\w+ neither holds/),
  ])
  await f.writePolicy()
})

test('behavior: one failed look is nobody’s business, two in a row are', async () => {
  const alerts = createReadinessAlerts(f.database.db)
  const round = (ok: boolean) =>
    alerts.update(
      [
        {
          policy: 'flap',
          ready: ok,
          probes: [{ name: 'role', ok, message: ok ? 'Held.' : 'Lost.' }],
        },
      ],
      [],
    )
  const told = async (): Promise<readonly (string | null)[]> =>
    (
      await f.database.db
        .select()
        .from(tables.finding)
        .where(eq(tables.finding.uniqueKey, 'flap/role'))
        .orderBy(tables.finding.seq)
    ).map(({ condition }) => condition)
  for (const ok of [true, false, true, false, true]) await round(ok)
  expect(await told()).toEqual([])
  await round(false)
  expect(alerts.isUnsettled()).toBe(true)
  await round(false)
  expect(await told()).toEqual(['holds'])
  expect(alerts.isUnsettled()).toBe(false)
  for (const ok of [false, true, false, true]) await round(ok)
  expect(await told()).toEqual(['holds'])
  await round(true)
  expect(await told()).toEqual(['holds', 'ended'])
  await round(false)
  await round(false)
  expect(await told()).toEqual(['holds', 'ended', 'holds'])
  await alerts.update([], [])
  expect(await told()).toEqual(['holds', 'ended', 'holds', 'ended'])
})
