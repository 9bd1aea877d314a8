import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { TocsinError } from '../base/index.ts'
import { EXIT } from './exitCodes.ts'

/** Absolute path of the watchlist. @throws TocsinError `config.missing` */
export const findConfigFile = (path: string): string => {
  const file = resolve(path)
  if (existsSync(file)) return file
  throw new TocsinError('config.missing', `There is no watchlist at ${file}.`, {
    exitCode: EXIT.invalid,
    hints: [
      'Name one with --config FILE, or start from the example watchlist.yaml.',
      '`tocsin demo` needs none.',
    ],
  })
}
