import { shown } from './fault.ts'
import { type ConfigPath, entriesAt, itemsAt, type Located, nodeAt, textAt } from './located.ts'
import { suggestion } from './suggestName.ts'

type Checker = {
  readonly names: Readonly<Record<'things' | 'chains', readonly string[]>>
  readonly add: (path: ConfigPath, problem: string, mend: string) => void
  readonly reference: (path: ConfigPath, known: readonly string[], one: string) => void
}

type Edge = { readonly to: string; readonly path: ConfigPath }

const readEdges = (root: Located): ReadonlyMap<string, readonly Edge[]> => {
  const edges = new Map<string, Edge[]>()
  const read = (from: string, path: ConfigPath): void => {
    for (const index of itemsAt(root, path).keys()) {
      const to = textAt(root, [...path, index])
      if (to !== undefined)
        edges.set(from, [...(edges.get(from) ?? []), { to, path: [...path, index] }])
    }
  }
  for (const index of itemsAt(root, ['watch']).keys()) {
    const name = textAt(root, ['watch', index, 'name'])
    if (name !== undefined) read(name, ['watch', index, 'dependsOn'])
  }
  for (const [name] of entriesAt(root, ['dependencies']))
    read(name, ['dependencies', name, 'dependsOn'])
  return edges
}

/** Names in `dependsOn` exist, and nothing leans on itself, however far around. */
export const checkDependencies = (root: Located, checker: Checker): void => {
  const { names, add, reference } = checker
  const nodes = entriesAt(root, ['dependencies']).map(([name]) => name)
  const protocols = itemsAt(root, ['watch']).flatMap((thing) => textAt(thing, ['protocol']) ?? [])
  const known = [...new Set([...names.things, ...nodes, ...protocols])]
  for (const name of nodes) reference(['dependencies', name, 'chain'], names.chains, 'chain')
  const edges = readEdges(root)
  for (const own of edges.values())
    for (const { to, path } of own)
      if (!known.includes(to))
        add(
          path,
          `there is no thing, protocol or dependency "${shown(to)}"`,
          suggestion(to, known, 'names'),
        )
  const done = new Set<string>()
  const walk = (name: string, trail: readonly string[]): void => {
    if (done.has(name)) return
    for (const { to, path } of edges.get(name) ?? []) {
      const at = [...trail, name].indexOf(to)
      if (at < 0) walk(to, [...trail, name])
      else
        add(
          path,
          `it leans on itself: ${[...trail, name]
            .slice(at)
            .map((each) => shown(each))
            .join(' → ')} → ${shown(to)}`,
          'Remove one of these: what fails first has to be upstream of the rest.',
        )
    }
    done.add(name)
  }
  for (const name of edges.keys()) walk(name, [])
}

/** `from` and `to` belong together, or the week does. */
export const checkMaintenance = (root: Located, { add }: Pick<Checker, 'add'>): void => {
  for (const index of itemsAt(root, ['incidents', 'maintenance']).keys()) {
    const path: ConfigPath = ['incidents', 'maintenance', index]
    const [from, to] = ['from', 'to'].map((key) => textAt(root, [...path, key]))
    const isWeekly = nodeAt(root, [...path, 'weekly']) !== undefined
    if (isWeekly === (from !== undefined && to !== undefined))
      add(path, 'it needs a window', 'Give `from` and `to`, or `weekly`.')
    else if (from !== undefined && to !== undefined && Date.parse(to) <= Date.parse(from))
      add([...path, 'to'], 'it ends before it begins', 'Write a later instant.')
  }
}
