import {
  createCipheriv,
  createDecipheriv,
  pbkdf2,
  randomBytes,
  randomUUID,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Hex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { bytesToHex, concat, hexToBytes, keccak256 } from 'viem/utils'
import { z } from 'zod'
import { type Address, TocsinError } from '../base/index.ts'

const hex = (count: number) => z.string().regex(new RegExp(`^(0x)?[0-9a-fA-F]{${count * 2}}$`))
const salt = z.string().regex(/^(0x)?([0-9a-fA-F]{2}){8,64}$/)
const sealedBy = {
  cipher: z.literal('aes-128-ctr'),
  ciphertext: hex(32),
  cipherparams: z.object({ iv: hex(16) }),
  mac: hex(32),
}
const scryptParameters = z.object({
  dklen: z.literal(32),
  n: z
    .int()
    .min(2)
    .max(2 ** 20),
  p: z.int().min(1).max(16),
  r: z.int().min(1).max(32),
  salt,
})
const pbkdf2Parameters = z.object({
  dklen: z.literal(32),
  c: z.int().min(1).max(10_000_000),
  prf: z.literal('hmac-sha256'),
  salt,
})
const keystoreSchema = z.object({
  version: z.literal(3),
  address: z.string().optional(),
  crypto: z.discriminatedUnion('kdf', [
    z.object({ ...sealedBy, kdf: z.literal('scrypt'), kdfparams: scryptParameters }),
    z.object({ ...sealedBy, kdf: z.literal('pbkdf2'), kdfparams: pbkdf2Parameters }),
  ]),
})

type Keystore = z.infer<typeof keystoreSchema>
type Kdf = { readonly n: number; readonly r: number; readonly p: number }

const bytesOf = (text: string): Uint8Array => hexToBytes(`0x${text.replace(/^0x/, '')}`)
const bare = (bytes: Uint8Array): string => bytesToHex(bytes).slice(2)

const deriveByScrypt = (password: string, from: Uint8Array, { n, r, p }: Kdf): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Node refuses beyond maxmem; what these parameters need is 128 * N * r, and a little.
    scrypt(password, from, 32, { N: n, r, p, maxmem: 256 * n * r + 1_048_576 }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })

const deriveBy = (
  password: string,
  { crypto: { kdf, kdfparams } }: Pick<Keystore, 'crypto'>,
): Promise<Buffer> => {
  const from = bytesOf(kdfparams.salt)
  if (kdf === 'scrypt') return deriveByScrypt(password, from, kdfparams)
  return promisify(pbkdf2)(password, from, kdfparams.c, 32, 'sha256')
}

const macOf = (derived: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
  hexToBytes(keccak256(concat([derived.subarray(16, 32), ciphertext])))

const invalid = (message: string, cause?: unknown): TocsinError =>
  new TocsinError('keystore.invalid', message, {
    cause,
    hints: [
      '`tocsin actions keystore new --out FILE` writes one; `cast wallet import` and `geth account new` too.',
    ],
  })

const parseKeystore = (text: string): Keystore => {
  const message =
    'The keystore is not a V3 file with scrypt or pbkdf2 (hmac-sha256) and aes-128-ctr.'
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (cause) {
    throw invalid(message, cause)
  }
  // Old wallets and new ethers write `Crypto`.
  const named =
    typeof raw === 'object' && raw !== null && 'Crypto' in raw
      ? { ...raw, crypto: raw.Crypto }
      : raw
  const parsed = keystoreSchema.safeParse(named)
  if (!parsed.success) throw invalid(message, parsed.error)
  return parsed.data
}

/** What the password derives, when it is the file's. Bytes as typed first, as geth and foundry take them; then ethers' way. */
const openWith = async (password: string, keystore: Keystore): Promise<Buffer> => {
  const { ciphertext, mac } = keystore.crypto
  for (const each of new Set([password, password.normalize('NFKC')])) {
    const derived = await deriveBy(each, keystore).catch((cause: unknown) => {
      throw invalid(
        'OpenSSL refuses the parameters of the keystore (scrypt: n below 2^(16 r)).',
        cause,
      )
    })
    if (timingSafeEqual(macOf(derived, bytesOf(ciphertext)), bytesOf(mac))) return derived
  }
  throw new TocsinError('keystore.password', 'The password does not open the keystore.', {
    hints: [
      'Check the variable or file that `signer.password` names; a trailing newline is ignored.',
    ],
  })
}

const addressOf = (privateKey: Hex): Address | undefined => {
  try {
    return privateKeyToAddress(privateKey).toLowerCase() as Address
  } catch {
    return undefined
  }
}

/**
 * Opens a keystore V3 (scrypt or pbkdf2, aes-128-ctr) as geth, foundry and ethers write it. A password that is not ASCII
 * is tried as its bytes stand, and normalised to NFKC as ethers does.
 * @throws TocsinError `keystore.invalid` for another format, or another key than the file's address says,
 * `keystore.password` for a wrong password.
 */
export const decodeKeystore = async (text: string, password: string): Promise<Hex> => {
  const keystore = parseKeystore(text)
  const { ciphertext, cipherparams } = keystore.crypto
  const derived = await openWith(password, keystore)
  const cipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), bytesOf(cipherparams.iv))
  const privateKey = bytesToHex(Buffer.concat([cipher.update(bytesOf(ciphertext)), cipher.final()]))
  const address = addressOf(privateKey)
  // The MAC covers neither the address nor the initialisation vector. Foundry writes no address.
  const told = keystore.address?.replace(/^0x/, '').toLowerCase()
  if (address === undefined || (told && `0x${told}` !== address))
    throw invalid('The keystore opens to another key than its address says: the file is damaged.')
  return privateKey
}

/** Seals a private key as a keystore V3 file. Default cost: N 131072, r 8, p 1 (about 130 MB and a third of a second). */
export const encodeKeystore = async (
  privateKey: Hex,
  password: string,
  kdf: Kdf = { n: 131_072, r: 8, p: 1 },
): Promise<{ readonly text: string; readonly address: Address }> => {
  const from = randomBytes(32)
  const iv = randomBytes(16)
  const derived = await deriveByScrypt(password.normalize('NFKC'), from, kdf)
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const sealed = Buffer.concat([cipher.update(hexToBytes(privateKey)), cipher.final()])
  const address = privateKeyToAddress(privateKey).toLowerCase() as Address
  const content = {
    version: 3,
    id: randomUUID(),
    address: address.slice(2),
    crypto: {
      cipher: 'aes-128-ctr',
      ciphertext: bare(sealed),
      cipherparams: { iv: bare(iv) },
      kdf: 'scrypt',
      kdfparams: { dklen: 32, n: kdf.n, p: kdf.p, r: kdf.r, salt: bare(from) },
      mac: bare(macOf(derived, sealed)),
    },
  }
  return { text: `${JSON.stringify(content, null, 2)}\n`, address }
}
