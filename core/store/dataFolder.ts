import { access, constants, mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf, TocsinError } from '../base/index.ts'

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file stands in its way',
  EEXIST: 'a file stands in its way',
  ENOENT: 'nothing can be made there',
}

const refuse = (folder: string, cause: unknown): TocsinError => {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return new TocsinError(
    'store.data_folder',
    `The data folder ${folder} cannot be used: ${reasons[code] ?? messageOf(cause)}.`,
    { cause, exitCode: 2, hints: ['Name another: `dataDir` in the watchlist, or --data-dir.'] },
  )
}

const isFolder = async (path: string): Promise<boolean> => {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
  throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' })
}

/**
 * Makes a data folder with the folders above it, where they do not exist, and sees to it that it can be written to.
 * Answers how to remove again what it made, as long as nothing was put there.
 * @throws TocsinError `store.data_folder`
 */
export const makeDataFolder = async (folder: string): Promise<() => Promise<void>> => {
  const made: string[] = []
  const unmake = async (): Promise<void> => {
    // One that is no longer empty stays, and so do those above it.
    for (const path of made.toReversed()) await rmdir(path).catch(() => undefined)
  }
  try {
    const missing: string[] = []
    // Not by mkdir's own `recursive`: it never ends on file systems such as /proc.
    for (let path = resolve(folder); !(await isFolder(path)); path = dirname(path))
      missing.unshift(path)
    for (const path of missing) {
      const isNew = await mkdir(path, { mode: 0o755 }).then(
        () => true,
        async (error: unknown) => {
          // Another process made it just now.
          if (await isFolder(path)) return false
          throw error
        },
      )
      if (isNew) made.push(path)
    }
    await access(folder, constants.W_OK | constants.X_OK)
    return unmake
  } catch (error) {
    await unmake()
    throw refuse(folder, error)
  }
}
