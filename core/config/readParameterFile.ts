import { resolve } from 'node:path'
import type { Fault } from './fault.ts'
import {
  entriesAt,
  itemsAt,
  type Located,
  type LocatedEntry,
  type LocatedMap,
  pathText,
  textAt,
} from './located.ts'
import { readYamlFile } from './readYamlFile.ts'
import { suggestion } from './suggestName.ts'

type Read = { readonly root: Located | undefined; readonly faults: readonly Fault[] }

const MENDS: Readonly<Record<string, string>> = {
  'Begin with `version: 1`.': 'Begin with `bots:` or `watch:`.',
  'Name the watchlist with --config.': 'Name the file of other parameters.',
}

const strangers = (
  root: Located,
  entries: readonly (readonly [string, LocatedEntry])[],
  known: readonly string[],
  path: readonly (string | number)[],
): readonly Fault[] =>
  entries
    .filter(([key]) => !known.includes(key))
    .map(([key, { keyAt }]) => ({
      ...keyAt,
      path: pathText(root, [...path, key]),
      problem: 'a set of parameters does not change this',
      mend: `It may hold: ${known.join(', ')}.`,
    }))

/**
 * A file of other parameters: `bots` as in the watchlist, and `watch` with the name of a thing and its `bots`. Things
 * must be there already; nothing else may be changed.
 */
export const readParameterFile = (path: string, watchlist: Located): Read => {
  const read = readYamlFile(resolve(path), path)
  const faults: Fault[] = read.faults.map((fault) => ({
    ...fault,
    mend: MENDS[fault.mend] ?? fault.mend,
  }))
  const { root } = read
  if (!root) return { root, faults }
  faults.push(...strangers(root, entriesAt(root, []), ['version', 'bots', 'watch'], []))
  const known = itemsAt(watchlist, ['watch']).flatMap((item) => textAt(item, ['name']) ?? [])
  for (const [index, item] of itemsAt(root, ['watch']).entries()) {
    const at = ['watch', index] as const
    faults.push(...strangers(root, entriesAt(item, []), ['name', 'bots'], at))
    const name = textAt(item, ['name'])
    if (name === undefined || !known.includes(name))
      faults.push({
        ...item.at,
        path: pathText(root, at),
        problem: name === undefined ? 'the thing has no name' : `nothing watched is called so`,
        mend: suggestion(name ?? '', known, 'things'),
      })
  }
  // Of which version it is says the watchlist.
  const { entries } = root as LocatedMap
  const kept = new Map([...entries].filter(([key]) => key !== 'version'))
  return { root: { kind: 'map', at: root.at, entries: kept }, faults }
}
