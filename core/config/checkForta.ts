import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ConfigPath, entriesAt, itemsAt, type Located, textAt } from './located.ts'

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
    const grpc = textAt(root, [...path, 'grpc'])
    if ((dir === undefined) === (grpc === undefined))
      options.add(
        path,
        dir === undefined ? 'it does not say where the bot is' : 'it says `dir` and `grpc`',
        'Say `dir` for a folder that is to be run, or `grpc` for a bot that runs already.',
        true,
      )
    if (grpc !== undefined && itemsAt(root, [...path, 'chains']).length === 0)
      options.add(
        path,
        'it does not say which chains it watches',
        'Say `chains`: a bot over gRPC has no package.json here that names them.',
        true,
      )
    if (dir !== undefined && !existsSync(join(resolve(options.folder, dir), 'package.json')))
      options.add(
        [...path, 'dir'],
        'there is no package.json in this folder',
        'Name the folder of the bot; `tocsin forta import DIR` writes the whole entry.',
      )
  }
}
