import { writeFile } from 'node:fs/promises'
import { eq, sql } from 'drizzle-orm'
import { keccak256, stringToHex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startOzRelayerStandin } from '../../../test/support/ozRelayerStandin.ts'
import { createRelayerDesk, type RelayerDesk } from '../../../test/support/relayerDesk.ts'
import type { RelayerStandin } from '../../../test/support/relayerStandin.ts'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import { type StrictNode, startStrictNode } from '../../../test/support/strictNode.ts'
import { type Hex, sleep } from '../../base/index.ts'
import type { SenderConfig } from '../../config/types.ts'
import { tables } from '../../store/index.ts'
import { loadActions } from '../loadActions.ts'
import { loadPolicies } from '../loadPolicies.ts'
import type { ActionDefinition } from '../types.ts'
import { checkSenders } from './checkSenders.ts'
import { createLaneSenders } from './laneSenders.ts'
import { createOpenzeppelinRelayer } from './openzeppelinRelayer.ts'

/** Sixth account of the well-known test mnemonic. */
const RELAYER_KEY: Hex = '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba'
const API_KEY = 'a-key-of-the-stand-in-and-nothing-else'

let f: SignerFixture
let desk: RelayerDesk
let standin: RelayerStandin
let node: StrictNode
let closed: StrictNode
beforeAll(async () => {
  f = await createSignerFixture()
  desk = await createRelayerDesk(f.anvil.rpc, f.anvil.chainId, RELAYER_KEY)
  await f.asAdmin('grantRole', [keccak256(stringToHex('PAUSER_ROLE')), desk.address])
}, 240_000)
afterAll(() => f?.stop())
beforeEach(async () => {
  await f.reset()
  desk = await createRelayerDesk(f.anvil.rpc, f.anvil.chainId, RELAYER_KEY)
  standin = await startOzRelayerStandin(desk, API_KEY)
  node = await startStrictNode(f.anvil.url)
  closed = await startStrictNode(f.anvil.url)
})
afterEach(async () => {
  await f.stopSigners()
  await Promise.all([standin.stop(), node.stop(), closed.stop()])
})

const LAST_LOCAL = [
  { name: 'relayer', deadlineS: 2 },
  { name: 'local', deadlineS: 20 },
]

const config = (): Extract<SenderConfig, { type: 'openzeppelin-relayer' }> => ({
  name: 'relayer',
  type: 'openzeppelin-relayer',
  chain: 'local',
  url: standin.url,
  apiKey: API_KEY,
  relayer: 'pauser',
  address: undefined,
})

const start = (
  options: {
    readonly privateRpc?: readonly string[]
    readonly actions?: readonly ActionDefinition[]
  } = {},
) => {
  const { signer } = f.config
  if (!signer) throw new Error('no signer')
  const privateRpc = options.privateRpc ? { local: options.privateRpc } : {}
  const all = {
    ...f.config,
    signer: { ...signer, rpc: { local: [node.url] }, privateRpc, senders: [config()] },
  }
  return f.start({ config: all, ...(options.actions ? { actions: options.actions } : {}) })
}
const asked = (): number => standin.seen.filter((each) => each.startsWith('POST')).length
const find = async (): Promise<string> => (await f.find()).executions[0] ?? ''
const mineUntil = async (id: string, status: string): Promise<void> => {
  for (let i = 0; i < 100 && (await f.row(id)).status !== status; i++) {
    await f.mine()
    await sleep(150)
  }
  expect((await f.row(id)).status).toBe(status)
}

test('behavior: rows that a thief wrote ask no sender for anything', async () => {
  await f.writePolicy({ senders: LAST_LOCAL })
  const id = await find()
  const { db } = f.database
  const forged = {
    status: 'sending' as const,
    sendingAt: new Date(),
    senderStepAt: new Date(0),
    signerAddress: f.signer,
    finalAt: null,
  }
  const relay = { executionId: id, step: 0, sender: 'relayer', status: 'refused' as const }
  await db.insert(tables.executionRelay).values(relay)
  const warrant = {
    executionId: id,
    policyHash: (await f.row(id)).policyHash ?? '',
    firstAtMs: Date.now(),
    atMs: Date.now(),
    renewals: 0,
    signature: `0x${'11'.repeat(64)}1b`,
  }
  await db
    .update(tables.execution)
    .set({ ...forged, warrant })
    .where(eq(tables.execution.id, id))
  await start()
  const row = await f.until(id, ({ status }) => status === 'failed')
  expect(row.reasonCode).toBe('forged')
  expect(asked()).toBe(0)
  expect(node.seen).toEqual([])
})

test('behavior: an execution that is over, set back to its beginning, runs no second time', async () => {
  await f.writePolicy({
    senders: [{ name: 'relayer', deadlineS: 20 }],
    postcondition: { deadlineS: 60, confirmations: 1 },
  })
  await start()
  const id = await find()
  await mineUntil(id, 'succeeded')
  await f.stopSigners()
  await f.asAdmin('unpause')
  const { db } = f.database
  const again = {
    status: 'sending' as const,
    finalAt: null,
    confirmedAt: null,
    minedTxHash: null,
    minedBlockHash: null,
  }
  await db
    .update(tables.execution)
    .set({ ...again, sendingAt: sql`now()` })
    .where(eq(tables.execution.id, id))
  await db
    .update(tables.executionRelay)
    .set({ status: 'intent', posts: 0, externalId: null, hashes: [] })
  await start()
  const row = await f.until(id, ({ status }) => status === 'failed')
  expect(row.reasonCode).toBe('used')
  expect(asked()).toBe(1)
  expect(await f.isPaused()).toBe(false)
})

test('error: where a second run would change something, no row makes the signer ask twice', async () => {
  await f.writePolicy({
    senders: [{ name: 'relayer', deadlineS: 20 }],
    postcondition: { deadlineS: 60, confirmations: 1 },
  })
  const actions = (await loadActions()).map((action) => ({ ...action, isIdempotent: false }))
  await start({ actions })
  const id = await find()
  await f.until(id, ({ status }) => status === 'sent')
  expect(asked()).toBe(1)
  const { db } = f.database
  const [relay] = await db.select().from(tables.executionRelay)
  if (!relay) throw new Error('no relay')
  // The request is hidden: its id is said to be another execution's.
  await db.insert(tables.executionRelay).values({ ...relay, executionId: 'x_other' })
  for (const status of ['refused', 'intent', 'expired'] as const) {
    await db
      .update(tables.executionRelay)
      .set({ status, posts: 0, externalId: null, hashes: [] })
      .where(eq(tables.executionRelay.executionId, id))
    await sleep(2_500)
    expect(asked()).toBe(1)
  }
})

test('error: a block that a row makes up orphans nothing', async () => {
  await f.writePolicy({
    senders: [{ name: 'relayer', deadlineS: 20 }],
    postcondition: { deadlineS: 60, confirmations: 1 },
  })
  await start()
  const id = await find()
  await mineUntil(id, 'succeeded')
  await f.asAdmin('unpause')
  const { db } = f.database
  await db.update(tables.executionRelay).set({ hashes: [], externalId: null })
  await db
    .update(tables.execution)
    .set({ minedBlockHash: `0x${'ab'.repeat(32)}`, txHashes: [], finalAt: null })
    .where(eq(tables.execution.id, id))
  await sleep(3_500)
  expect((await f.row(id)).status).toBe('succeeded')
  expect(asked()).toBe(1)
  expect(await f.isPaused()).toBe(false)
})

test('behavior: the kill switch also keeps other senders from being asked', async () => {
  await f.writePolicy({ senders: LAST_LOCAL, postcondition: { deadlineS: 30, confirmations: 1 } })
  standin.setFault('error')
  await start()
  const id = await find()
  await expect.poll(asked, { timeout: 5_000 }).toBeGreaterThan(0)
  await writeFile(`${f.dataDir}/signer.stop`, '')
  await sleep(3_500)
  expect(await f.events(id)).not.toContain('handed_over')
  expect(node.seen).toEqual([])
})

test('behavior: an action whose second run would change something has one sender only', async () => {
  await f.writePolicy({ senders: LAST_LOCAL })
  const [policy] = await loadPolicies(f.actionsDir)
  if (!policy) throw new Error('no policy')
  const remote = createOpenzeppelinRelayer(config(), { chainId: f.anvil.chainId })
  const lane = { chainName: 'local', senders: createLaneSenders([remote]), hasPrivateRpc: false }
  const action = { id: 'call', isIdempotent: true }
  expect(checkSenders(lane, policy, action)).toBeUndefined()
  expect(checkSenders(lane, policy, { ...action, isIdempotent: false })?.code).toBe('sender_unsafe')
  const alone = { ...policy, senders: [{ name: 'relayer', deadlineS: 9 }] }
  expect(checkSenders(lane, alone, { ...action, isIdempotent: false })).toBeUndefined()
  const other = { ...policy, senders: [{ name: 'somebody', deadlineS: 9 }] }
  expect(checkSenders(lane, other, action)?.code).toBe('sender_unknown')
})

test('behavior: private bytes stay private, and go public after so many blocks', async () => {
  await f.writePolicy({
    senders: [{ name: 'local', deadlineS: 60 }],
    broadcast: { mode: 'private-then-public', afterBlocks: 3 },
    replaceAfterBlocks: 50,
  })
  await start({ privateRpc: [closed.url] })
  closed.setFault('swallow')
  const id = await find()
  await expect.poll(() => closed.seen.length, { timeout: 5_000 }).toBeGreaterThan(0)
  await f.mine()
  await sleep(400)
  await f.mine()
  await sleep(400)
  expect(node.seen).toEqual([])
  await f.mine()
  await expect.poll(() => node.seen.length, { timeout: 5_000 }).toBeGreaterThan(0)
  expect(new Set([...closed.seen, ...node.seen]).size).toBe(1)
  await mineUntil(id, 'succeeded')
})

test('behavior: mode both sends the same bytes everywhere at once', async () => {
  await f.writePolicy({ broadcast: { mode: 'both', afterBlocks: 1 } })
  await start({ privateRpc: [closed.url] })
  const id = await find()
  await f.until(id, ({ status }) => status === 'sent')
  await expect.poll(() => [closed.seen.length > 0, node.seen.length > 0]).toEqual([true, true])
  expect(new Set([...closed.seen, ...node.seen]).size).toBe(1)
  await mineUntil(id, 'succeeded')
})

test('error: a policy that sends privately where there is no private endpoint is refused', async () => {
  await f.writePolicy({ broadcast: { mode: 'private', afterBlocks: 1 } })
  await start()
  const id = await find()
  const row = await f.until(id, ({ status }) => status === 'refused')
  expect(row.reasonCode).toBe('private_endpoint_missing')
  expect(node.seen).toEqual([])
})
