import {
  createCipheriv,
  createDecipheriv,
  randomBytes,
  randomUUID,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import type { Hex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { bytesToHex, concat, hexToBytes, keccak256 } from 'viem/utils'
import { z } from 'zod'
import { type Address, TocsinError } from '../base/index.ts'

const hex = (count: number) => z.string().regex(new RegExp(`^(0x)?[0-9a-fA-F]{${count * 2}}$`))
const keystoreSchema = z.object({
  version: z.literal(3),
  address: z.string().optional(),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    ciphertext: hex(32),
    cipherparams: z.object({ iv: hex(16) }),
    kdf: z.literal('scrypt'),
    kdfparams: z.object({
      dklen: z.literal(32),
      n: z
        .int()
        .min(2)
        .max(2 ** 20),
      p: z.int().min(1).max(16),
      r: z.int().min(1).max(32),
      salt: z.string().regex(/^(0x)?([0-9a-fA-F]{2}){8,64}$/),
    }),
    mac: hex(32),
  }),
})

type Kdf = { readonly n: number; readonly r: number; readonly p: number }

const bytesOf = (text: string): Uint8Array => hexToBytes(`0x${text.replace(/^0x/, '')}`)
const bare = (bytes: Uint8Array): string => bytesToHex(bytes).slice(2)

const derive = async (password: string, salt: Uint8Array, { n, r, p }: Kdf): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Node refuses beyond maxmem; what these parameters need is 128 * N * r, and a little.
    scrypt(
      password.normalize('NFKC'),
      salt,
      32,
      { N: n, r, p, maxmem: 256 * n * r + 1_048_576 },
      (error, key) => (error ? reject(error) : resolve(key)),
    )
  })

const macOf = (derived: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
  hexToBytes(keccak256(concat([derived.subarray(16, 32), ciphertext])))

/**
 * Opens a keystore V3 (scrypt, aes-128-ctr) as geth, foundry and ethers write it.
 * @throws TocsinError `keystore.invalid` for another format, `keystore.password` for a wrong password.
 */
export const decodeKeystore = async (text: string, password: string): Promise<Hex> => {
  const invalid = (cause: unknown): TocsinError =>
    new TocsinError(
      'keystore.invalid',
      'The keystore is not a V3 file with scrypt and aes-128-ctr.',
      {
        cause,
        hints: [
          '`tocsin actions keystore new --out FILE` writes one; `cast wallet import` and `geth account new` too.',
        ],
      },
    )
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (cause) {
    throw invalid(cause)
  }
  // Old wallets wrote `Crypto`.
  const named =
    typeof raw === 'object' && raw !== null && 'Crypto' in raw
      ? { ...raw, crypto: raw.Crypto }
      : raw
  const parsed = keystoreSchema.safeParse(named)
  if (!parsed.success) throw invalid(parsed.error)
  const { ciphertext, cipherparams, kdfparams, mac } = parsed.data.crypto
  // OpenSSL refuses parameters beyond its bounds (N below 2^(16 r)).
  const derived = await derive(password, bytesOf(kdfparams.salt), kdfparams).catch(
    (cause: unknown) => {
      throw invalid(cause)
    },
  )
  const sealed = bytesOf(ciphertext)
  if (!timingSafeEqual(macOf(derived, sealed), bytesOf(mac)))
    throw new TocsinError('keystore.password', 'The password does not open the keystore.', {
      hints: [
        'Check the variable or file that `signer.password` names; a trailing newline is ignored.',
      ],
    })
  const cipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), bytesOf(cipherparams.iv))
  return bytesToHex(Buffer.concat([cipher.update(sealed), cipher.final()]))
}

/** Seals a private key as a keystore V3 file. Default cost: N 131072, r 8, p 1 (about 130 MB and a third of a second). */
export const encodeKeystore = async (
  privateKey: Hex,
  password: string,
  kdf: Kdf = { n: 131_072, r: 8, p: 1 },
): Promise<{ readonly text: string; readonly address: Address }> => {
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const derived = await derive(password, salt, kdf)
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
      kdfparams: { dklen: 32, n: kdf.n, p: kdf.p, r: kdf.r, salt: bare(salt) },
      mac: bare(macOf(derived, sealed)),
    },
  }
  return { text: `${JSON.stringify(content, null, 2)}\n`, address }
}
