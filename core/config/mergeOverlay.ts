import { type Located, type LocatedEntry, type LocatedMap, plainOf, textAt } from './located.ts'

/** `{env: …}` and `{file: …}` are one value each, never half of one and half of the other. */
const isSecret = (node: LocatedMap): boolean =>
  node.entries.size === 1 && (node.entries.has('env') || node.entries.has('file'))

const hasOtherKind = (base: LocatedMap, over: LocatedMap): boolean => {
  const [before, after] = [textAt(base, ['kind']), textAt(over, ['kind'])]
  return before !== undefined && after !== undefined && before !== after
}

const namesOf = (items: readonly Located[]): readonly string[] | undefined => {
  const names = items.map((item) => textAt(item, ['name']))
  return names.every((name) => name !== undefined) ? names : undefined
}

const isNull = (node: Located): boolean => node.kind === 'scalar' && node.value === null

/**
 * Lays an overlay over a base: maps are merged (an empty value removes the entry; a map of another `kind` replaces),
 * lists whose items all have a name are merged by it, everything else is replaced. Each value keeps its own place.
 */
export const mergeOverlay = (base: Located, over: Located): Located => {
  if (base.kind === 'map' && over.kind === 'map') {
    if (isSecret(base) || isSecret(over) || hasOtherKind(base, over)) return over
    const entries = new Map<string, LocatedEntry>(base.entries)
    for (const [key, entry] of over.entries) {
      const before = entries.get(key)
      if (!before) entries.set(key, entry)
      else if (isNull(entry.node)) entries.delete(key)
      else {
        const node = mergeOverlay(before.node, entry.node)
        entries.set(key, { keyAt: node === entry.node ? entry.keyAt : before.keyAt, node })
      }
    }
    return { kind: 'map', at: base.at, entries }
  }
  if (base.kind === 'list' && over.kind === 'list') {
    const [before, after] = [namesOf(base.items), namesOf(over.items)]
    if (!before || !after || before.length === 0) return over
    // Two of one name in the overlay: both stay, and the check for doubled names speaks of them.
    if (new Set(after).size < after.length)
      return { kind: 'list', at: base.at, items: [...base.items, ...over.items] }
    const items = base.items.map((item, index) => {
      const match = over.items[after.indexOf(before[index] ?? '')]
      return match ? mergeOverlay(item, match) : item
    })
    const added = over.items.filter((_, index) => !before.includes(after[index] ?? ''))
    return { kind: 'list', at: base.at, items: [...items, ...added] }
  }
  return over
}

const nowhere = { file: '', line: 1, column: 1 }
const locate = (value: unknown): Located => {
  if (Array.isArray(value)) return { kind: 'list', at: nowhere, items: value.map(locate) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    return {
      kind: 'map',
      at: nowhere,
      entries: new Map(entries.map(([key, item]) => [key, { keyAt: nowhere, node: locate(item) }])),
    }
  }
  const isScalar = ['string', 'number', 'boolean'].includes(typeof value)
  return { kind: 'scalar', at: nowhere, value: isScalar ? (value as string) : null }
}

/** The same rules for plain values, each later one laid over those before it. */
export const mergeValues = (...layers: readonly unknown[]): unknown =>
  plainOf(layers.map((layer) => locate(layer ?? {})).reduce(mergeOverlay))
