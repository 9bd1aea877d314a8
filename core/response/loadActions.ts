import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TocsinError } from '../base/index.ts'
import type { ActionDefinition } from './types.ts'

const isAction = (value: unknown): value is ActionDefinition =>
  typeof value === 'object' &&
  value !== null &&
  'selectors' in value &&
  'postcondition' in value &&
  'encode' in value

/** The action types that come with Tocsin: what `actions/<name>/action` exports. Never read from a watchlist's folder. */
export const loadActions = async (): Promise<readonly ActionDefinition[]> => {
  // From source this file is .ts and so are they; compiled, both lie under dist.
  const extension = extname(fileURLToPath(import.meta.url))
  const folder = new URL('../../actions/', import.meta.url)
  const names = await readdir(folder, { withFileTypes: true })
  const actions: ActionDefinition[] = []
  for (const entry of names.filter((candidate) => candidate.isDirectory())) {
    const file = new URL(`${entry.name}/action${extension}`, folder)
    if (!existsSync(file)) continue
    const module: unknown = await import(/* @vite-ignore */ file.href)
    actions.push(...Object.values(module ?? {}).filter(isAction))
  }
  if (actions.length === 0)
    throw new TocsinError('action.none', 'No action type was found in this installation.')
  return actions
}
