import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { stableHash } from '../base/index.ts'
import type { IndexerInput } from './types.ts'

export const BUILD_PREFIX = 'idx_'

const listFiles = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
}

/**
 * The schema of one build: a hash of the input, of the indexer's code, and of Ponder's version. Ponder itself does not
 * notice a change in a file that an indexing function imports from outside `src/`; this does.
 */
export const schemaName = async (root: string, input: IndexerInput): Promise<string> => {
  const api = join(root, 'src', 'api')
  const files = [
    join(root, 'ponder.config.ts'),
    join(root, 'ponder.schema.ts'),
    ...(await listFiles(join(root, 'src'))).filter((file) => !file.startsWith(api)),
    ...(await listFiles(join(root, 'abis'))),
  ].sort()
  const ponder: unknown = JSON.parse(
    await readFile(join(root, 'node_modules', 'ponder', 'package.json'), 'utf8'),
  )
  const version = ponder && typeof ponder === 'object' && 'version' in ponder ? ponder.version : ''
  const hash = createHash('sha256').update(`${version} ${stableHash(input)}`)
  for (const file of files) hash.update(relative(root, file)).update(await readFile(file))
  return `${BUILD_PREFIX}${hash.digest('hex').slice(0, 8)}`
}
