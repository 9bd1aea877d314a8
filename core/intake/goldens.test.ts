import { desc, eq } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { fortaToken, GOLDENS, type Golden } from '../../test/support/intake/goldens.ts'
import { createIntakeRig, type IntakeRig, targetOf } from '../../test/support/intake/intakeRig.ts'
import { tables } from '../store/index.ts'

const START_MS = Date.parse('2026-11-21T10:16:00Z')
const ALL = Object.entries(GOLDENS)
const NOTHING = { findings: 0, marks: 0 }

let database: TestDatabase
let rig: IntakeRig
let nowMs = START_MS

beforeAll(async () => {
  database = await createTestDatabase()
}, 120_000)
afterAll(() => database?.drop())
beforeEach(() => {
  nowMs = START_MS
  rig = createIntakeRig({ db: database.db, now: () => nowMs })
})
afterEach(() => rig.clear())

const send = async (
  golden: Golden,
  changes: {
    readonly body?: string | Buffer
    readonly signedBody?: string
    readonly headers?: Readonly<Record<string, string | undefined>>
    readonly signedAtMs?: number
    readonly target?: string
    readonly id?: string
  } = {},
) => {
  const body = changes.body ?? golden.body
  const signed = changes.signedBody ?? (typeof body === 'string' ? body : golden.body)
  const headers = await golden.headers(signed, changes.signedAtMs ?? nowMs, changes.id)
  const merged = Object.entries({ ...headers, ...changes.headers }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return rig.deliver({
    target: changes.target ?? targetOf(golden),
    body,
    headers: Object.fromEntries(merged),
  })
}

const findingsOf = (receiver: string) =>
  database.db
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.botId, `external-${receiver}`))
    .orderBy(desc(tables.finding.severity))

test.each(ALL)('behavior: a genuine delivery of %s becomes findings', async (_, golden) => {
  expect((await send(golden)).status).toBe(golden.status)
  const rows = await findingsOf(golden.receiver)
  expect(rows).toHaveLength(golden.findings)
  for (const row of rows) {
    expect(row.status).toBe('final')
    expect(row.severity).not.toBe('Critical')
  }
})

test.each(ALL)('behavior: the same delivery of %s again stores nothing more', async (_, golden) => {
  await send(golden)
  const before = await rig.stored()
  nowMs += 20_000
  const again = await send(golden, { signedAtMs: START_MS })
  expect([again.status, await rig.stored()]).toEqual([golden.again, before])
})

test.each(ALL)('error: %s with a body that was tampered with is refused', async (name, golden) => {
  const tampered = golden.body.replace(/"(id|hash|fingerprint)":"(.)/, '"$1":"9')
  expect(tampered).not.toBe(golden.body)
  const answer = await send(golden, { body: tampered, signedBody: golden.body })
  // Neither Forta nor Alertmanager signs its body: a token or a secret URL is all that they have.
  const isSigned = name !== 'forta' && name !== 'alertmanager'
  expect(answer.status).toBe(isSigned ? 401 : golden.status)
  if (isSigned) expect(await rig.stored()).toEqual(NOTHING)
})

test.each(ALL)('error: %s without its proof is refused', async (_, golden) => {
  const headers = { 'content-type': 'application/json' }
  const answer = await rig.deliver({ target: targetOf(golden), body: golden.body, headers })
  expect([answer.status, await rig.stored()]).toEqual([401, NOTHING])
})

test.each(ALL.filter(([name]) => name !== 'alertmanager'))(
  'error: %s that was signed too long ago, or far ahead, is refused',
  async (_, golden) => {
    for (const awayMs of [-3_600_000, 3_600_000]) {
      const answer = await send(golden, { signedAtMs: nowMs + awayMs })
      expect([answer.status, await rig.stored()]).toEqual([401, NOTHING])
    }
  },
)

const wrong = async (golden: Golden, body: string | Buffer): Promise<number> => {
  const text = typeof body === 'string' ? body : body.toString('latin1')
  // Signed all the same: what is wrong with it is the body alone.
  const signed = golden.receiver === 'defender' && !text.startsWith('{') ? golden.body : text
  try {
    return (await send(golden, { body, signedBody: signed })).status
  } catch {
    return (await send(golden, { body, signedBody: golden.body })).status
  }
}

const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
const unfit: readonly (readonly [string, string])[] = [
  ['nested too deeply', deep],
  ['no JSON', '{"alerts":['],
  ['another shape', '{"alerts":"none","events":5,"id":7,"EVM":[],"status":1,"data":[]}'],
  ['a list', '[]'],
  ['a number', '1e999'],
  ['nothing', ''],
  ['a field twice', '{"id":"1","id":"2"}'],
  ['a prototype', '{"__proto__":{"admin":true}}'],
]
test.each(unfit)('error: a body that is %s is refused by every kind', async (_, body) => {
  for (const [name, golden] of ALL) {
    const status = await wrong(golden, body)
    expect([name, status >= 400 && status < 500]).toEqual([name, true])
  }
  expect(await rig.stored()).toEqual(NOTHING)
})

test('error: type, charset, encoding, method, size and place each have their own answer', async () => {
  for (const [, golden] of ALL) {
    const type = await send(golden, { headers: { 'content-type': 'text/plain' } })
    const charset = await send(golden, {
      headers: { 'content-type': 'application/json; charset=utf-16' },
    })
    const zipped = await send(golden, { headers: { 'content-encoding': 'gzip' } })
    const large = await send(golden, { headers: { 'content-length': '99000000' } })
    const nowhere = await send(golden, { target: `/in/${golden.receiver}x` })
    const put = await rig.deliver({
      target: targetOf(golden),
      body: '',
      headers: {},
      method: 'PUT',
    })
    const all = [type, charset, zipped, large, nowhere, put].map(({ status }) => status)
    expect(all).toEqual([415, 415, 415, 413, 404, 405])
  }
  const late = 'x'.repeat(5 * 1_048_576)
  for (const [, golden] of ALL) expect(await wrong(golden, late)).toBe(413)
  expect(await rig.stored()).toEqual(NOTHING)
})

test('error: who does not know the secret of the URL finds nothing', async () => {
  const { forta } = GOLDENS
  if (!forta) throw new Error('no golden')
  for (const path of ['', '/', '/wrong', `/${'x'.repeat(28)}`, `${forta.path}x`])
    expect((await send(forta, { target: `/in/forta${path}` })).status).toBe(404)
  expect(await rig.stored()).toEqual(NOTHING)
})

test('error: a token of a scan node that is not allowed, or that names another, is refused', async () => {
  const { forta } = GOLDENS
  if (!forta) throw new Error('no golden')
  // The second well-known key of anvil.
  const key = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d'
  const own = await fortaToken(nowMs, {
    key,
    sub: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  })
  const posing = await fortaToken(nowMs, { key })
  for (const token of [own, posing, `${own}.x`, 'a.b.c', ''])
    expect((await send(forta, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
  expect(await rig.stored()).toEqual(NOTHING)
})

test('behavior: what is told is bounded, cleaned, and finds its thing and owner', async () => {
  const monitor = GOLDENS['openzeppelin-monitor']
  if (!monitor) throw new Error('no golden')
  const nasty = `Large \\u202etransfer\\u0000\\n${'y'.repeat(400)}`
  await send(monitor, { body: monitor.body.replaceAll('Large transfer of USDC', nasty) })
  const [row] = await findingsOf('monitor')
  expect(row).toMatchObject({
    thing: 'usdc',
    owner: 'treasury',
    chainId: 1,
    blockNumber: 19_000_001,
  })
  expect(row?.name.startsWith('Large transfer yyy')).toBe(true)
  expect(row?.name.length).toBeLessThanOrEqual(200)
  expect(row?.metadata['Transfer.value']).toBe('115792089237316195423')
})

test('behavior: an alert of Alertmanager holds and ends, and is told once while it goes on', async () => {
  const { alertmanager } = GOLDENS
  if (!alertmanager) throw new Error('no golden')
  await send(alertmanager)
  await send(alertmanager)
  await send(alertmanager, {
    body: alertmanager.body
      .replaceAll('"firing"', '"resolved"')
      .replace('0001-01-01T00:00:00Z', '2026-11-21T10:15:59Z'),
  })
  const rows = await findingsOf('alertmanager')
  expect(rows.map(({ condition }) => condition).sort()).toEqual(['ended', 'holds'])
  expect(new Set(rows.map(({ uniqueKey }) => uniqueKey)).size).toBe(1)
})

test('behavior: a rule that does not fit is told by its name', async () => {
  const { generic } = GOLDENS
  if (!generic) throw new Error('no golden')
  const tell = async (from: string, to: string, id: string) => {
    const answer = await send(generic, { body: generic.body.replace(from, to), id })
    return [answer.status, answer.body]
  }
  expect(await tell('"level":"error"', '"level":"odd"', 'a')).toEqual([
    422,
    expect.stringContaining('severity: \\"odd\\"'),
  ])
  expect(await tell('"chain":"mainnet"', '"chain":"nowhere"', 'b')).toEqual([
    422,
    expect.stringContaining('chain:'),
  ])
  expect(await tell('"title":"Reserve below supply",', '', 'c')).toEqual([
    422,
    expect.stringContaining('title: there is nothing at $.data.title'),
  ])
  expect(await tell('incident.triggered', 'incident.resolved', 'd')).toEqual([202, ''])
  expect(await rig.stored()).toEqual(NOTHING)
})

test('behavior: a number that a double cannot hold loses no digit', async () => {
  const { generic } = GOLDENS
  if (!generic) throw new Error('no golden')
  await send(generic)
  const [row] = await findingsOf('generic')
  expect(row?.metadata['amount']).toBe('115792089237316195423570')
  const monitor = GOLDENS['openzeppelin-monitor']
  if (!monitor) throw new Error('no golden')
  const body = monitor.body.replace('"115792089237316195423"', '[115792089237316195423, null]')
  await send(monitor, { body })
  const [match] = await findingsOf('monitor')
  expect(match?.metadata['Transfer.value']).toBe('["115792089237316195423",null]')
})

test('behavior: Tenderly asks whether somebody is there, and its test stores nothing', async () => {
  const { tenderly } = GOLDENS
  if (!tenderly) throw new Error('no golden')
  const get = await rig.deliver({ target: '/in/tenderly', body: '', headers: {}, method: 'GET' })
  const trial = await send(tenderly, { body: tenderly.body.replace('"ALERT"', '"TEST"') })
  expect([get.status, trial.status, await rig.stored()]).toEqual([200, 200, NOTHING])
})

test('behavior: early versions of OpenZeppelin Monitor sign another text than they send', async () => {
  const { createHmac } = await import('node:crypto')
  const { SECRETS } = await import('../../test/support/intake/goldens.ts')
  const early = 'WebhookMessage { title: "A \\"big\\" move", body: "of\\n5" }'
  const signature = createHmac('sha256', SECRETS.monitor).update(`${early}${nowMs}`).digest('hex')
  const answer = await rig.deliver({
    target: '/in/monitor',
    body: JSON.stringify({ title: 'A "big" move', body: 'of\n5' }),
    headers: {
      'content-type': 'application/json',
      'x-timestamp': String(nowMs),
      'x-signature': signature,
    },
  })
  expect([answer.status, (await rig.stored()).findings]).toEqual([202, 1])
})

test('behavior: a rate that is used up is answered by 429 and Retry-After, for one caller alone', async () => {
  const headers = { 'content-type': 'application/json' }
  const call = (remote: string) =>
    rig.deliver({ target: '/in/alertmanager', body: '{}', headers, remote })
  for (let i = 0; i < 6_000; i++) await call('10.0.0.1')
  const flooded = await call('10.0.0.1')
  expect([flooded.status, flooded.headers['retry-after']]).toEqual([429, '1'])
  expect((await call('10.0.0.2')).status).toBe(401)
  nowMs += 1_000
  expect((await call('10.0.0.1')).status).toBe(401)
})
