import { readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { createLoop, sleep } from '../base/index.ts'
import type { BotDefinition } from '../engine/types.ts'
import { forgetBots, loadBots } from './loadBots.ts'

export type BotWatch = { readonly stop: () => Promise<void> }

const CODE = ['.ts', '.mts', '.js', '.mjs', '.json']
const MOST_DEEP = 4

/** Files of code below a folder, with what shows that one was written. */
const stampOf = (folder: string, depth = 0): string => {
  if (depth > MOST_DEEP) return ''
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return [stampOf(path, depth + 1)]
      if (!CODE.includes(extname(entry.name)) || entry.name.includes('.test.')) return []
      const info = statSync(path, { throwIfNoEntry: false, bigint: true })
      return [`${path}:${info?.mtimeNs}:${info?.size}`]
    })
    .join('\n')
}

/**
 * Follows a user's folder of bots, for development: when a file was written and rests, all bots are loaded anew and
 * handed on. What cannot be loaded is told, and the bots that run go on.
 */
export const watchBots = (options: {
  readonly botsDir: string
  readonly onChange: (bots: readonly BotDefinition<unknown>[]) => Promise<void>
  readonly onError: (error: unknown) => void
  /** Pause between looks (ms). Default: 500. */
  readonly pollMs?: number
  /** How long the files must rest (ms). Default: 150. */
  readonly restMs?: number
}): BotWatch => {
  const { botsDir, onChange, onError, restMs = 150 } = options
  let stamp = stampOf(botsDir)
  const turn = async (signal: AbortSignal): Promise<void> => {
    let now = stampOf(botsDir)
    if (now === stamp) return
    for (let tries = 0; tries < 20 && !signal.aborted; tries++) {
      await sleep(restMs, signal)
      const later = stampOf(botsDir)
      if (later === now) break
      now = later
    }
    if (signal.aborted) return
    stamp = now
    forgetBots(botsDir)
    await onChange(await loadBots(botsDir))
  }
  const loop = createLoop(turn, { pauseMs: options.pollMs ?? 500, onError })
  return { stop: loop.stop }
}
