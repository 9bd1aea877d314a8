import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createLoop, sleep, stableHash } from '../base/index.ts'
import { type ConfigChange, diffConfig } from './diffConfig.ts'
import type { Config } from './types.ts'

export type WatchConfigOptions = {
  /** Loads the configuration as the process did at its start: same secrets, bots and actions. */
  readonly load: () => Promise<Config>
  /** The configuration that runs now. Default: loaded anew. */
  readonly current?: Config
  /**
   * Called when the files say something new. `config` has `changes` applied; what stands in `needsRestart`
   * keeps its old value in it.
   */
  readonly onChange: (
    config: Config,
    changes: readonly ConfigChange[],
    needsRestart: readonly ConfigChange[],
  ) => void | Promise<void>
  /** Called when the files are wrong (the old configuration goes on) or `onChange` failed. */
  readonly onError: (error: unknown) => void
  readonly signal?: AbortSignal
  /** Pause between looks at the files, beside the system's own notices (ms). Default: 2000. */
  readonly pollMs?: number
  /** How long the files must rest before they are read (ms). Default: 200. */
  readonly debounceMs?: number
}

export type ConfigWatcher = { readonly current: () => Config; readonly stop: () => Promise<void> }

/** The watchlist, its overlay, and the files of labels that it names. */
const filesOf = ({ files, labels }: Config): readonly string[] => [
  ...files,
  ...(labels?.files ?? []),
]

const stampOf = (files: readonly string[]): string =>
  files
    .map((file) => {
      const info = statSync(file, { throwIfNoEntry: false, bigint: true })
      return info ? `${info.mtimeNs}:${info.size}:${info.ino}` : 'missing'
    })
    .join(' ')

/** Notices by the system where it gives them; folders, because editors replace files instead of writing them. */
const watchFolders = (files: readonly string[], wake: () => void): readonly FSWatcher[] => {
  const names = new Set(files.map((file) => basename(file)))
  return [...new Set(files.map((file) => dirname(file)))].flatMap((folder) => {
    try {
      const watcher = watch(folder, (_event, name) => {
        // Kubernetes swaps a link named ..data when a ConfigMap changes.
        if (name === null || names.has(name) || name.startsWith('..')) wake()
      })
      // Without notices (no inotify left, a network share) the poll finds the change all the same.
      watcher.on('error', () => watcher.close())
      return [watcher]
    } catch {
      return []
    }
  })
}

/** Follows the files of the watchlist and hands on what changed; a file that is wrong changes nothing. */
export const watchConfig = async (options: WatchConfigOptions): Promise<ConfigWatcher> => {
  const { load, onChange, onError, debounceMs = 200, pollMs = 2_000, signal } = options
  let stamp = options.current ? stampOf(filesOf(options.current)) : ''
  let current = options.current ?? (await load())
  if (!options.current) stamp = stampOf(filesOf(current))
  let lastRestart = stableHash([])

  const rest = async (turn: AbortSignal): Promise<string> => {
    let before = stampOf(filesOf(current))
    for (let tries = 0; tries < 20 && !turn.aborted; tries++) {
      await sleep(debounceMs, turn)
      const after = stampOf(filesOf(current))
      if (after === before) break
      before = after
    }
    return before
  }
  const turn = async (aborted: AbortSignal): Promise<void> => {
    if (stampOf(filesOf(current)) === stamp) return
    const next = await rest(aborted)
    if (aborted.aborted) return
    stamp = next
    const { changes, needsRestart, config } = diffConfig(current, await load())
    const restart = stableHash(needsRestart)
    const isNews = changes.length > 0 || restart !== lastRestart
    lastRestart = restart
    // Files of labels came or went with it: one more look finds what has changed in them since.
    if (String(filesOf(config)) !== String(filesOf(current))) stamp = ''
    current = config
    if (isNews) await onChange(config, changes, needsRestart)
  }
  const loop = createLoop(turn, { pauseMs: pollMs, onError })
  const watchers = watchFolders(filesOf(current), loop.wake)
  const stop = async (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort)
    for (const watcher of watchers) watcher.close()
    await loop.stop()
  }
  const onAbort = (): void => {
    stop().catch(onError)
  }
  if (signal?.aborted) await stop()
  else signal?.addEventListener('abort', onAbort, { once: true })
  return { current: () => current, stop }
}
