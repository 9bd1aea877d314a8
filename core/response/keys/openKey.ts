import type { SignerConfig } from '../../config/types.ts'
import { createDigestKey, openSignerKey, type SignerKey } from '../signerKey.ts'
import { openAwsKey } from './awsKey.ts'
import { openGcpKey } from './gcpKey.ts'

/**
 * The signer's key as the watchlist says: a keystore file, or a key in a vault.
 * @throws TocsinError `keystore.*`, `kms.*`
 */
export const openKey = async (
  settings: Pick<SignerConfig, 'key' | 'keystore' | 'password'>,
): Promise<SignerKey> => {
  const { key } = settings
  switch (key?.type) {
    case undefined:
      return openSignerKey(settings.keystore, settings.password)
    case 'aws-kms':
      return createDigestKey(await openAwsKey(key))
    case 'gcp-kms':
      return createDigestKey(await openGcpKey(key))
  }
}
