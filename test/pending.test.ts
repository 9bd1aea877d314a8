import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asc } from 'drizzle-orm'
import { encodeFunctionData, type Hex } from 'viem'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { foldFindings } from '../core/alerts/foldFindings.ts'
import { PENDING_PREFIX, sleep } from '../core/base/index.ts'
import { startWatcher } from '../core/cli/startWatcher.ts'
import { loadConfig } from '../core/config/index.ts'
import { startSigner } from '../core/response/index.ts'
import { tables } from '../core/store/index.ts'
import { createLogger, type RunningProcess } from '../core/telemetry/index.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { type Ground, startGround } from './support/stack.ts'

let ground: Ground
let store: TestDatabase
const running: RunningProcess[] = []
const log = createLogger({ service: 'test', level: process.env['TEST_LOG'] ?? 'silent' })

beforeAll(async () => {
  const parts = await Promise.all([
    startGround({
      anvil: { order: 'fees' },
      users: 4,
      watchlist: (text) =>
        text
          .replace('blockTimeMs: 1000', 'blockTimeMs: 1000\n    pending: { maxAgeBlocks: 6 }')
          .replace('  tvl-drop: {}', '  tvl-drop: { parameters: { minSamples: 1 } }'),
    }),
    createTestDatabase(),
  ])
  ground = parts[0]
  await mkdir(ground.dataDir, { recursive: true })
  store = parts[1]
  const { vault, actors } = ground.deployment
  await attack(vault.address, 'initializeV2', [actors.attacker.address])
  await mine()
}, 60_000)
afterEach(async () => {
  for (const process of running.splice(0).reverse()) await process.stop()
  await ground.anvil.rpc('anvil_dropAllTransactions')
  await store.db.delete(tables.execution)
  await store.db.delete(tables.finding)
  await store.pool.query('truncate tocsin.finding_queue, tocsin.alert, tocsin.alert_finding')
})
afterAll(async () => {
  await ground?.stop()
  await store?.drop()
})

const mine = async (): Promise<void> => {
  await ground.anvil.rpc('evm_mine')
}
const head = async (): Promise<number> => Number(await ground.anvil.rpc('eth_blockNumber'))
const read = async (functionName: string): Promise<bigint> => {
  const { vault } = ground.deployment
  const data = encodeFunctionData({ abi: vault.abi, functionName })
  return BigInt(await ground.anvil.rpc<Hex>('eth_call', [{ to: vault.address, data }, 'latest']))
}
const attack = (
  to: string,
  functionName: string,
  args: readonly unknown[],
  more: Record<string, string> = {},
): Promise<Hex> => {
  const { vault, actors } = ground.deployment
  const data = encodeFunctionData({ abi: vault.abi, functionName, args })
  return ground.anvil.rpc('eth_sendTransaction', [
    { from: actors.attacker.address, to, data, gas: '0xf4240', ...more },
  ])
}
/** A tenth of the vault, to the attacker: sent, not mined. */
const rob = async (more: Record<string, string> = {}): Promise<Hex> => {
  const { vault, actors } = ground.deployment
  const units = (await read('totalAssets')) / 10n
  return attack(vault.address, 'migrate', [actors.attacker.address, units], more)
}
const findings = () => store.db.select().from(tables.finding).orderBy(asc(tables.finding.seq))
const executions = () => store.db.select().from(tables.execution)
const until = async <T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> => {
  for (let tries = 0; tries < 600; tries++) {
    const found = await look()
    if (found) return found
    await sleep(25)
  }
  throw new Error(`waited in vain for ${what}`)
}
const pendingOf = (hash: Hex) =>
  until('a pending finding', async () =>
    (await findings()).find((row) => row.txHash === hash && row.status === 'pending'),
  )
const statusOf = async (hash: Hex): Promise<readonly string[]> => [
  ...new Set((await findings()).filter((row) => row.txHash === hash).map(({ status }) => status)),
]

/** Watcher and signer, and blocks until the bots have a baseline. */
const start = async (pendingPolicy: string): Promise<void> => {
  const file = join(ground.folder, 'actions', 'pause-vault', 'policy.yaml')
  const policy = (await readFile(file, 'utf8')).replace(/\npending:.*/, '')
  await writeFile(
    file,
    `${policy
      .replace('maxPerWindow: 1,', 'maxPerWindow: 100,')
      .replace('maxLifetime: 10 ', 'maxLifetime: 100 ')
      .replace('cooldownS: 3600', 'cooldownS: 0')
      .replace('confirmations: 3', 'confirmations: 1')
      .trimEnd()}\npending: ${pendingPolicy}\n`,
  )
  const config = await loadConfig({
    file: ground.configFile,
    secrets: ['rpc', 'signer'],
  })
  running.push(await startWatcher({ config, store, log }))
  running.push(await startSigner({ config, store, log }))
  for (let blocks = 0; blocks < 3; blocks++) {
    await mine()
    const number = await head()
    await until(`block ${number}`, async () => {
      const [cursor] = await store.db.select().from(tables.chainCursor)
      return cursor?.number === number
    })
  }
}

test('behavior: the pause stands before the attack, at a tip that beats it', async () => {
  await start('{ answer: true, maxPriorityFeePerGasWei: 100 gwei }')
  const before = await read('totalAssets')
  // More than the policy tips usually.
  const hash = await rob({ maxPriorityFeePerGas: '0x12a05f2000', maxFeePerGas: '0x2e90edd000' })
  const finding = await pendingOf(hash)
  expect(finding).toMatchObject({
    botId: 'tvl-drop',
    severity: 'Critical',
    blockNumber: await head(),
  })
  expect(finding.description.startsWith(PENDING_PREFIX)).toBe(true)
  const sent = await until('the pause to be sent', async () =>
    (await executions()).find(({ status }) => status === 'sent'),
  )
  expect(sent.findingId).toBe(finding.id)
  const [pause] = sent.txHashes
  const answer = await ground.anvil.rpc<Record<string, Hex>>('eth_getTransactionByHash', [pause])
  expect(BigInt(answer['maxPriorityFeePerGas'] ?? 0)).toBe(90_000_000_001n)
  await mine()
  const receipt = (of: string | undefined) =>
    ground.anvil.rpc<Record<string, Hex>>('eth_getTransactionReceipt', [of])
  const [first, second] = [await receipt(pause), await receipt(hash)]
  expect(first['blockNumber']).toBe(second['blockNumber'])
  expect(Number(first['transactionIndex'])).toBeLessThan(Number(second['transactionIndex']))
  expect([first['status'], second['status']]).toEqual(['0x1', '0x0'])
  expect(await read('totalAssets')).toBe(before)
  await until('the finding to be closed', async () => (await statusOf(hash)).includes('landed'))
  await mine()
  await until('success', async () =>
    (await executions()).find(({ status }) => status === 'succeeded'),
  )
  await ground.unpause()
  await mine()
}, 60_000)

test('behavior: the pending finding and the mined one are one alert', async () => {
  await start('{ answer: false }')
  const hash = await rob()
  const config = { dataDir: '/nonexistent', chains: [], channels: [], routes: [] }
  const fold = async (): Promise<void> => {
    while ((await foldFindings({ db: store.db, config })) > 0);
  }
  const alerts = () =>
    store.db.select().from(tables.alert).orderBy(tables.alert.openedAt, tables.alert.id)
  const pending = await pendingOf(hash)
  await fold()
  const open = await alerts()
  expect(open.find(({ alertId }) => alertId === pending.alertId)?.summary).toContain(PENDING_PREFIX)
  expect(await executions()).toEqual([])
  await mine()
  await until('the mined finding', async () =>
    (await findings()).find(
      (row) => row.alertId === pending.alertId && row.status === 'provisional',
    ),
  )
  await until('the pending finding to be closed', async () =>
    (await statusOf(hash)).includes('landed'),
  )
  await fold()
  const mined = (await alerts()).filter(({ alertId }) => alertId === pending.alertId)
  expect(mined.map(({ status, findings }) => [status, findings])).toEqual([['open', 1]])
  expect(mined[0]?.summary.startsWith(PENDING_PREFIX)).toBe(false)
  // The mined one is answered, as ever.
  await until('an execution', async () => (await executions())[0])
}, 60_000)

test('behavior: what never lands is closed: dropped by the nodes, or replaced by its sender', async () => {
  await ground.unpause()
  await mine()
  await start('{ answer: false }')
  const dropped = await rob()
  await pendingOf(dropped)
  await ground.anvil.rpc('anvil_dropTransaction', [dropped])
  for (let blocks = 0; blocks < 4; blocks++) {
    await mine()
    await sleep(300)
  }
  await until('the dropped one to be closed', async () =>
    (await statusOf(dropped)).every((status) => status === 'dropped'),
  )
  const replaced = await rob()
  const { nonce } = await ground.anvil.rpc<{ nonce: Hex }>('eth_getTransactionByHash', [replaced])
  await pendingOf(replaced)
  const { attacker } = ground.deployment.actors
  await ground.anvil.rpc('eth_sendTransaction', [
    {
      from: attacker.address,
      to: attacker.address,
      nonce,
      gas: '0x5208',
      maxFeePerGas: '0x2e90edd000',
      maxPriorityFeePerGas: '0x174876e800',
    },
  ])
  for (let blocks = 0; blocks < 3; blocks++) {
    await mine()
    await sleep(300)
  }
  await until('the replaced one to be closed', async () =>
    (await statusOf(replaced)).every((status) => status === 'dropped'),
  )
}, 60_000)
