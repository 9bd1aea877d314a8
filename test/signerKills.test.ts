import { setTimeout as delay } from 'node:timers/promises'
import { desc, eq } from 'drizzle-orm'
import pg from 'pg'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyExecutionLog } from '../core/response/index.ts'
import { tables } from '../core/store/index.ts'
import { askForPause } from './support/askForPause.ts'
import { type Stack, startStack } from './support/stack.ts'
import { startTappedNode, type Tap, type TappedNode } from './support/tappedNode.ts'

/*
 * The signer, as a process of its own, is killed at every step of a response: at each of its calls to the node, on the
 * way there and on the way back, and as soon as each of its own steps is committed. Whatever the instant: exactly one
 * pause takes effect, or an honest failure that pages.
 */
const CALLS = [
  'eth_getBlockByNumber',
  'eth_getCode',
  'eth_getStorageAt',
  'eth_call',
  'eth_simulateV1',
  'eth_getTransactionCount',
  'eth_feeHistory',
  'eth_getBalance',
  'eth_sendRawTransaction',
  'eth_getTransactionReceipt',
]
const STEPS = ['requested', 'sending', 'sent', 'mined', 'succeeded'] as const

type Instant = Tap | { readonly status: (typeof STEPS)[number]; readonly afterMs: number }
const INSTANTS: readonly Instant[] = [
  ...CALLS.flatMap((method): Instant[] => [
    { method, when: 'before' },
    { method, when: 'after' },
  ]),
  ...STEPS.flatMap((status): Instant[] => [0, 5, 20].map((afterMs) => ({ status, afterMs }))),
]
/** Every sixth instant, or as many rounds as asked for, through all instants again and again. */
const asked = Number(process.env['TOCSIN_SIGNER_KILLS'] ?? 0)
const PLAN =
  asked > 0
    ? Array.from({ length: asked }, (_, round) => INSTANTS[round % INSTANTS.length] as Instant)
    : INSTANTS.filter((_, index) => index % 6 === 0 || index === CALLS.length * 2 - 3)
const PAUSED_EVENT = '0x62e78cea01bee320cd4e420270b5ea74000d11b0c9f74754ebdbfc544b05a258'
const ENDS: readonly string[] = ['succeeded', 'failed', 'refused']

let stack: Stack
let node: TappedNode
let listener: pg.Client
const heard = new Set<() => void>()

beforeAll(async () => {
  stack = await startStack({
    only: ['signer'],
    users: 1,
    restartCapMs: 200,
    prepare: async (anvil) => {
      node = await startTappedNode(anvil.url)
    },
    watchlist: (text) =>
      text.replace(/signer:\n {2}rpc: .*\n/, `signer:\n  rpc: { local: [${node.url}] }\n`),
    policy: (text) =>
      text
        .replace('maxPerWindow: 1,', 'maxPerWindow: 1000,')
        .replace('maxLifetime: 10 ', 'maxLifetime: 10000 ')
        .replace('cooldownS: 3600', 'cooldownS: 0')
        .replace('0.5 ether', '5000 ether')
        .replace('freshness: { blocks: 10,', 'freshness: { blocks: 500,')
        .replace('confirmations: 3', 'confirmations: 1'),
  })
  listener = new pg.Client({ connectionString: stack.supervisor.databaseUrl })
  await listener.connect()
  listener.on('notification', () => {
    for (const hear of heard) hear()
  })
  await listener.query('listen tocsin_execution')
}, 180_000)

afterAll(async () => {
  await listener?.end().catch(() => undefined)
  await stack?.stop()
  await node?.stop()
})

const kill = (): void => {
  const pid = stack.supervisor.processes().find(({ name }) => name === 'signer')?.pid
  if (pid) process.kill(pid, 'SIGKILL')
}

const statusOf = async (id: string): Promise<string> => {
  const { db } = stack.store
  const [row] = await db.select().from(tables.execution).where(eq(tables.execution.id, id))
  return row?.status ?? ''
}

/** Resolves when the kill was done, or never. */
const arm = (instant: Instant, id: () => string | undefined): Promise<void> => {
  if ('method' in instant) return node.tap(instant, kill)
  return new Promise((resolve) => {
    const hear = (): void => {
      const execution = id()
      if (!execution) return
      void statusOf(execution).then(async (status) => {
        if (status !== instant.status || !heard.delete(hear)) return
        await delay(instant.afterMs)
        kill()
        resolve()
      })
    }
    heard.add(hear)
  })
}

const isPaused = async (): Promise<boolean> =>
  (await stack.anvil.rpc<Hex>('eth_call', [
    { to: stack.deployment.vault.address, data: '0x5c975abb' },
    'latest',
  ])) === `0x${'1'.padStart(64, '0')}`

const pausesSince = async (block: number): Promise<number> =>
  (
    await stack.anvil.rpc<unknown[]>('eth_getLogs', [
      {
        address: stack.deployment.vault.address,
        topics: [PAUSED_EVENT],
        fromBlock: `0x${block.toString(16)}`,
        toBlock: 'latest',
      },
    ])
  ).length

/** Mines by hand, as time goes by, until the execution has ended. */
const untilEnded = async (id: string): Promise<string> => {
  for (let tries = 0; tries < 300; tries++) {
    const status = await statusOf(id)
    if (ENDS.includes(status)) return status
    await stack.anvil.rpc('evm_mine')
    for (const hear of heard) hear()
    await delay(100)
  }
  throw new Error(`${id} did not end: ${await statusOf(id)}`)
}

test(
  `behavior: kill -9 of the signer at ${PLAN.length} instants: one pause each, or a failure that pages`,
  async () => {
    const { anvil, store } = stack
    let killed = 0
    for (const [round, instant] of PLAN.entries()) {
      const what = JSON.stringify({ round, ...instant })
      const from = Number(await anvil.rpc('eth_blockNumber')) + 1
      let id: string | undefined
      let isKilled = false
      void arm(instant, () => id).then(() => {
        isKilled = true
      })
      id = await askForPause(stack, `round-${round}`)
      const status = await untilEnded(id)
      // An instant after the end is still one at which it may die.
      for (let tries = 0; tries < 40 && !isKilled; tries++) await delay(25)
      node.clear()
      heard.clear()
      if (isKilled) killed++
      expect([what, await isPaused()]).toEqual([what, status === 'succeeded'])
      expect([what, await pausesSince(from)]).toEqual([what, status === 'succeeded' ? 1 : 0])
      if (status !== 'succeeded') {
        const pages = await store.db
          .select()
          .from(tables.finding)
          .where(eq(tables.finding.uniqueKey, id))
        expect([what, pages.map(({ alertId }) => alertId)]).toEqual([
          what,
          [status === 'failed' ? 'EXECUTION-FAILED' : 'EXECUTION-REFUSED'],
        ])
      } else await stack.unpause()
      await anvil.rpc('evm_mine')
    }
    expect(killed).toBeGreaterThanOrEqual(Math.floor(PLAN.length * 0.8))
    const rows = await store.db
      .select()
      .from(tables.execution)
      .orderBy(desc(tables.execution.epoch))
    expect(rows).toHaveLength(PLAN.length)
    expect(await verifyExecutionLog(store.db)).toMatchObject({ ok: true })
    process.stdout.write(
      `${killed} kills in ${PLAN.length} rounds: ${rows.filter(({ status }) => status === 'succeeded').length} pauses, ${rows.filter(({ status }) => status !== 'succeeded').length} failures told\n`,
    )
  },
  asked > 0 ? asked * 30_000 : 300_000,
)
