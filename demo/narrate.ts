import { cleanText } from '../core/base/index.ts'

export type Voice =
  | 'title'
  | 'plain'
  | 'people'
  | 'attacker'
  | 'finding'
  | 'alert'
  | 'action'
  | 'good'
  | 'bad'
  | 'dim'

export type Narrator = {
  /** A heading of a part of the story. */
  readonly heading: (text: string) => void
  /** One thing that happened: when, who, what. `block` undefined: at no block in particular. */
  readonly say: (
    voice: Voice,
    block: number | undefined,
    who: string,
    text: string,
    note?: string,
  ) => void
  /** Replaces the progress line on a terminal; elsewhere a line now and then. */
  readonly progress: (text: string) => void
  /** A table; the first column left, the others as they come. */
  readonly table: (rows: readonly (readonly string[])[]) => void
  /** From now on these addresses (lower case) are called by a name. */
  readonly introduce: (names: ReadonlyMap<string, string>) => void
  /** Removes the progress line. */
  readonly end: () => void
}

const COLOUR: Readonly<Record<Voice, string>> = {
  title: '\x1b[1m',
  plain: '',
  people: '\x1b[36m',
  attacker: '\x1b[31m',
  finding: '\x1b[33m',
  alert: '\x1b[35m',
  action: '\x1b[34m',
  good: '\x1b[32m',
  bad: '\x1b[1;31m',
  dim: '\x1b[2m',
}
const ADDRESS = /0x[0-9a-fA-F]{40}/g
/** Longest text of a line; all of it stands in the console. */
const TEXT_MAX = 150
const QUIET_MS = 5_000

const VOICE_OF_MARK: Readonly<Record<string, Voice>> = { '✓': 'good', '✗': 'bad' }

const widthsOf = (rows: readonly (readonly string[])[]): readonly number[] => {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  return Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  )
}

/** Tells the demo's story on a stream: aligned, coloured only on a terminal and without NO_COLOR. */
export const createNarrator = (stream: NodeJS.WriteStream): Narrator => {
  const isTerminal = stream.isTTY === true
  const coloured = isTerminal && !process.env['NO_COLOR']
  const paint = (voice: Voice, text: string): string =>
    coloured && COLOUR[voice] ? `${COLOUR[voice]}${text}\x1b[0m` : text
  let known: ReadonlyMap<string, string> = new Map()
  let hasProgress = false
  let lastMs = 0
  const clear = (): void => {
    if (hasProgress) stream.write('\r\x1b[K')
    hasProgress = false
  }
  const line = (text: string): void => {
    clear()
    stream.write(`${text}\n`)
    lastMs = Date.now()
  }
  return {
    heading: (text) => line(`\n${paint('title', text)}`),
    say: (voice, block, who, text, note) => {
      const at = (block === undefined ? '' : `#${block}`).padStart(6)
      const end = note ? `  ${paint('dim', note)}` : ''
      const named = text.replace(ADDRESS, (address) => known.get(address.toLowerCase()) ?? address)
      line(
        `${paint('dim', at)}  ${paint(voice, who.padEnd(15))} ${cleanText(named, TEXT_MAX)}${end}`,
      )
    },
    progress: (text) => {
      if (isTerminal) {
        const width = (stream.columns ?? 100) - 1
        stream.write(`\r\x1b[K${paint('dim', text.slice(0, width))}`)
        hasProgress = true
      } else if (Date.now() - lastMs >= QUIET_MS) line(`        ${text}`)
    },
    table: (rows) => {
      const widths = widthsOf(rows)
      for (const row of rows) {
        const cells = row.map((cell, i) =>
          i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell,
        )
        const [first = '', ...rest] = cells
        line(`  ${[paint(VOICE_OF_MARK[first] ?? 'plain', first), ...rest].join('  ')}`)
      }
    },
    introduce: (names) => {
      known = names
    },
    end: clear,
  }
}

const grouped = (whole: bigint): string => whole.toString().replace(/\B(?=(\d{3})+$)/g, ',')

/** Millionths of a dollar as dollars and cents, exactly rounded down. */
export const dollars = (units: bigint): string =>
  `${grouped(units / 1_000_000n)}.${((units % 1_000_000n) / 10_000n).toString().padStart(2, '0')} dUSD`

/** Wei as ether with four digits, rounded down. */
export const ethers = (wei: bigint): string =>
  `${grouped(wei / 10n ** 18n)}.${((wei % 10n ** 18n) / 10n ** 14n).toString().padStart(4, '0')} WETH`

/** Dollars with all six digits. */
export const exactDollars = (units: bigint): string =>
  `${grouped(units / 1_000_000n)}.${(units % 1_000_000n).toString().padStart(6, '0')} dUSD`
