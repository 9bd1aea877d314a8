import { readFile } from 'node:fs/promises'
import type { Address } from '../base/index.ts'
import type { Config } from '../config/index.ts'

/** The account that acts: the one given, or that of the signer's keystore file, where that tells. */
export const findSigner = async (
  config: Config,
  given: string | undefined,
): Promise<Address | undefined> => {
  if (given) return given.toLowerCase() as Address
  if (!config.signer) return undefined
  const text = await readFile(config.signer.keystore, 'utf8').catch(() => '')
  const address = /"address"\s*:\s*"(?:0x)?([0-9a-fA-F]{40})"/.exec(text)?.[1]
  return address ? (`0x${address.toLowerCase()}` as Address) : undefined
}
