import { shown } from '../fault.ts'
import { suggestion } from '../suggestName.ts'

/** Names under which published lists know chains. */
const PUBLIC: Readonly<Record<string, number>> = {
  ethereum: 1,
  eth: 1,
  mainnet: 1,
  'ethereum mainnet': 1,
  optimism: 10,
  'op mainnet': 10,
  bsc: 56,
  bnb: 56,
  gnosis: 100,
  polygon: 137,
  base: 8453,
  arbitrum: 42161,
  'arbitrum one': 42161,
  avalanche_c: 43114,
  avalanche: 43114,
}

export type ChainAnswer =
  | { readonly ok: true; readonly chainId: number | undefined }
  | { readonly ok: false; readonly problem: string; readonly mend: string }

/**
 * Reads the chain of a label: a name of the watchlist, an id (`1`, `eip155:1`), a usual name (`ethereum`); nothing, `*`
 * and `all` mean every chain. A chain that is not watched is no fault: its labels are kept and not used.
 */
export const createChainReader = (
  chains: Readonly<Record<string, number>>,
): ((text: string) => ChainAnswer) => {
  const known = new Map<string, ChainAnswer>()
  const read = (raw: string): ChainAnswer => {
    const text = raw.toLowerCase()
    if (text === '' || text === '*' || text === 'all') return { ok: true, chainId: undefined }
    const named = Object.hasOwn(chains, raw) ? chains[raw] : undefined
    if (named !== undefined) return { ok: true, chainId: named }
    const digits = /^(?:eip155:)?(\d{1,9})$/.exec(text)?.[1]
    if (digits !== undefined && Number(digits) > 0) return { ok: true, chainId: Number(digits) }
    const usual = Object.hasOwn(PUBLIC, text) ? PUBLIC[text] : undefined
    if (usual !== undefined) return { ok: true, chainId: usual }
    return {
      ok: false,
      problem: `there is no chain "${shown(raw, 40)}"`,
      mend: `${suggestion(raw.slice(0, 40), Object.keys(chains), 'chains')} A chain id will do too.`,
    }
  }
  return (text) => {
    const trimmed = text.trim().slice(0, 60)
    const answer = known.get(trimmed) ?? read(trimmed)
    if (known.size < 1_000) known.set(trimmed, answer)
    return answer
  }
}
