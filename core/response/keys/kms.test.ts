import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keccak256, recoverAddress, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type KmsStandin, startKmsStandin } from '../../../test/support/kmsStandin.ts'
import type { Hex } from '../../base/index.ts'
import type { KeyConfig } from '../../config/types.ts'
import { readPublicKey, readSignature } from './derSignature.ts'
import { openKey } from './openKey.ts'

/** Third and fourth account of the well-known test mnemonic. */
const KEY: Hex = '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
const OTHER: Hex = '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6'
const account = privateKeyToAccount(KEY)
const address = account.address.toLowerCase()
const VERSION = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1'

let standin: KmsStandin
let folder: string
beforeAll(async () => {
  standin = await startKmsStandin({
    privateKey: KEY,
    publicKey: account.publicKey,
    otherKey: OTHER,
  })
  folder = await mkdtemp(join(tmpdir(), 'tocsin-kms-'))
  const credentials = join(folder, 'account.json')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await writeFile(
    credentials,
    JSON.stringify({
      type: 'service_account',
      project_id: 'p',
      private_key_id: 'one',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: 'signer@p.iam.gserviceaccount.com',
      client_id: '1',
    }),
  )
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', credentials)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'somebody')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'nobody')
})
afterEach(() => standin.setFault('none'))
afterAll(async () => {
  vi.unstubAllEnvs()
  await standin?.stop()
  await rm(folder, { recursive: true, force: true })
})

const kinds: readonly KeyConfig['type'][] = ['aws-kms', 'gcp-kms']
const open = (type: KeyConfig['type']) => {
  const endpoint = standin.url
  const key: KeyConfig =
    type === 'aws-kms'
      ? { type, keyId: 'alias/pauser', region: 'eu-central-1', endpoint }
      : { type, keyVersion: VERSION, endpoint }
  return openKey({ key, keystore: '', password: '' })
}

for (const kind of kinds)
  describe(kind, () => {
    test('default: its signatures are what chains take, whichever half the vault chose', async () => {
      const key = await open(kind)
      expect(key.address).toBe(address)
      const before = standin.highS()
      for (let i = 0; i < 20; i++) {
        const digest = keccak256(toHex(`message ${i}`))
        const signature = await key.signDigest(digest)
        expect(BigInt(signature.s)).toBeLessThanOrEqual(
          0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n,
        )
        expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).toBe(address)
      }
      expect(standin.highS() - before).toBe(10)
    })

    test('error: a vault that refuses, or answers with another key, signs nothing', async () => {
      const key = await open(kind)
      const digest = keccak256('0x01')
      standin.setFault('other-key')
      await expect(key.signDigest(digest)).rejects.toMatchObject({ code: 'kms.answer' })
      standin.setFault('rubbish')
      await expect(key.signDigest(digest)).rejects.toMatchObject({ code: 'kms.answer' })
      standin.setFault('denied')
      await expect(key.signDigest(digest)).rejects.toMatchObject({ code: 'kms.unreachable' })
      await expect(open(kind)).rejects.toMatchObject({ code: 'kms.unreachable' })
    })
  })

test('error: keys on other curves and cut signatures are refused', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = publicKey.export({ type: 'spki', format: 'der' })
  expect(() => readPublicKey(der)).toThrow('not one over secp256k1')
  const bytes = Buffer.from('3006020101020101', 'hex')
  for (let length = 0; length < bytes.length; length++)
    await expect(
      readSignature(bytes.subarray(0, length), keccak256('0x01'), account.address),
    ).rejects.toMatchObject({ code: 'kms.answer' })
})
