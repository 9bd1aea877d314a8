import { setTimeout as delay } from 'node:timers/promises'
import type { Hex } from 'viem'
import WebSocket from 'ws'
import { tables } from '../core/store/index.ts'
import { callOf, createSender, type SendRequest } from '../demo/contracts/index.ts'
import { type Stack, startStack } from '../test/support/stack.ts'
import { giveBack, sendAttack, takeManagerRole } from './support/attackStep.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { percentile, printTable, printVerdicts } from './support/report.ts'

endOnSignal()

/**
 * Before the block: a pending attack seen to the competing pause broadcast, and which of the two stands first in the
 * block. Both are timed as the node's own WebSocket announces them to this program. The block is closed a fixed time
 * after the attack was announced, whether the pause is there or not; the node takes who pays most first.
 */
const short = process.argv.includes('--short')
const ROUNDS = short ? 10 : 100
/** Other people's pending transactions of each round; a third of them touches what is watched. */
const NOISE = 18
const CLOSES_AFTER_MS = 200
const GWEI = 1_000_000_000n

const nowMs = (): number => performance.timeOrigin + performance.now()

type Announced = { readonly hash: Hex; readonly from: string; readonly atMs: number }

/** Pending transactions as the node announces them. */
const listen = async (url: string) => {
  const socket = new WebSocket(url)
  const announced = new Map<Hex, Announced>()
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('message', (data) => {
    const atMs = nowMs()
    const { params } = JSON.parse(String(data)) as {
      params?: { result?: { hash?: Hex; from?: string } }
    }
    const { hash, from } = params?.result ?? {}
    if (hash && from) announced.set(hash, { hash, from: from.toLowerCase(), atMs })
  })
  const params = ['newPendingTransactions', true]
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params }))
  return {
    of: (hash: Hex) => announced.get(hash),
    from: (address: string, sinceMs: number) =>
      [...announced.values()].find(
        (each) => each.from === address.toLowerCase() && each.atMs >= sinceMs,
      ),
    stop: () => socket.terminate(),
  }
}

const waitFor = async <T>(what: string, look: () => Promise<T | undefined> | T | undefined) => {
  for (let tries = 0; tries < 6_000; tries++) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await delay(5)
  }
  throw new Error(`waited 30 s for ${what}`)
}

type Receipt = { readonly blockNumber: Hex; readonly transactionIndex: Hex; readonly status: Hex }
const placeOf = (receipt: Receipt | null): number =>
  receipt
    ? Number(receipt.blockNumber) * 1_000_000 + Number(receipt.transactionIndex)
    : Number.POSITIVE_INFINITY

const follow = async (stack: Stack): Promise<void> => {
  const { anvil, store } = stack
  const head = Number(await anvil.rpc('eth_blockNumber'))
  await waitFor(`block ${head} to be committed`, async () => {
    const [cursor] = await store.db.select().from(tables.chainCursor)
    return cursor && cursor.number >= head ? true : undefined
  })
}

const stack = await startStack({
  only: ['watcher', 'signer'],
  anvil: { order: 'fees' },
  watchlist: (text) =>
    text
      .replace('blockTimeMs: 1000', 'blockTimeMs: 1000\n    pending: {}')
      .replace('  tvl-drop: {}', '  tvl-drop: { parameters: { minSamples: 1 } }'),
  policy: (text) =>
    `${text
      .replace('maxPerWindow: 1,', 'maxPerWindow: 1000,')
      .replace('maxLifetime: 10 ', 'maxLifetime: 10000 ')
      .replace('cooldownS: 3600', 'cooldownS: 0')
      .replace('0.5 ether', '5000 ether')
      .replace('confirmations: 3', 'confirmations: 1')
      .trimEnd()}\npending: { answer: true, maxPriorityFeePerGasWei: 200 gwei }\n`,
})
let failed = false
const heard = await listen(stack.anvil.wsUrl)
try {
  const { anvil, deployment, store } = stack
  const pauser = deployment.actors.pauser.address
  const mine = async (): Promise<void> => {
    await anvil.rpc('evm_mine')
  }
  const userAt = (index: number): Hex => {
    const user = deployment.users[index % deployment.users.length]
    if (!user) throw new Error('there are no users')
    return user.address
  }
  const sender = await createSender({
    rpcUrl: anvil.url,
    accounts: [...Object.values(deployment.actors), ...deployment.users],
  })
  const noise = (round: number): readonly SendRequest[] =>
    Array.from({ length: NOISE }, (_, index): SendRequest => {
      const [from, to] = [userAt(index), userAt(index + 1 + round)]
      if (index % 3 === 0)
        return callOf(from, deployment.usd, 'transfer', [to, 1_000n], { gas: 100_000n })
      return callOf(from, deployment.weth, 'approve', [to, BigInt(index)], { gas: 100_000n })
    })
  await takeManagerRole(stack)
  for (let blocks = 0; blocks < 3; blocks++) {
    await mine()
    await follow(stack)
  }
  console.log(
    `Before the block: ${ROUNDS} attacks among ${NOISE} other pending transactions each; the block closes ${CLOSES_AFTER_MS} ms after the attack is announced.`,
  )
  const latencies: number[] = []
  let ahead = 0
  for (let round = 0; round < ROUNDS; round++) {
    await sender.send(noise(round))
    const tipWei = GWEI * BigInt(2 + (round % 90))
    const { hash, units } = await sendAttack(stack, tipWei)
    const seen = await waitFor('the attack to be announced', () => heard.of(hash))
    await delay(Math.max(0, seen.atMs + CLOSES_AFTER_MS - nowMs()))
    await mine()
    const answer = await waitFor('the pause', () => heard.from(pauser, seen.atMs))
    latencies.push(answer.atMs - seen.atMs)
    await mine()
    const receipts = await Promise.all(
      [answer.hash, hash].map((each) =>
        anvil.rpc<Receipt | null>('eth_getTransactionReceipt', [each]),
      ),
    )
    const [pause, attack] = [receipts[0] ?? null, receipts[1] ?? null]
    if (placeOf(pause) < placeOf(attack) && attack?.status === '0x0') ahead++
    await mine()
    await waitFor('the pause to hold', async () => {
      const rows = await store.db.select().from(tables.execution)
      return rows.some(({ status }) => ['requested', 'sending', 'sent', 'mined'].includes(status))
        ? undefined
        : true
    })
    await stack.unpause()
    if (attack?.status === '0x1') await giveBack(stack, units)
    await mine()
    await follow(stack)
    await delay(100)
  }
  printTable([
    ['milliseconds', 'n', 'p50', 'p90', 'p99', 'max'],
    [
      'pending attack seen to pause broadcast',
      String(latencies.length),
      ...[50, 90, 99, 100].map((p) => percentile(latencies, p).toFixed(1)),
    ],
  ])
  const mean = latencies.reduce((sum, each) => sum + each, 0) / latencies.length
  for (const seconds of [1, 12])
    console.log(
      `An attack at any moment of a ${seconds} s block leaves time enough in ${(100 - mean / seconds / 10).toFixed(1)} % of cases.`,
    )
  const p99 = percentile(latencies, 99)
  const verdicts = [
    {
      what: 'pending attack seen to pause broadcast, p99',
      measured: `${p99.toFixed(1)} ms`,
      target: '<= 150 ms',
      ok: p99 <= 150,
    },
    {
      what: 'rounds in which the pause stands before the attack',
      measured: `${ahead} of ${ROUNDS}`,
      target: '>= 99 of 100',
      ok: ahead >= ROUNDS * 0.99,
    },
  ]
  printVerdicts(verdicts)
  if (latencies.length !== ROUNDS) throw new Error('figures are missing')
  failed = !short && verdicts.some(({ ok }) => !ok)
} finally {
  heard.stop()
  await stack.stop()
}
process.exitCode = failed ? 1 : 0
