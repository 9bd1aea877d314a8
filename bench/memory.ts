import { setTimeout as delay } from 'node:timers/promises'
import { encodeFunctionData } from 'viem'
import { measureMemory } from '../demo/measureMemory.ts'
import { startStack } from '../test/support/stack.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { median, printTable, printVerdicts } from './support/report.ts'

endOnSignal()

/**
 * Resident memory of the whole stack (every process of Tocsin and its Postgres, without the chain) over many blocks
 * of ordinary traffic: how large, and does it grow.
 */
const short = process.argv.includes('--short')
const BLOCKS = short ? 200 : 10_000
const SAMPLES = short ? 8 : 40
const TRANSACTIONS = 4
const MIB = 1_048_576
const LIMIT_MIB = 1_536
/** Growth of the last fifth over the second fifth that still counts as flat. */
const FLAT = 1.1

const stack = await startStack({
  only: ['watcher', 'notifier', 'signer', 'indexer', 'console'],
  catalogue: true,
})
let failed = false
try {
  const { anvil, deployment, supervisor, store } = stack
  const users = deployment.users.map(({ address }) => address)
  const queue = (block: number): string =>
    JSON.stringify(
      Array.from({ length: TRANSACTIONS }, (_, i) => ({
        jsonrpc: '2.0',
        id: i,
        method: 'eth_sendTransaction',
        params: [
          {
            from: users[(block + i) % users.length],
            to: deployment.usd.address,
            gas: '0x186a0',
            data: encodeFunctionData({
              abi: deployment.usd.abi,
              functionName: 'transfer',
              args: [users[(block + i + 1) % users.length], BigInt(1 + i)],
            }),
          },
        ],
      })),
    )
  const committed = async (): Promise<number> => {
    const { rows } = await store.pool.query<{ number: string }>(
      'select number from tocsin.chain_cursor',
    )
    return Number(rows[0]?.number ?? 0)
  }
  const postgresPid = async (): Promise<number> => {
    const { rows } = await store.pool.query<{ pid: string }>(
      "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid",
    )
    return Number(rows[0]?.pid)
  }
  const roots = [...supervisor.processes(), { name: 'postgres', pid: await postgresPid() }]
  const samples: { readonly block: number; readonly uses: ReadonlyMap<string, number> }[] = []
  const sample = async (block: number): Promise<void> => {
    const uses = await measureMemory(roots)
    samples.push({ block, uses: new Map(uses.map(({ name, bytes }) => [name, bytes / MIB])) })
  }
  const totalOf = (entry: { readonly uses: ReadonlyMap<string, number> }): number =>
    [...entry.uses.values()].reduce((sum, value) => sum + value, 0)

  console.log(`Memory: ${BLOCKS} blocks of ${TRANSACTIONS} transactions, all processes.`)
  const first = Number(await anvil.rpc('eth_blockNumber'))
  await sample(0)
  for (let block = 1; block <= BLOCKS; block++) {
    await fetch(anvil.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: queue(block),
    })
    await anvil.rpc('evm_mine')
    // The watcher follows closely, so that this is the live path and not a catch-up.
    for (let tries = 0; tries < 3_000 && (await committed()) < first + block - 2; tries++)
      await delay(5)
    if (block % Math.floor(BLOCKS / SAMPLES) === 0) await sample(block)
  }
  const names = roots.map(({ name }) => name)
  const shown = samples.filter(
    (_, index) => index % Math.ceil(samples.length / 8) === 0 || index === samples.length - 1,
  )
  printTable([
    ['MiB at block', ...names, 'total'],
    ...shown.map((entry) => [
      String(entry.block),
      ...names.map((name) => (entry.uses.get(name) ?? 0).toFixed(0)),
      totalOf(entry).toFixed(0),
    ]),
  ])
  const fifth = Math.floor(samples.length / 5)
  const early = median(samples.slice(fifth, 2 * fifth).map(totalOf))
  const late = median(samples.slice(-fifth).map(totalOf))
  const peak = Math.max(...samples.map(totalOf))
  const verdicts = [
    {
      what: 'resident memory of the whole stack, peak',
      measured: `${peak.toFixed(0)} MiB`,
      target: `<= ${LIMIT_MIB} MiB`,
      ok: peak <= LIMIT_MIB,
    },
    {
      what: 'last fifth against second fifth',
      measured: `${(late / early).toFixed(2)} x`,
      target: `<= ${FLAT} x`,
      ok: late / early <= FLAT,
    },
  ]
  printVerdicts(verdicts)
  failed = !short && verdicts.some(({ ok }) => !ok)
} finally {
  await stack.stop()
}
process.exitCode = failed ? 1 : 0
