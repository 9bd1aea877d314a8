import { constants, existsSync } from 'node:fs'
import { copyFile, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From source the action types lie two folders up, from dist three. */
const CATALOGUES = ['../../actions/', '../../../actions/'].map((up) =>
  fileURLToPath(new URL(up, import.meta.url)),
)

/**
 * Puts the runbook of an action type beside a policy file, as `runbook.md`. One that is there stays. Returns its path,
 * or undefined for a type that has none.
 */
export const copyRunbook = async (
  actionId: string,
  policyFile: string,
): Promise<string | undefined> => {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(actionId)) return undefined
  const source = CATALOGUES.map((folder) => join(folder, actionId, 'runbook.md')).find(existsSync)
  if (source === undefined) return undefined
  const file = join(dirname(policyFile), 'runbook.md')
  await copyFile(source, file, constants.COPYFILE_EXCL).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  return file
}

type NamesRunbook = { readonly file: string; readonly runbook: string }

const isUrl = (text: string): boolean => /^https?:\/\//.test(text)

const lineOfRunbook = async (file: string): Promise<number> => {
  const text = await readFile(file, 'utf8').catch(() => '')
  return (
    1 +
    Math.max(
      0,
      text.split('\n').findIndex((line) => /^["']?runbook["']?\s*:/.test(line)),
    )
  )
}

/**
 * Warnings, `file:line message` each, for approved files that name a runbook which is not there: nothing is refused for
 * it, and people look in vain at night. A URL is not asked.
 */
export const listMissingRunbooks = async (
  files: readonly NamesRunbook[],
): Promise<readonly string[]> => {
  const told = await Promise.all(
    files.map(async ({ file, runbook }) => {
      if (isUrl(runbook)) return []
      const path = resolve(dirname(file), runbook)
      const info = await stat(path).catch(() => undefined)
      if (info?.isFile()) return []
      return [
        `${file}:${await lineOfRunbook(file)} runbook: there is no ${path}. Write what people do when it fired or failed; each action type has one to begin with (actions/<type>/runbook.md).`,
      ]
    }),
  )
  return told.flat()
}
