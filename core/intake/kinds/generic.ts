import { isSameText, stableHash } from '../../base/index.ts'
import type { ReceiverConfig } from '../../config/types.ts'
import { parseStrictJson } from '../parseStrictJson.ts'
import { isFresh, isSigned, keysOf, readUnixTime } from '../signatures.ts'
import type { Acceptance, IntakeRequest, ReceiverKind, Refusal } from '../types.ts'
import { accept, badJson, badSignature, refuse, stale } from '../verdicts.ts'
import { MisfitError, mapBody } from './mapBody.ts'

type Settings = Extract<ReceiverConfig, { kind: 'generic' }>
type Once = Acceptance['once']
type Checked = { readonly once: Once } | Refusal

/** A key of Standard Webhooks is base64 after its prefix. */
const standardKey = (secret: string): Buffer =>
  secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret)

/** A sender repeats a delivery by the same id: it is a repeat, and no attack. */
const checkStandard = (
  { raw, headers, atMs }: IntakeRequest,
  settings: Settings,
  freshS: number,
): Checked => {
  const id = headers['webhook-id'] ?? ''
  const time = headers['webhook-timestamp'] ?? ''
  const given = (headers['webhook-signature'] ?? '')
    .split(' ')
    .slice(0, 10)
    .flatMap((one) => (one.startsWith('v1,') ? [one.slice(3)] : []))
  if (id === '' || id.length > 256 || given.length === 0) return badSignature()
  const keys = keysOf(settings).map(standardKey)
  if (!isSigned(given, keys, [`${id}.${time}.`, raw], { encoding: 'base64' })) return badSignature()
  if (!isFresh(readUnixTime(time), atMs, freshS)) return stale()
  return { once: { key: `id ${id}`, forMs: 7 * 86_400_000, repeat: 'accept' } }
}

type Hmac = Extract<Settings['signature'], { scheme: 'hmac' }>

const checkHmac = (
  { raw, headers, atMs }: IntakeRequest,
  settings: Settings,
  scheme: Hmac,
): Checked => {
  const whole = headers[scheme.header.toLowerCase()] ?? ''
  if (!whole.startsWith(scheme.prefix) || whole.length > 400) return badSignature()
  const text = whole.slice(scheme.prefix.length)
  const given = scheme.encoding === 'hex' ? text.toLowerCase() : text
  const { timestampHeader, idHeader, encoding, algorithm } = scheme
  const time = timestampHeader === undefined ? undefined : headers[timestampHeader.toLowerCase()]
  if (timestampHeader !== undefined && time === undefined) return badSignature()
  const parts = time === undefined ? [raw] : [`${time}.`, raw]
  if (!isSigned([given], keysOf(settings), parts, { encoding, algorithm })) return badSignature()
  if (time !== undefined && !isFresh(readUnixTime(time), atMs, scheme.freshS)) return stale()
  const id = idHeader === undefined ? undefined : headers[idHeader.toLowerCase()]
  // Without a time nothing says when it was signed: the same bytes count once for as long as marks are kept.
  const forMs = time === undefined ? 30 * 86_400_000 : scheme.freshS * 2_000
  return id === undefined
    ? { once: { key: `signature ${given}`, forMs, repeat: 'conflict' } }
    : { once: { key: `id ${id.slice(0, 256)} ${given}`, forMs, repeat: 'accept' } }
}

const checkBearer = ({ raw, headers }: IntakeRequest, settings: Settings): Checked => {
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '') ?? []
  const isRight = keysOf(settings)
    .map((key) => isSameText(token, key))
    .includes(true)
  if (!isRight) return refuse(401, 'signature', 'The token is missing or wrong.')
  const key = `body ${stableHash(raw.toString('base64'))}`
  return { once: { key, forMs: 86_400_000, repeat: 'accept' } }
}

const check = (request: IntakeRequest, settings: Settings): Checked => {
  const { signature } = settings
  switch (signature.scheme) {
    case 'standard-webhooks':
      return checkStandard(request, settings, signature.freshS)
    case 'hmac':
      return checkHmac(request, settings, signature)
    case 'bearer':
      return checkBearer(request, settings)
  }
}

/** A signed webhook of any other sender; rules of the watchlist say what in its body is what. */
export const createGenericKind = (
  chains: () => Readonly<Record<string, number>>,
): ReceiverKind<Settings> => ({
  kind: 'generic',
  read: async (request, settings) => {
    const checked = check(request, settings)
    if ('verdict' in checked) return checked
    const json = parseStrictJson(request.raw)
    if (!json.ok) return badJson(json)
    try {
      const findings = mapBody(json.value, settings.mapping, chains())
      const { once } = checked
      if (findings.length === 0) return accept([{ kind: 'note', text: 'nothing that is wanted' }])
      return accept(findings, once ? { once } : {})
    } catch (error) {
      if (!(error instanceof MisfitError)) throw error
      return refuse(422, 'mapping', `A rule of the mapping does not fit. ${error.message}.`)
    }
  },
})
