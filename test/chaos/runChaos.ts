import { messageOf } from '../../core/base/index.ts'
import { createRandom } from '../../demo/random.ts'
import { collectFacts, type Facts } from './collectFacts.ts'
import { compareFacts } from './compareFacts.ts'
import { createKiller, VICTIMS } from './killer.ts'
import { playScript } from './playScript.ts'
import { startWorld, type World } from './startWorld.ts'
import { waitForQuiet } from './waitForQuiet.ts'

/**
 * Plays one script twice, on two equal chains: once in peace, once with kill -9 of watcher, notifier, signer, indexer
 * and Postgres at random instants. Both must end with the same findings, alerts, messages, executions and index.
 *
 *   node dist/test/chaos/runChaos.js --rounds 100 --seed 1
 *
 * Ends with exit code 0 only if nothing was lost or doubled.
 */
const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  if (at < 0) return fallback
  const value = Number(process.argv[at + 1])
  if (Number.isInteger(value) && value > 0) return value
  throw new Error(`--${name} wants a whole number above 0`)
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const complain = (world: World): void => {
  say('The supervisor said last:')
  for (const event of world.events.slice(-20)) say(`  ${event}`)
  for (const [name, lines] of world.lines) {
    say(`The ${name} said last:`)
    for (const line of lines.slice(-25)) say(`  ${line.slice(0, 500)}`)
  }
}

const play = async (
  options: { readonly rounds: number; readonly seed: number; readonly timestampS: number },
  isChaos: boolean,
): Promise<Facts & { readonly kills: string }> => {
  const began = Date.now()
  const starting = startWorld(options)
  // A Ctrl-C must leave nothing behind either, also while the world is being made.
  const interrupt = (): void =>
    void starting.then((made) => made.stop()).finally(() => process.exit(130))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const world = await starting
  try {
    say(`  started after ${((Date.now() - began) / 1_000).toFixed(1)} s`)
    const killer = createKiller(world.stack, options)
    const gaps = createRandom(options.seed ^ 0x9a9)
    const { robberies } = await playScript(world, {
      ...options,
      gapMs: () => (isChaos ? gaps.int(0, 250) : gaps.int(0, 20)),
      ...(isChaos ? { afterBlock: killer.strike } : {}),
      onRound: (round) => {
        if ((round + 1) % 10 === 0)
          say(`  ${round + 1} rounds, ${((Date.now() - began) / 1_000).toFixed(0)} s`)
      },
    })
    await killer.settle()
    await waitForQuiet(world)
    const facts = await collectFacts(world, robberies)
    const counts = killer.counts()
    return { ...facts, kills: VICTIMS.map((name) => `${name} ${counts[name]}`).join(', ') }
  } catch (error) {
    complain(world)
    throw error
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    await world.stop()
  }
}

const main = async (): Promise<boolean> => {
  const rounds = option('rounds', 100)
  const seed = option('seed', 1)
  // Both chains begin at the same second; far enough back that block time never overtakes the clock.
  const timestampS = Math.floor(Date.now() / 1_000) - 7_200
  const options = { rounds, seed, timestampS }
  say(`Chaos: ${rounds} rounds, seed ${seed}.`)
  say('In peace:')
  const calm = await play(options, false)
  say('With kill -9:')
  const chaos = await play(options, true)
  say(`  killed: ${chaos.kills}`)
  say(`  deliveries repeated under the same id: ${chaos.repeats}`)

  const areEqual = calm.headHash === chaos.headHash
  say(`  the two chains are ${areEqual ? 'equal, hash by hash' : 'equal but for hashes'}\n`)

  const differences = compareFacts(calm, chaos)
  const row = (cells: readonly (string | number)[]): void =>
    say(
      `  ${cells
        .map((cell, i) => (i === 0 ? String(cell).padEnd(20) : String(cell).padStart(9)))
        .join('')}`,
    )
  row(['', 'in peace', 'killed', 'lost', 'extra'])
  for (const { section, expected, found, lost, extra } of differences)
    row([section, expected, found, lost.length, extra.length])
  const faults = [
    ...calm.problems.map((problem) => `in peace: ${problem}`),
    ...chaos.problems,
    ...differences.flatMap(({ section, lost, extra }) => [
      ...lost.slice(0, 5).map((line) => `${section}, lost: ${line.slice(0, 1_000)}`),
      ...extra.slice(0, 5).map((line) => `${section}, extra: ${line.slice(0, 1_000)}`),
    ]),
    ...differences
      .filter(({ section, expected }) => expected === 0 && section !== 'bot state')
      .map(({ section }) => `${section}: nothing to compare`),
  ]
  for (const fault of faults) say(`  FAULT ${fault}`)
  say(faults.length === 0 ? '\nNothing lost, nothing doubled.' : `\n${faults.length} faults.`)
  return faults.length === 0
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  process.stderr.write(`chaos: ${messageOf(error)}\n`)
  process.exitCode = 1
}
