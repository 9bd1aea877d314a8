import { createCipheriv, pbkdf2Sync, randomBytes, randomUUID, scryptSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keccak256 } from 'viem'
import { expect, test } from 'vitest'
import { decodeKeystore } from './keystore.ts'
import { openSignerKey } from './signerKey.ts'

/** Third account of the well-known test mnemonic. */
const KEY = '5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a'
const ADDRESS = '3c44cdddb6a900fa2b585dd299e03d12fa4293bc'
const CHECKSUMMED = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'
const PASSWORD = 'correct horse'

type Kdf =
  | { readonly kdf: 'scrypt'; readonly n: number; readonly r: number; readonly p: number }
  | { readonly kdf: 'pbkdf2'; readonly c: number }

const cheap: Kdf = { kdf: 'scrypt', n: 1024, r: 8, p: 1 }

/** The sealed part of a V3 file, by Node's own functions and none of ours. */
const seal = (password: string | Buffer, kdf: Kdf, key = KEY) => {
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const derived =
    kdf.kdf === 'scrypt'
      ? scryptSync(password, salt, 32, { N: kdf.n, r: kdf.r, p: kdf.p, maxmem: 2 ** 30 })
      : pbkdf2Sync(password, salt, kdf.c, 32, 'sha256')
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(Buffer.from(key, 'hex')), cipher.final()])
  const mac = keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext])).slice(2)
  const { kdf: name, ...numbers } = kdf
  return {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: iv.toString('hex') },
    ciphertext: ciphertext.toString('hex'),
    kdf: name,
    kdfparams: {
      dklen: 32,
      ...numbers,
      ...(name === 'pbkdf2' ? { prf: 'hmac-sha256' } : {}),
      salt: salt.toString('hex'),
    },
    mac,
  }
}
const file = (fields: object): string => JSON.stringify({ id: randomUUID(), version: 3, ...fields })

const ETHERS_EXTRA = {
  client: 'ethers/6.13.0',
  gethFilename: 'UTC--2026-01-01T00-00-00.0Z--3c44',
  path: "m/44'/60'/0'/0/2",
  locale: 'en',
  mnemonicCounter: '00'.repeat(16),
  mnemonicCiphertext: '11'.repeat(16),
  version: '0.1',
}

const shapes: readonly (readonly [string, () => string])[] = [
  [
    'geth: n 262144, the address bare and in lower case',
    () => file({ address: ADDRESS, crypto: seal(PASSWORD, { ...cheap, n: 262_144 }) }),
  ],
  [
    'geth --lightkdf: n 4096, p 6',
    () => file({ address: ADDRESS, crypto: seal(PASSWORD, { ...cheap, n: 4_096, p: 6 }) }),
  ],
  [
    'cast wallet: n 8192, no address',
    () => file({ crypto: seal(PASSWORD, { ...cheap, n: 8_192 }) }),
  ],
  [
    'ethers 6: `Crypto`, n 131072, a part of its own',
    () =>
      file({
        address: ADDRESS,
        Crypto: seal(PASSWORD, { ...cheap, n: 131_072 }),
        'x-ethers': ETHERS_EXTRA,
      }),
  ],
  [
    'ethers 5: `crypto`, and the address with checksum and 0x',
    () =>
      file({
        address: CHECKSUMMED,
        crypto: seal(PASSWORD, cheap),
        'x-ethers': ETHERS_EXTRA,
      }),
  ],
  [
    'pbkdf2 with 262144 rounds',
    () => file({ address: ADDRESS, crypto: seal(PASSWORD, { kdf: 'pbkdf2', c: 262_144 }) }),
  ],
  [
    'pbkdf2 with 10240 rounds, upper case and an empty address',
    () => {
      const crypto = seal(PASSWORD, { kdf: 'pbkdf2', c: 10_240 })
      return file({ address: '', crypto: { ...crypto, mac: crypto.mac.toUpperCase() } })
    },
  ],
]

test.each(shapes)('behavior: a file of %s opens, and for its password alone', async (_, write) => {
  const text = write()
  expect(await decodeKeystore(text, PASSWORD)).toBe(`0x${KEY}`)
  await expect(decodeKeystore(text, `${PASSWORD} `)).rejects.toMatchObject({
    code: 'keystore.password',
    message: 'The password does not open the keystore.',
  })
})

/** Letters that NFKC writes otherwise: composed and decomposed, a ligature, full-width digits. */
const passwords = [
  'p\u00e4sswort',
  'pa\u0308sswort',
  '\ufb01n de si\u00e8cle',
  '\uff11\uff12\uff13',
  '\u5bc6\u7801',
]

test.each(passwords)(
  'behavior: the password %s opens a file sealed with its bytes, and one with NFKC',
  async (password) => {
    for (const kdf of [cheap, { kdf: 'pbkdf2', c: 1_000 } as const]) {
      const asTyped = file({ crypto: seal(Buffer.from(password, 'utf8'), kdf) })
      const normalised = file({ crypto: seal(Buffer.from(password.normalize('NFKC')), kdf) })
      expect(await decodeKeystore(asTyped, password)).toBe(`0x${KEY}`)
      expect(await decodeKeystore(normalised, password)).toBe(`0x${KEY}`)
      await expect(decodeKeystore(asTyped, `${password}?`)).rejects.toMatchObject({
        code: 'keystore.password',
      })
    }
  },
)

test('behavior: the bytes as typed come first, and nothing but these two is tried', async () => {
  const sealed = file({ crypto: seal('pa\u0308sswort', cheap) })
  await expect(decodeKeystore(sealed, 'p\u00e4sswort')).rejects.toMatchObject({
    code: 'keystore.password',
  })
})

test('error: a file whose address is another key’s, or whose vector was changed, is damaged', async () => {
  const crypto = seal(PASSWORD, cheap)
  const damaged = { code: 'keystore.invalid', message: expect.stringContaining('another key') }
  const other = file({ address: ADDRESS.replace(/^3c/, '3d'), crypto })
  await expect(decodeKeystore(other, PASSWORD)).rejects.toMatchObject(damaged)
  // The MAC does not cover it: without the address nobody would notice.
  const shifted = { ...crypto, cipherparams: { iv: '00'.repeat(16) } }
  await expect(
    decodeKeystore(file({ address: ADDRESS, crypto: shifted }), PASSWORD),
  ).rejects.toMatchObject(damaged)
  const none = file({ crypto: seal(PASSWORD, cheap, '00'.repeat(32)) })
  await expect(decodeKeystore(none, PASSWORD)).rejects.toMatchObject(damaged)
})

test('error: other hash functions, key lengths and endless rounds are refused before anything is derived', async () => {
  const crypto = seal(PASSWORD, { kdf: 'pbkdf2', c: 1_000 })
  for (const change of [
    { prf: 'hmac-sha512' },
    { c: 2 ** 40 },
    { c: 0 },
    { dklen: 64 },
    { salt: '' },
  ]) {
    const text = file({ crypto: { ...crypto, kdfparams: { ...crypto.kdfparams, ...change } } })
    await expect(decodeKeystore(text, PASSWORD)).rejects.toMatchObject({ code: 'keystore.invalid' })
  }
  // Parameters of one function under the name of the other.
  const mixed = { ...seal(PASSWORD, cheap), kdf: 'pbkdf2' }
  await expect(decodeKeystore(file({ crypto: mixed }), PASSWORD)).rejects.toMatchObject({
    code: 'keystore.invalid',
  })
})

test('behavior: the signer opens the file that its settings name, with a password file’s newline', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-keystore-'))
  try {
    const path = join(folder, 'key.json')
    await writeFile(path, file({ Crypto: seal('p\u00e4ss', cheap) }))
    for (const password of ['p\u00e4ss', 'p\u00e4ss\n', 'p\u00e4ss\r\n', 'pa\u0308ss\n'])
      expect((await openSignerKey(path, password)).address).toBe(`0x${ADDRESS}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
