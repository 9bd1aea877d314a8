import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ConfigPath, entriesAt, type Located, textAt } from './located.ts'

/** Hosted bots: their folders and chains are there, and no bot of Tocsin's own has the name. */
export const checkForta = (
  root: Located,
  options: {
    readonly folder: string
    readonly chains: readonly string[]
    readonly bots?: readonly string[] | undefined
    readonly add: (path: ConfigPath, problem: string, mend: string, onKey?: boolean) => void
    readonly references: (path: ConfigPath, known: readonly string[], one: string) => void
  },
): void => {
  for (const [name] of entriesAt(root, ['forta'])) {
    const path: ConfigPath = ['forta', name]
    options.references([...path, 'chains'], options.chains, 'chain')
    if (options.bots?.includes(name))
      options.add(path, 'a bot of Tocsin has this name', 'Give the hosted bot another one.', true)
    const dir = textAt(root, [...path, 'dir'])
    if (dir !== undefined && !existsSync(join(resolve(options.folder, dir), 'package.json')))
      options.add(
        [...path, 'dir'],
        'there is no package.json in this folder',
        'Name the folder of the bot; `tocsin forta import DIR` writes the whole entry.',
      )
  }
}
