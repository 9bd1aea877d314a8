import type { Address, BotBlock, BotContext, BotThing, Hex } from 'tocsin'
import type { SolvencyParameters } from './parameters.ts'

export const TRANSFER: Hex = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

export type SolvencyContext = BotContext<SolvencyParameters>
export type SolvencyThing = BotThing<SolvencyParameters>
export type Kind<K extends SolvencyThing['kind']> = SolvencyThing & { readonly kind: K }

/** What is owed beside what is there, in smallest units. */
export type Line = {
  /** Tells the lines of a thing apart, for ever. */
  readonly key: string
  /** For people: "deposits". */
  readonly owedAs: string
  readonly owed: bigint
  readonly held: bigint
  readonly token: Address | undefined
  /** False: what is missing was moved by nobody, so that the token itself changed its balances. */
  readonly isMoved: boolean
}

export type Reading = {
  readonly lines: readonly Line[]
  readonly failed: readonly string[]
}

/** Kept for each thing: when it was looked at, what it is, and the shortfall (ppm) that it always had. */
export type Memory = {
  readonly lookedS: number
  /** Whether its own balance backs what it owes; undefined until it owed anything. */
  readonly isBacked: boolean | undefined
  readonly base: Readonly<Record<string, number>>
}

export type Reader = (
  ctx: SolvencyContext,
  block: BotBlock,
  memory: Memory,
) => Promise<Reading & { readonly isBacked?: boolean }>

export type TokenMove = {
  readonly token: Address
  readonly units: bigint
  readonly isOut: boolean
  readonly other: Hex
  readonly txHash: Hex
}

/** Every transfer of tokens out of or into an address in this block. */
export const movesOf = (block: BotBlock, address: Address): readonly TokenMove[] => {
  const me = `0x${address.slice(2).padStart(64, '0')}`
  const moves: TokenMove[] = []
  for (const { topics, data, address: token, txHash } of block.logs) {
    const [first, from, to] = topics
    if (first !== TRANSFER || topics.length !== 3 || data.length !== 66 || from === to) continue
    if (from === me && to)
      moves.push({ token, units: BigInt(data), isOut: true, other: to, txHash })
    else if (to === me && from)
      moves.push({ token, units: BigInt(data), isOut: false, other: from, txHash })
  }
  return moves
}

/** Whether any of this token was moved out of an address by a transfer in this block. */
export const hasOutflow = (block: BotBlock, address: Address, token: Address): boolean =>
  movesOf(block, address).some((move) => move.isOut && move.token === token)
