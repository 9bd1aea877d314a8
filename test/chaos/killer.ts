import { readFile } from 'node:fs/promises'
import { sleep } from '../../core/base/index.ts'
import { createRandom } from '../../demo/random.ts'
import type { Stack } from '../support/stack.ts'
import { STEPS, type Step } from './playScript.ts'

export const VICTIMS = ['watcher', 'notifier', 'signer', 'indexer', 'ponder', 'postgres'] as const
export type Victim = (typeof VICTIMS)[number]

export type Killer = {
  /** Lets the kills of a block loose, each at its instant. */
  readonly strike: (round: number, step: Step) => void
  /** Waits for kills that are still to come. */
  readonly settle: () => Promise<void>
  readonly counts: () => Readonly<Record<Victim, number>>
}

type Kill = { readonly delayMs: number; readonly victims: readonly Victim[] }

/** The indexer takes seconds to come back, so it is killed less often. */
const WEIGHTS: Readonly<Record<Victim, number>> = {
  watcher: 5,
  notifier: 4,
  signer: 4,
  postgres: 2,
  indexer: 1,
  ponder: 1,
}

const childrenOf = async (pid: number): Promise<readonly number[]> => {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').map(Number).filter(Boolean)
}

/**
 * kill -9 at instants that the seed decides: one to three strikes a round, each after some block, within the few
 * milliseconds in which that block is worked on or somewhere later; each takes one to three victims.
 */
export const createKiller = (
  stack: Stack,
  options: { readonly seed: number; readonly rounds: number },
): Killer => {
  const random = createRandom(options.seed ^ 0x5eed)
  const bag = VICTIMS.flatMap((victim) => Array.from({ length: WEIGHTS[victim] }, () => victim))
  const plan = new Map<string, Kill[]>()
  for (let round = 0; round < options.rounds; round++)
    for (let strikes = random.int(1, 3); strikes > 0; strikes--) {
      // Robbery and pause are where something can be lost, so half of the strikes fall there.
      const step = random.next() < 0.5 ? random.pick(['rob', 'pause'] as const) : random.pick(STEPS)
      const delayMs = random.next() < 0.6 ? random.int(0, 40) : random.int(0, 600)
      const count = random.next() < 0.6 ? 1 : random.int(2, 3)
      const victims = [...new Set(Array.from({ length: count }, () => random.pick(bag)))]
      const key = `${round}:${step}`
      plan.set(key, [...(plan.get(key) ?? []), { delayMs, victims }])
    }

  const counts: Record<Victim, number> = {
    watcher: 0,
    notifier: 0,
    signer: 0,
    indexer: 0,
    ponder: 0,
    postgres: 0,
  }
  const find = async (victim: Victim): Promise<number | undefined> => {
    if (victim === 'postgres') return stack.supervisor.databasePid()
    const name = victim === 'ponder' ? 'indexer' : victim
    const pid = stack.supervisor.processes().find((life) => life.name === name)?.pid
    return victim === 'ponder' && pid !== undefined ? (await childrenOf(pid))[0] : pid
  }
  const kill = async (victim: Victim): Promise<void> => {
    const pid = await find(victim)
    if (pid === undefined) return
    try {
      process.kill(pid, 'SIGKILL')
      counts[victim]++
    } catch {
      // Gone already.
    }
  }
  const pending = new Set<Promise<void>>()
  return {
    strike: (round, step) => {
      for (const { delayMs, victims } of plan.get(`${round}:${step}`) ?? []) {
        const work = sleep(delayMs)
          .then(() => Promise.all(victims.map(kill)))
          .then(() => void pending.delete(work))
        pending.add(work)
      }
    },
    settle: async () => {
      await Promise.all(pending)
    },
    counts: () => counts,
  }
}
