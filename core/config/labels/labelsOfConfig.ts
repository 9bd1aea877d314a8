import type { Address } from '../../base/index.ts'
import type { Config } from '../types.ts'

/** A label with the place that it comes from: `watchlist`, or the name of a file or an imported list. */
export type SourcedLabel = {
  readonly address: Address
  readonly name: string
  readonly tags: readonly string[]
  readonly source: string
}

type LabelledConfig = Pick<Config, 'labels'> & Partial<Pick<Config, 'watch'>>

/**
 * What the watchlist and its files say of one chain's addresses, in the order in which it holds: labels of the
 * watchlist, its own things under the tag `own`, then the files, those that name the chain first.
 */
export const labelsOfConfig = (
  { watch = [], labels }: LabelledConfig,
  chainId: number,
  wanted: (address: Address) => boolean = () => true,
): readonly SourcedLabel[] => {
  const own = watch
    .filter((thing) => thing.chainId === chainId && wanted(thing.address))
    // What somebody labelled by hand comes first.
    .sort((a, b) => Number(b.kind === 'label') - Number(a.kind === 'label'))
    .map((thing) => ({
      address: thing.address,
      name: thing.name,
      tags: thing.kind === 'label' ? thing.tags : [thing.kind, 'own'],
      source: 'watchlist',
    }))
  const rows = labels?.rows.filter(({ address }) => wanted(address)) ?? []
  return [
    ...own,
    ...rows.filter((row) => row.chainId === chainId),
    ...rows.filter((row) => row.chainId === undefined),
  ]
}
