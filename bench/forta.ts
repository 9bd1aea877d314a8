import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startSupervisor } from '../core/cli/supervisor.ts'
import { connectDatabase, tables } from '../core/store/index.ts'
import { type BenchChain, LARGE_UNITS, startBenchChain } from './support/chain.ts'
import { compareSides, type SidesRatio } from './support/compareSides.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { createFortaBot, type FortaBot } from './support/fortaBot.ts'
import { type ReplayNode, startReplayNode } from './support/replayNode.ts'
import { percentile, printTable, printVerdicts, type Verdict } from './support/report.ts'
import { runTimed, type TimedRun } from './support/runTimed.ts'

endOnSignal()

/**
 * One unmodified bot hosted by Tocsin beside the same bot under its SDK's own `forta-agent run --range`, in turn in one
 * run, traces on; and twenty hosted bots live on one chain: memory and processor time of each, and how soon a finding
 * is committed.
 */
const short = process.argv.includes('--short')
const BLOCKS = short ? 40 : 300
const ROUNDS = short ? 1 : 3
const SLOW_ROUNDS = 1
const TRANSACTIONS = 50
const HOSTED = short ? 5 : 20
const LIVE_BLOCKS = short ? 15 : 60
const LIVE_PAUSE_MS = 1_000

/** In the output of both, once for each block. */
const MARK = 'LARGE-TRANSFER'

const must = (run: TimedRun, who: string): TimedRun => {
  if (run.exitCode !== 0)
    throw new Error(`${who} ended with ${run.exitCode}: ${run.stderr.slice(-2_000)}`)
  return run
}

const sideBySide = async (
  node: ReplayNode,
  forta: FortaBot,
  first: number,
): Promise<readonly Verdict[]> => {
  const main = fileURLToPath(new URL('../core/cli/main.js', import.meta.url))
  const range = (blocks: number): string => `${first}..${first + blocks - 1}`
  const runTocsin = (blocks: number): Promise<TimedRun> =>
    runTimed(
      [
        process.execPath,
        main,
        'forta',
        'run',
        forta.dir,
        '--range',
        range(blocks),
        '--rpc',
        node.url,
        '--format',
        'jsonl',
      ],
      { mark: MARK },
    ).then((run) => must(run, 'tocsin'))
  const runForta = (blocks: number): Promise<TimedRun> =>
    runTimed(forta.command('--range', range(blocks)), {
      cwd: forta.dir,
      environment: forta.environment,
      mark: MARK,
    }).then((run) => must(run, 'forta-agent'))

  // Once each uncounted: the node records its answers, so that neither side waits for anvil to trace.
  console.log('  recording the node’s answers …')
  const warm = [(await runTocsin(BLOCKS)).marks, (await runForta(BLOCKS)).marks]
  if (warm.some((count) => count !== BLOCKS))
    throw new Error(`the two do not find the same: ${warm.join(' and ')} of ${BLOCKS}`)

  const compare = (latencyMs: number, rounds: number): Promise<SidesRatio> =>
    compareSides({
      node,
      sides: [
        { name: 'tocsin forta run', run: runTocsin },
        { name: 'forta-agent run', run: runForta },
      ],
      latencyMs,
      blocks: BLOCKS,
      rounds,
      unit: { name: 'blocks/s', perBlock: 1 },
    })
  console.log(`  ${BLOCKS} blocks as fast as the node answers:`)
  const fast = await compare(0, ROUNDS)
  console.log('  … with 100 ms added to every request:')
  const slow = await compare(100, SLOW_ROUNDS)
  const judge = (what: string, { whole, steady }: SidesRatio, target: number): Verdict => ({
    what,
    measured: `${whole.toFixed(1)} x (${steady.toFixed(1)} x once started)`,
    target: `>= ${target} x`,
    ok: whole >= target,
  })
  return [
    judge('blocks per second against forta-agent, programs started and ended', fast, 3),
    judge('… with 100 ms on every RPC call', slow, 25),
  ]
}

type Cost = {
  /** Resident, and what of it no other process shares. */
  readonly mib: number
  readonly ownMib: number
  readonly cpuMs: number
}

/** Hosted bots are the watcher's children that run the child's program. */
const hostedPids = async (): Promise<readonly number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      return line.includes('forta/child/main.js') && environment.includes('TOCSIN_BENCH_FORTA=')
        ? [Number(pid)]
        : []
    }),
  )
  return found.flat()
}
const costOf = async (pid: number): Promise<Cost> => {
  const [status, stat, maps] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/smaps_rollup`, 'utf8'),
  ])
  const own = [...maps.matchAll(/^Private_\w+:\s+(\d+)/gm)]
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    ownMib: own.reduce((sum, [, kib]) => sum + Number(kib), 0) / 1024,
    mib: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
    cpuMs: (Number(ticks[11]) + Number(ticks[12])) * 10,
  }
}

/** So many hosted bots on one chain, one block a second; the median latency (ms). */
const live = async (chain: BenchChain, forta: FortaBot, hosted: number): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-bench-forta-'))
  process.env['TOCSIN_BENCH_FORTA'] = '1'
  await writeFile(
    join(folder, 'watchlist.yaml'),
    `version: 1
name: bench
dataDir: data
chains:
  local:
    id: 31337
    rpc: [{ http: ${chain.anvil.url}, ws: ${chain.anvil.wsUrl} }]
    blockTimeMs: 1000
    traces: none
watch:
  - { name: token, kind: token, chain: local, address: ${chain.token} }
forta:
${Array.from({ length: hosted }, (_, n) => `  hosted-${n}: { dir: ${forta.dir}, chains: [local], env: [TOCSIN_BENCH_FORTA] }`).join('\n')}
console: { port: 0 }
metrics: { basePort: 0 }
`,
  )
  const supervisor = await startSupervisor({
    configFile: join(folder, 'watchlist.yaml'),
    dataDir: join(folder, 'data'),
    only: ['watcher'],
    onLine: () => undefined,
  })
  try {
    const store = await connectDatabase({ url: supervisor.databaseUrl, name: 'bench', poolSize: 2 })
    try {
      const committed = async (): Promise<number> => {
        const [cursor] = await store.db.select().from(tables.chainCursor)
        return cursor?.number ?? -1
      }
      const mine = async (): Promise<void> => {
        await chain.queue(TRANSACTIONS, 1)
        await chain.mine()
        const number = Number(await chain.anvil.rpc('eth_blockNumber'))
        for (let tries = 0; (await committed()) < number; tries++) {
          if (tries > 1_200) throw new Error(`block ${number} was not committed`)
          await delay(50)
        }
      }
      for (let blocks = 0; blocks < 3; blocks++) await mine()
      const from = await committed()
      const pids = await hostedPids()
      if (pids.length !== hosted) throw new Error(`${pids.length} hosted bots run, not ${hosted}`)
      const before = await Promise.all(pids.map(costOf))
      for (let blocks = 0; blocks < LIVE_BLOCKS; blocks++) {
        await mine()
        await delay(LIVE_PAUSE_MS)
      }
      const after = await Promise.all(pids.map(costOf))
      const rows = (await store.db.select().from(tables.finding)).filter(
        ({ botId, blockNumber }) => botId.startsWith('hosted-') && blockNumber > from,
      )
      if (rows.length !== hosted * LIVE_BLOCKS)
        throw new Error(`${rows.length} findings, not ${hosted * LIVE_BLOCKS}`)
      const latency = rows.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]))
      const cpu = after.map(({ cpuMs }, at) => (cpuMs - (before[at]?.cpuMs ?? 0)) / LIVE_BLOCKS)
      const p50 = percentile(latency, 50)
      printTable([
        ['', 'p50', 'p95', 'max'],
        [
          'head to finding committed, ms',
          ...[50, 95, 100].map((p) => percentile(latency, p).toFixed(0)),
        ],
        [
          'memory of a hosted bot, MiB',
          ...[50, 95, 100].map((p) =>
            percentile(
              after.map(({ mib }) => mib),
              p,
            ).toFixed(0),
          ),
        ],
        [
          '… of it its own, MiB',
          ...[50, 95, 100].map((p) =>
            percentile(
              after.map(({ ownMib }) => ownMib),
              p,
            ).toFixed(0),
          ),
        ],
        [
          'processor time of a hosted bot per block, ms',
          ...[50, 95, 100].map((p) => percentile(cpu, p).toFixed(1)),
        ],
      ])
      return p50
    } finally {
      await store.stop()
    }
  } finally {
    await supervisor.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const chain = await startBenchChain()
const node = await startReplayNode(chain.anvil.url)
const forta = await createFortaBot({
  rpcUrl: node.url,
  chainId: 31_337,
  token: chain.token,
  threshold: LARGE_UNITS,
  traces: true,
})
let failed = false
try {
  console.log(`Forta: blocks of ${TRANSACTIONS} transactions, one unmodified bot.`)
  for (let block = 0; block < BLOCKS; block++) {
    await chain.queue(TRANSACTIONS, 1)
    await chain.mine()
  }
  const beside = process.argv.includes('--live') ? [] : await sideBySide(node, forta, 2)
  console.log('  one hosted bot live, one block a second:')
  const p50 = await live(chain, forta, 1)
  console.log(`  ${HOSTED} hosted bots live, one block a second:`)
  await live(chain, forta, HOSTED)
  const verdicts: readonly Verdict[] = [
    ...beside,
    {
      what: 'head to finding committed, one hosted bot, p50',
      measured: `${p50.toFixed(0)} ms`,
      target: '< 100 ms',
      ok: p50 < 100,
    },
  ]
  printVerdicts(verdicts)
  failed = !short && verdicts.some(({ ok }) => !ok)
} finally {
  await node.stop()
  await chain.anvil.stop()
  await forta.stop()
}
process.exitCode = failed ? 1 : 0
