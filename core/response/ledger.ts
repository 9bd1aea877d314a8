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
  }),
  z.object({ kind: z.literal('replaced'), ...base, hash: hash.optional(), costWei: wei }),
  z.object({ kind: z.literal('failed'), ...base, code: z.string() }),
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
}

/**
 * The signer's own book of what it proposed and signed. The database is shared with processes that a thief may take
 * over; limits, cooldown and time-outs hold against rows that were deleted or rewritten because this book remembers.
 */
export type Ledger = {
  /** Resolves when the entry is on disk. */
  readonly append: (entry: LedgerEntry) => Promise<void>
  readonly claims: () => readonly Claim[]
  /** When this signer proposed an execution under a policy (ms since epoch). */
  readonly proposedAtMs: (execution: string, policyHash: string) => number | undefined
  readonly close: () => Promise<void>
}

type Book = {
  readonly claims: Map<string, Claim>
  readonly proposed: Map<string, number>
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)

const enter = (book: Book, entry: LedgerEntry): void => {
  switch (entry.kind) {
    case 'proposed':
      book.proposed.set(`${entry.execution}:${entry.policyHash}`, entry.atMs)
      return
    case 'claimed': {
      const { kind: _, hash: first, ...claim } = entry
      const hashes = [
        ...(book.claims.get(entry.execution)?.hashes ?? []),
        ...(first ? [first] : []),
      ]
      book.claims.set(entry.execution, { ...claim, hashes })
      return
    }
    case 'replaced':
    case 'failed': {
      const claim = book.claims.get(entry.execution)
      if (!claim) return
      const change =
        entry.kind === 'failed'
          ? { failure: entry.code }
          : {
              hashes: [...claim.hashes, ...(entry.hash ? [entry.hash] : [])],
              costWei: larger(entry.costWei, claim.costWei),
            }
      book.claims.set(entry.execution, { ...claim, ...change })
    }
  }
}

const createBook = (entries: readonly LedgerEntry[]): Book => {
  const book: Book = { claims: new Map(), proposed: new Map() }
  for (const entry of entries) enter(book, entry)
  return book
}

/** A ledger that ends with the process: for tests and drills. */
export const createMemoryLedger = (entries: readonly LedgerEntry[] = []): Ledger => {
  const book = createBook(entries)
  return {
    append: async (entry) => enter(book, entry),
    claims: () => [...book.claims.values()],
    proposedAtMs: (execution, policyHash) => book.proposed.get(`${execution}:${policyHash}`),
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
      claims: () => [...book.claims.values()],
      proposedAtMs: (execution, policyHash) => book.proposed.get(`${execution}:${policyHash}`),
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
