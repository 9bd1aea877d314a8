import { eq } from 'drizzle-orm'
import { type Hex, keccak256, toHex } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSignerFixture, type SignerFixture } from '../../test/support/signerFixture.ts'
import { tables } from '../store/index.ts'
import { isNonceTaken } from './executionStore.ts'

const PAUSED = keccak256(toHex('Paused(address)'))

let f: SignerFixture
beforeAll(async () => {
  f = await createSignerFixture()
}, 240_000)
afterAll(() => f?.stop())
beforeEach(async () => {
  await f.reset()
  await f.writePolicy({
    cooldownS: 3_600,
    limits: { maxPerWindow: 1, windowS: 3_600, maxLifetime: 1 },
    postcondition: { deadlineS: 20, confirmations: 1 },
  })
})

const head = async (): Promise<number> => Number(await f.anvil.rpc<Hex>('eth_blockNumber'))
const pausesSince = async (block: number): Promise<number> =>
  (
    await f.anvil.rpc<unknown[]>('eth_getLogs', [
      { address: f.vault, topics: [PAUSED], fromBlock: toHex(block), toBlock: 'latest' },
    ])
  ).length
const pages = () =>
  f.database.db.select().from(tables.finding).where(eq(tables.finding.botId, 'tocsin'))

/** A pause that has its one confirmation, and the block before it. */
const pauseAndConfirm = async () => {
  await f.mine(2)
  const before = await head()
  const { finding, executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, ({ status }) => status === 'sent')
  await f.mine()
  await f.until(id, ({ status }) => status === 'succeeded')
  await f.mine(2)
  const row = await f.until(id, ({ confirmedAt }) => confirmedAt !== null)
  expect(row.finalAt).toBeNull()
  return { id, before, finding, row }
}

/** Another branch, longer than the old one, without the pause; the watcher finds the same there. */
const reorganise = async (before: number, findingId: string): Promise<readonly string[]> => {
  const depth = (await head()) - before
  await f.anvil.rpc('anvil_reorg', [depth, []])
  await f.mine(2)
  const { db } = f.database
  await db
    .update(tables.finding)
    .set({ status: 'retracted' })
    .where(eq(tables.finding.id, findingId))
  return (await f.find()).executions
}

const untilBack = async (id: string): Promise<void> => {
  for (let i = 0; i < 40; i++) {
    if ((await f.row(id)).status === 'succeeded') return
    await f.mine()
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  throw new Error(`it stayed ${(await f.row(id)).status}`)
}

test('behavior: a confirmed pause that a deep reorg took away is brought back, whatever cooldown and limits say', async () => {
  await f.start()
  const { id, before, finding, row } = await pauseAndConfirm()
  expect(await reorganise(before, finding.id)).toEqual([])
  expect(await f.isPaused()).toBe(false)
  await f.until(id, ({ status }) => status === 'sent')
  await untilBack(id)
  const again = await f.row(id)
  expect(await f.isPaused()).toBe(true)
  expect(again.txHashes[0]).toBe(row.minedTxHash)
  expect(again.nonce).toBe(row.nonce)
  expect(again.minedBlockHash).not.toBe(row.minedBlockHash)
  expect(await pausesSince(before)).toBe(1)
  await f.mine(2)
  await f.until(id, ({ confirmedAt }) => confirmedAt !== null)
  const events = await f.events(id)
  expect(events.filter((event) => event !== 'replaced')).toEqual([
    'sending',
    'sent',
    'succeeded',
    'confirmed',
    'orphaned',
    'succeeded',
    'confirmed',
  ])
  // That it took effect is told once, also when a reorg makes it take effect again.
  expect((await pages()).map(({ alertId }) => alertId).sort()).toEqual([
    'EXECUTION-ORPHANED',
    'EXECUTION-SUCCEEDED',
  ])
  const rows = await f.database.db.select().from(tables.execution)
  expect(rows.length).toBe(1)
})

test('behavior: a signer that was away during the reorg brings it back when it comes', async () => {
  const first = await f.start()
  const { id, before, finding } = await pauseAndConfirm()
  await first.stop()
  expect(await reorganise(before, finding.id)).toEqual([])
  await f.start()
  await f.until(id, ({ status }) => status === 'sent')
  await untilBack(id)
  expect(await f.isPaused()).toBe(true)
  expect(await pausesSince(before)).toBe(1)
})

test('behavior: once its block is final it is minded no longer', async () => {
  await f.start()
  const { id } = await pauseAndConfirm()
  await f.mine(30)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect((await f.row(id)).finalAt).toBeNull()
  await f.mine(60)
  await f.until(id, ({ finalAt }) => finalAt !== null)
  expect((await f.events(id)).at(-1)).toBe('final')
})

test('behavior: what people lifted after its confirmation stays lifted, also when a reorg comes', async () => {
  await f.start()
  const { id, before, finding } = await pauseAndConfirm()
  await f.asAdmin('unpause')
  await f.until(id, ({ finalAt }) => finalAt !== null)
  expect((await f.events(id)).at(-1)).toBe('lifted')
  await reorganise(before, finding.id)
  await f.mine(3)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect((await f.row(id)).status).toBe('succeeded')
  expect(await f.isPaused()).toBe(false)
})

test('behavior: the nonce of a pause that is not final yet is given to nothing else', async () => {
  await f.start()
  const { row } = await pauseAndConfirm()
  const nonce = row.nonce ?? -1
  const isTaken = (chainId: number, at: number) =>
    f.database.db.transaction((tx) => isNonceTaken(tx, f.signer, chainId, at))
  expect(await isTaken(f.anvil.chainId, nonce)).toBe(true)
  expect(await isTaken(f.anvil.chainId, nonce + 1)).toBe(false)
  expect(await isTaken(1, nonce)).toBe(false)
  await f.mine(90)
  await f.until(row.id, ({ finalAt }) => finalAt !== null)
  expect(await isTaken(f.anvil.chainId, nonce)).toBe(false)
})
