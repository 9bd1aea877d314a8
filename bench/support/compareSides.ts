import type { ReplayNode } from './replayNode.ts'
import { median, printTable } from './report.ts'
import type { TimedRun } from './runTimed.ts'

/** A program that can be run over so many blocks. */
export type Side = {
  readonly name: string
  readonly run: (blocks: number) => Promise<TimedRun>
}

export type SidesRatio = {
  /** Of the rates with the start and the end of the programs, the first side's by the second's. */
  readonly whole: number
  /** … between their first and their last findings. */
  readonly steady: number
}

/** Runs both sides over the same blocks of the same node in turn, and prints what each took. */
export const compareSides = async (options: {
  readonly node: ReplayNode
  readonly sides: readonly [Side, Side]
  /** Added to every request (ms). */
  readonly latencyMs: number
  readonly blocks: number
  readonly rounds: number
  /** What is counted, and how many of it a block has. */
  readonly unit: { readonly name: string; readonly perBlock: number }
}): Promise<SidesRatio> => {
  const { node, blocks, unit } = options
  node.setLatencyMs(options.latencyMs)
  const rows = [['', 'wall s', unit.name, 'steady', 'CPU s', 'peak MiB', 'requests', 'misses']]
  const ratios: { readonly whole: number; readonly steady: number }[] = []
  for (let round = 0; round < options.rounds; round++) {
    const rates: { readonly whole: number; readonly steady: number }[] = []
    for (const { name, run } of options.sides) {
      node.takeCounts()
      const done = await run(blocks)
      const counts = node.takeCounts()
      const whole = (blocks * unit.perBlock) / done.wallS
      const steady = blocks * unit.perBlock * done.steadyShareS
      rates.push({ whole, steady })
      rows.push([
        name,
        done.wallS.toFixed(2),
        whole.toFixed(whole < 100 ? 1 : 0),
        steady.toFixed(steady < 100 ? 1 : 0),
        done.cpuS.toFixed(2),
        done.peakMib.toFixed(0),
        String(counts.requests),
        String(counts.misses),
      ])
    }
    const [ours, theirs] = rates
    if (ours && theirs)
      ratios.push({ whole: ours.whole / theirs.whole, steady: ours.steady / theirs.steady })
  }
  node.setLatencyMs(0)
  printTable(rows)
  return {
    whole: median(ratios.map((ratio) => ratio.whole)),
    steady: median(ratios.map((ratio) => ratio.steady)),
  }
}
