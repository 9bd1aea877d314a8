import { entriesAt, itemsAt, type Located, textAt } from './located.ts'
import type { Place } from './types.ts'

/** Where each named part is written, and the values in it that a probe may find wrong. */
export const listPlaces = (root: Located): Readonly<Record<string, Place>> => {
  const places: Record<string, Place> = {}
  for (const section of ['chains', 'channels', 'bots', 'forta', 'owners'])
    for (const [name, { keyAt, node }] of entriesAt(root, [section])) {
      places[`${section}.${name}`] = keyAt
      for (const [key, entry] of entriesAt(node, []))
        places[`${section}.${name}.${key}`] = entry.node.at
      for (const [index, item] of itemsAt(node, ['rpc']).entries())
        places[`${section}.${name}.rpc.${index}`] = item.at
    }
  for (const thing of itemsAt(root, ['watch'])) {
    const name = textAt(thing, ['name'])
    if (name === undefined) continue
    places[`watch.${name}`] = thing.at
    for (const [key, entry] of entriesAt(thing, [])) places[`watch.${name}.${key}`] = entry.node.at
  }
  for (const section of ['routes', 'answers'])
    for (const [index, item] of itemsAt(root, [section]).entries())
      places[`${section}.${index}`] = item.at
  return places
}
