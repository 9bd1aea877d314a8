import { rm, writeFile } from 'node:fs/promises'
import { parseTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  createSignerFixture,
  type ExecutionRow,
  type SignerFixture,
} from '../../test/support/signerFixture.ts'
import { type SignerChild, startSignerChild } from '../../test/support/startSignerChild.ts'
import { type StrictNode, startStrictNode } from '../../test/support/strictNode.ts'
import type { Hex } from '../base/index.ts'
import { startAnvil } from '../testing/index.ts'
import { verifyExecutionLog } from './executionLog.ts'
import { createLocalSender } from './localSender.ts'
import { killSwitchFile } from './people/killSwitch.ts'
import type { Sender } from './sender.ts'

let f: SignerFixture
let node: StrictNode
const children = new Set<SignerChild>()

beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
beforeEach(async () => {
  await f.reset()
  node = await startStrictNode(f.anvil.url)
})
afterEach(async () => {
  for (const child of children) await child.kill()
  children.clear()
  await f.stopSigners()
  await node.stop()
})
afterAll(() => f?.stop())

const nonce = async (): Promise<number> =>
  Number(await f.anvil.rpc<Hex>('eth_getTransactionCount', [f.signer, 'latest']))
const isSent = ({ status }: ExecutionRow): boolean => status === 'sent'
const isDone = ({ status }: ExecutionRow): boolean => status === 'succeeded' || status === 'failed'

/** Mines until the execution is over, then checks that exactly one transaction of the signer was mined. */
const landOnce = async (id: string, before: number): Promise<ExecutionRow> => {
  for (let i = 0; i < 40 && !isDone(await f.row(id)); i++) {
    await f.mine()
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  const row = await f.row(id)
  expect([row.status, row.reason]).toEqual(['succeeded', null])
  expect(await f.isPaused()).toBe(true)
  expect((await nonce()) - before).toBe(1)
  expect(await verifyExecutionLog(f.database.db)).toMatchObject({ ok: true })
  return row
}

test('behavior: dropped between commit and broadcast, the next signer sends the same bytes', async () => {
  await f.writePolicy()
  const before = await nonce()
  const stuck: Sender = {
    name: 'stuck',
    send: (_, signal) =>
      new Promise((resolve) =>
        signal?.addEventListener('abort', () =>
          resolve({ outcome: 'unreachable', message: 'dropped' }),
        ),
      ),
    status: async () => ({ state: 'unknown' }),
  }
  const first = await f.start({ createSender: () => stuck })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  const committed = await f.until(id, ({ status }) => status === 'sending')
  await first.stop()
  expect((await f.row(id)).status).toBe('sending')
  await f.start({ rpc: [node.url] })
  const sent = await f.until(id, isSent)
  expect(sent.txHashes).toEqual(committed.txHashes)
  expect(node.accepted).toEqual(committed.txHashes)
  await landOnce(id, before)
})

test('behavior: killed with SIGKILL while the broadcast hangs, and started again: one effect', async () => {
  await f.writePolicy()
  const before = await nonce()
  node.setFault('swallow')
  const child = await startSignerChild(f, { rpc: { local: [node.url] } })
  children.add(child)
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await expect.poll(() => node.seen.length, { timeout: 10_000 }).toBeGreaterThan(0)
  await child.kill()
  const committed = await f.row(id)
  expect(committed.status).toBe('sending')
  node.setFault('none')
  await f.start({ rpc: [node.url] })
  await f.until(id, isSent)
  expect(new Set(node.seen)).toHaveProperty('size', 1)
  await landOnce(id, before)
})

test('behavior: an answer lost after the node took the transaction changes nothing', async () => {
  await f.writePolicy()
  const before = await nonce()
  node.setFault('accept-then-reset')
  await f.start({ rpc: [node.url] })
  const { executions } = await f.find()
  await expect.poll(() => node.accepted.length, { timeout: 5_000 }).toBe(1)
  node.setFault('none')
  await f.until(executions[0] ?? '', isSent)
  await landOnce(executions[0] ?? '', before)
  expect(node.accepted).toHaveLength(1)
})

test('behavior: two signers with one key make one transaction, and the second takes over', async () => {
  await f.writePolicy()
  const before = await nonce()
  const first = await f.start()
  const second = await f.start()
  expect((await second.report()).reason).toContain('stands by')
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, isSent)
  expect(await f.events(id)).toEqual(['sending', 'sent'])
  await first.stop()
  await landOnce(id, before)
})

test('behavior: a pause that a reorg removed is sent again, the same bytes', async () => {
  await f.writePolicy({ postcondition: { deadlineS: 20, confirmations: 6 } })
  const before = await nonce()
  await f.mine(2)
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  const snapshot = await f.anvil.rpc<Hex>('evm_snapshot')
  await f.start({ rpc: [node.url] })
  await f.until(id, isSent)
  await f.mine()
  const first = await f.until(id, ({ status }) => status === 'succeeded')
  await f.anvil.rpc('evm_revert', [snapshot])
  await f.mine(2)
  expect(await f.isPaused()).toBe(false)
  await f.until(id, ({ status }) => status === 'sent')
  const again = await landOnce(id, before)
  expect(again.txHashes).toContain(first.minedTxHash)
  expect(again.minedBlockHash).not.toBe(first.minedBlockHash)
  await f.mine(7)
  await f.until(id, ({ confirmedAt }) => confirmedAt !== null)
  expect(await f.events(id)).toEqual(expect.arrayContaining(['succeeded', 'orphaned', 'confirmed']))
})

test('behavior: what people unpause stays unpaused', async () => {
  await f.writePolicy({ postcondition: { deadlineS: 20, confirmations: 3 } })
  await f.start()
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, isSent)
  await f.mine()
  await f.until(id, ({ status }) => status === 'succeeded')
  await f.asAdmin('unpause')
  await f.mine(4)
  await f.until(id, ({ confirmedAt }) => confirmedAt !== null)
  expect(await f.isPaused()).toBe(false)
  expect(await f.events(id)).toEqual(['sending', 'sent', 'succeeded', 'lifted'])
})

test("behavior: under a rising base fee it is replaced by what geth's 10 % rule accepts, up to the cap", async () => {
  await f.writePolicy({
    maxFeePerGasWei: '60 gwei',
    maxPriorityFeePerGasWei: '10 gwei',
    replaceAfterBlocks: 3,
  })
  const before = await nonce()
  await f.start({ rpc: [node.url] })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, isSent)
  const fees = (row: ExecutionRow): bigint[] =>
    (row.attempts as { maxFeePerGasWei: string }[]).map(({ maxFeePerGasWei }) =>
      BigInt(maxFeePerGasWei),
    )
  // Base fees beyond what was offered: blocks come, the transaction stays behind.
  for (let i = 0; i < 8; i++) {
    await f.anvil.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(20_000_000_000n).toString(16)}`])
    await f.mine()
    await new Promise((resolve) => setTimeout(resolve, 250))
    if (isDone(await f.row(id))) break
  }
  const row = await landOnce(id, before)
  const offers = fees(row)
  expect(offers.length).toBeGreaterThan(1)
  for (let i = 1; i < offers.length; i++)
    expect((offers[i] ?? 0n) * 100n).toBeGreaterThanOrEqual((offers[i - 1] ?? 0n) * 110n)
  for (const offer of offers) expect(offer).toBeLessThanOrEqual(60_000_000_000n)
  expect(node.refusedReplacements()).toBe(0)
  const nonces = node.seen.map((raw) => parseTransaction(raw as `0x02${string}`).nonce)
  expect(new Set(nonces).size).toBe(1)
})

test('behavior: while it is not mined the same bytes are sent again at every block', async () => {
  await f.writePolicy({ replaceAfterBlocks: 50 })
  const sends: string[] = []
  await f.start({
    createSender: (rpc) => ({
      ...createLocalSender(rpc),
      // Taken and forgotten, as by a node whose pool is full.
      send: async (raw) => {
        sends.push(raw)
        return { outcome: 'accepted', message: '' }
      },
    }),
  })
  const { executions } = await f.find()
  await f.until(executions[0] ?? '', isSent)
  for (let block = 1; block <= 4; block++) {
    await f.mine()
    await expect.poll(() => sends.length, { timeout: 20_000 }).toBe(1 + block)
  }
  expect(new Set(sends).size).toBe(1)
})

test('behavior: a transaction stuck at the nonce is outbid', async () => {
  await f.writePolicy()
  const before = await nonce()
  // Somebody left a transaction of this key behind, priced above what the market suggests.
  const account = privateKeyToAccount(
    '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  )
  const stuck = await account.signTransaction({
    type: 'eip1559',
    chainId: f.anvil.chainId,
    nonce: before,
    to: f.admin,
    value: 0n,
    gas: 21_000n,
    maxFeePerGas: 90_000_000_000n,
    maxPriorityFeePerGas: 20_000_000_000n,
  })
  await fetch(node.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'eth_sendRawTransaction',
      params: [stuck],
    }),
  })
  await f.start({ rpc: [node.url] })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, isSent)
  expect(node.refusedReplacements()).toBeGreaterThan(0)
  await landOnce(id, before)
})

test('behavior: not seen within the deadline is an honest failure, put right when it lands late', async () => {
  await f.writePolicy({ postcondition: { deadlineS: 1, confirmations: 1 } })
  const before = await nonce()
  await f.start()
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  const failed = await f.until(id, ({ status }) => status === 'failed')
  expect(failed.reasonCode).toBe('deadline')
  await f.mine()
  const late = await f.until(id, ({ status }) => status === 'succeeded')
  expect(late.reasonCode).toBe('late')
  expect((await nonce()) - before).toBe(1)
})

test('behavior: one dead and one silent endpoint beside a good one do not hold it up', async () => {
  await f.writePolicy()
  const before = await nonce()
  node.setFault('hang')
  await f.start({ rpc: ['http://127.0.0.1:9', node.url, f.anvil.url] })
  const { executions } = await f.find()
  await f.until(executions[0] ?? '', isSent)
  await landOnce(executions[0] ?? '', before)
})

test('behavior: without eth_simulateV1 the next provider of the policy is asked', async () => {
  await f.writePolicy()
  node.setSimulateMissing(true)
  await f.start({ rpc: [node.url] })
  const { executions } = await f.find()
  const row = await f.until(executions[0] ?? '', isSent)
  expect(row.simulation).toMatchObject({ outcome: 'passed', method: 'debug_traceCall' })
})

test('behavior: an endpoint of another chain is never believed', async () => {
  await f.writePolicy()
  const other = await startAnvil({ chainId: 4242 })
  try {
    const signer = await f.start({ rpc: [other.url] })
    const { executions } = await f.find()
    await expect
      .poll(async () => JSON.stringify(await signer.report()), { timeout: 5_000 })
      .toContain('does not serve chain')
    expect((await f.row(executions[0] ?? '')).status).toBe('requested')
  } finally {
    await f.stopSigners()
    await other.stop()
  }
})

test('behavior: the kill switch also holds what is committed and not yet sent', async () => {
  await f.writePolicy()
  const before = await nonce()
  node.setFault('error-500')
  await f.start({ rpc: [node.url] })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, ({ status }) => status === 'sending')
  await writeFile(killSwitchFile(f.dataDir), '')
  // A broadcast that had begun may still end; after it there must be none.
  await new Promise((resolve) => setTimeout(resolve, 300))
  node.setFault('none')
  await f.mine(2)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(node.accepted).toEqual([])
  await rm(killSwitchFile(f.dataDir))
  await f.until(id, isSent)
  await landOnce(id, before)
})

test('behavior: a policy that changes while its transaction is in flight is watched to its end', async () => {
  await f.writePolicy()
  await f.start({ rpc: [node.url] })
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, isSent)
  await f.writePolicy({ version: 2, target: `0x${'77'.repeat(20)}` })
  await f.mine()
  expect((await f.until(id, isDone)).status).toBe('succeeded')
  expect(node.accepted).toHaveLength(1)
})
