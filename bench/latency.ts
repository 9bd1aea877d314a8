import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Hex } from 'viem'
import WebSocket from 'ws'
import { tables } from '../core/store/index.ts'
import { callOf, createSender, type SendRequest } from '../demo/contracts/index.ts'
import { startStack } from '../test/support/stack.ts'
import { giveBack, rob, takeManagerRole } from './support/attackStep.ts'
import { countExecutions } from './support/countExecutions.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { percentile, printTable, printVerdicts } from './support/report.ts'

endOnSignal()

/**
 * New head at the node to finding committed, and to pause broadcast: blocks of 200 transactions, a tenth of which
 * touch what is watched, all bots on (with `--four` the first four only),
 * chain, Postgres, watcher and signer on this one machine. The clock starts when the node's own WebSocket announces
 * the head to this program, and stops at Postgres' notification of the commit.
 */
const short = process.argv.includes('--short')
/** Blocks that count, after so many in which the programs are still compiled by their engine: those are printed alone. */
const BLOCKS = short ? 40 : 400
const COLD = short ? 0 : 80
const TRANSACTIONS = 200
/** Every so many blocks the vault is robbed, paused and opened again. */
const ATTACK_EVERY = short ? 8 : 4

/** Between two looks into Postgres, which is busy with what is measured. */
const POLL_MS = 50

const nowMs = (): number => performance.timeOrigin + performance.now()

const stack = await startStack({
  only: ['watcher', 'signer'],
  catalogue: !process.argv.includes('--four'),
  watchlist: (text) => text.replace("threshold: '250000'", "threshold: '1000'"),
  policy: (text) =>
    text
      .replace('maxPerWindow: 1,', 'maxPerWindow: 1000,')
      .replace('maxLifetime: 10 ', 'maxLifetime: 10000 ')
      .replace('cooldownS: 3600', 'cooldownS: 0')
      .replace('0.5 ether', '5000 ether')
      .replace('confirmations: 3', 'confirmations: 1'),
})
let failed = false
const heads = new Map<number, number>()
const commits = new Map<number, number>()
const socket = new WebSocket(stack.anvil.wsUrl)
const listener = new pg.Client({ connectionString: stack.supervisor.databaseUrl })
try {
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('message', (data) => {
    const atMs = nowMs()
    const message = JSON.parse(String(data)) as { params?: { result?: { number?: string } } }
    const number = message.params?.result?.number
    if (number !== undefined) heads.set(Number(number), atMs)
  })
  socket.send(
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }),
  )
  await listener.connect()
  let lastCommitted = 0
  listener.on('notification', ({ payload }) => {
    const atMs = nowMs()
    const number = Number(/(\d+)$/.exec(payload ?? '')?.[1] ?? 0)
    if (number > 0 && !commits.has(number)) commits.set(number, atMs)
    lastCommitted = Math.max(lastCommitted, number)
  })
  await listener.query('listen tocsin_block')

  const { anvil, deployment } = stack
  const userAt = (index: number): Hex => {
    const user = deployment.users[index % deployment.users.length]
    if (!user) throw new Error('there are no users')
    return user.address
  }
  const sender = await createSender({
    rpcUrl: anvil.url,
    accounts: [...Object.values(deployment.actors), ...deployment.users],
  })
  const transfer = (from: Hex, to: Hex, value: bigint): SendRequest =>
    callOf(from, deployment.usd, 'transfer', [to, value], { gas: 100_000n })
  const send = (transactions: readonly SendRequest[]): Promise<unknown> => sender.send(transactions)
  const mine = async (): Promise<number> => {
    await anvil.rpc('evm_mine')
    return Number(await anvil.rpc('eth_blockNumber'))
  }
  const waitFor = async (
    what: string,
    isThere: () => boolean | Promise<boolean>,
    pauseMs = 10,
  ): Promise<void> => {
    for (const end = nowMs() + 30_000; nowMs() < end; await delay(pauseMs))
      if (await isThere()) return
    throw new Error(`waited 30 s for ${what}`)
  }

  await takeManagerRole(stack)
  await waitFor(
    'the watcher to follow the head',
    async () => lastCommitted >= Number(await anvil.rpc('eth_blockNumber')),
  )
  const first = Number(await anvil.rpc('eth_blockNumber')) + 1
  console.log(
    `Latency: ${BLOCKS} blocks of ${TRANSACTIONS} transactions after ${COLD} to grow warm, an attack every ${ATTACK_EVERY} blocks.`,
  )
  let attacks = 0
  let warm = first
  for (let index = 0; index < COLD + BLOCKS; index++) {
    const isAttack = index % ATTACK_EVERY === ATTACK_EVERY - 1
    await send(
      Array.from({ length: TRANSACTIONS - 1 }, (_, i) => {
        // A tenth touches what is watched, as in a busy hour of a real chain; the rest is other people's business.
        const [from, to] = [userAt(i), userAt(i + 1 + index)]
        if (i % 10 === 0) return transfer(from, to, 1_000n + BigInt(i))
        if (i % 3 === 0) return { from, to, valueWei: 1n, gas: 21_000n }
        return callOf(from, deployment.weth, 'approve', [to, BigInt(i)], { gas: 100_000n })
      }),
    )
    // One that large-transfer reports, so that every block has a finding to commit.
    await send([transfer(deployment.actors.marketMaker.address, userAt(0), 2_000n * 10n ** 6n)])
    const loot = isAttack ? await rob(stack) : 0n
    const number = await mine()
    if (index === COLD) warm = number
    await waitFor(`block ${number} to be committed`, () => commits.has(number))
    if (isAttack) {
      attacks++
      await waitFor(
        'the pause to be broadcast',
        async () => (await countExecutions(stack.store, 'broadcast')) >= attacks,
        POLL_MS,
      )
      await mine()
      await waitFor(
        'the pause to hold',
        async () => (await countExecutions(stack.store, 'succeeded')) >= attacks,
        POLL_MS,
      )
      await stack.unpause()
      await giveBack(stack, loot)
      await mine()
    }
    await delay(20)
  }

  const findings = await stack.store.db.select().from(tables.finding)
  const withFinding = new Set(findings.map((row) => row.blockNumber))
  const executions = await stack.store.db.select().from(tables.execution)
  /** What was measured of the blocks from the first to before the last. */
  const figuresOf = (from: number, before: number) => {
    const within = (number: number): boolean => number >= from && number < before
    const full = [...commits].flatMap(([number, committedMs]) => {
      const headMs = heads.get(number)
      return within(number) && headMs !== undefined
        ? [{ number, waitedMs: committedMs - headMs }]
        : []
    })
    return {
      full: full.map(({ waitedMs }) => waitedMs),
      toFinding: full.flatMap(({ number, waitedMs }) =>
        withFinding.has(number) ? [waitedMs] : [],
      ),
      toBroadcast: executions.flatMap((row) => {
        const source = findings.find(({ id }) => id === row.findingId)
        const headMs = source && heads.get(source.blockNumber)
        return row.broadcastAt && headMs && within(source.blockNumber)
          ? [row.broadcastAt.getTime() - headMs]
          : []
      }),
    }
  }
  const cold = figuresOf(first, warm)
  const { full, toFinding, toBroadcast } = figuresOf(warm, Number.POSITIVE_INFINITY)
  const row = (what: string, values: readonly number[]): string[] => [
    what,
    String(values.length),
    ...[50, 90, 99, 100].map((p) => percentile(values, p).toFixed(1)),
  ]
  printTable([
    ['milliseconds', 'n', 'p50', 'p90', 'p99', 'max'],
    row('head to commit, every block', full),
    row('head to finding committed', toFinding),
    row('head to pause broadcast', toBroadcast),
    ...(COLD > 0
      ? [
          row('cold: head to finding committed', cold.toFinding),
          row('cold: head to pause broadcast', cold.toBroadcast),
        ]
      : []),
  ])
  const verdicts = [
    {
      what: 'head to finding, p50',
      measured: `${percentile(toFinding, 50).toFixed(1)} ms`,
      target: '<= 30 ms',
      ok: percentile(toFinding, 50) <= 30,
    },
    {
      what: 'head to finding, p99',
      measured: `${percentile(toFinding, 99).toFixed(1)} ms`,
      target: '<= 120 ms',
      ok: percentile(toFinding, 99) <= 120,
    },
    {
      what: 'head to pause broadcast, p99',
      measured: `${percentile(toBroadcast, 99).toFixed(1)} ms`,
      target: '<= 150 ms',
      ok: percentile(toBroadcast, 99) <= 150,
    },
  ]
  printVerdicts(verdicts)
  if (
    toFinding.length < (short ? BLOCKS * 0.9 : 300) ||
    toBroadcast.length + cold.toBroadcast.length !== attacks
  )
    throw new Error('figures are missing')
  failed = !short && verdicts.some(({ ok }) => !ok)
} finally {
  socket.terminate()
  await listener.end().catch(() => undefined)
  await stack.stop()
}
process.exitCode = failed ? 1 : 0
