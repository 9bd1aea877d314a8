import { getAddress, isAddress } from 'viem/utils'
import { type Address, cleanText } from '../../base/index.ts'
import type { BotContext } from '../types.ts'

const MAX_ITEMS = 8

/** An argument of a stranger's call or event as short, clean text. */
export const showValue = (value: unknown, max = 80): string => {
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  if (typeof value === 'string') return cleanText(isAddress(value) ? getAddress(value) : value, max)
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_ITEMS).map((one) => showValue(one, max))
    return cleanText(
      `[${shown.join(', ')}${value.length > MAX_ITEMS ? `, … ${value.length} in all` : ''}]`,
      max * 2,
    )
  }
  if (typeof value === 'object' && value !== null)
    return cleanText(
      `{${Object.entries(value)
        .slice(0, MAX_ITEMS)
        .map(([key, one]) => `${key}: ${showValue(one, max)}`)
        .join(', ')}}`,
      max * 2,
    )
  return ''
}

/** An address for people: its name in the watchlist or the labels, if any, and the checksummed address. */
export const showAddress = (
  ctx: Pick<BotContext<unknown>, 'labels'> & {
    readonly thingAt: (address: Address) => { readonly name: string } | undefined
  },
  address: Address,
): string => {
  const name = ctx.thingAt(address)?.name ?? ctx.labels.get(address)?.name
  const full = getAddress(address)
  return name === undefined ? full : `${cleanText(name, 60)} (${full})`
}
