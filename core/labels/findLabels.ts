import { type Address, cleanText } from '../base/index.ts'
import { type Config, labelsOfConfig, type SourcedLabel } from '../config/index.ts'
import type { Database, DatabaseTransaction } from '../store/index.ts'
import { listImported } from './listImported.ts'

export type LabelledConfig = Partial<Pick<Config, 'watch' | 'labels'>>

/** All that is said of these addresses on one chain, in the order in which it holds. */
export const findLabels = async (
  db: Database | DatabaseTransaction,
  config: LabelledConfig,
  chainId: number,
  addresses: readonly Address[],
): Promise<readonly SourcedLabel[]> => {
  const wanted = new Set(addresses)
  if (wanted.size === 0) return []
  return [
    ...labelsOfConfig({ watch: config.watch ?? [], labels: config.labels }, chainId, (address) =>
      wanted.has(address),
    ),
    ...(await listImported(db, chainId, [...wanted])),
  ]
}

/** Names by lower-case address. */
export type Names = ReadonlyMap<string, string>

/** The name of each address that has one, cleaned and at most 60 characters. */
export const nameAddresses = async (
  db: Database | DatabaseTransaction,
  config: LabelledConfig,
  chainId: number,
  addresses: readonly string[],
): Promise<Names> => {
  const names = new Map<string, string>()
  // Nothing of chain 0 is on a chain: those are words about Tocsin itself.
  if (chainId === 0) return names
  const lower = addresses.map((address) => address.toLowerCase() as Address)
  for (const { address, name } of await findLabels(db, config, chainId, lower))
    if (!names.has(address)) names.set(address, cleanText(name, 60))
  return names
}
