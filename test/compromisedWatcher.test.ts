import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Address, type Hex, sleep } from '../core/base/index.ts'
import type { Config } from '../core/config/types.ts'
import { loadPolicies, verifyExecutionLog } from '../core/response/index.ts'
import { nameIntent } from '../core/response/requestExecutions.ts'
import { tables } from '../core/store/index.ts'
import { createRandom, type Random } from '../demo/random.ts'
import { createSignerFixture, type SignerFixture } from './support/signerFixture.ts'

const ROUNDS = process.env['TOCSIN_LONG'] ? 400 : 60
const PAUSE = '0x8456cb59'
const UNPAUSE = '0x3f4ba83a'
const THIEF = `0x${'66'.repeat(20)}` as const

let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(() => f.reset())

type Sent = {
  readonly to: Address | null
  readonly input: Hex
  readonly value: Hex
  readonly gas: Hex
  readonly maxFeePerGas: Hex
  readonly nonce: Hex
}

/** Everything that the signer's key ever put on chain since a block, mined or waiting. */
const listSent = async (fromBlock: number): Promise<readonly Sent[]> => {
  await f.mine(2)
  const head = Number(await f.anvil.rpc<Hex>('eth_blockNumber'))
  const sent: Sent[] = []
  for (let number = fromBlock + 1; number <= head; number++) {
    const block = await f.anvil.rpc<{ transactions: (Sent & { from: Address })[] }>(
      'eth_getBlockByNumber',
      [`0x${number.toString(16)}`, true],
    )
    sent.push(...block.transactions.filter(({ from }) => from === f.signer))
  }
  return sent
}

const headNumber = async (): Promise<number> => Number(await f.anvil.rpc<Hex>('eth_blockNumber'))

/** Nothing but the approved call, exactly as approved. */
const expectApproved = (sent: readonly Sent[]): void => {
  for (const tx of sent) {
    expect([tx.to, tx.input, BigInt(tx.value), BigInt(tx.gas)]).toEqual([
      f.vault.toLowerCase(),
      PAUSE,
      0n,
      200_000n,
    ])
    expect(BigInt(tx.maxFeePerGas)).toBeLessThanOrEqual(500n * 10n ** 9n)
  }
}

const STATUSES = [
  'requested',
  'proposed',
  'sending',
  'sent',
  'mined',
  'succeeded',
  'failed',
  'refused',
  'not_needed',
  'observed',
] as const

const rubbish = (random: Random) =>
  random.pick<unknown>([
    null,
    [],
    {},
    'x'.repeat(2_000),
    [
      {
        hash: `0x${'ab'.repeat(32)}`,
        raw: '0x02',
        maxFeePerGasWei: '1',
        maxPriorityFeePerGasWei: '1',
        atBlock: 1,
      },
    ],
    [
      {
        hash: '0x1',
        raw: `0x02f8${'00'.repeat(90)}`,
        maxFeePerGasWei: '9',
        maxPriorityFeePerGasWei: '9',
        atBlock: 1,
      },
    ],
    Array.from({ length: 50 }, () => ({})),
  ])

const text = (random: Random): string =>
  random.pick([
    '',
    'pause-vault',
    'unpause',
    '../../etc',
    "'; drop table x; --",
    '\u0000'.replace('\u0000', 'nul'),
    THIEF,
    UNPAUSE,
    '💥',
  ])

const forgeExecution = async (random: Random, round: number) => {
  const [policy] = await loadPolicies(f.actionsDir)
  const findings = await f.database.db.select({ id: tables.finding.id }).from(tables.finding)
  const epoch = random.int(1, 30)
  if (!policy) throw new Error('no policy')
  const findingId = random.next() < 0.8 ? (random.pick(findings)?.id ?? 'none') : text(random)
  const isKnown = random.next() < 0.7
  return {
    ...(isKnown
      ? nameIntent(policy, epoch, findingId)
      : { id: `x_forged${round}_${random.int(0, 1e9)}`, idempotencyKey: text(random) + round }),
    actionId: isKnown ? 'pause-vault' : text(random),
    policyHash: random.next() < 0.8 ? policy.hash : text(random),
    mode: random.pick(['auto', 'observe', null] as const),
    chainId: random.next() < 0.9 ? f.anvil.chainId : random.int(1, 99),
    findingId,
    status: random.pick(STATUSES),
    target: random.pick([THIEF, f.vault, null]),
    calldata: random.pick([UNPAUSE, PAUSE, '0x', null]),
    signerAddress: random.pick([f.signer, THIEF, null]),
    nonce: random.pick([0, 1, 2, 7, null]),
    txHashes: random.pick([[], [`0x${'cd'.repeat(32)}`]]),
    attempts: (rubbish(random) ?? []) as never,
    simulation: rubbish(random) as never,
    warrant: random.pick([null, rubbish(random)]) as never,
    approvedBy: random.pick([null, 'Ada', 'Ada, Grace']),
    proposedAt: random.pick([null, new Date(0), new Date()]),
    sendingAt: random.pick([null, new Date(0), new Date()]),
    minedTxHash: random.pick([null, `0x${'ef'.repeat(32)}`]),
    minedBlock: random.pick([null, 1, 5]),
    minedBlockHash: random.pick([null, `0x${'aa'.repeat(32)}`]),
    triggeredAtS: random.pick([null, 1, 4_000_000_000]),
    feeWei: random.pick([null, '0', '1']),
    epoch,
  }
}

/** One arbitrary write into a table that the watcher may write to, or more than it may. */
const write = async (random: Random, round: number): Promise<void> => {
  const { db, pool } = f.database
  const { execution } = tables
  await random.pick([
    async () => {
      await db.insert(execution).values(await forgeExecution(random, round))
    },
    async () => {
      await f.find({
        uniqueKey: `u${round}`,
        severity: random.pick(['Critical', 'Info', 'absurd']),
        description: 'y'.repeat(5_000),
        metadata: { target: THIEF, calldata: UNPAUSE, value: '1000000000000000000' },
        addresses: [THIEF],
        botId: random.pick(['tvl-drop', 'tvl-drop', 'other']),
        status: random.pick(['provisional', 'final', 'pending', 'retracted'] as const),
        txHash: random.pick([null, `0x${'12'.repeat(32)}`, 'nonsense']),
      })
    },
    () => db.update(execution).set({ target: THIEF, calldata: UNPAUSE, mode: 'auto' }),
    () => db.update(execution).set({ status: 'requested', attempts: [], sendingAt: null }),
    () => db.update(execution).set({ status: random.pick(STATUSES) }),
    () => db.update(execution).set({ nonce: random.int(0, 9), finalAt: null }),
    () => db.update(execution).set({ feeWei: '0', triggeredAtS: 0, sendingAt: new Date(0) }),
    () => db.update(execution).set({ approvedBy: 'Ada, Grace', approvedAt: new Date() }),
    () => db.delete(execution),
    () => db.delete(tables.executionLog),
    () => db.update(tables.finding).set({ severity: 'Critical', status: 'provisional' }),
    () => db.update(tables.finding).set({ blockTimestampS: Math.floor(Date.now() / 1000) }),
    () =>
      db.insert(tables.executionApproval).values({
        id: `a${round}`,
        executionId: `x_${round}`,
        who: 'Ada',
        role: 'guardian',
        decision: 'approve',
        bytesHash: 'f'.repeat(64),
        via: random.pick(['link', 'cli', 'key', 'console'] as const),
        nonce: `${round}`.padStart(32, '0'),
        expiresAt: new Date(Date.now() + 1e6),
        proof: 'f'.repeat(64),
      }),
    () =>
      pool.query(
        `insert into tocsin.key_value(key, value) values ($1, '{}') on conflict do nothing`,
        [text(random)],
      ),
    () => pool.query(`insert into tocsin.finding_queue(finding_id) values ($1)`, [text(random)]),
    () => pool.query(`select pg_notify($1, $2)`, ['tocsin_execution', text(random)]),
  ])()
  await pool.query('notify tocsin_execution')
}

const play = async (
  config: Config,
  seed: number,
  rounds: number,
  first: 'acts' | 'waits' = 'waits',
): Promise<number> => {
  const random = createRandom(seed)
  const from = await headNumber()
  await f.start({ config })
  const { executions } = await f.find()
  // A true alarm comes before the thief: what was signed for it is there to be abused.
  if (first === 'acts') await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
  for (let round = 0; round < rounds; round++) {
    await write(random, seed * 1_000 + round)
    if (random.next() < 0.5) await sleep(random.int(0, 120))
    if (random.next() < 0.6) await f.mine()
    // The team lifts the pause again, so that there is always something to gain.
    if (random.next() < 0.3 && (await f.isPaused())) await f.asAdmin('unpause')
  }
  await sleep(500)
  await f.stopSigners()
  const sent = await listSent(from)
  expectApproved(sent)
  return sent.length
}

test('behavior: arbitrary rows in every table bring about nothing but the approved call, and no more often than allowed', async () => {
  await f.writePolicy({
    cooldownS: 0,
    limits: { maxPerWindow: 2, windowS: 86_400, maxLifetime: 2 },
  })
  const sent = await play(f.config, 1, ROUNDS, 'acts')
  // It proves nothing where nothing was ever signed.
  expect(sent).toBeGreaterThan(0)
  expect(sent).toBeLessThanOrEqual(2)
}, 120_000)

test('behavior: where people must approve, no row is an approval', async () => {
  await f.writePolicy({ mode: 'propose', approval: { timeoutS: 600, onTimeout: 'execute' } })
  expect(await play(f.config, 2, ROUNDS / 2)).toBe(0)
}, 120_000)

test('behavior: where approvers must sign the file, no row and no edited file is a signature', async () => {
  await f.writePolicy()
  const config = {
    ...f.config,
    signer: { ...f.config.signer, approvers: [{ name: 'Ada', address: THIEF }] },
  } as unknown as Config
  expect(await play(config, 3, ROUNDS / 3)).toBe(0)
}, 120_000)

test('behavior: a record of decisions that somebody changed is seen to be changed', async () => {
  await f.writePolicy()
  await f.start()
  const { executions } = await f.find()
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
  await f.mine()
  await f.until(executions[0] ?? '', ({ status }) => status === 'succeeded')
  const { db } = f.database
  expect((await verifyExecutionLog(db)).ok).toBe(true)
  await db
    .update(tables.executionLog)
    .set({ detail: { target: THIEF } })
    .where(eq(tables.executionLog.event, 'sending'))
  expect((await verifyExecutionLog(db)).ok).toBe(false)
})
