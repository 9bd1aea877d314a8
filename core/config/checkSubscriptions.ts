import {
  type ConfigPath,
  entriesAt,
  itemsAt,
  type Located,
  nodeAt,
  plainOf,
  textAt,
} from './located.ts'

type Names = Readonly<Record<'chains' | 'things', readonly string[]>>

/** What subscriptions name must be there, and a URL that is not https needs a word of its own. */
export const checkSubscriptions = (
  root: Located,
  checker: {
    readonly names: Names
    readonly add: (path: ConfigPath, problem: string, mend: string) => void
    readonly references: (path: ConfigPath, known: readonly string[], one: string) => void
    readonly botReferences: (path: ConfigPath) => void
    readonly checksum: (path: ConfigPath) => void
  },
): void => {
  for (const [name] of entriesAt(root, ['subscriptions'])) {
    const path: ConfigPath = ['subscriptions', name]
    checker.references([...path, 'filter', 'chain'], checker.names.chains, 'chain')
    checker.references([...path, 'filter', 'thing'], checker.names.things, 'thing')
    checker.botReferences([...path, 'filter', 'bot'])
    for (const index of itemsAt(root, [...path, 'filter', 'address']).keys())
      checker.checksum([...path, 'filter', 'address', index])
    const allowed = nodeAt(root, [...path, 'allowPrivate'])
    if (textAt(root, [...path, 'url'])?.startsWith('http://') && !(allowed && plainOf(allowed)))
      checker.add(
        [...path, 'url'],
        'findings would travel in the clear',
        'Use https; within your own network say `allowPrivate: true`.',
      )
  }
}
