import type { BotDefinition } from 'tocsin'
import { type Anvil, makeThing, startAnvil } from 'tocsin/testing'
import { toEventSelector } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Config } from '../../core/config/types.ts'
import { runWatcher } from '../../core/engine/index.ts'
import type { RunningProcess } from '../../core/telemetry/index.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { silent } from '../../test/support/engineRig.ts'
import { bridge } from './bot.ts'

// Emits one log of two topics, the two words of its calldata: DispatchId and ProcessId of a bridge.
const CODE = '0x600c600c600039600c6000f360203560003560006000a200'
const LOCK = toEventSelector('DispatchId(bytes32)')
const RELEASE = toEventSelector('ProcessId(bytes32)')
const START_S = 1_900_000_000

type Hex = `0x${string}`
type Side = {
  readonly name: string
  readonly anvil: Anvil
  readonly bridge: Hex
  readonly from: Hex
}

let database: TestDatabase
let watcher: RunningProcess
let source: Side
let target: Side
/** Both chains' time. */
let nowS = START_S

const deploy = async (name: string, chainId: number): Promise<Side> => {
  const anvil = await startAnvil({ chainId, timestampS: START_S })
  const [from = '0x'] = await anvil.rpc<Hex[]>('eth_accounts')
  const hash = await anvil.rpc<Hex>('eth_sendTransaction', [{ from, data: CODE, gas: '0x7a120' }])
  await anvil.rpc('evm_mine', [{ timestamp: START_S + 12 }])
  const receipt = await anvil.rpc<{ contractAddress: Hex; status: Hex }>(
    'eth_getTransactionReceipt',
    [hash],
  )
  expect(receipt.status).toBe('0x1')
  return { name, anvil, bridge: receipt.contractAddress, from }
}

const query = async <T>(text: string): Promise<readonly T[]> =>
  (await database.pool.query(text)).rows
const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 600; i++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`never: ${what}, ${JSON.stringify(await found())}`)
}
const found = async (): Promise<readonly string[]> => {
  const rows = await query<Record<string, string>>(
    `select alert_id, severity, condition from tocsin.finding
     where bot_id = 'bridge' and status <> 'retracted' order by seq`,
  )
  return rows.map((row) => [row['alert_id'], row['severity'], row['condition']].join(' ').trim())
}

/** One more block, with the given messages, and the watcher has taken it. */
const block = async (
  { anvil, name, bridge: to, from }: Side,
  logs: readonly (readonly [Hex, number])[] = [],
  afterS = 12,
): Promise<void> => {
  nowS += afterS
  for (const [topic, id] of logs)
    await anvil.rpc('eth_sendTransaction', [
      { from, to, gas: '0x186a0', data: `${topic}${id.toString(16).padStart(64, '0')}` },
    ])
  await anvil.rpc('evm_mine', [{ timestamp: nowS }])
  const { hash } = await anvil.rpc<{ hash: Hex }>('eth_getBlockByNumber', ['latest', false])
  await until(`${name} at its head`, async () => {
    const rows = await query(
      `select 1 from tocsin.chain_cursor where chain_name = '${name}' and hash = '${hash}'`,
    )
    return rows.length === 1
  })
}
/** Finality is two blocks deep. */
const settle = async (side: Side): Promise<void> => {
  for (let n = 0; n < 3; n++) await block(side)
  const head = Number(await side.anvil.rpc<string>('eth_blockNumber'))
  await until(`${side.name} final`, async () => {
    const rows = await query(
      `select 1 from tocsin.chain_cursor where chain_name = '${side.name}' and finalized >= ${head - 2}`,
    )
    return rows.length === 1
  })
}

beforeAll(async () => {
  database = await createTestDatabase()
  source = await deploy('source', 31_337)
  target = await deploy('target', 31_338)
  const chain = ({ anvil, name }: Side) => ({
    id: anvil.chainId,
    name,
    blockTimeMs: 200,
    pollMs: 20,
    finality: { depth: 2 },
    transactions: 'auto',
    traces: 'none',
    startBlock: 1,
    rpc: [{ name: 'a', http: anvil.url, ws: undefined }],
  })
  const thing = (side: Side, other: Side) =>
    makeThing(
      {
        kind: 'bridge',
        name: `bridge-${side.name}`,
        address: side.bridge,
        remote: { chain: other.name, address: other.bridge },
      },
      { id: side.anvil.chainId, name: side.name },
    )
  const config = {
    chains: [chain(source), chain(target)],
    bots: { bridge: { enabled: true, parameters: {} } },
    watch: [thing(source, target), thing(target, source)],
    indexer: { enabled: false },
  } as unknown as Config
  watcher = await runWatcher({
    config,
    store: database,
    bots: [bridge as unknown as BotDefinition<unknown>],
    log: silent,
  })
}, 60_000)
afterAll(async () => {
  await watcher?.stop()
  await source?.anvil.stop()
  await target?.anvil.stop()
  await database?.drop()
})

test('behavior: two chains, from a release that is backed to one that is not, a lag and a reorganisation between', async () => {
  await block(source, [[LOCK, 1]])
  await block(target, [[RELEASE, 1]])
  await settle(source)
  await block(target)
  expect(await found()).toEqual([])

  // The source stands still: nobody can tell.
  await block(target, [[RELEASE, 2]])
  await block(target, [], 400)
  await block(target)
  const unknown = 'BRIDGE-UNBACKED Medium unknown'
  expect(await found()).toEqual([unknown])
  await block(source, [[LOCK, 2]])
  await settle(source)
  await block(target)
  const quiet = [unknown, 'BRIDGE-UNBACKED Info ended']
  expect(await found()).toEqual(quiet)

  // A lock that the source's reorganisation takes away again.
  const snapshot = await source.anvil.rpc('evm_snapshot')
  await block(source, [[LOCK, 3]])
  await block(target, [[RELEASE, 3]])
  await block(target)
  expect(await found()).toEqual(quiet)
  await source.anvil.rpc('evm_revert', [snapshot])
  await block(source)
  await block(target)
  const seen = [...quiet, 'BRIDGE-LOCK-NOT-SEEN High']
  expect(await found()).toEqual(seen)
  await settle(source)
  await block(target)
  const holds = [...seen, 'BRIDGE-UNBACKED Critical holds']
  expect(await found()).toEqual(holds)

  // And one message once more.
  await block(target, [[RELEASE, 1]])
  expect((await found()).slice(holds.length)).toContain('BRIDGE-RELEASE-REPEATED Critical')
}, 90_000)
