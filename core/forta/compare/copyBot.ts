import { existsSync } from 'node:fs'
import { cp, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { STORE_FOLDER } from '../child/keyValueStore.ts'

const findPackages = (dir: string): string | undefined => {
  for (let at = resolve(dir); ; at = dirname(at)) {
    const packages = join(at, 'node_modules')
    if (existsSync(packages)) return packages
    if (dirname(at) === at) return undefined
  }
}

/**
 * A copy of a bot's directory with the same packages: what a bot writes beside its code in one run must not be read in
 * the next.
 */
export const copyBot = async (
  dir: string,
): Promise<{ readonly dir: string; readonly remove: () => Promise<void> }> => {
  const copy = await mkdtemp(join(tmpdir(), 'tocsin-forta-bot-'))
  const left = new Set(['node_modules', '.git'])
  // What it keeps in the network's store; the secrets beside it come along.
  const kept = join(resolve(dir), STORE_FOLDER, 'bot')
  await cp(resolve(dir), copy, {
    recursive: true,
    filter: (path) => !left.has(basename(path)) && path !== kept,
  })
  const packages = findPackages(dir)
  if (packages) await symlink(await realpath(packages), join(copy, 'node_modules'))
  return { dir: copy, remove: () => rm(copy, { recursive: true, force: true }) }
}
