import { fileURLToPath } from 'node:url'
import { desc, eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aavePoolPause } from '../actions/aave-pool-pause/action.ts'
import { aaveReservePause } from '../actions/aave-reserve-pause/action.ts'
import { call } from '../actions/call/action.ts'
import { cometGuardian } from '../actions/comet-guardian/action.ts'
import { cometModule } from '../actions/comet-module/action.ts'
import { compoundV2Guardian } from '../actions/compound-v2-guardian/action.ts'
import { safeModule } from '../actions/safe-module/action.ts'
import { foldFindings } from '../core/alerts/foldFindings.ts'
import { routingConfig } from '../core/alerts/testSupport.ts'
import { type Address, type Hex, SELF_BOT_ID } from '../core/base/index.ts'
import { type ActionDefinition, createSignerRpc } from '../core/response/index.ts'
import { probeReadiness } from '../core/response/readiness.ts'
import { createReadinessAlerts } from '../core/response/readinessAlerts.ts'
import { tables } from '../core/store/index.ts'
import { createActionRig } from '../core/testing/actionRig.ts'
import { createAave } from './support/aave.ts'
import { type ActionStage, createActionStage } from './support/actionScene.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { createSafe, readArtifact } from './support/safeScene.ts'

const DAY_S = 86_400
const PAUSE: Hex = '0x8456cb59'
const UNLISTED: Address = `0x${'ee'.repeat(20)}`
const artifact = (name: string) =>
  readArtifact(fileURLToPath(new URL(`../contracts/${name}.json`, import.meta.url)))

let stage: ActionStage
let database: TestDatabase
beforeAll(async () => {
  ;[stage, database] = await Promise.all([createActionStage(), createTestDatabase()])
}, 240_000)
afterAll(async () => {
  await stage?.stop()
  await database?.drop()
})

type Case = {
  readonly action: ActionDefinition
  readonly target: Address
  readonly parameters: Readonly<Record<string, unknown>>
  readonly fail: () => Promise<unknown>
  /** Default: the chain is set back to before. */
  readonly mend?: () => Promise<unknown>
}

const nowS = (): number => Math.floor(Date.now() / 1000)
/** An upgrade, or whatever else makes a contract behave as another one. */
const become = async (address: Address, other: Address): Promise<unknown> =>
  stage.anvil.rpc('anvil_setCode', [
    address,
    await stage.anvil.rpc('eth_getCode', [other, 'latest']),
  ])

const onWindow = async (): Promise<Omit<Case, 'fail'>> => {
  const vault = await stage.deploy('WindowedVault', stage.signer, BigInt(nowS() + 90 * DAY_S))
  const parameters = {
    function: 'setPaused(bool)',
    args: [true],
    effect: [{ function: 'paused() returns (bool)', equals: true }],
    ready: [{ function: 'owner() returns (address)', equals: '$signer' }],
    undoneBy: 'the owner calls setPaused(false)',
    window: { function: 'getPausedState() returns (bool,uint256,uint256)', output: 1 },
  }
  return { action: call, target: vault.address, parameters }
}

const onSafeModule = async () => {
  const { signer, deploy } = stage
  const { safe, bySafe } = await createSafe(stage)
  const vault = await deploy('OwnedVault', safe.address)
  const module = await deploy(await artifact('GuardModule'), safe.address, signer)
  await bySafe(safe.address, safe.data('enableModule', [module.address]))
  const arm = (days: number) =>
    bySafe(module.address, module.data('arm', [vault.address, PAUSE, nowS() + days * DAY_S]))
  await arm(90)
  const parameters = { safe: safe.address, contract: vault.address }
  return { safe, bySafe, arm, action: safeModule, target: module.address, parameters }
}

const onCometModule = async () => {
  const { signer, stranger, deploy } = stage
  const { safe, bySafe } = await createSafe(stage)
  const comet = await deploy('Comet', safe.address)
  const other = await deploy('Comet', stranger)
  const module = await deploy(await artifact('CometModule'), safe.address, signer)
  await bySafe(safe.address, safe.data('enableModule', [module.address]))
  const arm = (flags: number) =>
    bySafe(module.address, module.data('arm', [comet.address, flags, nowS() + 90 * DAY_S]))
  await arm(5)
  const parameters = { safe: safe.address, comet: comet.address, flags: ['supply', 'withdraw'] }
  return { comet, other, arm, action: cometModule, target: module.address, parameters }
}

const onAave = async () => {
  const aave = await createAave(stage)
  return { ...aave, target: aave.configurator.address, ofPool: { pool: aave.pool.address } }
}

const onCompound = async () => {
  const comptroller = await stage.deploy('Comptroller')
  await comptroller.write('_setPauseGuardian', stage.signer)
  return { comptroller, action: compoundV2Guardian, target: comptroller.address }
}

/** Probes that only some kinds of action have: how each fails, and what people are told. */
const cases: readonly (readonly [
  kind: string,
  probe: string,
  told: string,
  make: () => Promise<Case>,
])[] = [
  [
    'call',
    'window',
    'another 2 days only',
    async () => {
      const end = BigInt(nowS() + 2 * DAY_S + 3_600)
      const ending = await stage.deploy('WindowedVault', stage.signer, end)
      const scene = await onWindow()
      return { ...scene, fail: () => become(scene.target, ending.address) }
    },
  ],
  [
    'call that is over',
    'window',
    'It can be called no more',
    async () => {
      const over = await stage.deploy('WindowedVault', stage.signer, BigInt(nowS() - 1))
      const scene = await onWindow()
      return { ...scene, fail: () => become(scene.target, over.address) }
    },
  ],
  [
    'call',
    'ready',
    'is not $signer for the signer',
    async () => {
      const scene = await onWindow()
      const word = `0x${stage.stranger.slice(2).padStart(64, '0')}`
      const fail = () =>
        stage.anvil.rpc('anvil_setStorageAt', [scene.target, `0x${'0'.repeat(64)}`, word])
      return { ...scene, fail }
    },
  ],
  [
    'safe-module',
    'armed',
    'has not armed this call',
    async () => {
      const { bySafe, arm, ...scene } = await onSafeModule()
      const { contract } = scene.parameters
      const module = stage.at((await artifact('GuardModule')).abi, scene.target)
      const fail = () => bySafe(scene.target, module.data('disarm', [contract, PAUSE]))
      return { ...scene, fail, mend: () => arm(90) }
    },
  ],
  [
    'safe-module near its end',
    'armed',
    'it must arm it anew',
    async () => {
      const { arm, ...scene } = await onSafeModule()
      return { ...scene, fail: () => arm(13), mend: () => arm(15) }
    },
  ],
  [
    'safe-module',
    'module',
    'or not enabled there',
    async () => {
      const { safe, bySafe, ...scene } = await onSafeModule()
      const first = `0x${'1'.padStart(40, '0')}`
      return {
        ...scene,
        fail: () => bySafe(safe.address, safe.data('disableModule', [first, scene.target])),
        mend: () => bySafe(safe.address, safe.data('enableModule', [scene.target])),
      }
    },
  ],
  [
    'comet-module',
    'armed',
    'has not armed all of these flags',
    async () => {
      const { arm, ...scene } = await onCometModule()
      return { ...scene, fail: () => arm(1), mend: () => arm(5) }
    },
  ],
  [
    'comet-module',
    'guardian',
    'is not the pause guardian',
    async () => {
      const { comet, other, ...scene } = await onCometModule()
      return { ...scene, fail: () => become(comet.address, other.address) }
    },
  ],
  [
    'comet-guardian',
    'flags',
    'cannot be read',
    async () => {
      const { address } = await stage.deploy('Comet', stage.signer)
      const fail = () => stage.anvil.rpc('anvil_setCode', [address, '0x00'])
      return { action: cometGuardian, target: address, parameters: { flags: ['supply'] }, fail }
    },
  ],
  [
    'aave-reserve-pause',
    'pool',
    'not the target',
    async () => {
      const { manager, pool, provider, target, assets } = await onAave()
      const parameters = { pool: pool.address, asset: assets[0] }
      const point = (to: Address) => () => provider.write('set', manager.address, pool.address, to)
      const [fail, mend] = [point(stage.stranger), point(target)]
      return { action: aaveReservePause, target, parameters, fail, mend }
    },
  ],
  [
    'aave-reserve-pause',
    'reserve',
    'is no active reserve of the pool',
    async () => {
      const { pool, target, ofPool } = await onAave()
      return {
        action: aaveReservePause,
        target,
        parameters: { ...ofPool, asset: UNLISTED },
        // Approved before it is listed.
        fail: async () => undefined,
        mend: () => pool.write('list', UNLISTED),
      }
    },
  ],
  [
    'aave-pool-pause',
    'reserves',
    'listed since',
    async () => {
      const { pool, target, ofPool, assets } = await onAave()
      const parameters = { ...ofPool, assets }
      return { action: aavePoolPause, target, parameters, fail: () => pool.write('list', UNLISTED) }
    },
  ],
  [
    'compound-v2-guardian',
    'market',
    'is no market of',
    async () => {
      const { comptroller, ...scene } = await onCompound()
      return {
        ...scene,
        parameters: { what: 'mint', market: UNLISTED },
        fail: async () => undefined,
        mend: () => comptroller.write('_supportMarket', UNLISTED),
      }
    },
  ],
]

test.each(cases)(
  'behavior: %s: the probe %s fails, people are alerted (%s), and told when it passes again',
  async (kind, probe, told, make) => {
    const { anvil, signer } = stage
    const { action, target, parameters, fail, mend } = await make()
    const guards = async () => []
    const scene = { anvil, signer, target, parameters, breaks: {}, guards }
    const id = `${kind}-${probe}`.replaceAll(' ', '-')
    const parsed = await createActionRig(action, scene).parse()
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
    const policy = { ...parsed.policy, id }
    const rpc = createSignerRpc({ chainId: anvil.chainId, urls: [anvil.url] })
    const alerts = createReadinessAlerts(database.db)
    /** Two rounds, as the signer makes them, and what people see of this probe then. */
    const look = async () => {
      for (const _ of [1, 2])
        await alerts.update([await probeReadiness(rpc, action, policy, signer)], [policy])
      await foldFindings({ db: database.db, config: routingConfig() })
      const [alert] = await database.db
        .select()
        .from(tables.alert)
        .where(eq(tables.alert.key, `${SELF_BOT_ID}/ACTION-NOT-READY/0/${id}/${probe}`))
        .orderBy(desc(tables.alert.openedAt))
      return alert
    }
    const before = await anvil.rpc('evm_snapshot')
    await fail()
    expect(await look()).toMatchObject({
      status: 'open',
      kind: 'condition',
      summary: expect.stringContaining(told),
    })
    await (mend?.() ?? anvil.rpc('evm_revert', [before]))
    expect(await look()).toMatchObject({ status: 'resolved', closedBy: 'condition' })
  },
  60_000,
)
