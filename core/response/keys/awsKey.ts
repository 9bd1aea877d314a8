import { hexToBytes } from 'viem'
import { messageOf, TocsinError } from '../../base/index.ts'
import type { KeyConfig } from '../../config/types.ts'
import type { DigestSigner } from '../signerKey.ts'
import { readPublicKey, readSignature } from './derSignature.ts'
import { loadOptional } from './loadOptional.ts'

const TIMEOUT_MS = 5_000

/**
 * A key in AWS KMS, by the official client, which finds its own credentials. It needs `kms:GetPublicKey` and
 * `kms:Sign` on this key and nothing more.
 * @throws TocsinError `kms.missing`, `kms.unreachable`, `kms.answer`
 */
export const openAwsKey = async (
  config: Extract<KeyConfig, { type: 'aws-kms' }>,
): Promise<DigestSigner> => {
  const { GetPublicKeyCommand, KMSClient, SignCommand } = await loadOptional(
    '@aws-sdk/client-kms',
    () => import('@aws-sdk/client-kms'),
  )
  const client = new KMSClient({
    maxAttempts: 2,
    ...(config.region === undefined ? {} : { region: config.region }),
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
  })
  const ask = async <T>(work: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> =>
    work({ abortSignal: AbortSignal.timeout(TIMEOUT_MS) }).catch((cause: unknown) => {
      throw new TocsinError('kms.unreachable', `AWS KMS did not serve: ${messageOf(cause)}`, {
        cause,
        hints: ['Check `signer.key`, the credentials, and that they may use kms:Sign on the key.'],
      })
    })
  const { PublicKey } = await ask((options) =>
    client.send(new GetPublicKeyCommand({ KeyId: config.keyId }), options),
  )
  const address = readPublicKey(PublicKey ?? new Uint8Array())
  return {
    address,
    signDigest: async (digest) => {
      const { Signature } = await ask((options) =>
        client.send(
          new SignCommand({
            KeyId: config.keyId,
            Message: hexToBytes(digest),
            MessageType: 'DIGEST',
            SigningAlgorithm: 'ECDSA_SHA_256',
          }),
          options,
        ),
      )
      return readSignature(Signature ?? new Uint8Array(), digest, address)
    },
  }
}
