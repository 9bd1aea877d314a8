import { parseAbi } from 'viem/utils'
import { type Address, cleanText } from '../../base/index.ts'
import type { BotContext } from '../types.ts'

const tokenAbi = parseAbi([
  'function decimals() view returns (uint8)',
  'function symbol() view returns (string)',
])

export type TokenInfo = {
  readonly address: Address
  /** Undefined when the token does not say. */
  readonly decimals: number | undefined
  /** Cleaned and short; the address shortened when the token has none. */
  readonly symbol: string
}

const brief = (address: Address): string => `${address.slice(0, 8)}…${address.slice(-4)}`

/** Decimals and symbol of a token: read once, then from the bot's state. */
export const readToken = async <P>(
  ctx: Pick<BotContext<P>, 'read' | 'state'>,
  address: Address,
): Promise<TokenInfo> => {
  const key = `token:${address}`
  const known = ctx.state.get<{ decimals: number | null; symbol: string }>(key)
  if (known !== undefined)
    return { address, decimals: known.decimals ?? undefined, symbol: known.symbol }
  const [decimals, symbol] = await Promise.all([
    ctx.read.call<number>({ address, abi: tokenAbi, functionName: 'decimals' }),
    ctx.read.call<string>({ address, abi: tokenAbi, functionName: 'symbol' }),
  ])
  const info = {
    decimals: decimals.ok && decimals.value <= 77 ? decimals.value : null,
    symbol: (symbol.ok && cleanText(symbol.value, 24)) || brief(address),
  }
  // A token that does not say its decimals today may be one that is not deployed yet: ask again.
  if (info.decimals !== null) ctx.state.set(key, info)
  return { address, decimals: info.decimals ?? undefined, symbol: info.symbol }
}
