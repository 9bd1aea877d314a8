import { eq, sql } from 'drizzle-orm'
import { keccak256 } from 'viem/utils'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createRandom, type Random } from '../../demo/random.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { listViolations } from '../../test/support/policyOracle.ts'
import {
  CHAIN,
  createPolicyWorld,
  createWorldPolicy,
  type FindingRow,
  type PolicyWorld,
} from '../../test/support/policyWorld.ts'
import { stableHash } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { loadActions } from './loadActions.ts'
import { nameIntent } from './requestExecutions.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

const SCENARIOS = process.env['TOCSIN_LONG'] ? 300 : 5
const STEPS = 32
const START_S = 1_900_000_000
const OWN = ['a', 'b', 'c']
const OUTSIDE = ['external-desk', 'external-feed']
const BOTS = [...OWN, ...OUTSIDE]
const TARGETS = ['11', '22', '33'].map((each) => `0x${each.repeat(20)}` as const)
const CODE_HASH = keccak256('0x6001')

let database: TestDatabase
let pause: ActionDefinition
beforeAll(async () => {
  database = await createTestDatabase()
  const found = (await loadActions()).find(({ id }) => id === 'pause')
  if (!found) throw new Error('no action')
  pause = found
}, 120_000)
afterAll(() => database?.drop())
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_S * 1000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const chance = (random: Random, share: number): boolean => random.next() < share

const randomPolicy = (random: Random, index: number): LoadedPolicy => {
  const bots = BOTS.filter(() => chance(random, 0.7))
  const triggers = (bots.length > 0 ? bots : ['a']).map((bot) => ({
    bot,
    minSeverity: random.pick(['High', 'Low', 'Low'] as const),
    ...(chance(random, 0.15) ? { things: [random.pick(['vault', 'pool'])] } : {}),
  }))
  const days = (from: number, to: number): string =>
    new Date((START_S + random.int(from * 24, to * 24) * 3_600) * 1000).toISOString()
  return createWorldPolicy(
    {
      id: `p${index}`,
      target: random.pick(TARGETS),
      triggers,
      approvedAt: chance(random, 0.95) ? '2020-01-01T00:00:00Z' : days(0, 1),
      expiresAt: chance(random, 0.8) ? '2099-01-01T00:00:00Z' : days(1, 3),
      quorum: {
        bots: random.pick([1, 1, 1, 2, 2, 3]),
        endpoints: random.pick([1, 1, 1, 2, 3]),
      },
      freshness: { blocks: random.int(2, 10), seconds: random.int(40, 200) },
      mode: random.pick(['auto', 'auto', 'auto', 'auto', 'propose', 'propose', 'observe'] as const),
      approval: {
        timeoutS: random.int(60, 900),
        required: random.int(1, 2),
        roles: [],
        onTimeout: random.pick(['drop', 'execute'] as const),
      },
      limits: {
        maxPerWindow: random.int(1, 3),
        windowS: random.int(60, 86_400),
        maxLifetime: random.int(2, 6),
      },
      cooldownS: random.pick([0, 30, 600, 7_200]),
      exclusive: chance(random, 0.6),
      brake: { maxTargets: random.int(1, 3), windowS: random.int(60, 7_200) },
      maxSpendWeiPer24h: BigInt(random.int(1, 5)) * 10n ** 16n,
      gasLimit: BigInt(random.int(21_000, 3_000_000)),
      ...(chance(random, 0.8) ? { signedBy: ['Ada', 'Grace'] } : { signedBy: ['Ada'] }),
    },
    CODE_HASH,
  )
}

const randomFinding = (random: Random, world: PolicyWorld, seq: number) => {
  const block = world.head - (chance(random, 0.7) ? random.int(0, 2) : random.int(0, 12))
  return {
    id: stableHash('finding', seq, random.next()),
    botId: random.pick(chance(random, 0.2) ? OUTSIDE : OWN),
    botVersion: '1',
    alertId: 'A',
    alertKind: 'event' as const,
    condition: chance(random, 0.95) ? null : random.pick(['holds', 'ended', 'unknown'] as const),
    chainId: chance(random, 0.97) ? CHAIN : 1,
    blockNumber: block,
    blockHash: chance(random, 0.96) ? world.hashOf(block) : world.hashOf(-block),
    blockTimestampS: world.timeOf(block) + (chance(random, 0.94) ? 0 : random.int(-90, 50)),
    uniqueKey: 'k',
    name: 'n',
    description: 'd',
    severity: random.pick(['Critical', 'Critical', 'High', 'Medium', 'Low']),
    type: 'Exploit',
    thing: random.pick(['vault', 'vault', 'pool', null]),
    addresses: chance(random, 0.3) ? [random.pick(TARGETS)] : [],
    status: chance(random, 0.95) ? ('provisional' as const) : ('retracted' as const),
  }
}

const rowOf = (policy: LoadedPolicy, finding: string, epoch: number, triggeredAtS: number) => {
  return {
    ...nameIntent(policy, epoch, finding),
    actionId: policy.id,
    policyHash: policy.hash,
    mode: policy.mode,
    chainId: CHAIN,
    findingId: finding,
    status: 'requested' as const,
    target: policy.target,
    epoch,
    triggeredAtS,
  }
}

/** Whoever took the watcher rewrites whatever it likes. */
const tamper = async (random: Random): Promise<void> => {
  const { db } = database
  const { execution, finding } = tables
  await random.pick([
    () => db.delete(execution).where(sql`random() < 0.5`),
    () => db.update(execution).set({ sendingAt: null }).where(sql`random() < 0.5`),
    () =>
      db
        .update(execution)
        .set({ sendingAt: new Date(0) })
        .where(sql`sending_at is not null`),
    () => db.update(execution).set({ feeWei: '0', triggeredAtS: 1 }),
    () => db.update(execution).set({ actionId: 'gone', target: TARGETS[0] }),
    () => db.update(execution).set({ status: 'failed', reasonCode: 'reverted' }),
    () => db.update(execution).set({ status: 'requested' }).where(sql`random() < 0.5`),
    () =>
      db
        .update(execution)
        .set({ status: 'proposed', proposedAt: new Date(0), approvedBy: 'Ada, Grace' })
        .where(sql`random() < 0.5`),
    () => db.update(finding).set({ severity: 'Critical', status: 'final' }),
    () => db.update(finding).set({ thing: 'vault' }).where(sql`random() < 0.5`),
    () => db.delete(tables.executionLog),
  ])()
}

type Run = { readonly outcomes: Map<string, number>; readonly violations: string[] }

/** One intent, and whether it was signed rightly. */
const tryIntent = async (random: Random, world: PolicyWorld, run: Run, name: string) => {
  const { db } = database
  const findings: readonly FindingRow[] = await db.select().from(tables.finding)
  const rows = await db.select().from(tables.execution)
  const policy = random.pick([...world.policies.values()])
  const fresh = findings.filter(({ blockNumber }) => blockNumber > world.head - 4)
  const finding = random.pick(fresh.length > 0 && chance(random, 0.8) ? fresh : findings)
  const open = rows.filter(({ status }) => status === 'requested' || status === 'proposed')
  const row =
    open.length > 0 && chance(random, 0.4)
      ? random.pick(open)
      : rowOf(policy, finding?.id ?? 'none', random.int(1, 60), finding?.blockTimestampS ?? 0)
  await db.insert(tables.execution).values(row).onConflictDoNothing()
  const [stored] = await db.select().from(tables.execution).where(eq(tables.execution.id, row.id))
  const before = [...world.claims]
  const outcome = await world.turn(row.id)
  run.outcomes.set(outcome, (run.outcomes.get(outcome) ?? 0) + 1)
  const claim = world.claims[before.length]
  if (!claim) return
  const cause = findings.find(({ id }) => id === stored?.findingId)
  const violations = cause
    ? listViolations({
        world,
        claim,
        before,
        finding: cause,
        findings,
        isProposal: stored?.status === 'proposed',
        nowMs: Date.now(),
      })
    : ['there is no finding']
  run.violations.push(...violations.map((each) => `${name}: ${claim.policy.id}: ${each}`))
  if (chance(random, 0.9)) await landAll(world)
}

const landAll = async (world: PolicyWorld): Promise<void> => {
  world.mineAll()
  await database.db
    .update(tables.execution)
    .set({ status: 'succeeded', finalAt: new Date() })
    .where(eq(tables.execution.status, 'sending'))
}

const pass = (random: Random, world: PolicyWorld): void => {
  const blocks = chance(random, 0.7)
    ? random.int(0, 2)
    : chance(random, 0.7)
      ? random.int(3, 60)
      : random.int(300, 8_000)
  world.head += blocks
  vi.setSystemTime((world.timeOf(world.head) + random.int(0, 11)) * 1000)
  for (const index of world.lag.keys())
    world.lag[index] = chance(random, 0.8) ? 0 : random.int(1, 3)
}

const answerSomething = async (random: Random, world: PolicyWorld): Promise<void> => {
  const rows = await database.db
    .select()
    .from(tables.execution)
    .where(eq(tables.execution.status, 'proposed'))
  for (const { id } of rows)
    world.approvals.set(id, {
      approvedBy: ['Ada', 'Grace'].filter(() => chance(random, 0.6)),
      deniedBy: chance(random, 0.1) ? ['Mallory'] : [],
    })
}

const play = async (seed: number, run: Run): Promise<void> => {
  const { db } = database
  await db.delete(tables.execution)
  await db.delete(tables.finding)
  await db.delete(tables.executionLog)
  vi.setSystemTime(START_S * 1000)
  const random = createRandom(seed)
  const world = createPolicyWorld(database, pause, START_S)
  if (chance(random, 0.2)) world.signaturesRequired = random.int(1, 2)
  for (let index = 0; index < 4; index++) {
    const policy = randomPolicy(random, index)
    world.policies.set(policy.id, policy)
  }
  for (let step = 0; step < STEPS; step++) {
    const name = `seed ${seed}, step ${step}`
    pass(random, world)
    const count = random.int(1, 4)
    const found = Array.from({ length: count }, () => randomFinding(random, world, step))
    await db.insert(tables.finding).values(found)
    world.isHalted = chance(random, 0.04)
    if (chance(random, 0.12)) await tamper(random)
    if (chance(random, 0.6)) await landAll(world)
    if (chance(random, 0.5)) await answerSomething(random, world)
    await tryIntent(random, world, run, name)
    await tryIntent(random, world, run, name)
  }
}

test(
  'behavior: no execution outside quorum, window, cooldown, cap, term, exclusion, brake or what people said',
  async () => {
    const run: Run = { outcomes: new Map(), violations: [] }
    for (let seed = 1; seed <= SCENARIOS; seed++) await play(seed, run)
    expect(run.violations).toEqual([])
    // It proves nothing where nothing is signed, and little where some check never had the last word.
    expect(run.outcomes.get('claimed')).toBeGreaterThan(SCENARIOS)
    const silent = [
      ...['retry', 'stale', 'quorum', 'trigger', 'finding_retracted', 'limit', 'halted', 'propose'],
    ].filter((code) => !run.outcomes.has(code))
    expect(silent, JSON.stringify([...run.outcomes])).toEqual([])
  },
  SCENARIOS * 60_000,
)
