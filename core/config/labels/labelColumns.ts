import type { Cell } from './scanCsv.ts'

type Field = 'address' | 'name' | 'tags' | 'chain' | 'origin'

/** Which cell holds what. */
export type Columns = Partial<Readonly<Record<Field, number>>> & {
  readonly address: number
  /** Further cells that hold tags. */
  readonly moreTags: readonly number[]
  readonly hasHeader: boolean
  /** Titles of columns that are not used. */
  readonly ignored: readonly string[]
}

/** Titles by field, the best first; compared in lower case without spaces, dashes and underscores. */
const TITLES: Readonly<Record<Field, readonly string[]>> = {
  address: ['address', 'walletaddress', 'contractaddress', 'wallet', 'account', 'addr', 'contract'],
  name: [
    'name',
    'nametag',
    'publicnametag',
    'addressname',
    'addressnametag',
    'label',
    'title',
    'entity',
    'entityname',
    'owner',
    'ownername',
    'ownerkey',
    'accountowner',
    'description',
  ],
  tags: [
    'tags',
    'tag',
    'type',
    'labeltype',
    'category',
    'categories',
    'labels',
    'label',
    'labelsubtype',
    'subcategory',
    'subtype',
    'kind',
  ],
  chain: ['chain', 'chainid', 'blockchain', 'network', 'chainname'],
  origin: ['source', 'origin', 'contributor', 'provider'],
}

const ADDRESS = /^0x[0-9a-f]{40}$/i

const titleOf = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Columns by the titles of a header; undefined when no title stands for an address. */
const byTitles = (cells: readonly Cell[]): Columns | undefined => {
  const titles = cells.map(({ text }) => titleOf(text))
  const taken = new Set<number>()
  const take = (field: Field): number | undefined => {
    for (const title of TITLES[field]) {
      const at = titles.indexOf(title)
      if (at === -1 || taken.has(at)) continue
      taken.add(at)
      return at
    }
    return undefined
  }
  const address = take('address')
  if (address === undefined) return undefined
  const [name, tags] = [take('name'), take('tags')]
  const moreTags: number[] = []
  for (let more = take('tags'); more !== undefined; more = take('tags')) moreTags.push(more)
  const [chain, origin] = [take('chain'), take('origin')]
  return {
    address,
    moreTags,
    hasHeader: true,
    ignored: cells.flatMap(({ text }, at) => (taken.has(at) || text === '' ? [] : [text])),
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags }),
    ...(chain === undefined ? {} : { chain }),
    ...(origin === undefined ? {} : { origin }),
  }
}

/** Without a header: where the address stands, and the others in the order name, tags, chain, source. */
const byPlace = (cells: readonly Cell[]): Columns | undefined => {
  const address = cells.findIndex(({ text }) => ADDRESS.test(text))
  if (address === -1) return undefined
  const [name, tags, chain, origin] = [0, 1, 2, 3, 4].filter((at) => at !== address)
  return {
    address,
    moreTags: [],
    hasHeader: false,
    ignored: [],
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags }),
    ...(chain === undefined ? {} : { chain }),
    ...(origin === undefined ? {} : { origin }),
  }
}

/** What the columns are, from the first record; undefined when it is neither a header nor a row with an address. */
export const findColumns = (first: readonly Cell[]): Columns | undefined =>
  byPlace(first) ?? byTitles(first)
