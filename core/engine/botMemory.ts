import { cleanText, fromJson, type Json, TocsinError, toJson } from '../base/index.ts'
import { createSampleSeries, type SampleSeries } from './sampleSeries.ts'
import { createStagedWindow } from './stagedWindow.ts'
import type { BotState, BotWindow } from './types.ts'

export type StateWrite = { readonly key: string; readonly value: Json | undefined }
export type SampleWrite = { readonly key: string; readonly values: readonly bigint[] }
export type MemoryWrites = {
  readonly state: readonly StateWrite[]
  readonly samples: readonly SampleWrite[]
}

/** What has become unreachable for any rollback and may be deleted where it is stored. */
export type Pruned = {
  readonly state: readonly { readonly key: string; readonly blockNumber: number }[]
  /** Samples of a window before this one. */
  readonly samples: readonly {
    readonly key: string
    readonly blockNumber: number
    readonly ordinal: number
  }[]
}

/** What one block of one bot wants to write; nothing lasts until `BotMemory.apply`. */
export type Staged = {
  readonly state: BotState
  readonly window: (key: string, options: { readonly keepS: number }) => BotWindow
  readonly writes: () => MemoryWrites
  /** From now on writes go nowhere: a handler that comes late changes nothing. */
  readonly close: () => void
}

/** How much a bot keeps: of its state all versions, in characters of JSON. */
export type MemorySize = {
  readonly keys: number
  readonly chars: number
  readonly windows: number
  readonly samples: number
}

/** State and windows of one bot on one chain, with every version that a rollback may ask for. */
export type BotMemory = {
  readonly stage: (block: { readonly number: number; readonly timestampS: number }) => Staged
  readonly apply: (
    block: { readonly number: number; readonly timestampS: number },
    writes: MemoryWrites,
  ) => void
  readonly rollback: (blockNumber: number) => void
  readonly finalize: (block: { readonly number: number; readonly timestampS: number }) => Pruned
  /** Walks through all of it. */
  readonly measure: () => MemorySize
  readonly loadState: (key: string, blockNumber: number, value: Json | undefined) => void
  readonly loadSample: (
    key: string,
    sample: { blockNumber: number; ordinal: number; timestampS: number; value: bigint },
  ) => void
}

type Version = { readonly blockNumber: number; readonly value: Json | undefined }
type Window = { readonly series: SampleSeries; keepS: number | undefined }

const MAX_VALUE_CHARS = 256 * 1024
const MAX_SAMPLES_PER_BLOCK = 10_000
/** Below this many outdated samples a window is left as it is. */
const PRUNE_BATCH = 32
const LARGEST = 1n << 512n

const invalid = (message: string): TocsinError => new TocsinError('bot.state_invalid', message)

const checkKey = (key: string): string => {
  if (typeof key !== 'string' || key === '' || key.length > 300 || cleanText(key, 300) !== key)
    throw invalid(
      `A key must be 1 to 300 printable characters, not ${JSON.stringify(key)?.slice(0, 80)}.`,
    )
  return key
}

/** Not less than the length of the value's JSON: characters may be escaped into six. */
const mostChars = (value: Json): number => {
  if (typeof value === 'string') return 6 * value.length + 2
  if (typeof value !== 'object' || value === null) return 25
  let sum = 2
  if (Array.isArray(value)) for (const one of value) sum += mostChars(one) + 1
  else for (const key in value) sum += 6 * key.length + 4 + mostChars(value[key] ?? null)
  return sum
}

const isSmall = (value: Json): boolean => {
  if (mostChars(value) <= MAX_VALUE_CHARS) return true
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.length <= MAX_VALUE_CHARS
}

export const createBotMemory = (): BotMemory => {
  const state = new Map<string, Version[]>()
  const windows = new Map<string, Window>()
  /** Keys with more than one version, or whose only one is a deletion. */
  const layered = new Set<string>()

  const push = (key: string, version: Version): void => {
    const versions = state.get(key)
    if (!versions) state.set(key, [version])
    else if (versions.at(-1)?.blockNumber === version.blockNumber)
      versions[versions.length - 1] = version
    else versions.push(version)
    if (versions || version.value === undefined) layered.add(key)
  }
  const windowOf = (key: string): Window => {
    const known = windows.get(key)
    if (known) return known
    const made: Window = { series: createSampleSeries(), keepS: undefined }
    windows.set(key, made)
    return made
  }

  const stage: BotMemory['stage'] = (block) => {
    const written = new Map<string, Json | undefined>()
    const added = new Map<string, bigint[]>()
    const opened = new Map<string, { readonly keepS: number; readonly window: BotWindow }>()
    let isClosed = false
    let samples = 0
    const read = (key: string): Json | undefined =>
      written.has(key) ? written.get(key) : state.get(key)?.at(-1)?.value
    return {
      state: {
        // A copy: changing it changes nothing until it is set again.
        get: <T>(key: string) => {
          const value = read(key)
          return (value === undefined ? undefined : fromJson(value)) as T | undefined
        },
        set: (key, value) => {
          if (!state.has(key)) checkKey(key)
          const json = value === undefined ? undefined : toJson(value)
          if (json !== undefined && !isSmall(json))
            throw invalid(`The value of "${key}" is larger than ${MAX_VALUE_CHARS / 1024} KiB.`)
          if (!isClosed) written.set(key, json)
        },
        delete: (key) => {
          if (!isClosed && read(key) !== undefined) written.set(checkKey(key), undefined)
        },
        keys: (prefix = '') =>
          [...new Set([...state.keys(), ...written.keys()])]
            .filter((key) => key.startsWith(prefix) && read(key) !== undefined)
            .sort(),
      },
      window: (key, { keepS }) => {
        const known = opened.get(key)
        if (known?.keepS === keepS) return known.window
        if (!windows.has(key)) checkKey(key)
        if (!Number.isFinite(keepS) || keepS <= 0)
          throw invalid(`keepS of the window "${key}" must be above 0.`)
        const window = windowOf(key)
        window.keepS = Math.max(window.keepS ?? 0, keepS)
        const mine = added.get(key) ?? []
        added.set(key, mine)
        const add = (value: bigint): void => {
          if (typeof value !== 'bigint' || value > LARGEST || value < -LARGEST)
            throw invalid(`A sample of the window "${key}" must be a bigint below 2^512.`)
          if (++samples > MAX_SAMPLES_PER_BLOCK)
            throw invalid(`More than ${MAX_SAMPLES_PER_BLOCK} samples in one block.`)
          if (!isClosed) mine.push(value)
        }
        const made = createStagedWindow({
          key,
          keepS,
          series: window.series,
          block,
          added: mine,
          add,
        })
        opened.set(key, { keepS, window: made })
        return made
      },
      writes: () => ({
        state: [...written].map(([key, value]) => ({ key, value })),
        samples: [...added]
          .filter(([, values]) => values.length > 0)
          .map(([key, values]) => ({ key, values })),
      }),
      close: () => {
        isClosed = true
      },
    }
  }

  const finalizeState = (blockNumber: number): Pruned['state'] => {
    const pruned: { key: string; blockNumber: number }[] = []
    for (const key of layered) {
      const versions = state.get(key) ?? []
      let newest = -1
      for (const [index, version] of versions.entries())
        if (version.blockNumber <= blockNumber) newest = index
      if (newest < 0) continue
      // A deletion that cannot be undone needs no trace of itself either.
      const drop = versions[newest]?.value === undefined ? newest + 1 : newest
      for (const version of versions.splice(0, drop))
        pruned.push({ key, blockNumber: version.blockNumber })
      if (versions.length === 0) state.delete(key)
      if (versions.length <= 1 && versions[0]?.value !== undefined) layered.delete(key)
      if (versions.length === 0) layered.delete(key)
    }
    return pruned
  }

  const finalizeWindows = (timestampS: number): Pruned['samples'] => {
    const pruned: { key: string; blockNumber: number; ordinal: number }[] = []
    for (const [key, { series, keepS }] of windows) {
      if (keepS === undefined) continue
      // The newest sample at or before the edge still answers `before`.
      const keep = series.after(timestampS - keepS) - 1
      if (keep < PRUNE_BATCH) continue
      const first = series.at(keep)
      if (!first) continue
      series.prune(keep)
      pruned.push({ key, blockNumber: first.blockNumber, ordinal: first.ordinal })
    }
    return pruned
  }

  return {
    stage,
    apply: (block, writes) => {
      for (const { key, value } of writes.state) push(key, { blockNumber: block.number, value })
      for (const { key, values } of writes.samples) {
        const { series } = windowOf(key)
        for (const [ordinal, value] of values.entries())
          series.push({ blockNumber: block.number, timestampS: block.timestampS, ordinal, value })
      }
    },
    rollback: (blockNumber) => {
      for (const [key, versions] of state) {
        while ((versions.at(-1)?.blockNumber ?? -1) > blockNumber) versions.pop()
        if (versions.length === 0) state.delete(key)
        if (versions.length === 0) layered.delete(key)
      }
      for (const { series } of windows.values()) series.rollback(blockNumber)
    },
    finalize: (block) => ({
      state: finalizeState(block.number),
      samples: finalizeWindows(block.timestampS),
    }),
    measure: () => {
      let chars = 0
      for (const [key, versions] of state)
        for (const { value } of versions)
          chars += key.length + (value === undefined ? 0 : JSON.stringify(value).length)
      let samples = 0
      for (const { series } of windows.values()) samples += series.size()
      return { keys: state.size, chars, windows: windows.size, samples }
    },
    loadState: (key, blockNumber, value) => push(key, { blockNumber, value }),
    loadSample: (key, sample) => windowOf(key).series.push(sample),
  }
}
