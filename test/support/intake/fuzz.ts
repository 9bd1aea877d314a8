import { createRandom, type Random } from '../../../demo/random.ts'
import { GOLDENS, type Golden } from './goldens.ts'
import { type IntakeRig, targetOf } from './intakeRig.ts'

const ODD: readonly string[] = [
  'null',
  'true',
  '-1',
  '0',
  '1e400',
  '1e308',
  '9007199254740993',
  '115792089237316195423570985008687907853269984665640564039457584007913129639936',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u202e evil"',
  '"__proto__"',
  '[]',
  '{}',
  '[[[[[[]]]]]]',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"a":1,"a":2}',
  `"${'x'.repeat(5_000)}"`,
  `${'['.repeat(200)}${']'.repeat(200)}`,
  '"\'; drop table tocsin.finding; --"',
  '"<script>alert(1)</script>"',
  '"0x"',
  'NaN',
  '01',
]

/** A value of the text, whole, put out of place by an odd one. */
const replaceValue = (random: Random, body: string): string => {
  const places = [
    ...body.matchAll(/:("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|null|true|false|\[\]|\{\})/g),
  ]
  const place = places[random.int(0, Math.max(0, places.length - 1))]
  if (!place) return random.pick(ODD)
  const at = place.index + 1
  return `${body.slice(0, at)}${random.pick(ODD)}${body.slice(at + (place[1] ?? '').length)}`
}

const renameField = (random: Random, body: string): string => {
  const names = [...body.matchAll(/"(\w+)":/g)]
  const place = names[random.int(0, Math.max(0, names.length - 1))]
  const name = random.pick(['__proto__', 'constructor', 'toString', 'id', 'alerts', ''])
  return place
    ? `${body.slice(0, place.index)}"${name}":${body.slice(place.index + place[0].length)}`
    : body
}

const flipBytes = (random: Random, body: string): Buffer => {
  const bytes = Buffer.from(body)
  for (let left = random.int(1, 8); left > 0; left--)
    bytes[random.int(0, bytes.length - 1)] = random.int(0, 255)
  return bytes
}

const garbage = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: random.skewed(1, 300) }, () => random.int(0, 255)))

/** The same delivery with ids of its own: a genuine one. */
const renew = (random: Random, body: string): string => {
  const hex = (): string => random.int(0, 0xffff_ffff).toString(16).padStart(8, '0')
  return body
    .replace(
      /("(?:hash|id|fingerprint)":"(?:0x)?)([0-9a-f-]{8})/g,
      (_, start: string) => start + hex(),
    )
    .replace('"inc-77"', `"inc-${hex()}"`)
}

const HEADERS = [
  'content-type',
  'authorization',
  'x-signature',
  'x-timestamp',
  'webhook-id',
  'date',
]

const spoilHeaders = (
  random: Random,
  headers: Readonly<Record<string, string>>,
): Record<string, string> => {
  const name = random.pick([...HEADERS, ...Object.keys(headers)])
  const value = random.pick([
    '',
    'x',
    'Bearer ',
    '\u0000',
    '9'.repeat(400),
    `${headers[name] ?? ''}0`,
  ])
  return { ...headers, [name]: value }
}

export type FuzzResult = {
  readonly byStatus: Readonly<Record<string, number>>
  /** Statuses that no sender may bring about. */
  readonly faults: readonly string[]
}

export type FuzzClock = { nowMs: number }

type Sent = {
  readonly target: string
  readonly body: string | Buffer
  readonly headers: Record<string, string>
}

const compose = async (random: Random, golden: Golden, atMs: number): Promise<Sent> => {
  const target = targetOf(golden)
  const sign = (body: string, when = atMs): Promise<Record<string, string>> =>
    golden.headers(body, when, `msg_${random.int(0, 2 ** 31)}`)
  const signOr = (body: string): Promise<Record<string, string>> =>
    sign(body).catch(() => sign(golden.body))
  // Genuine ones are few: each costs a transaction.
  switch (random.next() < 0.03 ? 0 : random.int(1, 11)) {
    case 0: {
      const body = renew(random, golden.body)
      return { target, body, headers: await sign(body) }
    }
    case 1:
    case 2:
    case 3: {
      const body = replaceValue(random, renew(random, golden.body))
      return { target, body, headers: await signOr(body) }
    }
    case 4: {
      const body = renameField(random, golden.body)
      return { target, body, headers: await signOr(body) }
    }
    case 5: {
      const body = golden.body.slice(0, random.int(0, golden.body.length - 1))
      return { target, body, headers: await signOr(body) }
    }
    case 6: {
      const body = flipBytes(random, golden.body)
      return { target, body, headers: await sign(golden.body) }
    }
    case 7:
      return { target, body: garbage(random), headers: await sign(golden.body) }
    case 8:
      return { target, body: golden.body, headers: spoilHeaders(random, await sign(golden.body)) }
    case 9: {
      const away = random.pick([-1, 1]) * random.int(3_600_000, 40_000_000)
      return { target, body: golden.body, headers: await sign(golden.body, atMs + away) }
    }
    case 10:
      return {
        target: `${target.slice(0, random.int(0, target.length - 1))}${random.pick(['', '/', '%00', '//', '?x', '/../in/monitor'])}`,
        body: golden.body,
        headers: await sign(golden.body),
      }
    default: {
      const other = random.pick(Object.values(GOLDENS))
      return { target, body: other.body, headers: await signOr(other.body) }
    }
  }
}

const ALLOWED = new Set([200, 202, 400, 401, 404, 405, 408, 409, 413, 415, 422])

/** Tokens of scan nodes cost a millisecond to sign; one serves for some seconds. */
const withCheapToken = (golden: Golden): Golden => {
  let made: { readonly atMs: number; readonly headers: Promise<Record<string, string>> } | undefined
  return {
    ...golden,
    headers: (body, atMs) => {
      if (!made || Math.abs(atMs - made.atMs) > 10_000)
        made = { atMs, headers: golden.headers(body, atMs) }
      return made.headers
    },
  }
}

/** Sends so many payloads, most of them wrong in some way, and counts the answers. The same seed sends the same. */
export const fuzzIntake = async (
  rig: IntakeRig,
  clock: FuzzClock,
  options: {
    readonly count: number
    readonly seed: number
    readonly onProgress?: (done: number) => void
  },
): Promise<FuzzResult> => {
  const random = createRandom(options.seed)
  const byStatus: Record<string, number> = {}
  const faults: string[] = []
  const others = Object.values(GOLDENS).filter(({ receiver }) => receiver !== 'forta')
  // Forta's tokens cost a millisecond to verify: they come more seldom.
  const goldens = [
    ...others,
    ...others,
    ...others,
    ...Object.values(GOLDENS)
      .filter(({ receiver }) => receiver === 'forta')
      .map(withCheapToken),
  ]
  const sendOne = async (): Promise<void> => {
    // Faster than the rate of a receiver fills: the rate is judged elsewhere.
    clock.nowMs += 2
    const sent = await compose(random, random.pick(goldens), clock.nowMs)
    const { status } = await rig.deliver(sent)
    byStatus[status] = (byStatus[status] ?? 0) + 1
    if (!ALLOWED.has(status) && faults.length < 10)
      faults.push(`${status} ${sent.target} ${sent.body.toString('latin1').slice(0, 2_000)}`)
  }
  for (let done = 0; done < options.count; done += 16) {
    await Promise.all(Array.from({ length: Math.min(16, options.count - done) }, sendOne))
    if (done % 100_000 < 16) options.onProgress?.(done)
  }
  return { byStatus, faults }
}
