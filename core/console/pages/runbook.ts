import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../../config/types.ts'

const MAX_BYTES = 64 * 1024

/** Where the catalogue's runbooks lie, from the sources and from dist. */
const packageRoots = (): readonly string[] => {
  const here = dirname(fileURLToPath(import.meta.url))
  return [resolve(here, '../../..'), resolve(here, '../../../..')]
}

const readWithin = async (root: string, path: string): Promise<string | undefined> => {
  try {
    const base = await realpath(root)
    const file = await realpath(join(base, path))
    const inside = relative(base, file)
    if (inside.startsWith('..') || isAbsolute(inside)) return undefined
    const { size } = await stat(file)
    return size > MAX_BYTES ? undefined : await readFile(file, 'utf8')
  } catch {
    return undefined
  }
}

/** A runbook as its bot wrote it: Markdown in the folder of bots of one's own, or of the catalogue. Nothing else is read. */
export const readRunbook = async (
  config: Pick<Config, 'botsDir' | 'actionsDir'>,
  path: string,
): Promise<string | undefined> => {
  if (!/^[\w./-]{1,200}\.md$/.test(path) || path.includes('..')) return undefined
  const own = /^bots\/(.+)$/.exec(path)?.[1]
  if (own === undefined) return undefined
  const roots: (readonly [string, string])[] = [
    ...(config.botsDir ? [[config.botsDir, own] as const] : []),
    ...packageRoots().map((root) => [join(root, 'bots'), own] as const),
  ]
  for (const [root, name] of roots) {
    const text = await readWithin(root, name)
    if (text !== undefined) return text
  }
  return undefined
}
