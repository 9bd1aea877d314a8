import { recoverAddress } from 'viem'
import { publicKeyToAddress } from 'viem/accounts'
import { type Address, type Hex, TocsinError } from '../../base/index.ts'
import type { DigestSignature } from '../signerKey.ts'

/** Order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
/** An EC public key on secp256k1, as X.509 writes it, up to the point. */
const SPKI_PREFIX = '3056301006072a8648ce3d020106052b8104000a034200'

const bad = (what: string): TocsinError =>
  new TocsinError('kms.answer', `The vault's ${what} is not one over secp256k1.`, {
    hints: ['The key must be of the kind ECC_SECG_P256K1 (AWS) or EC_SIGN_SECP256K1_SHA256 (GCP).'],
  })

/** Address of a public key in DER (SubjectPublicKeyInfo). @throws TocsinError `kms.answer` */
export const readPublicKey = (der: Uint8Array): Address => {
  const hex = Buffer.from(der).toString('hex')
  if (!hex.startsWith(`${SPKI_PREFIX}04`) || der.length !== 88) throw bad('public key')
  const address = publicKeyToAddress(`0x${hex.slice(SPKI_PREFIX.length)}`)
  return address.toLowerCase() as Address
}

/** A positive integer of ASN.1 at an offset. */
const readInteger = (der: Uint8Array, offset: number): { value: bigint; end: number } => {
  const length = der[offset + 1] ?? 0
  const end = offset + 2 + length
  if (der[offset] !== 0x02 || length === 0 || length > 33 || end > der.length)
    throw bad('signature')
  return { value: BigInt(`0x${Buffer.from(der.subarray(offset + 2, end)).toString('hex')}`), end }
}

const toWord = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

/**
 * A signature in DER as chains take it: `s` in the lower half of the order, and the parity that recovers the key.
 * @throws TocsinError `kms.answer` when it is none, or another key's.
 */
export const readSignature = async (
  der: Uint8Array,
  digest: Hex,
  address: Address,
): Promise<DigestSignature> => {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw bad('signature')
  const first = readInteger(der, 2)
  const second = readInteger(der, first.end)
  const isInRange = [first.value, second.value].every((each) => each > 0n && each < ORDER)
  if (second.end !== der.length || !isInRange) throw bad('signature')
  const low = second.value > ORDER / 2n ? ORDER - second.value : second.value
  const [r, s] = [toWord(first.value), toWord(low)]
  for (const yParity of [0, 1] as const) {
    const signer = await recoverAddress({ hash: digest, signature: { r, s, yParity } }).catch(
      () => '',
    )
    if (signer.toLowerCase() === address) return { r, s, yParity }
  }
  throw bad('signature')
}
