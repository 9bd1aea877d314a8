import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { CHAIN, log, startRig, TOKEN, testBot } from '../../test/support/engineRig.ts'
import type { Address } from '../base/index.ts'
import { createFakeChain } from '../testing/fakeChain.ts'
import { bloomBits } from './bloom.ts'
import { createPostgresEngineStore } from './postgresEngineStore.ts'
import { createTally } from './tallyBlock.ts'
import { FORGET_EVERY, KEPT_TALLY_BLOCKS } from './tallySql.ts'

const OTHER: Address = '0x00000000000000000000000000000000000000bb'
let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(() =>
  database.pool.query(
    'truncate tocsin.chain_cursor, tocsin.chain_block, tocsin.block_tally, tocsin.tally_cover',
  ),
)

const start = (chain = createFakeChain(CHAIN), tallied: readonly Address[] = [TOKEN]) =>
  startRig(
    {
      tallied,
      bots: [testBot({ id: 'quiet', needs: () => ({ logs: [{ address: OTHER }] }) })],
      store: createPostgresEngineStore({
        store: database,
        chainId: CHAIN.id,
        chainName: CHAIN.name,
        lockPatienceMs: 300,
      }),
    },
    chain,
  )
type Rig = Awaited<ReturnType<typeof start>>

const tallies = async () =>
  (
    await database.pool.query<{
      number: number
      hash: string
      logs: number
      digest: string
      places: string
    }>(
      `select block_number::int as number, block_hash as hash, logs, digest, places from tocsin.block_tally
       order by block_number, address`,
    )
  ).rows
const cover = async (): Promise<Readonly<Record<string, number>>> => {
  const { rows } = await database.pool.query<{ address: string; from: number }>(
    'select address, from_block::int as from from tocsin.tally_cover order by address',
  )
  return Object.fromEntries(rows.map(({ address, from }) => [address, from]))
}
const headOf = (rig: Rig) => rig.chain.head().block

test('behavior: logs of watched addresses alone are tallied, in the block that holds them', async () => {
  const rig = await start()
  await rig.block({ logs: [{ ...log(), address: OTHER }] })
  const first = headOf(rig).number
  await rig.block({
    txs: [
      { logs: [log(1n), { ...log(), address: OTHER }, log(2n)] },
      { logs: [] },
      { logs: [log(3n)] },
    ],
  })
  const { number, hash, transactions } = headOf(rig)
  const [one, , three] = transactions.map((tx) => tx.hash)
  const text = transactions
    .flatMap((tx) => tx.logs)
    .filter(({ address }) => address === TOKEN)
    .map((l) => `${l.logIndex}|${l.txHash}|${l.topics.join(',')}|${l.data}\n`)
    .join('')
  expect(await tallies()).toEqual([
    {
      number,
      hash,
      logs: 3,
      digest: createHash('sha256').update(text).digest('hex'),
      places: `${one}:0,2;${three}:3`,
    },
  ])
  expect(await cover()).toEqual({ [TOKEN]: first })
  await rig.engine.stop()
})

test('behavior: a rollback takes the tally of orphaned blocks away, and no block goes uncounted after it', async () => {
  const rig = await start()
  for (let n = 0; n < 4; n++) await rig.block({ logs: [log(BigInt(n))] })
  const from = await cover()
  await rig.rollback(2)
  expect(await tallies()).toHaveLength(2)
  await rig.block({ logs: [log(9n)], salt: 'new' })
  await rig.engine.stop()
  const again = await start(rig.chain)
  await again.block({ logs: [log(10n)] })
  expect((await tallies()).map(({ hash }) => hash)).toContain(headOf(again).hash)
  expect(await tallies()).toHaveLength(4)
  expect(await cover()).toEqual(from)
  await again.engine.stop()
})

test('behavior: blocks that nobody tallied end the cover; an address that comes later has its own', async () => {
  const rig = await start()
  await rig.block({ logs: [log()] })
  await rig.engine.stop()
  const blind = await start(rig.chain, [])
  await blind.block({ logs: [log()] })
  await blind.engine.stop()
  const again = await start(rig.chain)
  await again.block({ logs: [log()] })
  const restarted = headOf(again).number
  expect(await cover()).toEqual({ [TOKEN]: restarted })
  await again.block()
  await again.engine.stop()
  const wider = await start(rig.chain, [TOKEN, OTHER])
  await wider.block()
  expect(await cover()).toEqual({ [TOKEN]: restarted, [OTHER]: headOf(wider).number })
  await wider.engine.stop()
  const narrower = await start(rig.chain, [OTHER])
  await narrower.block()
  expect(await cover()).toEqual({ [OTHER]: headOf(wider).number - 1 })
  await narrower.engine.stop()
})

test('behavior: a block that came without its logs is unknown unless its bloom rules them out', async () => {
  const tally = createTally([TOKEN])
  const rig = await start()
  rig.add()
  const skipped = { ...headOf(rig), transactions: [], skipped: true }
  expect(tally(skipped)).toEqual([])
  const bloom = Buffer.alloc(256)
  for (const [byte, mask] of bloomBits(TOKEN)) bloom[byte] = (bloom[byte] ?? 0) | mask
  const full = { ...skipped, logsBloom: `0x${bloom.toString('hex')}` as const }
  expect(tally(full)).toBeUndefined()
  await rig.engine.processBlock(full)
  expect(await cover()).toEqual({})
  await rig.block()
  expect(await cover()).toEqual({ [TOKEN]: headOf(rig).number })
  // And again once it was covered.
  rig.add()
  await rig.engine.processBlock({
    ...headOf(rig),
    transactions: [],
    skipped: true,
    logsBloom: full.logsBloom,
  })
  await rig.block()
  expect(await cover()).toEqual({ [TOKEN]: headOf(rig).number })
  await rig.engine.stop()
})

test('behavior: what nobody compares is given up at last, and the cover says so', async () => {
  const rig = await start()
  await rig.block({ logs: [log()] })
  const first = headOf(rig).number
  await rig.block({ logs: [log()] })
  const before = await cover()
  const store = createPostgresEngineStore({
    store: database,
    chainId: CHAIN.id,
    chainName: CHAIN.name,
  })
  await store.finalize(first + KEPT_TALLY_BLOCKS, { state: [], samples: [] })
  expect(await cover()).toEqual(before)
  expect(await tallies()).toHaveLength(2)
  await store.finalize(first + KEPT_TALLY_BLOCKS + 1, { state: [], samples: [] })
  expect(await tallies()).toHaveLength(2)
  const later = first + FORGET_EVERY
  await database.pool.query(
    'update tocsin.block_tally set block_number = $1 where block_number <> $2',
    [later, first],
  )
  await store.finalize(later + KEPT_TALLY_BLOCKS, { state: [], samples: [] })
  expect(await tallies()).toHaveLength(1)
  expect(await cover()).toEqual({ [TOKEN]: later })
  await rig.engine.stop()
})
