import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { createLoop, messageOf } from '../base/index.ts'
import { AT, type MarkedBot, type MarksSeen, readMarks, viewMarks } from './markLayout.ts'
import { type Frame, type HeldMain, pauseMain } from './pauseMain.ts'
import { type Strike, writeStrikes } from './writeStrikes.ts'

export type WatchdogInput = {
  readonly buffer: SharedArrayBuffer
  /** Where the deaths are written down; without it they are only told of. */
  readonly databaseUrl: string | undefined
  /** By which signal the process ends; without one, by a message that asks the main thread to leave in order. */
  readonly signal: NodeJS.Signals | undefined
  /** `json`: a line as the process's log has them. `text`: as commands complain. */
  readonly voice: 'log' | 'text' | 'json'
  readonly service: string
  /** Beyond a handler's own limit (ms). */
  readonly marginMs: number
  /** For how long nothing at all may run where no bot is at work (ms). */
  readonly outsideMs: number
}

export type WatchdogMessage =
  | { readonly kind: 'bot'; readonly bot: MarkedBot }
  /** The process ends by itself: by whose doing? `stack` of the call or of the error. */
  | { readonly kind: 'exit'; readonly code: number; readonly stack: string }

/** What it answers to `exit`: nobody's doing, or a bot's. */
export const EXIT_ANSWER = { open: 0, nobody: 1, bot: 2 } as const

const TICK_MS = 100
/** More than a busy machine lets the thread wait for its turn. */
const MAX_PASSED_MS = 1_000
const HOLD_MS = 2_000
const END_MS = 1_500

const input = workerData as WatchdogInput
const { ints } = viewMarks(input.buffer)
const bots = new Map<number, MarkedBot>()

/** The end of a path: enough to find the place, and nothing of the machine. */
const shorten = (url: string): string => url.split('/').slice(-3).join('/')
const placeOf = (frames: readonly Frame[], isOwn: (url: string) => boolean): string => {
  const frame = frames.find(({ url }) => isOwn(url)) ?? frames[0]
  return frame ? `${frame.name || 'a function'} (${shorten(frame.url)})` : ''
}
/** A user's bot is one script; the code of a shipped one fills a folder. */
const isCodeOf = ({ file }: MarkedBot, url: string): boolean =>
  file !== undefined &&
  (url === file ||
    (/\/bot\.[jt]s$/.test(file) && url.startsWith(file.slice(0, file.lastIndexOf('/') + 1))))

type Verdict = {
  readonly bots: readonly MarkedBot[]
  readonly isCertain: boolean
  /** Seen at it, be it alone or one of several that share their code. */
  readonly isSeen: boolean
  readonly work: string
  readonly place: string
}

/** The bot that was entered and not left; else the one whose code lies on the stack; else all that could be it. */
const judge = (seen: MarksSeen, frames: readonly Frame[] | undefined): Verdict => {
  const isOfBot = (url: string): boolean => [...bots.values()].some((bot) => isCodeOf(bot, url))
  const place = frames ? placeOf(frames, isOfBot) : ''
  const current = seen.current && bots.get(seen.current.slot)
  if (seen.current && current) {
    const { work, index } = seen.current
    const where = index < 0 ? work : `${work} of transaction ${index}`
    return { bots: [current], isCertain: true, isSeen: true, work: where, place }
  }
  const waiting = seen.waiting.flatMap((slot) => bots.get(slot) ?? [])
  const onStack = [...bots.values()].filter((bot) => frames?.some(({ url }) => isCodeOf(bot, url)))
  const both = onStack.filter((bot) => waiting.includes(bot))
  const likely = both.length > 0 ? both : onStack
  const work = 'code that goes on after an await or by a timer'
  if (likely.length > 0)
    return { bots: likely, isCertain: likely.length === 1, isSeen: true, work, place }
  return { bots: waiting, isCertain: false, isSeen: false, work, place }
}

const strikesOf = (verdict: Verdict, seen: MarksSeen, kind: Strike['kind'], what: string) =>
  verdict.bots.map((bot): Strike => {
    const block = seen.blockOf(bot.chain)
    const place = verdict.place ? ` at ${verdict.place}` : ''
    return {
      ...bot,
      kind,
      blockNumber: block.number,
      blockHash: block.hash,
      isCertain: verdict.isCertain,
      detail: `${what} in ${verdict.work}${place}`.slice(0, 400),
    }
  })

const say = (message: string, fields: Record<string, unknown>): void => {
  const line =
    input.voice === 'text'
      ? `tocsin: ${message}`
      : input.voice === 'json'
        ? JSON.stringify({ error: { code: 'bot.blocked', message, hints: [] } })
        : JSON.stringify({
            level: 'fatal',
            timestamp: new Date().toISOString(),
            service: input.service,
            ...fields,
            message,
          })
  // The main thread carries a worker's streams, and it is stuck.
  writeSync(2, `\n${line}\n`.slice(input.voice === 'log' ? 1 : 0))
}

const tell = (strikes: readonly Strike[], verdict: Verdict, blockedMs: number): void => {
  const seconds = (blockedMs / 1_000).toFixed(1)
  const [one] = strikes
  const names = strikes.map(({ botId }) => botId)
  const who = verdict.isCertain && one ? `The bot ${one.botId}` : 'Something'
  const where = one ? ` in block ${one.blockNumber} of ${one.chainName}` : ''
  const suspects =
    verdict.isCertain || names.length === 0 ? '' : ` It may be ${names.join(' or ')}.`
  const place = verdict.place ? `, at ${verdict.place}` : ''
  const end = input.databaseUrl ? ' The process ends, to be started again.' : ''
  say(
    `${who} blocks the ${input.service}${where}: nothing else could run for ${seconds} s (${verdict.work}${place}).${suspects}${end}`,
    {
      code: 'bot.blocked',
      bots: names,
      certain: verdict.isCertain,
      ...(one ? { chain: one.chainName, block: one.blockNumber } : {}),
      work: verdict.work,
      place: verdict.place,
      blockedMs: Math.round(blockedMs),
    },
  )
}

/** The first process of a container is deaf to the signals of its own: it must leave by itself. */
const isDeaf = process.pid === 1

const end = (held: HeldMain | undefined): void => {
  const kill = (): void => {
    process.kill(process.pid, 'SIGKILL')
    // Where nothing else helps, until it does.
    setTimeout(kill, END_MS)
  }
  if (input.signal && !isDeaf) process.kill(process.pid, input.signal)
  else {
    held?.breakOff()
    parentPort?.postMessage('leave')
  }
  setTimeout(kill, END_MS)
}

let lastBeat = -1
let lastTickAt = performance.now()
let idleMs = 0
/**
 * Held during this stall already, and no bot was at it: the next look comes after twice the time. Not much later: a
 * busy machine may have been caught on its way into a bot's code.
 */
let nextLookMs = 0

const limitOf = (seen: MarksSeen): number => {
  const ofBot = (slot: number): number => (bots.get(slot)?.limitMs ?? 0) + input.marginMs
  if (seen.current) return ofBot(seen.current.slot)
  if (seen.waiting.length === 0) return input.outsideMs
  return Math.max(...seen.waiting.map(ofBot), Math.min(nextLookMs, input.outsideMs))
}

const examine = async (seen: MarksSeen): Promise<void> => {
  const held = await pauseMain(HOLD_MS)
  const isSame = Atomics.load(ints, AT.beat) === seen.beat
  const verdict = judge(seen, held?.frames)
  const isInnocent = held !== undefined && !verdict.isSeen
  if (!isSame || (isInnocent && idleMs < input.outsideMs)) {
    nextLookMs = isSame ? 2 * idleMs : 0
    held?.resume()
    return
  }
  const strikes = strikesOf(
    verdict,
    seen,
    'blocked',
    `it blocked everything for ${(idleMs / 1_000).toFixed(1)} s`,
  )
  tell(strikes, verdict, idleMs)
  await writeStrikes(input.databaseUrl, strikes).catch((error: unknown) =>
    say(`It could not be written down: ${String(error)}`, {}),
  )
  end(held)
}

const tick = async (): Promise<void> => {
  const now = performance.now()
  // A machine or container that slept stopped this thread too: such time does not count.
  const passedMs = Math.min(now - lastTickAt, MAX_PASSED_MS)
  lastTickAt = now
  const seen = readMarks(input.buffer)
  if (seen.beat !== lastBeat) {
    lastBeat = seen.beat
    idleMs = 0
    nextLookMs = 0
    return
  }
  idleMs += passedMs
  if (idleMs < limitOf(seen)) return
  await examine(seen)
  lastTickAt = performance.now()
}

const explainExit = async (code: number, stack: string): Promise<number> => {
  const frames = stack.split('\n').flatMap((line): readonly Frame[] => {
    const match = /at (?:(.*) \()?(file:.*|data:.*|\/.*):(\d+):\d+\)?$/.exec(line.slice(0, 2_000))
    return match ? [{ name: match[1] ?? '', url: match[2] ?? '' }] : []
  })
  const seen = readMarks(input.buffer)
  const verdict = judge(seen, frames)
  if (!verdict.isCertain) return EXIT_ANSWER.nobody
  const strikes = strikesOf(verdict, seen, 'exited', `it ended the process (exit code ${code})`)
  const [one] = strikes
  const place = verdict.place ? `, at ${verdict.place}` : ''
  say(
    `The bot ${one?.botId} ended the ${input.service} in block ${one?.blockNumber} of ${one?.chainName} (exit code ${code}; ${verdict.work}${place}).`,
    { code: 'bot.exited', bots: strikes.map(({ botId }) => botId), place: verdict.place },
  )
  await writeStrikes(input.databaseUrl, strikes)
  return EXIT_ANSWER.bot
}

parentPort?.on('message', (message: WatchdogMessage) => {
  if (message.kind === 'bot') {
    bots.set(message.bot.slot, message.bot)
    return
  }
  const answer = (value: number): void => {
    Atomics.store(ints, AT.answer, value)
    Atomics.notify(ints, AT.answer)
  }
  explainExit(message.code, message.stack).then(answer, (error: unknown) => {
    say(`It could not be written down: ${String(error)}`, {})
    answer(EXIT_ANSWER.nobody)
  })
})
// Whatever goes wrong here, the watch goes on: the main thread, to which an error would go, may be the one that hangs.
process.on('uncaughtException', (error) => say(`The watchdog stumbled: ${messageOf(error)}`, {}))
createLoop(tick, {
  pauseMs: TICK_MS,
  onError: (error) => say(`The watchdog stumbled: ${messageOf(error)}`, {}),
})
parentPort?.postMessage('ready')
