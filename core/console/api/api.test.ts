import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import {
  CHEAP,
  createTestConsole,
  SECRET,
  signIn,
  type TestConsole,
} from '../../../test/support/testConsole.ts'
import { createPeopleSecret } from '../../response/light.ts'
import { tables } from '../../store/index.ts'
import { countTry } from '../auth/attempts.ts'
import { listDeeds } from '../auth/audit.ts'
import { createToken, createTokenDoor, revokeToken } from '../auth/tokens.ts'
import { addUser } from '../auth/users.ts'
import { checkGuards, listRoutes } from '../checkGuards.ts'
import { isAllowed, needs, ROLES, SCOPES } from '../principal.ts'
import { API_BASE } from './document.ts'
import { listOperations } from './routeApi.ts'
import { problemView } from './views.ts'

const PASSWORD = 'correct horse battery'
const secret = createPeopleSecret(SECRET)
const sessions = new Map<string, { cookie: string; csrf: string }>()
const tokens = new Map<string, string>()
let it: TestConsole

const sessionHeaders = (role: string): Record<string, string> => {
  const { cookie, csrf } = sessions.get(role) ?? { cookie: '', csrf: '' }
  return { cookie, 'x-csrf-token': csrf, 'content-type': 'application/json' }
}
const tokenHeaders = (scope: string): Record<string, string> => ({
  authorization: `Bearer ${tokens.get(scope)}`,
  'content-type': 'application/json',
})
const get = (path: string, headers = sessionHeaders('viewer')): Promise<Response> =>
  it.call(`${API_BASE}${path}`, { headers })
const post = (path: string, body: object, headers = sessionHeaders('admin')): Promise<Response> =>
  it.call(`${API_BASE}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
const codeOf = async (answer: Response): Promise<string> =>
  problemView.parse(await answer.json()).code

const finding = (id: string, n: number) => ({
  id,
  botId: n % 2 === 0 ? 'tvl-drop' : 'large-transfer',
  botVersion: '1.0.0',
  alertId: 'A',
  alertKind: 'event' as const,
  chainId: 1,
  blockNumber: n,
  blockHash: '0x07',
  blockTimestampS: 1,
  txHash: `0x${'ab'.repeat(32)}`,
  uniqueKey: id,
  name: '<b>hostile</b>',
  description: 'x',
  severity: 'High',
  type: 'Suspicious',
  status: 'final' as const,
  addresses: [`0x${'1'.repeat(39)}${n % 10}`],
})

beforeAll(async () => {
  it = await createTestConsole()
  const { db } = it.database
  for (const role of ROLES) {
    await addUser({ db, secret }, { name: role, role, password: PASSWORD, cost: CHEAP })
    sessions.set(role, await signIn(it, role, PASSWORD))
  }
  for (const scope of SCOPES) {
    const { token } = await createToken(db, {
      name: scope,
      scopes: [scope],
      days: 1,
      perMinute: 10_000,
      by: 'test',
    })
    tokens.set(scope, token)
  }
  await db.insert(tables.finding).values(Array.from({ length: 25 }, (_, i) => finding(`f${i}`, i)))
  await db.insert(tables.execution).values({
    id: 'x_1',
    idempotencyKey: 'k',
    actionId: 'pause',
    chainId: 1,
    findingId: 'f1',
    status: 'proposed',
  })
  await db.insert(tables.executionLog).values({
    executionId: 'x_1',
    event: 'proposed',
    detail: {},
    previousHash: '0',
    hash: '1',
  })
  await db.insert(tables.botHealth).values({ chainId: 1, botId: 'tvl-drop', status: 'ok' })
})
afterAll(() => it?.stop())
beforeEach(async () => {
  const { db } = it.database
  await db.delete(tables.alert)
  await db.delete(tables.incident)
  await db.delete(tables.silence)
  await db.insert(tables.incident).values({
    id: 'i_1',
    subject: 'vault',
    status: 'open',
    severity: 'SEV1',
    title: 'The vault fell',
  })
  await db.insert(tables.alert).values({
    id: 'a_1',
    key: 'k',
    kind: 'event',
    status: 'open',
    severity: 'SEV1',
    title: 'The vault fell',
    summary: 'x',
    botId: 'tvl-drop',
    alertId: 'A',
    chainId: 1,
    firstBlock: 1,
    lastBlock: 1,
    incidentId: 'i_1',
  })
  await db.insert(tables.silence).values({
    id: 's_1',
    matchers: { bot: ['tvl-drop'] },
    reason: 'test',
    createdBy: 'grace',
    startsAt: new Date(),
    endsAt: new Date(Date.now() + 60_000),
  })
})

const IDS: Readonly<Record<string, string>> = {
  incidents: 'i_1',
  alerts: 'a_1',
  findings: 'f1',
  executions: 'x_1',
  silences: 's_1',
}
const pathOf = (path: string): string =>
  path.replace('{id}', IDS[path.split('/')[1] ?? ''] ?? 'unknown')

/** A body that each operation takes; those that are left out take none. */
const BODIES: Readonly<Record<string, object>> = {
  commentIncident: { text: 'seen' },
  mergeIncidents: { other: IDS['incidents'] },
  splitIncident: { alerts: [IDS['alerts']] },
  createSilence: {
    matchers: { bot: ['tvl-drop'] },
    reason: 'planned work',
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
  },
  answerExecution: { decision: 'approve', bytesHash: '0'.repeat(64) },
  halt: { reason: 'a drill' },
  createToken: { name: 'ci', scopes: ['read'] },
}

const operations = () => listOperations({ store: {} } as never)

test('default: each operation answers as its schema says', async () => {
  for (const operation of operations()) {
    const { id, method, path, answer } = operation
    // These two need a signer's files and a revocable token; they have tests of their own.
    if (['answerExecution', 'revokeToken'].includes(id)) continue
    if (id === 'halt' || id === 'resume') continue
    const response =
      method === 'get'
        ? await get(pathOf(path), sessionHeaders('admin'))
        : await post(pathOf(path), BODIES[id] ?? {})
    const body: unknown = await response.json()
    expect([id, response.status, body]).toEqual([id, 200, body])
    const parsed = answer.safeParse(body)
    expect([id, parsed.error?.issues]).toEqual([id, undefined])
  }
})

test('error: unknown parameters and fields are refused by each operation', async () => {
  for (const { id, method, path } of operations()) {
    if (method === 'get') {
      const answer = await get(`${pathOf(path)}?surprise=1`, sessionHeaders('admin'))
      expect([id, answer.status, await codeOf(answer)]).toEqual([id, 400, 'query.invalid'])
    } else {
      const answer = await post(pathOf(path), { ...BODIES[id], surprise: 1 })
      expect([id, answer.status, await codeOf(answer)]).toEqual([id, 400, 'body.invalid'])
    }
  }
})

test('behavior: every route, every role and every scope: let through or refused, as the table says', async () => {
  const everyone = [
    ...ROLES.map((role) => ({
      headers: sessionHeaders(role),
      may: (need: { role: (typeof ROLES)[number] }) =>
        ROLES.indexOf(role) >= ROLES.indexOf(need.role),
    })),
    ...SCOPES.map((scope) => ({
      headers: tokenHeaders(scope),
      may: (need: { scope?: string | undefined }) => need.scope === scope,
    })),
  ]
  let tried = 0
  for (const {
    method,
    path,
    needs: [need],
  } of listRoutes(it.app)) {
    if (need?.kind !== 'role' || path.endsWith('/*')) continue
    const isProgram = path.startsWith('/api/') || path === '/graphql'
    // What would stream, or end the sessions of this test, is left at its refusals.
    const isLeft = /\/events$|^\/sign-out/.test(path)
    for (const { headers, may } of everyone) {
      if (headers['authorization'] && !isProgram) continue
      const isAllowedHere = may(need)
      if (isAllowedHere && isLeft) continue
      const verb = method === 'ALL' ? 'POST' : method
      const answer = await it.call(path.replace(/:\w+/g, 'unknown'), {
        method: verb,
        headers: isAllowedHere ? { ...headers, 'x-csrf-token': 'wrong' } : headers,
        ...(verb === 'POST' ? { body: '{' } : {}),
      })
      const text = await answer.text()
      const isRefused =
        answer.status === 403 && /auth\.forbidden|needs the role|signed in|scope/.test(text)
      expect([method, path, headers, isRefused]).toEqual([method, path, headers, !isAllowedHere])
      tried += 1
    }
    const nobody = await it.call(path.replace(/:\w+/g, 'unknown'), {
      method: method === 'GET' ? 'GET' : 'POST',
    })
    expect([method, path, [303, 401].includes(nobody.status)]).toEqual([method, path, true])
  }
  expect(tried).toBeGreaterThan(200)
})

test('error: a route that does not say what it needs keeps the console from starting', () => {
  expect(() => checkGuards(it.app)).not.toThrow()
  const open = listRoutes(it.app).filter(({ needs: [need] }) => need?.kind === 'open')
  expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    'GET /answer',
    'GET /health',
    'GET /ready',
    'GET /sign-in',
    'GET /sign-in/oidc',
    'GET /sign-in/oidc/back',
    'GET /welcome',
    'POST /answer',
    'POST /api/halt',
    'POST /sign-in',
    'POST /sign-in/code',
    'POST /welcome',
  ])
  const bare = {
    routes: [
      ...it.app.routes,
      { ...it.app.routes[0], method: 'GET', path: '/new', handler: () => undefined },
    ],
  }
  expect(() => checkGuards(bare as never)).toThrow('GET /new')
  expect(needs('viewer')).toBeTypeOf('function')
})

test('behavior: pages follow each other without a gap, and filters narrow them', async () => {
  const seen: string[] = []
  let next: string | null = null
  do {
    const page = (await (
      await get(`/findings?limit=10&bot=tvl-drop${next ? `&cursor=${next}` : ''}`)
    ).json()) as { items: { id: string }[]; next: string | null }
    seen.push(...page.items.map(({ id }) => id))
    next = page.next
  } while (next)
  expect(seen).toEqual(Array.from({ length: 13 }, (_, i) => `f${24 - 2 * i}`))
  const count = async (query: string) =>
    ((await (await get(`/findings?limit=500&${query}`)).json()) as { items: unknown[] }).items
      .length
  expect(await count('fromBlock=5&toBlock=9')).toBe(5)
  expect(await count(`address=0x${'1'.repeat(39)}3`)).toBe(3)
  expect(await count('chain=main&severity=High')).toBe(25)
  expect(await count('since=2999-01-01T00:00:00Z')).toBe(0)
  for (const query of [
    'cursor=nonsense',
    'limit=0',
    'limit=501',
    'chain=other',
    'limit=1&limit=2',
    'bot=%00',
    'since=soon',
    'cursor=W10',
  ])
    expect([query, (await get(`/findings?${query}`)).status]).toEqual([query, 400])
})

test('behavior: an acknowledgement is kept with who gave it, told once, and audited', async () => {
  const first = await post('/incidents/i_1/acknowledge', {}, sessionHeaders('responder'))
  expect(await first.json()).toMatchObject({
    accepted: true,
    incident: { acknowledgedBy: 'responder' },
  })
  const second = await post('/incidents/i_1/acknowledge', {}, tokenHeaders('acknowledge'))
  expect(await second.json()).toMatchObject({ accepted: false })
  expect((await post('/incidents/none/acknowledge', {})).status).toBe(404)
  const timeline = (await (await get('/incidents/i_1/timeline')).json()) as {
    items: { kind: string; actor: string; channel: string }[]
  }
  expect(timeline.items.at(-1)).toMatchObject({
    kind: 'acknowledged',
    actor: 'responder',
    channel: 'api',
  })
  const deeds = await listDeeds(it.database.db, { limit: 3, act: 'incident.acknowledge' })
  expect(deeds.map(({ who, via, result, subject }) => [who, via, result, subject])).toEqual([
    ['admin', 'session', 'refused', 'none'],
    ['acknowledge (token)', 'token', 'refused', 'i_1'],
    ['responder', 'session', 'done', 'i_1'],
  ])
})

test('error: no act without the token of the session, nor as another kind of body', async () => {
  const { cookie } = sessions.get('admin') ?? { cookie: '' }
  const bare = await post('/halt', { reason: 'x' }, { cookie, 'content-type': 'application/json' })
  expect([bare.status, await codeOf(bare)]).toEqual([403, 'auth.csrf'])
  const form = await post(
    '/halt',
    { reason: 'x' },
    { ...sessionHeaders('admin'), 'content-type': 'text/plain' },
  )
  expect([form.status, await codeOf(form)]).toEqual([415, 'body.not_json'])
  const large = await post('/halt', { reason: 'x'.repeat(70_000) })
  expect([large.status, await codeOf(large)]).toEqual([413, 'body.too_large'])
  const zero = await post('/incidents/i_1/comments', { text: 'a\u0000b' })
  expect([zero.status, await codeOf(zero)]).toEqual([400, 'body.invalid'])
  const foreign = await post(
    '/halt',
    { reason: 'x' },
    { ...sessionHeaders('admin'), origin: 'https://evil.example' },
  )
  expect(foreign.status).toBe(403)
  expect(await it.database.db.select().from(tables.killSwitch)).toEqual([])
})

test('behavior: a token ends by revocation, by its term, and never approves', async () => {
  const { db } = it.database
  const { token, row } = await createToken(db, {
    name: 'ci',
    scopes: ['read'],
    days: 1,
    perMinute: 3,
    by: 'x',
  })
  expect(token.startsWith(`${row.id}_`)).toBe(true)
  const [kept] = (await db.select().from(tables.apiToken)).filter(({ id }) => id === row.id)
  expect(JSON.stringify(kept)).not.toContain(token)
  let now = Date.now()
  const door = createTokenDoor(db, () => now)
  const codes: string[] = []
  for (let i = 0; i < 4; i++)
    codes.push(
      await door.admit(token).then(
        ({ name }) => name,
        ({ code }) => String(code),
      ),
    )
  expect(codes).toEqual(['ci (token)', 'ci (token)', 'ci (token)', 'auth.rate_limited'])
  now += 20_000
  await expect(door.admit(token)).resolves.toMatchObject({ role: 'viewer', scopes: ['read'] })
  await expect(door.admit(`${token.slice(0, -1)}!`)).rejects.toMatchObject({
    code: 'auth.bad_token',
  })
  const flipped = token.endsWith('A') ? `${token.slice(0, -1)}B` : `${token.slice(0, -1)}A`
  await expect(door.admit(flipped)).rejects.toMatchObject({ code: 'auth.bad_token' })
  now += 86_400_000
  await expect(door.admit(token)).rejects.toMatchObject({ code: 'auth.bad_token' })
  now = Date.now()
  await revokeToken(db, row.id)
  await expect(door.admit(token)).rejects.toMatchObject({ code: 'auth.bad_token' })
  expect(
    operations()
      .filter(({ id }) => id === 'answerExecution')
      .map(({ scope }) => scope),
  ).toEqual([undefined])
  await expect(
    createToken(db, { name: 'x', scopes: ['approve'], days: 1, perMinute: 1, by: 'x' }),
  ).rejects.toMatchObject({ code: 'token.bad_scope' })
})

test('behavior: the document is OpenAPI 3.1 and names every operation; the page too', async () => {
  const answer = await it.call('/api/openapi.json', { headers: sessionHeaders('viewer') })
  const document = z
    .object({
      openapi: z.literal('3.1.0'),
      paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))),
    })
    .parse(await answer.json())
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  expect(ids.sort()).toEqual(
    operations()
      .map(({ id }) => id)
      .sort(),
  )
  const page = await (await it.call('/api', { headers: sessionHeaders('viewer') })).text()
  for (const { path } of operations()) expect(page).toContain(`${API_BASE}${path}`)
})

test('behavior: an answer that has not changed is not sent again', async () => {
  const first = await get('/alerts/a_1')
  const etag = first.headers.get('etag') ?? ''
  expect(etag).not.toBe('')
  expect(first.headers.get('cache-control')).toBe('private, no-cache')
  const again = await get('/alerts/a_1', { ...sessionHeaders('viewer'), 'if-none-match': etag })
  expect(again.status).toBe(304)
})

test('behavior: guards ask a token for its scope, and people for their role', async () => {
  const base = { name: 'x', approver: undefined, verifiedAt: undefined } as const
  const token = { ...base, role: 'admin', via: 'token', scopes: ['read'] } as const
  expect(isAllowed(token, { role: 'viewer' })).toBe(false)
  expect(isAllowed(token, { role: 'admin', scope: 'read' })).toBe(true)
  expect(
    isAllowed({ ...base, role: 'admin', via: 'session', scopes: [] }, { role: 'approver' }),
  ).toBe(true)
  await expect(countTry(it.database.db, 'x', 'unknown')).resolves.toBeUndefined()
})
