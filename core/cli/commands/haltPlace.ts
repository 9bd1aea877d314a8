import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { cleanText, messageOf } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import type { CommonOptions } from '../options.ts'
import { readConfig } from '../readConfig.ts'

/** What processes of Tocsin leave in their data folder; the file of a stop is not among it. */
const MARKS = ['signer.ledger', 'audit.head', 'people.key', 'postgres', 'postgres.port']

/** Where a stop is to be written. */
export type HaltPlace = {
  /** The first is told to people. */
  readonly dataDirs: readonly [string, ...string[]]
  /** Whether a signer is known to look there: the folder is the watchlist's, or processes of Tocsin have used it. */
  readonly isKnown: boolean
  /** Undefined where the watchlist cannot be read. */
  readonly config: Config | undefined
}

const holdsData = (dataDir: string): boolean =>
  MARKS.some((mark) => existsSync(join(dataDir, mark)))

/** The data folder that a watchlist names in its text, however wrong the rest of it is. */
const findNamed = (file: string): string | undefined => {
  try {
    const [, , path] =
      /^dataDir:[ \t]*(["']?)([^"'#\r\n]+?)\1[ \t]*(#.*)?$/m.exec(readFileSync(file, 'utf8')) ?? []
    return path && resolve(dirname(file), path)
  } catch {
    return undefined
  }
}

const guess = ({ config, env, dataDir }: CommonOptions): readonly [string, ...string[]] => {
  if (dataDir) return [resolve(dataDir)]
  const overlay = env ? findNamed(config.replace(/(\.ya?ml)$/, `.${env}$1`)) : undefined
  const first = overlay ?? findNamed(config)
  const usual = resolve(dirname(config), '.tocsin')
  const all = [...new Set([...(first ? [first] : []), usual])]
  const used = all.filter(holdsData)
  const [one = usual, ...others] = used.length > 0 ? used : all.slice(0, 1)
  return [one, ...others]
}

/** A watchlist that is wrong must not keep anybody from stopping: the folder is then looked for. */
export const findHaltPlace = async (options: CommonOptions): Promise<HaltPlace> => {
  try {
    const config = await readConfig(options, 'none')
    const { dataDir } = config
    // A folder from the command line may be mistyped.
    return { dataDirs: [dataDir], isKnown: !options.dataDir || holdsData(dataDir), config }
  } catch (error) {
    process.stderr.write(`The watchlist cannot be read (${cleanText(messageOf(error), 200)}).\n`)
    const dataDirs = guess(options)
    return { dataDirs, isKnown: dataDirs.some(holdsData), config: undefined }
  }
}
