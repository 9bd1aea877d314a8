import { isAbsolute, join, resolve } from 'node:path'
import { type Fault, shown } from './fault.ts'
import { type ConfigLabel, MAX_LABELS, readLabelFile, sourceOf } from './labels/index.ts'
import { itemsAt, type Located, nodeAt, placeOf, plainOf } from './located.ts'
import { suggestion } from './suggestName.ts'

export type LabelsOfFiles = {
  readonly files: readonly string[]
  readonly rows: readonly ConfigLabel[]
  readonly faults: readonly Fault[]
}

const entriesOf = (
  value: unknown,
): {
  readonly file: string
  readonly chain: string | undefined
  readonly tags: readonly string[]
  readonly source: string | undefined
} => {
  if (typeof value === 'string')
    return { file: value, chain: undefined, tags: [], source: undefined }
  const { file, chain, tags, source } = (value ?? {}) as Readonly<Record<string, unknown>>
  const text = (one: unknown): string | undefined => (typeof one === 'string' ? one : undefined)
  return {
    file: text(file) ?? '',
    chain: text(chain),
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    source: text(source),
  }
}

/**
 * The labels of all files that the watchlist names, with everything that is wrong in them. `shownFolder`: how faults
 * name the folder of the watchlist.
 */
export const readLabels = (
  root: Located,
  where: { readonly folder: string; readonly shownFolder: string },
  chains: Readonly<Record<string, number>>,
): LabelsOfFiles => {
  const files: string[] = []
  const rows: ConfigLabel[] = []
  const faults: Fault[] = []
  for (const [index, node] of itemsAt(root, ['labels']).entries()) {
    const { file, chain, tags, source = sourceOf(file) } = entriesOf(plainOf(node))
    if (file === '') continue
    const at = placeOf(root, ['labels', index])
    const path = resolve(where.folder, file)
    if (files.includes(path)) {
      const problem = 'this file stands here already'
      faults.push({ ...at, path: `labels[${index}]`, problem, mend: 'Name each file once.' })
      continue
    }
    files.push(path)
    const chainId = chain !== undefined && Object.hasOwn(chains, chain) ? chains[chain] : undefined
    if (chain !== undefined && chainId === undefined)
      faults.push({
        ...placeOf(root, ['labels', index, 'chain']),
        path: `labels[${index}].chain`,
        problem: `there is no chain "${shown(chain)}"`,
        mend: suggestion(chain, Object.keys(chains), 'chains'),
      })
    const shownFile = isAbsolute(file) ? file : join(where.shownFolder, file)
    const read = readLabelFile(path, { shownFile, chains, chainId, tags })
    faults.push(...read.faults)
    if (read.faulty > read.faults.length)
      faults.push({
        ...at,
        path: `labels[${index}]`,
        problem: `${read.faulty - read.faults.length} more faults stand in this file`,
        mend: 'Mend the first ones, then look again.',
      })
    for (const row of read.rows) rows.push({ ...row, source })
  }
  if (rows.length > MAX_LABELS)
    faults.push({
      ...placeOf(root, ['labels']),
      path: 'labels',
      problem: `these files hold ${rows.length} labels, more than ${MAX_LABELS}`,
      mend: 'Keep those that matter: exchanges, bridges, mixers, your own.',
    })
  return { files, rows, faults }
}

/** Ids of the chains by name, as far as the file says them rightly. */
export const chainIdsIn = (root: Located): Readonly<Record<string, number>> => {
  const chains = nodeAt(root, ['chains'])
  if (chains?.kind !== 'map') return {}
  return Object.fromEntries(
    [...chains.entries].flatMap(([name, { node }]) => {
      const id = nodeAt(node, ['id'])
      return id?.kind === 'scalar' && typeof id.value === 'number'
        ? [[name, id.value] as const]
        : []
    }),
  )
}
