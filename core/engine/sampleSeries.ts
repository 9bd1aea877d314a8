import type { WindowSample } from './types.ts'

export type StoredSample = WindowSample & { readonly ordinal: number }

/** Samples of one window in the order of the chain. Sums cost two look-ups; extremes a walk over chunks. */
export type SampleSeries = {
  readonly size: () => number
  readonly at: (index: number) => StoredSample | undefined
  readonly push: (sample: StoredSample) => void
  /** Index of the first sample later than a time (seconds); `size()` when there is none. */
  readonly after: (timestampS: number) => number
  /** From an index to the end. */
  readonly sumFrom: (index: number) => bigint
  readonly minFrom: (index: number) => bigint | undefined
  readonly maxFrom: (index: number) => bigint | undefined
  readonly from: (index: number) => readonly StoredSample[]
  /** Forgets what lies above a block. */
  readonly rollback: (blockNumber: number) => void
  /** Forgets the samples before an index. */
  readonly prune: (index: number) => void
}

const CHUNK = 256

type Extremes = { readonly min: bigint; readonly max: bigint }

export const createSampleSeries = (): SampleSeries => {
  let samples: StoredSample[] = []
  // sums[i] is the sum of the samples before i, beginning anywhere: only differences are used.
  let sums: bigint[] = [0n]
  let chunks: (Extremes | undefined)[] = []

  const scan = (from: number, to: number): Extremes | undefined => {
    let min: bigint | undefined
    let max: bigint | undefined
    for (let i = from; i < to; i++) {
      const value = samples[i]?.value
      if (value === undefined) continue
      if (min === undefined || value < min) min = value
      if (max === undefined || value > max) max = value
    }
    return min === undefined || max === undefined ? undefined : { min, max }
  }
  const join = (a: Extremes | undefined, b: Extremes | undefined): Extremes | undefined =>
    a && b ? { min: a.min < b.min ? a.min : b.min, max: a.max > b.max ? a.max : b.max } : (a ?? b)
  const extremes = (from: number): Extremes | undefined => {
    const firstWhole = Math.ceil(from / CHUNK)
    const endWhole = Math.floor(samples.length / CHUNK)
    if (firstWhole >= endWhole) return scan(from, samples.length)
    let found = join(scan(from, firstWhole * CHUNK), scan(endWhole * CHUNK, samples.length))
    for (let chunk = firstWhole; chunk < endWhole; chunk++) {
      chunks[chunk] ??= scan(chunk * CHUNK, (chunk + 1) * CHUNK)
      found = join(found, chunks[chunk])
    }
    return found
  }

  return {
    size: () => samples.length,
    at: (index) => samples[index],
    push: (sample) => {
      samples.push(sample)
      sums.push((sums.at(-1) ?? 0n) + sample.value)
    },
    after: (timestampS) => {
      let low = 0
      let high = samples.length
      while (low < high) {
        const middle = (low + high) >> 1
        if ((samples[middle]?.timestampS ?? 0) > timestampS) high = middle
        else low = middle + 1
      }
      return low
    },
    sumFrom: (index) => (sums.at(-1) ?? 0n) - (sums[index] ?? 0n),
    minFrom: (index) => extremes(index)?.min,
    maxFrom: (index) => extremes(index)?.max,
    from: (index) => samples.slice(index),
    rollback: (blockNumber) => {
      while ((samples.at(-1)?.blockNumber ?? -1) > blockNumber) {
        samples.pop()
        sums.pop()
      }
      chunks.length = Math.min(chunks.length, Math.floor(samples.length / CHUNK))
    },
    prune: (index) => {
      if (index <= 0) return
      samples = samples.slice(index)
      sums = sums.slice(index)
      chunks = []
    },
  }
}
