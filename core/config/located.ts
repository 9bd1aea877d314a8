import type { Place } from './types.ts'

/** A parsed YAML value that still knows where it stands. */
export type Located =
  | {
      readonly kind: 'scalar'
      readonly at: Place
      readonly value: string | number | boolean | null
    }
  | { readonly kind: 'list'; readonly at: Place; readonly items: readonly Located[] }
  | {
      readonly kind: 'map'
      readonly at: Place
      readonly entries: ReadonlyMap<string, LocatedEntry>
    }

export type LocatedEntry = { readonly keyAt: Place; readonly node: Located }
export type LocatedMap = Extract<Located, { kind: 'map' }>

/** Path into the watchlist: keys and list indexes. */
export type ConfigPath = readonly (string | number)[]

/** The plain value, as JSON would hold it. */
export const plainOf = (node: Located): unknown => {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainOf)
  return Object.fromEntries(
    [...node.entries].map(([key, { node: value }]) => [key, plainOf(value)]),
  )
}

const childEntry = (node: Located | undefined, step: string | number): LocatedEntry | undefined => {
  if (node?.kind === 'map') return node.entries.get(String(step))
  if (node?.kind !== 'list') return undefined
  const item = node.items[Number(step)]
  return item && { keyAt: item.at, node: item }
}

/** The node at a path, or undefined. */
export const nodeAt = (root: Located | undefined, path: ConfigPath): Located | undefined => {
  let node: Located | undefined = root
  for (const step of path) node = childEntry(node, step)?.node
  return node
}

/** Entries of a map at a path; none when it is absent or something else. */
export const entriesAt = (
  root: Located | undefined,
  path: ConfigPath,
): readonly (readonly [string, LocatedEntry])[] => {
  const node = nodeAt(root, path)
  return node?.kind === 'map' ? [...node.entries] : []
}

/** Items of a list at a path; none when it is absent or something else. */
export const itemsAt = (root: Located | undefined, path: ConfigPath): readonly Located[] => {
  const node = nodeAt(root, path)
  return node?.kind === 'list' ? node.items : []
}

/** The text at a path, when there is one. */
export const textAt = (root: Located | undefined, path: ConfigPath): string | undefined => {
  const node = nodeAt(root, path)
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined
}

/** Where a value stands; where it is absent, the key (or start) of the nearest thing around it. */
export const placeOf = (root: Located, path: ConfigPath): Place => {
  let place = root.at
  let node: Located | undefined = root
  for (const [index, step] of path.entries()) {
    const entry = childEntry(node, step)
    if (!entry) return place
    place = index === path.length - 1 ? entry.node.at : entry.keyAt
    node = entry.node
  }
  return place
}

/** Where the key of a map entry stands. */
export const keyPlaceOf = (root: Located, path: ConfigPath): Place => {
  const last = path[path.length - 1]
  const entry = last === undefined ? undefined : childEntry(nodeAt(root, path.slice(0, -1)), last)
  return entry?.keyAt ?? placeOf(root, path)
}

/** `watch[2].address`, with the name in place of the index where a list item has one: `watch[usdc].address`. */
export const pathText = (root: Located | undefined, path: ConfigPath): string => {
  let text = ''
  for (const [index, step] of path.entries()) {
    if (typeof step === 'number')
      text += `[${textAt(root, [...path.slice(0, index + 1), 'name']) ?? step}]`
    else text += text ? `.${step}` : step
  }
  return text
}
