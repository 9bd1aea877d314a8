import { addressesIn, type LabelledConfig, nameAddresses } from '../labels/index.ts'
import type { Database } from '../store/index.ts'
import type { NameOf } from './format.ts'
import type { Overview } from './overviewTypes.ts'

/** Most addresses of one chain that are looked up for one page. */
const MAX_ADDRESSES = 500

/** Names of the addresses that these words speak of, by chain id and lower-case address. */
export const readNames = async (
  db: Database,
  config: LabelledConfig,
  texts: readonly { readonly chainId: number; readonly words: string }[],
): Promise<ReadonlyMap<string, string>> => {
  const byChain = new Map<number, string[]>()
  for (const { chainId, words } of texts) {
    const known = byChain.get(chainId)
    if (known) known.push(words)
    else byChain.set(chainId, [words])
  }
  const names = new Map<string, string>()
  for (const [chainId, words] of byChain) {
    const addresses = addressesIn(words.join(' '), MAX_ADDRESSES)
    for (const [address, name] of await nameAddresses(db, config, chainId, addresses))
      names.set(`${chainId}:${address}`, name)
  }
  return names
}

/** How the page names the addresses of one chain. */
export const namesOn =
  (overview: Pick<Overview, 'names'>, chainId: number): NameOf =>
  (address) =>
    overview.names.get(`${chainId}:${address}`)
