import { type LoadConfigOptions, loadConfig, type SecretPart } from '../config/index.ts'
import type { Config } from '../config/types.ts'
import { findConfigFile } from './findConfigFile.ts'
import { loadBots } from './loadBots.ts'
import type { CommonOptions } from './options.ts'

export type SecretParts = readonly SecretPart[]

/** Loads the watchlist that the command line names, checked against the bots at hand. */
export const readConfig = (
  options: CommonOptions,
  secrets: 'none' | SecretParts,
  onVariables?: LoadConfigOptions['onVariables'],
): Promise<Config> => {
  findConfigFile(options.config)
  return loadConfig({
    // Faults name it as the operator did.
    file: options.config,
    secrets,
    bots: loadBots,
    ...(onVariables ? { onVariables } : {}),
    ...(options.env ? { env: options.env } : {}),
    ...(options.dataDir ? { dataDir: options.dataDir } : {}),
  })
}
