import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config/types.ts'

/** From source the catalogue lies two folders up, from dist three. */
const CATALOGUES = ['../../bots/', '../../../bots/'].map((up) =>
  fileURLToPath(new URL(up, import.meta.url)),
)

/** Where the runbook of a bot lies, as people are told and as the console finds it; undefined for a bot without one. */
export const findRunbook = ({ botsDir }: Pick<Config, 'botsDir'>, botId: string) => {
  if (!/^[\w.-]{1,100}$/.test(botId)) return undefined
  const has = (folder: string): boolean => existsSync(join(folder, botId, 'runbook.md'))
  const isKnown = [...(botsDir === undefined ? [] : [botsDir]), ...CATALOGUES].some(has)
  return isKnown ? `bots/${botId}/runbook.md` : undefined
}
