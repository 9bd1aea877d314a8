import { sign } from 'viem/accounts'
import { hexToBytes, toHex } from 'viem/utils'
import type { Hex } from '../../core/base/index.ts'
import { type StandinAnswer, type StandinServer, startStandinServer } from './standinServer.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const SPKI_PREFIX = '3056301006072a8648ce3d020106052b8104000a034200'

export type KmsFault = 'none' | 'denied' | 'other-key' | 'rubbish'

export type KmsStandin = StandinServer & {
  readonly setFault: (fault: KmsFault) => void
  /** How many signatures had an `s` in the upper half, as vaults make them. */
  readonly highS: () => number
}

const integer = (value: bigint): Buffer => {
  const bytes = Buffer.from(hexToBytes(toHex(value)))
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0
  const body = isNegative ? Buffer.concat([Buffer.of(0), bytes]) : bytes
  return Buffer.concat([Buffer.of(0x02, body.length), body])
}

const encode = (r: bigint, s: bigint): Buffer => {
  const body = Buffer.concat([integer(r), integer(s)])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

const encodePublicKey = (publicKey: Hex): Buffer =>
  Buffer.from(SPKI_PREFIX + publicKey.slice(2), 'hex')

const toPem = (der: Buffer): string =>
  `-----BEGIN PUBLIC KEY-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`

/** A stand-in for the key vaults of AWS (JSON 1.1) and Google Cloud (REST), both for their own clients. */
export const startKmsStandin = async (key: {
  readonly privateKey: Hex
  readonly publicKey: Hex
  /** Of somebody else, for the fault `other-key`. */
  readonly otherKey: Hex
}): Promise<KmsStandin> => {
  let fault: KmsFault = 'none'
  let count = 0
  let highS = 0
  const publicKey = encodePublicKey(key.publicKey)
  const signDigest = async (digest: Buffer): Promise<Buffer> => {
    if (fault === 'rubbish') return Buffer.from('no signature at all')
    const privateKey = fault === 'other-key' ? key.otherKey : key.privateKey
    const { r, s } = await sign({ hash: toHex(digest), privateKey })
    // Every other one in the upper half: vaults do not care.
    const isHigh = count++ % 2 === 1
    if (isHigh) highS++
    return encode(BigInt(r), isHigh ? ORDER - BigInt(s) : BigInt(s))
  }
  const aws = async (target: string, body: unknown): Promise<StandinAnswer> => {
    const fields = typeof body === 'object' && body !== null ? { ...body } : {}
    if (fault === 'denied')
      return { status: 400, body: { __type: 'AccessDeniedException', message: 'not allowed' } }
    if (!('KeyId' in fields) || fields.KeyId !== 'alias/pauser')
      return { status: 400, body: { __type: 'NotFoundException', message: 'no such key' } }
    if (target.endsWith('.GetPublicKey'))
      return { status: 200, body: { PublicKey: publicKey.toString('base64') } }
    const isDigest =
      'MessageType' in fields &&
      fields.MessageType === 'DIGEST' &&
      'SigningAlgorithm' in fields &&
      fields.SigningAlgorithm === 'ECDSA_SHA_256'
    if (!isDigest || !('Message' in fields))
      return { status: 400, body: { __type: 'ValidationException', message: 'not a digest' } }
    const signature = await signDigest(Buffer.from(String(fields.Message), 'base64'))
    return { status: 200, body: { Signature: signature.toString('base64') } }
  }
  const gcp = async (path: string, body: unknown): Promise<StandinAnswer> => {
    if (fault === 'denied')
      return {
        status: 403,
        body: { error: { code: 403, message: 'no', status: 'PERMISSION_DENIED' } },
      }
    if (path.endsWith('/publicKey')) return { status: 200, body: { pem: toPem(publicKey) } }
    const digest = /"sha256":"([^"]+)"/.exec(JSON.stringify(body))?.[1] ?? ''
    const signature = await signDigest(Buffer.from(digest, 'base64'))
    return { status: 200, body: { signature: signature.toString('base64') } }
  }
  const server = await startStandinServer(async ({ url, headers, body }) => {
    const target = headers['x-amz-target']
    const token = headers.authorization ?? ''
    if (typeof target === 'string' && token.startsWith('AWS4-HMAC-SHA256 '))
      return aws(target, body)
    if (url.pathname.startsWith('/v1/projects/') && token.startsWith('Bearer '))
      return gcp(url.pathname, body)
    return { status: 401, body: { message: 'who are you?' } }
  })
  return {
    ...server,
    setFault: (next) => {
      fault = next
    },
    highS: () => highS,
  }
}
