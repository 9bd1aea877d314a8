import { type Address, addressOfWord, type ChainLog, type Hex } from 'tocsin'

export type Loan = {
  readonly by:
    | 'aave-v3'
    | 'aave-v2'
    | 'balancer-v2'
    | 'maker'
    | 'morpho'
    | 'uniswap-v3'
    | 'uniswap-v2'
    | 'erc-3156'
  readonly lender: Address
  readonly borrower: Address
  readonly token: Address
  readonly units: bigint
}

/** Looks like a loan of a lender that emits nothing of its own: ask it. */
export type Suspect = Loan & { readonly by: 'erc-3156' }

type Move = {
  readonly place: number
  readonly token: Address
  readonly from: Address
  readonly to: Address
  readonly units: bigint
}

const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const SWAP = '0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822'
const FLASH = '0xbdbdb71d7860376ba52b25a5028beea23581364a40522f6bcfb86bb1f2dca633'
const AAVE_V3 = '0xefefaba5e921573100900a3ad9cf29f222d995fb3b6045797eaea7521bd8d6f0'
const AAVE_V2 = '0x631042c832b07452973831137f2d73e395028b44b250dedc5abb0ee766e168ac'
const BALANCER_OR_MAKER = '0x0d7d75e01ab95780d3cd1c8ec0dd6c2ce19e3a20427eec8bf53283b6fb8e95f0'
const MORPHO = '0xc76f1b4fe4396ac07a9fa55a415d4ca430e72651d37d3401f3bed7cb13fc4f12'
const ZERO = '0x0000000000000000000000000000000000000000'

/** Most suspects of one transaction: each costs a read. */
const MAX_SUSPECTS = 4

const wordOf = (log: ChainLog, index: number): Hex =>
  `0x${log.data.slice(2 + 64 * index, 66 + 64 * index)}`
const numberOf = (log: ChainLog, index: number): bigint | undefined => {
  const word = wordOf(log, index)
  return word.length === 66 ? BigInt(word) : undefined
}
const topic = (log: ChainLog, index: number): Address | undefined =>
  addressOfWord(log.topics[index] ?? '0x')

const movesOf = (logs: readonly ChainLog[]): readonly Move[] =>
  logs.flatMap((log, place) => {
    const from = topic(log, 1)
    const to = topic(log, 2)
    const units = numberOf(log, 0)
    const isMove = log.topics[0] === TRANSFER && log.topics.length === 3
    return isMove && from && to && units ? [{ place, token: log.address, from, to, units }] : []
  })

type Terms = {
  readonly by: Loan['by']
  readonly borrower: Address | undefined
  readonly token: Address | undefined
  readonly units: bigint | undefined
}

/** What a lender's own event says. */
const termsOf = (log: ChainLog): Terms | undefined => {
  switch (log.topics[0]) {
    case AAVE_V3:
      return {
        by: 'aave-v3',
        borrower: topic(log, 1),
        token: topic(log, 2),
        units: numberOf(log, 1),
      }
    case AAVE_V2:
      return {
        by: 'aave-v2',
        borrower: topic(log, 1),
        token: topic(log, 3),
        units: numberOf(log, 0),
      }
    case MORPHO:
      return {
        by: 'morpho',
        borrower: topic(log, 1),
        token: topic(log, 2),
        units: numberOf(log, 0),
      }
    case BALANCER_OR_MAKER:
      return log.topics.length === 3
        ? {
            by: 'balancer-v2',
            borrower: topic(log, 1),
            token: topic(log, 2),
            units: numberOf(log, 0),
          }
        : {
            by: 'maker',
            borrower: topic(log, 1),
            token: addressOfWord(wordOf(log, 0)),
            units: numberOf(log, 1),
          }
    default:
      return undefined
  }
}

/** Any contract may emit such an event: it counts where that much of the token moved. */
const byEvent = (log: ChainLog, moves: readonly Move[]): readonly Loan[] => {
  const terms = termsOf(log)
  if (!terms?.borrower || !terms.token || !terms.units) return []
  const { by, borrower, token, units } = terms
  const isReal = moves.some((move) => move.token === token && move.units === units)
  return isReal ? [{ by, lender: log.address, borrower, token, units }] : []
}

const byFlash = (log: ChainLog, moves: readonly Move[]): readonly Loan[] => {
  const borrower = topic(log, 2)
  if (!borrower) return []
  return [0, 1].flatMap((index) => {
    const units = numberOf(log, index)
    const move = moves.find(
      (one) => one.from === log.address && one.to === borrower && one.units === units,
    )
    return move && units
      ? [{ by: 'uniswap-v3', lender: log.address, borrower, token: move.token, units } as const]
      : []
  })
}

/** A pair is paid before it pays, except in a flash swap. */
const bySwap = (
  log: ChainLog,
  place: number,
  after: number,
  moves: readonly Move[],
): readonly Loan[] => {
  const pair = log.address
  const mine = moves.filter((one) => one.place > after && one.place < place)
  const paid = mine.find(({ to }) => to === pair)
  const lent = mine.find(({ from }) => from === pair)
  if (!lent || !paid || paid.place < lent.place) return []
  return [
    { by: 'uniswap-v2', lender: pair, borrower: lent.to, token: lent.token, units: lent.units },
  ]
}

/** Tokens that went out and came back from the same account, or were minted and burned: as ERC-3156 lenders lend. */
const suspectsOf = (moves: readonly Move[], known: ReadonlySet<Address>): readonly Suspect[] => {
  const found = new Map<string, Suspect>()
  for (const out of moves) {
    const { from, to: borrower, token, units } = out
    const lender = from === ZERO ? token : from
    const key = `${lender}:${token}`
    if (borrower === ZERO || known.has(lender) || found.has(key)) continue
    const isBack = moves.some(
      (back) =>
        back.place > out.place &&
        back.token === token &&
        back.from === borrower &&
        back.to === from &&
        back.units >= units,
    )
    if (isBack) found.set(key, { by: 'erc-3156', lender, borrower, token, units })
    if (found.size >= MAX_SUSPECTS) break
  }
  return [...found.values()]
}

/** The flash loans of a transaction, by its logs alone. */
export const findLoans = (
  logs: readonly ChainLog[],
): { readonly loans: readonly Loan[]; readonly suspects: readonly Suspect[] } => {
  const moves = movesOf(logs)
  const swaps = new Map<Address, number>()
  const loans: Loan[] = []
  for (const [place, log] of logs.entries()) {
    if (log.topics[0] === FLASH) loans.push(...byFlash(log, moves))
    else if (log.topics[0] === SWAP) {
      loans.push(...bySwap(log, place, swaps.get(log.address) ?? -1, moves))
      swaps.set(log.address, place)
    } else loans.push(...byEvent(log, moves))
  }
  const known = new Set([...loans.map(({ lender }) => lender), ...swaps.keys()])
  return { loans, suspects: suspectsOf(moves, known) }
}
