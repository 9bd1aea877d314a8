import type { Address, BotContext, BotThing } from 'tocsin'
import type { WhaleWatchParameters } from './parameters.ts'

export type WhaleContext = BotContext<WhaleWatchParameters>
export type WhaleThing = BotThing<WhaleWatchParameters>
export type TokenThing = WhaleThing & { readonly kind: 'token' }

/** One followed holder. `base` is what it held when its present span began; `level` what was told in it. */
export type Holder = {
  readonly address: Address
  readonly balance: bigint
  readonly base: bigint
  readonly baseAtS: number
  readonly outLevel: number
  readonly inLevel: number
}

/** What is known of one token's holders. */
export type HolderBook = {
  readonly holders: readonly Holder[]
  /** Contracts without a label: pools, vestings, bridges. Not asked again; the latest 100. */
  readonly contracts: readonly Address[]
  /** Whales that left lately, oldest first, at most 100. */
  readonly left: readonly { readonly address: Address; readonly atS: number }[]
  readonly toldTogetherAtS: number
}

const EMPTY: HolderBook = { holders: [], contracts: [], left: [], toldTogetherAtS: 0 }
const MAX_CONTRACTS = 100
const MAX_LEFT = 100

export const readBook = (ctx: WhaleContext, token: Address): HolderBook =>
  ctx.state.get<HolderBook>(`book:${token}`) ?? EMPTY

/** Keeps the largest holders, labelled whales among them, and bounds everything else. */
export const writeBook = (
  ctx: WhaleContext,
  token: Address,
  book: HolderBook,
  topHolders: number,
): void => {
  const sizeOf = ({ balance, base }: Holder): bigint => (base > balance ? base : balance)
  const holders = [...book.holders]
    // Who has left stays as large as it was until its span is over.
    .sort((a, b) => {
      const [one, other] = [sizeOf(a), sizeOf(b)]
      if (one === other) return a.address < b.address ? -1 : 1
      return one > other ? -1 : 1
    })
    .slice(0, topHolders)
  ctx.state.set(`book:${token}`, {
    ...book,
    holders,
    contracts: book.contracts.slice(-MAX_CONTRACTS),
    left: book.left.slice(-MAX_LEFT),
  })
}

const tagsOf = (ctx: WhaleContext, address: Address): readonly string[] => {
  const thing = ctx.thingAt(address)
  return thing?.kind === 'label' ? thing.tags : (ctx.labels.get(address)?.tags ?? [])
}

export const isLabelledWhale = (ctx: WhaleContext, address: Address): boolean =>
  tagsOf(ctx, address).includes('whale')

const OTHERS = ['exchange', 'exchange-deposit', 'bridge', 'own', 'mixer', 'burn', 'treasury']
const NOBODY = [
  '0x0000000000000000000000000000000000000000',
  '0x000000000000000000000000000000000000dead',
]

/** Exchanges, bridges, the watchlist's own things and burnt tokens are no whales, however much they hold. */
export const cannotBeWhale = (ctx: WhaleContext, token: Address, address: Address): boolean => {
  if (address === token || NOBODY.includes(address)) return true
  const tags = tagsOf(ctx, address)
  return !tags.includes('whale') && OTHERS.some((tag) => tags.includes(tag))
}
