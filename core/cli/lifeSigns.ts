import type { ChildProcess } from 'node:child_process'
import { createLoop, type Loop } from '../base/index.ts'

const SIGN = 'alive'
const SIGN_EVERY_MS = 5_000
const LOOK_EVERY_MS = 1_000
/** The watcher's own watchdog, which can name the bot, ends the process after 60 s: this comes after it (ms). */
const SILENT_LIMIT_MS = 120_000

/** A channel that closes is no fault: the parent went. */
const ignore = (): void => undefined

/** Tells the parent every few seconds that the event loop turns; does nothing without one. Returns how to end it. */
export const sendLifeSigns = (everyMs = SIGN_EVERY_MS): (() => Promise<void>) => {
  const send = async (): Promise<void> => {
    if (process.connected) process.send?.(SIGN)
  }
  return createLoop(send, { pauseMs: everyMs, onError: ignore }).stop
}

/**
 * Calls back once when a child that has said `ready` then gives no sign of life: it hangs, and whatever should have
 * noticed inside it does not. Time in which this process did not run either (a machine that slept) does not count.
 */
export const watchLifeSigns = (
  child: ChildProcess,
  options: {
    readonly onSilent: (silentMs: number) => void
    /** Default: 120000. */
    readonly limitMs?: number
    /** How often it looks (ms). Default: 1000. */
    readonly everyMs?: number
  },
): void => {
  const { limitMs = SILENT_LIMIT_MS, everyMs = LOOK_EVERY_MS } = options
  let silentMs = 0
  let lastAt = 0
  let loop: Loop | undefined
  const look = async (): Promise<void> => {
    const now = performance.now()
    silentMs += Math.min(now - lastAt, 2 * everyMs)
    lastAt = now
    if (silentMs < limitMs) return
    void loop?.stop()
    options.onSilent(silentMs)
  }
  child.on('message', (message) => {
    silentMs = 0
    if (message !== 'ready' || loop) return
    lastAt = performance.now()
    loop = createLoop(look, { pauseMs: everyMs, onError: ignore })
  })
  child.once('close', () => void loop?.stop())
}
