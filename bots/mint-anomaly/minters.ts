import { type Address, addressOfWord, type ChainTransaction } from 'tocsin'
import { MINTED, type Move } from './readFlow.ts'
import type { MintContext, MintThing } from './types.ts'

/** More minters than this, and anybody may mint. */
const MAX_MINTERS = 32
const COUNTED = 1_000

type Book = {
  readonly mints: number
  readonly known: readonly Address[]
  /** Anybody may mint: nobody is new any more, and nobody is kept. */
  readonly isOpen: boolean
}

export type Standing = 'known' | 'new' | 'open' | 'learning'

const EMPTY: Book = { mints: 0, known: [], isOpen: false }

/**
 * Who made a mint: the minter that the token names itself, else the contract that was called, else the sender of a
 * call to the token itself.
 */
export const minterOf = (token: Address, move: Move, tx: ChainTransaction | undefined): Address => {
  const named = tx?.logs.find(
    ({ address, topics, data }) =>
      address === token &&
      topics[0] === MINTED &&
      topics.length === 3 &&
      data === move.log.data &&
      addressOfWord(topics[2] ?? '0x') === move.holder,
  )
  const word = named?.topics[1]
  const minter = word === undefined ? undefined : addressOfWord(word)
  if (minter) return minter
  if (!tx) return move.holder
  return tx.to === null || tx.to === token ? tx.from : tx.to
}

/**
 * Looks a minter up and notes it. New is who was not seen before, once enough mints were, of minters who mint time and
 * again: a token that anybody may mint has as many minters as mints. Keeps 32 addresses for each token.
 */
export const meetMinter = (ctx: MintContext, thing: MintThing, minter: Address): Standing => {
  const key = `minters:${thing.name}`
  const book = ctx.state.get<Book>(key) ?? EMPTY
  const isKnown = book.known.includes(minter) || thing.parameters.minters.includes(minter)
  const mints = Math.min(COUNTED, book.mints + 1)
  if (book.isOpen) return 'open'
  const known = isKnown ? book.known : [...book.known, minter]
  const isOpen = known.length > MAX_MINTERS
  if (mints !== book.mints || !isKnown)
    ctx.state.set(key, { mints, known: isOpen ? [] : known, isOpen })
  if (isKnown) return 'known'
  if (book.mints < thing.parameters.minMints) return 'learning'
  return book.known.length * 2 <= book.mints ? 'new' : 'open'
}

/** Whether somebody minted before, or is named in the watchlist. */
export const isKnownMinter = (ctx: MintContext, thing: MintThing, minter: Address): boolean =>
  thing.parameters.minters.includes(minter) ||
  (ctx.state.get<Book>(`minters:${thing.name}`)?.known.includes(minter) ?? false)
