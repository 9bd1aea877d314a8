import { TocsinError } from '../base/index.ts'
import type { SampleSeries } from './sampleSeries.ts'
import type { BotWindow, WindowSample } from './types.ts'

/** A window as one block sees it: what was committed, and what this block has added so far. */
export const createStagedWindow = (options: {
  readonly key: string
  readonly keepS: number
  readonly series: SampleSeries
  readonly block: { readonly number: number; readonly timestampS: number }
  readonly added: readonly bigint[]
  readonly add: (value: bigint) => void
}): BotWindow => {
  const { key, keepS, series, block, added, add } = options
  const here = (value: bigint): WindowSample => ({
    blockNumber: block.number,
    timestampS: block.timestampS,
    value,
  })
  const plain = ({ blockNumber, timestampS, value }: WindowSample): WindowSample => ({
    blockNumber,
    timestampS,
    value,
  })
  /** Index of the first committed sample in the span. */
  const start = (spanS: number): number => {
    if (!(spanS > 0) || spanS > keepS)
      throw new TocsinError(
        'bot.window_span',
        `The window "${key}" keeps ${keepS} s; ${spanS} s cannot be asked of it.`,
        {
          hints: ['Raise `keepS`.'],
        },
      )
    return series.after(block.timestampS - spanS)
  }
  const extreme = (
    committed: bigint | undefined,
    isBetter: (a: bigint, b: bigint) => boolean,
  ): bigint | undefined =>
    added.reduce<bigint | undefined>(
      (best, value) => (best === undefined || isBetter(value, best) ? value : best),
      committed,
    )
  const samples = (spanS: number): readonly WindowSample[] => [
    ...series.from(start(spanS)).map(plain),
    ...added.map(here),
  ]
  return {
    add,
    samples,
    sum: (spanS) => added.reduce((sum, value) => sum + value, series.sumFrom(start(spanS))),
    count: (spanS) => series.size() - start(spanS) + added.length,
    min: (spanS) => extreme(series.minFrom(start(spanS)), (a, b) => a < b),
    max: (spanS) => extreme(series.maxFrom(start(spanS)), (a, b) => a > b),
    first: (spanS) => {
      const committed = series.at(start(spanS))
      if (committed) return plain(committed)
      return added[0] === undefined ? undefined : here(added[0])
    },
    last: () => {
      const newest = added.at(-1)
      if (newest !== undefined) return here(newest)
      const committed = series.at(series.size() - 1)
      return committed && plain(committed)
    },
    before: (spanS) => {
      const committed = series.at(start(spanS) - 1)
      return committed && plain(committed)
    },
    quantile: (spanS, q) => {
      if (!(q > 0) || q > 1)
        throw new TocsinError('bot.window_quantile', `A quantile lies in (0, 1], not ${q}.`)
      const values = samples(spanS)
        .map(({ value }) => value)
        .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      return values[Math.ceil(q * values.length) - 1]
    },
  }
}
