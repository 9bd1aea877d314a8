/** What a bot can be at while it is on the main thread. */
export const BOT_WORK = [
  'needs',
  'initialize',
  'handleBlock',
  'handleTransaction',
  'healthCheck',
  'handleAlert',
] as const
export type BotWork = (typeof BOT_WORK)[number]

/** A bot of one chain, as the watchdog knows it. */
export type MarkedBot = {
  readonly slot: number
  /** Place of the chain's block in the marks. */
  readonly chain: number
  readonly chainId: number
  readonly chainName: string
  readonly botId: string
  readonly fingerprint: string
  readonly limitMs: number
  /** Address of its code, as it stands in stack traces. */
  readonly file: string | undefined
}

/** What the main thread is at, read from another thread. */
export type MarksSeen = {
  readonly beat: number
  /** The bot whose code was entered and not left. */
  readonly current:
    | { readonly slot: number; readonly work: BotWork; readonly index: number }
    | undefined
  /** Bots of which a promise is open: any of them may be on the thread again. */
  readonly waiting: readonly number[]
  readonly blockOf: (chain: number) => { readonly number: number; readonly hash: string }
}

export const MAX_MARKED_BOTS = 1_024
export const MAX_MARKED_CHAINS = 64
export const HASH_CHARS = 66

/** Places of the first integers; behind them one per bot, counting its open promises. */
export const AT = { beat: 0, current: 1, work: 2, index: 3, answer: 4, bots: 8 } as const

const INT_BYTES = 4 * (AT.bots + MAX_MARKED_BOTS)
const NUMBER_BYTES = 8 * MAX_MARKED_CHAINS

/** The marks of one process: memory that its main thread writes and its watchdog reads. */
export const viewMarks = (
  buffer: SharedArrayBuffer = new SharedArrayBuffer(
    INT_BYTES + NUMBER_BYTES + HASH_CHARS * MAX_MARKED_CHAINS,
  ),
) => ({
  buffer,
  ints: new Int32Array(buffer, 0, AT.bots + MAX_MARKED_BOTS),
  numbers: new Float64Array(buffer, INT_BYTES, MAX_MARKED_CHAINS),
  hashes: Buffer.from(buffer, INT_BYTES + NUMBER_BYTES, HASH_CHARS * MAX_MARKED_CHAINS),
})

export const readMarks = (buffer: SharedArrayBuffer): MarksSeen => {
  const { ints, numbers, hashes } = viewMarks(buffer)
  const slot = Atomics.load(ints, AT.current) - 1
  const waiting: number[] = []
  for (let i = 0; i < MAX_MARKED_BOTS; i++) if (Atomics.load(ints, AT.bots + i) > 0) waiting.push(i)
  return {
    beat: Atomics.load(ints, AT.beat),
    current:
      slot < 0
        ? undefined
        : {
            slot,
            work: BOT_WORK[Atomics.load(ints, AT.work)] ?? 'handleBlock',
            index: Atomics.load(ints, AT.index),
          },
    waiting,
    blockOf: (chain) => ({
      number: numbers[chain] ?? 0,
      hash: hashes
        .toString('latin1', chain * HASH_CHARS, (chain + 1) * HASH_CHARS)
        .replaceAll('\0', ''),
    }),
  }
}
