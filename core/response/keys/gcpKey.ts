import { createPublicKey } from 'node:crypto'
import { hexToBytes } from 'viem'
import { messageOf, TocsinError } from '../../base/index.ts'
import type { KeyConfig } from '../../config/types.ts'
import type { DigestSigner } from '../signerKey.ts'
import { readPublicKey, readSignature } from './derSignature.ts'
import { loadOptional } from './loadOptional.ts'

const TIMEOUT_MS = 5_000

/** Where the client finds the service; without credentials only on this machine. */
const readEndpoint = (endpoint: string | undefined) => {
  if (endpoint === undefined) return {}
  const { protocol, hostname, port } = new URL(endpoint)
  const isPlain = protocol === 'http:'
  return {
    fallback: true,
    apiEndpoint: hostname,
    port: Number(port || (isPlain ? 80 : 443)),
    protocol: isPlain ? 'http' : 'https',
  }
}

const toDer = (pem: string): Uint8Array => {
  try {
    return createPublicKey(pem).export({ type: 'spki', format: 'der' })
  } catch {
    return new Uint8Array()
  }
}

/**
 * A key in Google Cloud KMS, by the official client, which finds its own credentials. It needs
 * `cloudkms.cryptoKeyVersions.viewPublicKey` and `cloudkms.cryptoKeyVersions.useToSign` on this key and nothing more.
 * @throws TocsinError `kms.missing`, `kms.unreachable`, `kms.answer`
 */
export const openGcpKey = async (
  config: Extract<KeyConfig, { type: 'gcp-kms' }>,
): Promise<DigestSigner> => {
  const { KeyManagementServiceClient } = await loadOptional(
    '@google-cloud/kms',
    () => import('@google-cloud/kms'),
  )
  const client = new KeyManagementServiceClient(readEndpoint(config.endpoint))
  const name = config.keyVersion
  const ask = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw new TocsinError(
        'kms.unreachable',
        `Google Cloud KMS did not serve: ${messageOf(cause)}`,
        {
          cause,
          hints: ['Check `signer.key`, the credentials, and that they may sign with the key.'],
        },
      )
    })
  const [publicKey] = await ask(client.getPublicKey({ name }, { timeout: TIMEOUT_MS }))
  const address = readPublicKey(toDer(publicKey.pem ?? ''))
  return {
    address,
    signDigest: async (digest) => {
      // The service takes any 32 bytes for a SHA-256 digest.
      const [answer] = await ask(
        client.asymmetricSign(
          { name, digest: { sha256: hexToBytes(digest) } },
          { timeout: TIMEOUT_MS },
        ),
      )
      const { signature } = answer
      const der = typeof signature === 'string' ? Buffer.from(signature, 'base64') : signature
      return readSignature(der ?? new Uint8Array(), digest, address)
    },
  }
}
