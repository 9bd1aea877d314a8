import { type ConfigPath, type Located, nodeAt, textAt } from './located.ts'

/** The channels that the vigil names must be there, and whoever is told of a late canary must not be its own channel. */
export const checkVigil = (
  root: Located,
  checker: {
    readonly names: Readonly<Record<'channels', readonly string[]>>
    readonly add: (path: ConfigPath, problem: string, mend: string, onKey?: boolean) => void
    readonly reference: (path: ConfigPath, known: readonly string[], one: string) => void
  },
): void => {
  const paths: readonly ConfigPath[] = [
    ['vigil', 'alarm'],
    ['vigil', 'canary', 'channel'],
    ['vigil', 'lastGasp', 'channel'],
  ]
  for (const path of paths) checker.reference(path, checker.names.channels, 'channel')
  if (!nodeAt(root, ['vigil', 'canary'])) return
  const alarm = textAt(root, ['vigil', 'alarm'])
  if (alarm === undefined)
    checker.add(
      ['vigil', 'canary'],
      'nobody is told when the canary is late',
      'Name another channel by `vigil.alarm`.',
      true,
    )
  else if (alarm === textAt(root, ['vigil', 'canary', 'channel']))
    checker.add(
      ['vigil', 'alarm'],
      'a canary that is late on this channel would be told by this channel',
      'Name another one.',
    )
}
