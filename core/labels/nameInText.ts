import type { Names } from './findLabels.ts'

const ADDRESS = /(?<![0-9a-fA-F])0x[0-9a-fA-F]{40}(?![0-9a-fA-F])/g

/** Every address in a text, lower case, each once, at most `max`. */
export const addressesIn = (text: string, max = 50): readonly string[] =>
  [...new Set([...text.matchAll(ADDRESS)].map(([address]) => address.toLowerCase()))].slice(0, max)

/** Puts the name before each address that has one: `Binance 14 (0x…)`. One in brackets has been named already. */
export const nameInText = (text: string, names: Names): string =>
  names.size === 0
    ? text
    : text.replace(ADDRESS, (address, at: number) => {
        const name = text[at - 1] === '(' ? undefined : names.get(address.toLowerCase())
        return name ? `${name} (${address})` : address
      })
