import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { Webhook } from 'standardwebhooks'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import type { Address } from '../../base/index.ts'
import { tables } from '../../store/index.ts'
import { verifyExecutionLog } from '../executionLog.ts'
import { recordHalt } from '../people/killSwitch.ts'
import { typedDataOf } from '../policySignature.ts'
import { writeSignature } from '../writeSignature.ts'
import { readDeskPolicies } from './deskPolicy.ts'

const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`

/** A stand-in for the desk's own switch: keyed by idempotency key, with faults. */
type Desk = {
  readonly server: Server
  port: number
  halted: boolean
  /** Standstills that were really carried out, by key. */
  readonly keys: Set<string>
  posts: number
  fault: 'none' | 'reset-after-accept' | 500 | 429 | 'hang' | 'deaf'
  unsigned: number
}
let f: SignerFixture
let desk: Desk

const read = async (request: IncomingMessage): Promise<string> => {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

const startDesk = async (): Promise<Desk> => {
  const checker = new Webhook(SECRET)
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await read(request)
    try {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      )
      if (request.method === 'POST') checker.verify(body, headers)
      else if (
        checker.sign(
          headers['webhook-id'] ?? '',
          new Date(Number(headers['webhook-timestamp']) * 1000),
          '',
        ) !== headers['webhook-signature']
      )
        throw new Error('unsigned')
    } catch {
      state.unsigned++
      response.writeHead(401).end()
      return
    }
    if (request.method === 'GET') {
      response.writeHead(200).end(JSON.stringify({ desk: { halted: state.halted } }))
      return
    }
    state.posts++
    const { fault } = state
    state.fault = fault === 'deaf' ? fault : 'none'
    if (fault === 'hang') return
    if (typeof fault === 'number') {
      response.writeHead(fault).end()
      return
    }
    state.keys.add(String(request.headers['idempotency-key']))
    state.halted = fault !== 'deaf'
    if (fault === 'reset-after-accept') request.socket.destroy()
    else response.writeHead(202).end('{}')
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const state: Desk = {
    server,
    port: typeof address === 'object' && address ? address.port : 0,
    halted: false,
    keys: new Set(),
    posts: 0,
    fault: 'none',
    unsigned: 0,
  }
  return state
}

beforeAll(async () => {
  f = await createSignerFixture()
  desk = await startDesk()
  await writeFile(join(f.dataDir, 'desk.secret'), `${SECRET}\n`)
}, 240_000)
afterAll(async () => {
  desk?.server.closeAllConnections()
  desk?.server.close()
  await f?.stop()
})
beforeEach(async () => {
  await f.reset()
  await rm(join(f.dataDir, 'signer.ledger'), { force: true })
  await rm(join(f.actionsDir, 'halt-desk'), { recursive: true, force: true })
  Object.assign(desk, { halted: false, posts: 0, fault: 'none', unsigned: 0 })
  desk.keys.clear()
})

const writeDesk = async (changes: Record<string, unknown> = {}): Promise<void> => {
  const base = `http://127.0.0.1:${desk.port}`
  await mkdir(join(f.actionsDir, 'halt-desk'), { recursive: true })
  await writeFile(
    join(f.actionsDir, 'halt-desk', 'desk.yaml'),
    stringify({
      id: 'halt-desk',
      version: 1,
      kind: 'desk',
      approvedBy: ['Ada'],
      approvedAt: '2020-01-01T00:00:00Z',
      expiresAt: '2099-01-01T00:00:00Z',
      url: `${base}/halt`,
      status: { url: `${base}/status`, field: 'desk.halted', equals: true },
      secret: { file: join(f.dataDir, 'desk.secret') },
      triggers: [{ bot: 'tvl-drop', minSeverity: 'High' }],
      freshnessS: 600,
      mode: 'auto',
      cooldownS: 60,
      limits: { maxPerWindow: 2, windowS: 3_600 },
      timeoutMs: 500,
      deadlineS: 10,
      runbook: 'runbook.md',
      ...changes,
    }),
  )
}
const runs = () =>
  f.database.db.select().from(tables.execution).where(eq(tables.execution.actionId, 'halt-desk'))
const first = async () => (await runs())[0]
const settle = () => new Promise((resolve) => setTimeout(resolve, 1_500))

test('default: a finding stops the desk, once, proven by its own status', async () => {
  await writeDesk()
  await f.start()
  await f.find()
  await expect.poll(async () => (await first())?.status, { timeout: 10_000 }).toBe('succeeded')
  expect(desk).toMatchObject({ halted: true, posts: 1, unsigned: 0 })
  expect([...desk.keys]).toEqual([(await first())?.id])
  await f.find()
  await settle()
  expect(await runs()).toHaveLength(1)
  expect(await f.events((await first())?.id ?? '')).toEqual(['sending', 'succeeded'])
  expect((await verifyExecutionLog(f.database.db)).ok).toBe(true)
})

test.each([['reset-after-accept'], [500], [429], ['hang']] as const)(
  'behavior: %s is tried again under the same key, and the desk stops once',
  async (fault) => {
    desk.fault = fault
    await writeDesk()
    await f.start()
    await f.find()
    await expect.poll(async () => (await first())?.status, { timeout: 10_000 }).toBe('succeeded')
    expect(desk.halted).toBe(true)
    expect(desk.keys.size).toBe(1)
  },
)

test('behavior: a desk that accepts and does not stop is a failure that pages', async () => {
  desk.fault = 'deaf'
  await writeDesk({ deadlineS: 2 })
  await f.start()
  await f.find()
  await expect.poll(async () => (await first())?.status, { timeout: 12_000 }).toBe('failed')
  const findings = await f.database.db.select().from(tables.finding)
  expect(findings.find(({ alertId }) => alertId === 'EXECUTION-FAILED')?.severity).toBe('Critical')
  expect(desk.keys.size).toBe(1)
})

test('behavior: a restart in the middle goes on under the same key', async () => {
  desk.fault = 'deaf'
  await writeDesk({ deadlineS: 60 })
  const signer = await f.start()
  await f.find()
  await expect.poll(() => desk.posts, { timeout: 10_000 }).toBeGreaterThan(0)
  await signer.stop()
  desk.fault = 'none'
  await f.start()
  await expect.poll(async () => (await first())?.status, { timeout: 10_000 }).toBe('succeeded')
  expect(desk.keys.size).toBe(1)
})

test('behavior: mode observe, a stop of everything, other findings and expiry call nobody', async () => {
  await writeDesk({ mode: 'observe' })
  await f.start()
  await f.find()
  await expect.poll(async () => (await first())?.status, { timeout: 10_000 }).toBe('observed')
  await f.stopSigners()
  await f.database.db.delete(tables.execution)
  await writeDesk({ triggers: [{ bot: 'other', minSeverity: 'Critical' }] })
  await f.start()
  await settle()
  await f.stopSigners()
  await writeDesk({ expiresAt: '2021-01-01T00:00:00Z' })
  await f.start()
  await settle()
  await f.stopSigners()
  await writeDesk()
  await recordHalt(f.database.db, { who: 'Ada', via: 'cli', reason: 'a drill' })
  await f.start()
  await settle()
  expect(await runs()).toEqual([])
  expect(desk.posts).toBe(0)
})

const withSigner = (changes: object) =>
  ({ ...f.config, signer: { ...f.config.signer, ...changes } }) as unknown as typeof f.config

test('behavior: where approvers must sign, an unsigned desk is not called, nor one that was changed since', async () => {
  const ada = privateKeyToAccount(generatePrivateKey())
  const approvers = [{ name: 'Ada', address: ada.address }]
  const config = withSigner({ approvers, approvalsRequired: 1 })
  const sign = async (): Promise<void> => {
    const [policy] = (await readDeskPolicies(f.actionsDir)).desks
    if (!policy) throw new Error('there is no desk')
    const signature = await ada.signTypedData(typedDataOf(policy))
    const address = ada.address.toLowerCase() as Address
    await writeSignature(policy, { address, signature }, { approvers })
  }
  await writeDesk()
  await sign()
  // Signed, and then pointed elsewhere.
  await writeDesk({ cooldownS: 61 })
  const signer = await f.start({ config })
  await f.find()
  await settle()
  expect(await runs()).toEqual([])
  await expect
    .poll(async () => (await signer.report()).reason, { timeout: 5_000 })
    .toContain('halt-desk: The policy needs the signatures of 1 approvers and has 0.')
  await sign()
  await expect.poll(async () => (await first())?.status, { timeout: 10_000 }).toBe('succeeded')
  expect(desk.posts).toBe(1)
})

test('behavior: a desk that could not be stopped is known before it is needed', async () => {
  const probes = async (): Promise<unknown> => {
    const { detail } = await signer.report()
    const { readiness } = detail as {
      readiness: { policy: string; probes: { name: string; ok: boolean }[] }[]
    }
    return readiness
      .find(({ policy }) => policy === 'halt-desk')
      ?.probes.filter(({ ok }) => !ok)
      .map(({ name }) => name)
  }
  await writeDesk()
  const signer = await f.start({
    config: withSigner({ readiness: { everyS: 0.3, runs: 3, expiryDays: 14 } }),
  })
  const becomes = (bad: readonly string[]): Promise<void> =>
    expect.poll(probes, { timeout: 10_000 }).toEqual(bad)
  await becomes([])
  await writeDesk({ status: { url: `http://127.0.0.1:${desk.port}/s`, field: 'other', equals: 1 } })
  await becomes(['status'])
  await writeDesk({ secret: { env: 'TOCSIN_TEST_NOTHING' } })
  await becomes(['secret'])
  await writeDesk({ expiresAt: new Date(Date.now() + 86_400_000).toISOString() })
  await becomes(['expiry'])
  await writeDesk()
  await becomes([])
  expect(desk.posts).toBe(0)
})

test('error: rows that somebody wrote call no desk', async () => {
  await writeDesk()
  const [policy] = (await readDeskPolicies(f.actionsDir)).desks
  await f.start()
  await f.database.db.insert(tables.execution).values({
    id: 'x_forged',
    idempotencyKey: 'forged',
    actionId: 'halt-desk',
    policyHash: policy?.hash ?? '',
    chainId: 0,
    findingId: 'none',
    status: 'sending',
    sendingAt: new Date(),
  })
  const row = await f.until('x_forged', ({ status }) => status !== 'sending')
  expect(row).toMatchObject({ status: 'failed', reasonCode: 'forged' })
  expect(desk.posts).toBe(0)
})

test('error: a desk whose file is wrong is reported and counts as none', async () => {
  for (const changes of [
    { url: 'http://desk.example/halt' },
    { url: 'https://user:pw@desk.example/' },
    { id: 'other' },
    { mode: 'propose' },
    { expiresAt: '2019-01-01T00:00:00Z' },
    { surprise: 1 },
  ]) {
    await writeDesk(changes)
    const { desks, faults } = await readDeskPolicies(f.actionsDir)
    expect([changes, desks.length, faults.length]).toEqual([changes, 0, 1])
  }
})
