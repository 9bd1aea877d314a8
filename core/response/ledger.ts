import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Address, type Hex, messageOf, TocsinError } from '../base/index.ts'

const hash = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/)
  .transform((text) => text as Hex)
const wei = z
  .string()
  .regex(/^\d{1,40}$/)
  .transform(BigInt)
const base = { execution: z.string().min(1).max(200), atMs: z.number() }

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('proposed'), ...base, policyHash: z.string() }),
  z.object({
    kind: z.literal('claimed'),
    ...base,
    action: z.string(),
    chain: z.int(),
    target: hash.transform((text) => text as Address),
    /** None of its own when another sender signs. */
    nonce: z.int().min(0).optional(),
    hash: hash.optional(),
    costWei: wei,
    triggeredAtS: z.number(),
    finding: z.string().optional(),
    /** Place in the policy of the sender that has it. */
    step: z.int().min(0).optional(),
  }),
  z.object({
    kind: z.literal('replaced'),
    ...base,
    hash: hash.optional(),
    costWei: wei,
    /** Where another sender took over, and the nonce where that is the signer's own key. */
    step: z.int().min(0).optional(),
    nonce: z.int().min(0).optional(),
  }),
  z.object({ kind: z.literal('asked'), ...base, step: z.int().min(0) }),
  z.object({ kind: z.literal('declined'), ...base, step: z.int().min(0) }),
  z.object({ kind: z.literal('failed'), ...base, code: z.string() }),
  z.object({
    kind: z.literal('ended'),
    ...base,
    code: z.string(),
    /** Where its effect came about by a transaction of its own. */
    mined: z.object({ hash, block: z.int().min(0), blockHash: hash }).optional(),
  }),
  z.object({ kind: z.literal('reopened'), ...base }),
])

export type LedgerEntry = z.infer<typeof entrySchema>

/** One execution that this signer signed for: what its limits count, whatever the database says by now. */
export type Claim = {
  readonly execution: string
  readonly action: string
  readonly chain: number
  readonly target: Address
  readonly atMs: number
  readonly triggeredAtS: number
  /** Of the signer's key; undefined where a sender signs with its own. */
  readonly nonce?: number | undefined
  /** The most that it may cost. */
  readonly costWei: bigint
  /** Of every transaction signed for it; at most one of them is ever mined. */
  readonly hashes: readonly Hex[]
  /** Why it failed, when it did. */
  readonly failure?: string | undefined
  /** What it answers; unknown for claims of old. */
  readonly finding?: string | undefined
  /** Place in the policy of the sender that has it; unknown for claims of old. */
  readonly step?: number | undefined
  /** Since when that sender has it (ms since epoch). */
  readonly stepAtMs: number
  /** Where its effect came about, by a transaction of its own. */
  readonly mined?: Mined | undefined
  /** By place of the sender: how often it was asked, and how often it declined. */
  readonly asks: ReadonlyMap<number, Asks>
}

export type Asks = { readonly asked: number; readonly declined: number }

type Mined = { readonly hash: Hex; readonly block: number; readonly blockHash: Hex }

export const NO_ASKS: Asks = { asked: 0, declined: 0 }

/**
 * The signer's own book of what it proposed and signed. The database is shared with processes that a thief may take
 * over; limits, cooldown and time-outs hold against rows that were deleted or rewritten because this book remembers.
 */
export type Ledger = {
  /** Resolves when the entry is on disk. */
  readonly append: (entry: LedgerEntry) => Promise<void>
  readonly claims: () => readonly Claim[]
  readonly claimOf: (execution: string) => Claim | undefined
  /**
   * How an execution ended that was signed for or proposed; undefined for one that is open, or unknown here. One that
   * ended is never decided, sent or asked for again, whatever its row says.
   */
  readonly endOf: (execution: string) => string | undefined
  /** Whether this signer ever proposed an execution or signed for it. */
  readonly isKnown: (execution: string) => boolean
  /** When this signer proposed an execution under a policy (ms since epoch). */
  readonly proposedAtMs: (execution: string, policyHash: string) => number | undefined
  readonly close: () => Promise<void>
}

type Book = {
  readonly claims: Map<string, Claim>
  readonly proposed: Map<string, number>
  /** Executions that were ever proposed. */
  readonly proposals: Set<string>
  readonly ends: Map<string, string>
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

const enter = (book: Book, entry: LedgerEntry): void => {
  switch (entry.kind) {
    case 'proposed': {
      // Whoever sets a row back to have it proposed again moves no time-out.
      const key = `${entry.execution}:${entry.policyHash}`
      if (!book.proposed.has(key)) book.proposed.set(key, entry.atMs)
      book.proposals.add(entry.execution)
      return
    }
    case 'claimed': {
      const { kind: _, hash: first, ...claim } = entry
      const before = book.claims.get(entry.execution)
      const hashes = [...(before?.hashes ?? []), ...(first ? [first] : [])]
      const asks = before?.asks ?? new Map<number, Asks>()
      book.claims.set(entry.execution, { ...claim, hashes, stepAtMs: entry.atMs, asks })
      return
    }
    case 'asked':
    case 'declined': {
      const claim = book.claims.get(entry.execution)
      if (!claim) return
      const { asked, declined } = claim.asks.get(entry.step) ?? NO_ASKS
      const asks =
        entry.kind === 'asked' ? { asked: asked + 1, declined } : { asked, declined: declined + 1 }
      book.claims.set(entry.execution, {
        ...claim,
        asks: new Map([...claim.asks, [entry.step, asks]]),
      })
      return
    }
    case 'ended': {
      book.ends.set(entry.execution, entry.code)
      const claim = book.claims.get(entry.execution)
      if (claim) book.claims.set(entry.execution, { ...claim, mined: entry.mined })
      return
    }
    case 'reopened': {
      book.ends.delete(entry.execution)
      const claim = book.claims.get(entry.execution)
      if (claim)
        book.claims.set(entry.execution, { ...claim, stepAtMs: entry.atMs, mined: undefined })
      return
    }
    case 'replaced':
    case 'failed': {
      if (entry.kind === 'failed') book.ends.set(entry.execution, entry.code)
      const claim = book.claims.get(entry.execution)
      if (!claim) return
      const change =
        entry.kind === 'failed'
          ? { failure: entry.code }
          : {
              hashes: [...claim.hashes, ...(entry.hash ? [entry.hash] : [])],
              costWei: larger(entry.costWei, claim.costWei),
              ...(entry.nonce === undefined ? {} : { nonce: entry.nonce }),
              ...(entry.step === undefined ? {} : { step: entry.step, stepAtMs: entry.atMs }),
            }
      book.claims.set(entry.execution, { ...claim, ...change })
    }
  }
}

const createBook = (entries: readonly LedgerEntry[]): Book => {
  const book: Book = {
    claims: new Map(),
    proposed: new Map(),
    proposals: new Set(),
    ends: new Map(),
  }
  for (const entry of entries) enter(book, entry)
  return book
}

const readBook = (book: Book): Omit<Ledger, 'append' | 'close'> => ({
  claims: () => [...book.claims.values()],
  claimOf: (execution) => book.claims.get(execution),
  endOf: (execution) => book.ends.get(execution),
  isKnown: (execution) => book.claims.has(execution) || book.proposals.has(execution),
  proposedAtMs: (execution, policyHash) => book.proposed.get(`${execution}:${policyHash}`),
})

/** A ledger that ends with the process: for tests and drills. */
export const createMemoryLedger = (entries: readonly LedgerEntry[] = []): Ledger => {
  const book = createBook(entries)
  return {
    ...readBook(book),
    append: async (entry) => enter(book, entry),
    close: async () => undefined,
  }
}

export const ledgerFile = (dataDir: string): string => join(dataDir, 'signer.ledger')

const toLine = (entry: LedgerEntry): string =>
  `${JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}\n`

const parseLedger = (text: string, file: string): readonly LedgerEntry[] => {
  const lines = text.split('\n')
  // What follows the last line end was cut off by a crash before it was on disk: it never counted.
  return lines.slice(0, -1).flatMap((line, index) => {
    if (line.trim() === '') return []
    try {
      return [entrySchema.parse(JSON.parse(line))]
    } catch (cause) {
      throw new TocsinError('ledger.broken', `Line ${index + 1} of ${file} cannot be read.`, {
        cause,
        hints: [
          "It is the signer's own record of what it sent: its limits count from it.",
          'Restore it from a copy, or, when you know what was sent, move it away.',
        ],
        exitCode: 3,
      })
    }
  })
}

/**
 * Opens the ledger of a data folder, made at first use. One line of JSON per entry, appended and synced.
 * @throws TocsinError `ledger.broken`, `ledger.unwritable`
 */
export const openLedger = async (dataDir: string): Promise<Ledger> => {
  const file = ledgerFile(dataDir)
  const make = async () => {
    await mkdir(dataDir, { recursive: true })
    return open(file, 'a', 0o600)
  }
  const handle = await make().catch((cause: unknown) => {
    throw new TocsinError('ledger.unwritable', `${file} cannot be written: ${messageOf(cause)}`, {
      cause,
      hints: ['The signer needs a data folder of its own that it may write to.'],
      exitCode: 3,
    })
  })
  try {
    const text = await readFile(file, 'utf8')
    const book = createBook(parseLedger(text, file))
    if (text !== '' && !text.endsWith('\n')) {
      await handle.truncate(Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)))
      await handle.datasync()
    }
    let last: Promise<unknown> = Promise.resolve()
    let size = (await handle.stat()).size
    return {
      append: (entry) => {
        const write = last.then(async () => {
          const line = toLine(entry)
          try {
            await handle.appendFile(line)
            await handle.datasync()
          } catch (error) {
            await handle.truncate(size)
            throw error
          }
          size += Buffer.byteLength(line)
          enter(book, entry)
        })
        last = write.catch(() => undefined)
        return write
      },
      ...readBook(book),
      close: async () => {
        await last
        await handle.close()
      },
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}
