import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LARGE_UNITS, startBenchChain } from './support/chain.ts'
import { compareSides } from './support/compareSides.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { createFortaBot } from './support/fortaBot.ts'
import { startReplayNode } from './support/replayNode.ts'
import { printVerdicts } from './support/report.ts'
import { runTimed, type TimedRun } from './support/runTimed.ts'

/**
 * `tocsin backtest` beside the SDK's own `forta-agent run --range`: equivalent bots, the same blocks from the same
 * node, traces on for both, in turn in one run; once as fast as the node answers, once with 100 ms on every request.
 */
const short = process.argv.includes('--short')
const BLOCKS = short ? 30 : 600
const TRANSACTIONS = 50
const SLOW_BLOCKS = short ? 10 : 300
const ROUNDS = short ? 1 : 3
const SLOW_ROUNDS = short ? 1 : 2

/** In the output of both, once for each block. */
const MARK = 'LARGE-TRANSFER'

const tocsinBot = `
import { defineBot } from 'tocsin'
import { z } from 'zod'
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const THRESHOLD = ${LARGE_UNITS}n
export const baseline = defineBot({
  id: 'baseline',
  version: '1.0.0',
  summary: 'One finding for every transfer above the threshold, with the call traces at hand.',
  parameters: z.object({}),
  alerts: [{ id: 'LARGE-TRANSFER', title: 'Large transfer', kind: 'event', severity: 'Low' }],
  kinds: ['token'],
  needs: ({ things }) => ({
    logs: [{ address: things.map((t) => t.address), topics: [TRANSFER] }],
    calls: things.map((t) => ({ to: t.address })),
    traces: { mode: 'always', addresses: things.map((t) => t.address) },
  }),
  handleTransaction: (tx, ctx, block) =>
    tx.logs
      .filter((log) => log.topics[0] === TRANSFER && ctx.thingAt(log.address) && BigInt(log.data) > THRESHOLD)
      .map((log) => ({
        alertId: 'LARGE-TRANSFER', name: 'Large transfer', severity: 'Low', type: 'Info', txHash: tx.hash,
        uniqueKey: String(log.logIndex),
        description: BigInt(log.data) + ' units moved; traces ' + block.calls.filter((c) => c.txHash === tx.hash).length,
        metadata: { value: BigInt(log.data).toString() },
      })),
})
`

endOnSignal()

const must = (run: TimedRun, who: string): TimedRun => {
  if (run.exitCode !== 0)
    throw new Error(
      `${who} ended with ${run.exitCode}: ${run.stderr.slice(-2_000)}${run.stdout.slice(-500)}`,
    )
  return run
}

const chain = await startBenchChain()
const node = await startReplayNode(chain.anvil.url)
const folder = await mkdtemp(join(tmpdir(), 'tocsin-bench-'))
const forta = await createFortaBot({
  rpcUrl: node.url,
  chainId: 31_337,
  token: chain.token,
  threshold: LARGE_UNITS,
  traces: true,
})
let failed = false
try {
  console.log(
    `Backtest: ${BLOCKS} blocks of ${TRANSACTIONS} transactions, call traces on, both programs in turn.`,
  )
  for (let block = 0; block < BLOCKS; block++) {
    await chain.queue(TRANSACTIONS, 1)
    await chain.mine()
  }
  const first = 2
  const last = first + BLOCKS - 1
  const botsDir = join(folder, 'bots', 'baseline')
  await mkdir(botsDir, { recursive: true })
  await writeFile(join(botsDir, 'bot.ts'), tocsinBot)
  const watchlist = join(folder, 'watchlist.yaml')
  await writeFile(
    watchlist,
    `version: 1
name: bench
dataDir: ${folder}/data
botsDir: bots
chains:
  local:
    id: 31337
    rpc: [{ http: ${node.url} }]
    traces: parity
watch:
  - { name: token, kind: token, chain: local, address: ${chain.token} }
bots:
  baseline: {}
`,
  )
  const main = fileURLToPath(new URL('../core/cli/main.js', import.meta.url))
  const runTocsin = (to: number): Promise<TimedRun> =>
    runTimed(
      [
        process.execPath,
        main,
        'backtest',
        '--config',
        watchlist,
        '--chain',
        'local',
        '--from',
        String(first),
        '--to',
        String(to),
        '--bots',
        'baseline',
        '--format',
        'jsonl',
      ],
      { mark: MARK },
    ).then((run) => must(run, 'tocsin'))
  const runForta = (to: number): Promise<TimedRun> => {
    return runTimed(forta.command('--range', `${first}..${to}`), {
      cwd: forta.dir,
      environment: forta.environment,
      mark: MARK,
    }).then((run) => must(run, 'forta-agent'))
  }

  // Once each uncounted: the node records its answers, so that neither side waits for anvil to trace.
  console.log('  recording the node’s answers …')
  const warm = [await runTocsin(last), await runForta(last)] as const
  console.log(`  findings: tocsin ${warm[0].marks}, forta-agent ${warm[1].marks}`)
  if (warm.some(({ marks }) => marks !== BLOCKS))
    throw new Error('the two programs do not find the same')

  const compare = async (latencyMs: number, blocks: number, rounds: number): Promise<number> => {
    const over = (run: (to: number) => Promise<TimedRun>) => (count: number) =>
      run(first + count - 1)
    const { whole } = await compareSides({
      node,
      sides: [
        { name: 'tocsin', run: over(runTocsin) },
        { name: 'forta-agent', run: over(runForta) },
      ],
      latencyMs,
      blocks,
      rounds,
      unit: { name: 'tx/s', perBlock: TRANSACTIONS },
    })
    return whole
  }
  console.log('  as fast as the node answers:')
  const fast = await compare(0, BLOCKS, ROUNDS)
  console.log('  100 ms added to every request:')
  const slow = await compare(100, SLOW_BLOCKS, SLOW_ROUNDS)
  const verdicts = [
    {
      what: 'transactions per second against forta-agent',
      measured: `${fast.toFixed(1)} x`,
      target: '>= 5 x',
      ok: fast >= 5,
    },
    {
      what: '… with 100 ms on every RPC call',
      measured: `${slow.toFixed(1)} x`,
      target: '>= 25 x',
      ok: slow >= 25,
    },
  ]
  printVerdicts(verdicts)
  failed = !short && verdicts.some(({ ok }) => !ok)
} finally {
  await node.stop()
  await chain.anvil.stop()
  await forta.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0
