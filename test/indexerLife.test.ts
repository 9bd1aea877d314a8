import {
  concatHex,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  parseAbi,
  parseAbiItem,
  size,
  toEventSelector,
  toHex,
} from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { erc1967Abi } from '../abis/index.ts'
import { type Address, sleep } from '../core/base/index.ts'
import { type Anvil, startAnvil } from '../core/testing/index.ts'
import { compileContracts } from '../demo/contracts/index.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { createActor } from './support/forensicScene.ts'
import { createIndexerRig, type IndexerRig, watchedThing } from './support/indexer.ts'

const KILLS = process.env['TOCSIN_LONG'] ? 5 : 1
const SENDER: Address = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
const tokenAbi = parseAbi([
  'constructor(string name, string symbol, uint8 decimals, address admin)',
  'function mintMany(address[] to, uint256 amount)',
  'function transfer(address to, uint256 value) returns (bool)',
])

let anvil: Anvil
let database: TestDatabase
let rig: IndexerRig
let actor: Awaited<ReturnType<typeof createActor>>
let token: Address
let emitter: Address
const watch = () => [
  watchedThing({ name: 'usd', kind: 'token', address: token }),
  watchedThing({ name: 'strange', kind: 'contract', address: emitter }),
]

/** A contract that, whenever it is called, emits the calldata after the first byte under as many topics as that byte says. */
const emitterCode = (): Hex => {
  // For n topics: calldata is [n][32 bytes per topic][data]. Jump table over n = 0..4.
  const branches = [0, 1, 2, 3, 4].map((n) => {
    const head = 1 + 32 * n
    const copy = concatHex([
      // size = calldatasize - head; calldatacopy(0, head, size)
      '0x60',
      toHex(head, { size: 1 }),
      '0x3603',
      '0x80',
      '0x60',
      toHex(head, { size: 1 }),
      '0x5f',
      '0x37',
    ])
    // Topics are pushed last first; below them size and offset.
    const swap = Array.from({ length: n }, (_, i) => {
      const at = 1 + 32 * (n - 1 - i)
      return concatHex(['0x60', toHex(at, { size: 1 }), '0x35'])
    })
    // Stack for LOGn, top first: offset, size, topic0, topic1, …: so topics go first, then size, then offset.
    return concatHex(['0x5b', ...swap, copy, '0x5f', toHex(0xa0 + n, { size: 1 }), '0x00'])
  })
  const tableSize = 5 * 11
  let at = tableSize
  const table: Hex[] = []
  for (const [n, branch] of branches.entries()) {
    // if (byte0 == n) jump(at)
    table.push(
      concatHex(
        [
          '0x5f3560f81c',
          '0x60',
          toHex(n, { size: 1 }),
          '0x1460',
          toHex(at, { size: 1 }),
          '0x57',
        ].map((h) => h as Hex),
      ),
    )
    at += size(branch)
  }
  const runtime = concatHex([...table, ...branches])
  return concatHex([
    '0x60',
    toHex(size(runtime), { size: 1 }),
    '0x80600b5f395ff3',
    '0x0000',
    runtime,
  ])
}

const emit = (topics: readonly Hex[], data: Hex) =>
  actor.send(SENDER, emitter, concatHex([toHex(topics.length, { size: 1 }), ...topics, data]))

const events = async (where = 'true') =>
  (
    await database.pool.query<{
      id: string
      block_hash: Hex
      tx_hash: Hex
      name: string | null
      args: Record<string, string> | null
      topics: Hex[]
      data: Hex
      log_index: number
    }>(`select * from indexer.event where ${where} order by id`)
  ).rows

/** The chain's own answer to what the index should hold. */
const canonical = async (): Promise<readonly string[]> => {
  const logs = await anvil.rpc<readonly { blockHash: Hex; transactionHash: Hex; logIndex: Hex }[]>(
    'eth_getLogs',
    [{ fromBlock: '0x0', toBlock: 'latest', address: [token, emitter] }],
  )
  return logs.map((log) => `${log.blockHash} ${log.transactionHash} ${Number(log.logIndex)}`)
}
const indexed = async (): Promise<readonly string[]> =>
  (await events()).map((row) => `${row.block_hash} ${row.tx_hash} ${row.log_index}`)

const transfer = (to: Address, value: bigint) =>
  actor.send(
    SENDER,
    token,
    encodeFunctionData({ abi: tokenAbi, functionName: 'transfer', args: [to, value] }),
  )
const somebody = (n: number): Address => `0x${n.toString(16).padStart(40, '0')}`

beforeAll(async () => {
  database = await createTestDatabase()
  anvil = await startAnvil()
  actor = await createActor(anvil)
  const artifact = (await compileContracts())['DemoToken']
  if (!artifact) throw new Error('DemoToken was not compiled')
  const deployed = await actor.send(
    SENDER,
    undefined,
    concatHex([
      artifact.bytecode,
      encodeAbiParameters(
        [{ type: 'string' }, { type: 'string' }, { type: 'uint8' }, { type: 'address' }],
        ['Dollar', 'USD', 6, SENDER],
      ),
    ]),
  )
  token = (deployed.contractAddress ?? '0x').toLowerCase() as Address
  await actor.send(
    SENDER,
    token,
    encodeFunctionData({ abi: tokenAbi, functionName: 'mintMany', args: [[SENDER], 10n ** 12n] }),
  )
  const strange = await actor.send(SENDER, undefined, emitterCode())
  emitter = (strange.contractAddress ?? '0x').toLowerCase() as Address
  rig = await createIndexerRig({ anvil, database, watch: watch() })
})
afterAll(async () => {
  await rig?.stop()
  await database?.drop()
  await anvil?.stop()
})

test('behavior: what no ABI knows, or no ABI can decode, is kept raw, in history and live', async () => {
  const unknown = toHex('nobody knows this', { size: 32 })
  const selector = toEventSelector(parseAbiItem('event Transfer(address,address,uint256)'))
  const word = (n: number): Hex => toHex(n, { size: 32 })
  const sendAll = async (): Promise<void> => {
    await emit([], '0x1234')
    await emit([], '0x')
    await emit([unknown], '0xdeadbeef')
    await emit([unknown, word(1), word(2), word(3)], '0x')
    // A transfer without its arguments, and one whose data is too short.
    await emit([selector], '0x')
    await emit([selector, word(1), word(2)], '0x01')
    // The widest numbers that there are.
    await emit([selector, word(1), word(2)], `0x${'ff'.repeat(32)}`)
    await emit(
      [toEventSelector(parseAbiItem('event ChangedThreshold(uint256)'))],
      `0x${'ff'.repeat(32)}`,
    )
  }
  await sendAll()
  await rig.start()
  await rig.untilCaughtUp()
  await sendAll()
  await rig.untilCaughtUp()
  const rows = await events("thing = 'strange'")
  expect(rows).toHaveLength(16)
  for (const half of [rows.slice(0, 8), rows.slice(8)]) {
    expect(half.map(({ name }) => name)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
      'Transfer',
      'ChangedThreshold',
    ])
    expect(half[0]).toMatchObject({ topics: [], data: '0x1234', args: null })
    expect(half[2]).toMatchObject({ topics: [unknown], data: '0xdeadbeef', args: null })
    expect(half[3]?.topics).toEqual([unknown, word(1), word(2), word(3)])
    expect(half[6]?.args?.['value']).toBe((2n ** 256n - 1n).toString())
  }
  expect(await indexed()).toEqual(await canonical())
})

test('behavior: text with a zero character does not stop the index', async () => {
  const data = encodeAbiParameters(
    [
      { type: 'uint256' },
      { type: 'address' },
      { type: 'address[]' },
      { type: 'uint256[]' },
      { type: 'string[]' },
      { type: 'bytes[]' },
      { type: 'uint256' },
      { type: 'uint256' },
      { type: 'string' },
    ],
    [1n, SENDER, [SENDER], [0n], ['a\u0000b'], ['0x'], 1n, 2n, 'pay\u0000 me'],
  )
  await emit(
    [
      toEventSelector(
        parseAbiItem(
          'event ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)',
        ),
      ),
    ],
    data,
  )
  await rig.untilCaughtUp()
  const [row] = await events("name = 'ProposalCreated'")
  expect(row?.args).toMatchObject({ description: 'pay me', signatures: ['ab'] })
})

test('behavior: a reorg leaves exactly the canonical events', async () => {
  for (let n = 1; n <= 3; n++) await transfer(somebody(n), BigInt(n))
  await rig.untilCaughtUp()
  for (const depth of [1, 5]) {
    const snapshot = await anvil.rpc('evm_snapshot')
    for (let n = 0; n < depth; n++) await transfer(somebody(100 + n), 1_000n + BigInt(n))
    await rig.untilCaughtUp()
    const before = await indexed()
    expect(before).toEqual(await canonical())
    await anvil.rpc('evm_revert', [snapshot])
    // Some of it happens again in other blocks, some never, something else does.
    await anvil.rpc('evm_increaseTime', [7])
    await transfer(somebody(100), 1_000n)
    for (let n = 0; n < depth + 1; n++) await transfer(somebody(200 + n), 5n)
    await rig.untilCaughtUp()
    for (let tries = 0; tries < 100; tries++) {
      if ((await indexed()).join() === (await canonical()).join()) break
      await sleep(100)
    }
    const after = await indexed()
    expect(after).toEqual(await canonical())
    expect(after).not.toEqual(before)
    const { rows } = await database.pool.query(
      'select count(*)::int as n from indexer.transfer t where not exists (select 1 from indexer.event e where e.id = t.id and e.tx_hash = t.tx_hash)',
    )
    expect(rows[0].n).toBe(0)
  }
})

test('behavior: stopped and started again, it goes on where it was', async () => {
  const first = await events()
  await rig.halt()
  await transfer(somebody(7), 7n)
  const { schema } = await rig.start()
  await rig.untilCaughtUp()
  expect(await indexed()).toEqual(await canonical())
  expect((await events()).length).toBe(first.length + 1)
  const { rows } = await database.pool.query(
    "select count(*)::int as n from pg_namespace where nspname like 'idx\\_%'",
  )
  expect(rows[0].n).toBe(1)
  expect(schema).toMatch(/^idx_[0-9a-f]{8}$/)
})

test('behavior: killed at any instant, nothing is lost or doubled', async () => {
  for (let round = 0; round < KILLS; round++) {
    for (let n = 0; n < 4; n++) await transfer(somebody(300 + n), BigInt(round + 1))
    await sleep(75 + round * 150)
    const pid = rig.pid()
    if (pid === undefined) throw new Error('the indexer does not run')
    process.kill(pid, 'SIGKILL')
    await transfer(somebody(400), BigInt(round + 1))
    await rig.halt()
    await rig.start()
  }
  await rig.untilCaughtUp()
  expect(await indexed()).toEqual(await canonical())
})

test('behavior: an event of a proxy is decoded by the implementation behind it at that log', async () => {
  const [one, two] = [somebody(0x111), somebody(0x222)]
  const ping = (name: string) => parseAbi([`event Ping(uint256 ${name})`])
  const topic = toEventSelector(parseAbiItem('event Ping(uint256)'))
  const upgrade = async (to: Address) =>
    emit(
      [toEventSelector(parseAbiItem('event Upgraded(address)')), toHex(BigInt(to), { size: 32 })],
      '0x',
    )
  expect(erc1967Abi.length).toBeGreaterThan(0)
  await emit([topic], toHex(0, { size: 32 }))
  await upgrade(one)
  await emit([topic], toHex(1, { size: 32 }))
  await upgrade(two)
  await emit([topic], toHex(2, { size: 32 }))
  await rig.halt()
  const before = await events()
  await rig.start([
    watchedThing({ name: 'usd', kind: 'token', address: token }),
    watchedThing({
      name: 'strange',
      kind: 'proxy',
      address: emitter,
      implementationAbis: { [one]: ping('first'), [two]: ping('second') },
    }),
  ])
  await rig.untilCaughtUp()
  await emit([topic], toHex(3, { size: 32 }))
  await rig.untilCaughtUp()
  const rows = await events("name = 'Ping'")
  expect(rows.map(({ args }) => args)).toEqual([
    // Before any upgrade, the ABI of some implementation is better than none.
    { first: '0' },
    { first: '1' },
    { second: '2' },
    { second: '3' },
  ])
  expect((await events()).length).toBeGreaterThan(before.length)
  const { rows: state } = await database.pool.query(
    'select implementation from indexer.proxy_state',
  )
  expect(state).toEqual([{ implementation: two }])
})

test('behavior: of former indexes one stays', async () => {
  await rig.halt()
  await rig.start(watch().slice(0, 1))
  await rig.untilCaughtUp()
  const count = async (): Promise<number> => {
    const { rows } = await database.pool.query(
      "select count(*)::int as n from pg_namespace where nspname like 'idx\\_%'",
    )
    return rows[0].n
  }
  for (let tries = 0; tries < 100 && (await count()) > 2; tries++) await sleep(100)
  expect(await count()).toBe(2)
  expect((await events("thing = 'strange'")).length).toBe(0)
  expect((await events()).length).toBeGreaterThan(0)
})

test('behavior: the report knows how far the index is', async () => {
  expect(await rig.report()).toMatchObject({
    status: 'ok',
    detail: { ready: true, chains: { local: { lagBlocks: 0 } } },
  })
})

test('error: an address without code, and a port in use, are named', async () => {
  await rig.halt()
  await expect(
    rig.start([watchedThing({ name: 'ghost', kind: 'token', address: somebody(0xdead) })]),
  ).rejects.toMatchObject({ code: 'indexer.no_code', exitCode: 2 })
  const { createServer } = await import('node:http')
  const server = createServer()
  await new Promise<void>((resolve) =>
    server.listen(Number(new URL(rig.url).port), '127.0.0.1', resolve),
  )
  await expect(rig.start()).rejects.toMatchObject({ code: 'port.in_use', exitCode: 4 })
  await new Promise((resolve) => server.close(resolve))
})
