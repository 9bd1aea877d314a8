import type { EngineBot } from '../core/engine/index.ts'
import { readBaselines } from './support/baselines.ts'
import { endOnSignal } from './support/endOnSignal.ts'
import { bindAll } from './support/feedScene.ts'
import { type Feed, recordFeed, startFeedEngine, TRANSACTIONS } from './support/recordFeed.ts'
import { recordSource } from './support/recordSource.ts'
import { median, printTable, printVerdicts } from './support/report.ts'

/**
 * What the catalogue costs: recorded blocks of 200 transactions through the engine, each bot alone and all together,
 * on one core and without a node. State reads are answered from the record.
 */
const short = process.argv.includes('--short')
const BLOCKS = short ? 60 : 300
const ROUNDS = short ? 1 : 3
const TARGET_TX_S = 20_000
const TARGET_IDLE_US = 5
const FINALIZE_EVERY = 64

endOnSignal()
const startedMs = performance.now()
console.log(`Throughput: recording ${2 * BLOCKS} blocks of a local chain.`)
const recording = await recordFeed(BLOCKS)
const bots = await bindAll(recording.things, recording.chain)
console.log(
  `  ${((performance.now() - startedMs) / 1_000).toFixed(0)} s; ${bots.length} bots on ${recording.things.length} things, blocks of ${TRANSACTIONS} transactions, a tenth of which touch them`,
)

/** Processor time that the engine takes for all blocks of a feed, all threads together (s). */
const timeOnce = async (feed: Feed, those: readonly EngineBot[]): Promise<number> => {
  const engine = await startFeedEngine(recording, recordSource(recording.chain, feed.record), those)
  globalThis.gc?.()
  const began = process.cpuUsage()
  for (const [at, block] of feed.blocks.entries()) {
    const { failures } = await engine.processBlock(block)
    for (const [bot, faults] of failures) throw new Error(`${bot}: ${faults.join('; ')}`)
    if (at % FINALIZE_EVERY === FINALIZE_EVERY - 1) await engine.finalize(block.number - 12)
  }
  const { user, system } = process.cpuUsage(began)
  await engine.stop()
  return (user + system) / 1e6
}
const time = async (feed: Feed, those: readonly EngineBot[]): Promise<number> => {
  // What is compiled on the way is no part of what a block costs.
  await timeOnce(feed, those)
  const runs: number[] = []
  for (let round = 0; round < ROUNDS; round++) runs.push(await timeOnce(feed, those))
  return median(runs)
}
const transactionsOf = ({ blocks }: Feed): number =>
  blocks.reduce((sum, block) => sum + block.transactions.length, 0)
const rate = (count: number, seconds: number): string => Math.round(count / seconds).toString()
const micros = (seconds: number, count: number): string => ((seconds * 1e6) / count).toFixed(2)

const { mixed, dense, quiet, empty } = recording
const rows: { readonly id: string; readonly mixedS: number; readonly quietS: number }[] = []
for (const bot of bots)
  rows.push({
    id: bot.definition.id,
    mixedS: await time(mixed, [bot]),
    quietS: await time(quiet, [bot]),
  })
rows.sort((a, b) => b.mixedS - a.mixedS)
const none = await time(mixed, [])
const all = await time(mixed, bots)
const allDense = await time(dense, bots)
const [allQuiet, allEmpty] = [await time(quiet, bots), await time(empty, bots)]
const line = (name: string, feed: Feed, seconds: number, quietS?: number): string[] => [
  name,
  rate(feed.blocks.length, seconds),
  rate(transactionsOf(feed), seconds),
  micros(seconds, transactionsOf(feed)),
  quietS === undefined ? '' : micros(quietS, transactionsOf(quiet)),
]
printTable([
  ['', 'blocks/s', 'tx/s', 'us/tx', 'us/tx, nothing watched'],
  ...rows.map(({ id, mixedS, quietS }) => line(id, mixed, mixedS, quietS)),
  line('engine without bots', mixed, none),
  line(`all ${bots.length} bots`, mixed, all, allQuiet),
  line(`all ${bots.length} bots, every transaction watched`, dense, allDense),
])

const baselines = await readBaselines(mixed.blocks, recording.things)
printTable([
  ['the same logs', 'tx/s', 'us/tx', 'all bots of Tocsin take'],
  ...baselines.map(({ name, seconds }) => [
    name,
    rate(transactionsOf(mixed), seconds),
    micros(seconds, transactionsOf(mixed)),
    `${(all / seconds).toFixed(2)} x its time`,
  ]),
])

const perS = transactionsOf(mixed) / all
const idleUs = ((allQuiet - allEmpty) * 1e6) / transactionsOf(quiet)
const verdicts = [
  {
    what: 'all bots, transactions per second',
    measured: Math.round(perS).toString(),
    target: `>= ${TARGET_TX_S}`,
    ok: perS >= TARGET_TX_S,
  },
  {
    what: 'a transaction with nothing watched inside, all bots',
    measured: `${idleUs.toFixed(2)} us`,
    target: `<= ${TARGET_IDLE_US} us`,
    ok: idleUs <= TARGET_IDLE_US,
  },
]
console.log(
  `  an empty block costs all bots ${((allEmpty * 1e3) / empty.blocks.length).toFixed(2)} ms, one of ${TRANSACTIONS} transactions with nothing watched inside ${((allQuiet * 1e3) / quiet.blocks.length).toFixed(2)} ms`,
)
printVerdicts(verdicts)
process.exitCode = !short && verdicts.some(({ ok }) => !ok) ? 1 : 0
