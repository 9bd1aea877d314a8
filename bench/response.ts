import { setTimeout as delay } from 'node:timers/promises'
import { tables } from '../core/store/index.ts'
import { callOf, createSender } from '../demo/contracts/index.ts'
import { type Stack, startStack } from '../test/support/stack.ts'
import { giveBack, rob, takeManagerRole } from './support/attackStep.ts'
import { countExecutions } from './support/countExecutions.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { percentile, printTable, printVerdicts } from './support/report.ts'

endOnSignal()

/**
 * Finding committed to pause broadcast, and to pause seen mined, on a chain that mines by the clock: blocks of 1 s, and
 * of 12 s. Real watcher and signer, simulation on. The clock starts when the intent is written in the transaction that
 * commits the finding.
 */
const short = process.argv.includes('--short')
/** `--block-time=12` measures that one alone. */
const only = Number(
  process.argv.find((argument) => argument.startsWith('--block-time='))?.split('=')[1] ??
    Number.NaN,
)
const ALL = short
  ? [{ blockTimeS: 1, rounds: 5 }]
  : [
      { blockTimeS: 1, rounds: 100 },
      { blockTimeS: 12, rounds: 25 },
    ]
const RUNS = ALL.filter(({ blockTimeS }) => Number.isNaN(only) || blockTimeS === only)
const TRANSACTIONS = 50
const BROADCAST_LIMIT_MS = 100

type Round = { readonly toBroadcastMs: number; readonly toMinedMs: number; readonly blocks: number }

const policyForMany = (text: string): string =>
  text
    .replace('maxPerWindow: 1,', 'maxPerWindow: 1000,')
    .replace('maxLifetime: 10 ', 'maxLifetime: 10000 ')
    .replace('cooldownS: 3600', 'cooldownS: 0')
    .replace('0.5 ether', '5000 ether')
    .replace('confirmations: 3', 'confirmations: 1')

const waitFor = async (
  what: string,
  limitS: number,
  isThere: () => Promise<boolean>,
): Promise<void> => {
  for (const began = performance.now(); performance.now() - began < limitS * 1_000; ) {
    if (await isThere()) return
    await delay(50)
  }
  throw new Error(`waited ${limitS} s for ${what}`)
}

const measure = async (stack: Stack, blockTimeS: number, rounds: number): Promise<Round[]> => {
  const { anvil, deployment, store } = stack
  const { users, actors, usd, weth } = deployment
  const head = async (): Promise<number> => Number(await anvil.rpc('eth_blockNumber'))
  const nextBlock = async (): Promise<void> => {
    const before = await head()
    await waitFor('a block', 4 * blockTimeS + 10, async () => (await head()) > before)
  }
  const sender = await createSender({
    rpcUrl: anvil.url,
    accounts: [...Object.values(actors), ...users],
  })
  const userAt = (index: number) => {
    const user = users[index % users.length]
    if (!user) throw new Error('there are no users')
    return user.address
  }
  const beOrdinary = async (): Promise<void> => {
    await sender.send(
      Array.from({ length: TRANSACTIONS }, (_, i) =>
        i % 10 === 0
          ? callOf(userAt(i), usd, 'transfer', [userAt(i + 1), 1_000n], { gas: 100_000n })
          : callOf(userAt(i), weth, 'approve', [userAt(i + 1), BigInt(i)], { gas: 100_000n }),
      ),
    )
  }
  await takeManagerRole(stack)
  await anvil.rpc('evm_setIntervalMining', [blockTimeS])
  const succeeded = (): Promise<number> => countExecutions(store, 'succeeded')
  const done = await succeeded()
  for (let round = 0; round < rounds; round++) {
    await beOrdinary()
    const loot = await rob(stack)
    await waitFor('the pause', 6 * blockTimeS + 30, async () => (await succeeded()) > done + round)
    await stack.unpause()
    await giveBack(stack, loot)
    await nextBlock()
    await nextBlock()
    if ((round + 1) % 10 === 0) console.log(`  ${round + 1} of ${rounds} attacks answered`)
  }
  const findings = await store.db.select().from(tables.finding)
  return (await store.db.select().from(tables.execution)).flatMap((row) => {
    const found = findings.find(({ id }) => id === row.findingId)
    if (!found || !row.broadcastAt || !row.minedAt || row.minedBlock === null) return []
    return [
      {
        toBroadcastMs: row.broadcastAt.getTime() - row.requestedAt.getTime(),
        toMinedMs: row.minedAt.getTime() - row.requestedAt.getTime(),
        blocks: row.minedBlock - found.blockNumber,
      },
    ]
  })
}

let failed = false
for (const { blockTimeS, rounds } of RUNS) {
  console.log(
    `Response: ${rounds} attacks among ${TRANSACTIONS} ordinary transactions each, blocks of ${blockTimeS} s.`,
  )
  const stack = await startStack({ only: ['watcher', 'signer'], policy: policyForMany })
  try {
    const measured = await measure(stack, blockTimeS, rounds)
    const row = (what: string, values: readonly number[], digits: number): string[] => [
      what,
      String(values.length),
      ...[50, 90, 99, 100].map((p) => percentile(values, p).toFixed(digits)),
    ]
    const toBroadcast = measured.map(({ toBroadcastMs }) => toBroadcastMs)
    const blocks = measured.map((each) => each.blocks)
    printTable([
      ['', 'n', 'p50', 'p90', 'p99', 'max'],
      row('finding to broadcast (ms)', toBroadcast, 1),
      row(
        'finding to seen mined (ms)',
        measured.map(({ toMinedMs }) => toMinedMs),
        0,
      ),
      row('blocks from the attack to the pause', blocks, 0),
    ])
    const verdicts = [
      {
        what: 'finding to broadcast, p99',
        measured: `${percentile(toBroadcast, 99).toFixed(1)} ms`,
        target: `<= ${BROADCAST_LIMIT_MS} ms`,
        ok: percentile(toBroadcast, 99) <= BROADCAST_LIMIT_MS,
      },
      {
        what: 'the pause stands in the block after the attack',
        measured: `${blocks.filter((count) => count === 1).length} of ${rounds}`,
        target: `${rounds} of ${rounds}`,
        ok: blocks.length === rounds && blocks.every((count) => count === 1),
      },
    ]
    printVerdicts(verdicts)
    if (measured.length !== rounds) throw new Error('figures are missing')
    failed ||= !short && verdicts.some(({ ok }) => !ok)
  } finally {
    await stack.stop()
  }
}
process.exitCode = failed ? 1 : 0
