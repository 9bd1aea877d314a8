import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Engine } from '../core/engine/index.ts'
import { createEndlessFeed } from './support/endlessFeed.ts'
import { bindAll } from './support/feedScene.ts'
import { recordFeed, startFeedEngine } from './support/recordFeed.ts'
import { printTable, printVerdicts } from './support/report.ts'

/**
 * What the bots remember: recorded blocks over and over through the engine, with other people each time, all bots on.
 * Nothing may grow with the number of blocks or of people.
 */
const short = process.argv.includes('--short')
const BLOCKS = short ? 2_000 : 100_000
const USERS = 10_000
const TEMPLATES = short ? 30 : 120
const LOOKS = 20
const FINALIZE_EVERY = 64
const MIB = 1_048_576
/** The heap at the end against the heap at half of the way. */
const FLAT = 1.1
/** What all bots keep at the end against what they kept at half of the way. */
const BOUNDED = 1.15

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

type Look = {
  readonly block: number
  readonly heapMib: number
  readonly sizes: ReadonlyMap<string, ReturnType<Member['memory']['measure']>>
}
type Member = ReturnType<Engine['cast']>['members'][number]

console.log(`State: recording ${TEMPLATES} blocks of a local chain.`)
const recording = await recordFeed(TEMPLATES)
const bots = await bindAll(recording.things, recording.chain)
const templates = recording.mixed.blocks.map((block) => ({
  ...block,
  transactions: block.transactions.filter(({ hash }) => recording.own.has(hash)),
}))
const feed = createEndlessFeed(recording, templates, USERS)
const engine = await startFeedEngine(recording, feed.source, bots)
const looks: Look[] = []
const look = (block: number): void => {
  collect()
  const sizes = new Map(
    engine.cast().members.map(({ bot, memory }) => [bot.definition.id, memory.measure()]),
  )
  looks.push({ block, heapMib: process.memoryUsage().heapUsed / MIB, sizes })
}
console.log(
  `  ${BLOCKS} blocks of ${templates[0]?.transactions.length ?? 0} transactions by ${USERS} people, ${bots.length} bots`,
)
const failures = new Map<string, number>()
let findings = 0
const began = performance.now()
for (let at = 1; at <= BLOCKS; at++) {
  const block = feed.next()
  const done = await engine.processBlock(block)
  findings += done.findings.length
  for (const bot of done.failures.keys()) failures.set(bot, (failures.get(bot) ?? 0) + 1)
  if (at % FINALIZE_EVERY === 0) await engine.finalize(block.number - FINALIZE_EVERY)
  if (at % Math.floor(BLOCKS / LOOKS) === 0) look(at)
}
await engine.stop()

const half = looks[Math.floor(looks.length / 2) - 1]
const last = looks.at(-1)
if (!half || !last) throw new Error('nothing was measured')
const kib = (chars: number): string => (chars / 1024).toFixed(1)
printTable([
  ['bot', 'keys', 'KiB of state', 'at half', 'samples', 'at half'],
  ...[...last.sizes]
    .sort((a, b) => b[1].chars - a[1].chars)
    .map(([id, size]) => {
      const before = half.sizes.get(id)
      return [
        id,
        String(size.keys),
        kib(size.chars),
        kib(before?.chars ?? 0),
        String(size.samples),
        String(before?.samples ?? 0),
      ]
    }),
])
printTable([
  ['at block', 'heap MiB', 'keys', 'KiB of state', 'samples'],
  ...looks
    .filter((_, at) => at % 4 === 3)
    .map(({ block, heapMib, sizes }) => {
      const all = [...sizes.values()]
      const sum = (of: (size: (typeof all)[number]) => number): number =>
        all.reduce((total, size) => total + of(size), 0)
      return [
        String(block),
        heapMib.toFixed(1),
        String(sum(({ keys }) => keys)),
        kib(sum(({ chars }) => chars)),
        String(sum(({ samples }) => samples)),
      ]
    }),
])
console.log(
  `  ${findings} findings, ${((performance.now() - began) / 1_000).toFixed(0)} s${failures.size > 0 ? `; failing: ${[...failures].map(([bot, blocks]) => `${bot} in ${blocks} blocks`).join(', ')}` : ''}`,
)
/** A sample is two numbers and its place: about as much as so many characters. */
const SAMPLE_CHARS = 100
const weigh = ({ sizes }: Look): number =>
  [...sizes.values()].reduce((sum, size) => sum + size.chars + SAMPLE_CHARS * size.samples, 0)
const heap = last.heapMib / half.heapMib
const state = weigh(last) / weigh(half)
const verdicts = [
  {
    what: 'heap at the end against half of the way',
    measured: `${heap.toFixed(2)} x`,
    target: `<= ${FLAT} x`,
    ok: heap <= FLAT,
  },
  {
    what: 'what all bots keep, at the end against half of the way',
    measured: `${state.toFixed(2)} x`,
    target: `<= ${BOUNDED} x`,
    ok: state <= BOUNDED,
  },
  {
    what: 'bots that failed',
    measured: String(failures.size),
    target: '0',
    ok: failures.size === 0,
  },
]
printVerdicts(verdicts)
process.exitCode = (!short && verdicts.some(({ ok }) => !ok)) || failures.size > 0 ? 1 : 0
