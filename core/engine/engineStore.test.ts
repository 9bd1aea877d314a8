import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { CHAIN, log, seen, silent, startRig, testBot } from '../../test/support/engineRig.ts'
import { createFakeChain, type FakeBlock } from '../testing/fakeChain.ts'
import { createEngine } from './createEngine.ts'
import type { EngineStore } from './engineStore.ts'
import { createMemoryEngineStore } from './memoryEngineStore.ts'
import { createPostgresEngineStore } from './postgresEngineStore.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database?.drop())
beforeEach(() =>
  database.pool.query(
    'truncate tocsin.chain_cursor, tocsin.chain_block, tocsin.finding, tocsin.finding_queue, tocsin.bot_state, tocsin.bot_sample, tocsin.bot_health',
  ),
)

const postgres = (patience = 300) =>
  createPostgresEngineStore({
    store: database,
    chainId: CHAIN.id,
    chainName: CHAIN.name,
    lockPatienceMs: patience,
  })

/** A store of each kind that can be opened again, as after a restart. */
type Kind = {
  readonly name: string
  readonly make: () => () => EngineStore<never>
  readonly statuses: (store: EngineStore<never>) => Promise<Record<string, string>>
}
const kinds: readonly Kind[] = [
  {
    name: 'memory',
    make: () => {
      const store = createMemoryEngineStore() as unknown as EngineStore<never>
      return () => store
    },
    statuses: async (store) =>
      Object.fromEntries(
        (store as unknown as ReturnType<typeof createMemoryEngineStore>)
          .findings()
          .map((row) => [`${row.uniqueKey}@${row.blockHash}`, row.status]),
      ),
  },
  {
    name: 'postgres',
    make: () => () => postgres() as unknown as EngineStore<never>,
    statuses: async () => {
      const { rows } = await database.pool.query(
        'select unique_key, block_hash, status from tocsin.finding order by seq',
      )
      return Object.fromEntries(
        rows.map((row) => [`${row.unique_key}@${row.block_hash}`, row.status]),
      )
    },
  },
]

/** Deterministic pseudo-random numbers. */
const seeded = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const SPANS = [30, 100, 600]
/** Writes and reads everything a bot can, and says what it saw. */
const chatty = (said: (text: string) => void) =>
  testBot({
    id: 'chatty',
    handleBlock: (block, ctx) => {
      for (const { data } of block.logs) {
        const value = BigInt(data)
        const key = `k${value % 5n}`
        if (value % 7n === 0n) ctx.state.delete(key)
        else ctx.state.set(key, { value, text: value % 3n === 0n ? 'nul \u0000 and \ud800' : null })
        ctx.window('w', { keepS: 600 }).add(value - 50n)
      }
      const window = ctx.window('w', { keepS: 600 })
      const facts = {
        state: ctx.state.keys().map((key) => [key, ctx.state.get(key)]),
        window: SPANS.map((spanS) => [
          window.sum(spanS),
          window.count(spanS),
          window.min(spanS),
          window.max(spanS),
          window.first(spanS),
          window.before(spanS),
          window.quantile(spanS, 0.5),
          window.samples(spanS).length,
        ]),
        last: window.last(),
      }
      const text = JSON.stringify(facts, (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}n` : value,
      )
      said(text)
      return [seen({ uniqueKey: `b${block.number}`, description: text.slice(0, 100) })]
    },
  })

/** What `chatty` must say, worked out from all the blocks anew. */
const naive = (blocks: readonly FakeBlock[]): string => {
  const state = new Map<string, unknown>()
  const samples: { blockNumber: number; timestampS: number; value: bigint }[] = []
  for (const { block } of blocks)
    for (const tx of block.transactions)
      for (const { data } of tx.logs) {
        const value = BigInt(data)
        const key = `k${value % 5n}`
        if (value % 7n === 0n) state.delete(key)
        else state.set(key, { text: value % 3n === 0n ? 'nul \u0000 and \ud800' : null, value })
        samples.push({
          blockNumber: block.number,
          timestampS: block.timestampS,
          value: value - 50n,
        })
      }
  const now = blocks.at(-1)?.block.timestampS ?? 0
  const facts = {
    state: [...state].sort(([a], [b]) => (a < b ? -1 : 1)),
    window: SPANS.map((spanS) => {
      const inside = samples.filter(({ timestampS }) => timestampS > now - spanS)
      const values = inside.map(({ value }) => value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      return [
        values.reduce((sum, value) => sum + value, 0n),
        values.length,
        values[0],
        values.at(-1),
        inside[0],
        samples.filter(({ timestampS }) => timestampS <= now - spanS).at(-1),
        values[Math.ceil(values.length / 2) - 1],
        inside.length,
      ]
    }),
    last: samples.at(-1),
  }
  return JSON.stringify(facts, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
}

describe.each(kinds)('$name store', ({ make, statuses }) => {
  test('behavior: blocks, rollbacks, finality and restarts in any order give what a naive model gives', async () => {
    for (const seed of [1, 2, 3]) {
      const random = seeded(seed)
      const open = make()
      let said = ''
      const bots = [chatty((text) => (said = text))]
      const chain = createFakeChain({ ...CHAIN, startNumber: seed * 1_000 })
      let rig = await startRig({ store: open(), bots }, chain)
      let store = open()
      const canonical: FakeBlock[] = []
      const live = new Map<string, string>()
      let finalized = 0
      for (let step = 0; step < 120; step++) {
        const dice = random(10)
        if (dice < 6 || canonical.length === 0) {
          const block = rig.add({
            afterS: random(40),
            logs: Array.from({ length: 1 + random(3) }, () => log(BigInt(random(100)))),
            salt: `${random(1_000)}`,
          })
          canonical.push(block)
          await rig.engine.processBlock(block.block)
          live.set(`b${block.block.number}@${block.block.hash}`, 'provisional')
          expect(said).toBe(naive(canonical))
        } else if (dice < 8) {
          const depth = Math.min(1 + random(6), canonical.length - finalized)
          const orphaned = await rig.rollback(depth)
          canonical.splice(canonical.length - depth)
          for (const { block } of orphaned) live.set(`b${block.number}@${block.hash}`, 'retracted')
          // Sometimes the chain comes back to the very same blocks.
          if (random(2) === 0)
            for (const block of orphaned.slice(0, random(depth + 1))) {
              rig.chain.append(block)
              canonical.push(block)
              await rig.engine.processBlock(block.block)
              live.set(`b${block.block.number}@${block.block.hash}`, 'provisional')
              expect(said).toBe(naive(canonical))
            }
        } else if (dice < 9) {
          finalized += random(Math.max(1, canonical.length - finalized - 3))
          const edge = canonical[finalized - 1]
          if (!edge) continue
          await rig.engine.finalize(edge.block.number)
          for (const { block } of canonical.slice(0, finalized))
            live.set(`b${block.number}@${block.hash}`, 'final')
        } else {
          await rig.engine.stop()
          store = open()
          rig = await startRig({ store, bots }, chain)
          const cursor = await rig.engine.loadCursor()
          expect(cursor?.hash).toBe(canonical.at(-1)?.block.hash ?? chain.head().block.hash)
        }
      }
      const found = await statuses(store)
      const own = Object.fromEntries(Object.entries(found).filter(([key]) => live.has(key)))
      expect(own).toEqual(Object.fromEntries(live))
      await rig.engine.stop()
      await database.pool.query(
        'truncate tocsin.chain_cursor, tocsin.chain_block, tocsin.bot_state, tocsin.bot_sample',
      )
    }
  })

  test('behavior: the same block twice changes nothing; one that does not follow is refused', async () => {
    const rig = await startRig({
      store: make()(),
      bots: [testBot({ id: 'a', handleBlock: () => [seen()] })],
    })
    const first = rig.add({ logs: [log()] })
    await rig.engine.processBlock(first.block)
    expect((await rig.engine.processBlock(first.block)).findings).toEqual([])
    rig.add({})
    const third = rig.add({})
    await expect(rig.engine.processBlock(third.block)).rejects.toMatchObject({
      code: 'engine.not_next',
    })
    await rig.engine.stop()
  })

  test('behavior: the hook hears of findings that are new or back, and of no others', async () => {
    const heard: number[] = []
    const rig = await startRig({
      store: make()(),
      bots: [testBot({ id: 'a', handleBlock: () => [seen()] })],
      onCommit: async (_, findings, block) => void heard.push(...findings.map(() => block.number)),
    })
    await rig.block({ logs: [log()] })
    await rig.block({})
    await rig.block({ logs: [log()] })
    const orphaned = await rig.rollback(1)
    for (const block of orphaned) {
      rig.chain.append(block)
      await rig.engine.processBlock(block.block)
    }
    expect(heard).toEqual([101, 103, 103])
    await rig.engine.stop()
  })

  test('behavior: below the final block nothing is rolled back', async () => {
    const rig = await startRig({ store: make()(), bots: [] })
    for (let i = 0; i < 5; i++) await rig.block()
    await rig.engine.finalize(104)
    await expect(rig.rollback(2)).rejects.toMatchObject({ code: 'engine.below_final' })
    expect((await rig.engine.loadCursor())?.finalized).toBe(104)
    await rig.engine.stop()
  })

  test('error: a database of another chain with the same id is refused', async () => {
    const open = make()
    const chain = createFakeChain(CHAIN)
    const withGenesis = (hash: `0x${string}`) => ({
      ...chain.source,
      genesisHash: async () => hash,
    })
    const rig = await startRig({ store: open(), bots: [], source: withGenesis('0xaa') }, chain)
    await rig.block()
    await rig.engine.stop()
    const again = await startRig({ store: open(), bots: [], source: withGenesis('0xbb') }, chain)
    await expect(again.engine.loadCursor()).rejects.toMatchObject({ code: 'engine.other_chain' })
    await expect(again.block()).rejects.toMatchObject({ code: 'engine.other_chain' })
    await again.engine.stop()
  })

  test('behavior: new parameters and bots are taken up without a restart, state is kept, wrong needs change nothing', async () => {
    const counts: string[] = []
    const counter = (id: string, step: number) =>
      testBot({
        id,
        handleBlock: (_, ctx) => {
          ctx.state.set('n', (ctx.state.get<number>('n') ?? 0) + step)
          counts.push(`${id} ${ctx.state.get<number>('n')}`)
          return []
        },
      })
    const rig = await startRig({ store: make()(), bots: [counter('a', 1)] })
    await rig.block({ logs: [log()] })
    await rig.engine.reload([counter('a', 10), counter('b', 1)], [])
    await rig.block({ logs: [log()] })
    const wrong = testBot({ id: 'c', needs: () => ({ logs: [{ address: '0x1' }] }) })
    await expect(rig.engine.reload([wrong], [])).rejects.toMatchObject({
      code: 'bot.needs_invalid',
    })
    await rig.block({ logs: [log()] })
    expect(counts).toEqual(['a 1', 'a 11', 'b 1', 'a 21', 'b 2'])
    await rig.engine.stop()
  })
})

describe('in Postgres', () => {
  const finder = testBot({
    id: 'finder',
    handleBlock: (block, ctx) => {
      ctx.state.set('n', (ctx.state.get<number>('n') ?? 0) + 1)
      ctx.window('w', { keepS: 1_000 }).add(1n)
      return [seen({ uniqueKey: `${block.number}` })]
    },
  })
  const counts = async () => {
    const { rows } = await database.pool.query(`select
      (select count(*)::int from tocsin.finding) as findings, (select count(*)::int from tocsin.finding_queue) as queued,
      (select count(*)::int from tocsin.bot_state where bot_id = 'finder') as state, (select count(*)::int from tocsin.bot_sample) as samples,
      (select count(*)::int from tocsin.chain_block) as blocks, (select number::int from tocsin.chain_cursor) as cursor`)
    return rows[0]
  }

  test('behavior: one transaction per block: a hook that fails takes everything back, and it is tried again', async () => {
    let failures = 2
    const rig = await startRig({
      store: postgres(),
      bots: [finder],
      onCommit: async (tx) => {
        await tx.execute(`insert into tocsin.key_value (key, value) values ('hook', '1')`)
        if (failures-- > 0) throw new Error('the hook fails')
      },
    })
    await rig.block({ logs: [log()] })
    expect(await counts()).toEqual({
      findings: 1,
      queued: 1,
      state: 1,
      samples: 1,
      blocks: 1,
      cursor: 101,
    })
    expect(
      (await database.pool.query(`select 1 from tocsin.key_value where key = 'hook'`)).rowCount,
    ).toBe(1)
    const { rows } = await database.pool.query('select * from tocsin.finding')
    expect(rows[0]).toMatchObject({ status: 'provisional', thing: null, block_number: '101' })
    expect(rows[0].latency_ms).toBeGreaterThan(0)
    await rig.engine.stop()
  })

  test('behavior: a commit whose answer is lost is neither lost nor doubled', async () => {
    const real = postgres()
    let mode: 'before' | 'after' | 'none' = 'none'
    const shaky: typeof real = {
      ...real,
      commitBlock: async (...args) => {
        const now = mode
        mode = 'none'
        if (now === 'before') throw new Error('Connection terminated unexpectedly')
        await real.commitBlock(...args)
        if (now === 'after') throw new Error('Connection terminated unexpectedly')
      },
      rollback: async (...args) => {
        const now = mode
        mode = 'none'
        await real.rollback(...args)
        if (now === 'after') throw new Error('Connection terminated unexpectedly')
      },
    }
    const rig = await startRig({ store: shaky, bots: [finder] })
    for (const next of ['none', 'before', 'after', 'before', 'after'] as const) {
      mode = next
      await rig.block({ logs: [log()] })
    }
    expect(await counts()).toEqual({
      findings: 5,
      queued: 5,
      state: 5,
      samples: 5,
      blocks: 5,
      cursor: 105,
    })
    mode = 'after'
    await rig.rollback(2)
    await rig.block({ logs: [log()], salt: 'other' })
    expect(await counts()).toMatchObject({
      findings: 6,
      state: 4,
      samples: 4,
      blocks: 4,
      cursor: 104,
    })
    const { rows } = await database.pool.query(
      `select value from tocsin.bot_state where bot_id = 'finder' order by block_number desc limit 1`,
    )
    expect(rows[0].value).toBe(4)
    await rig.engine.stop()
  })

  test('behavior: the database cuts every connection at random moments; nothing is lost, nothing doubled', async () => {
    const rig = await startRig({
      store: postgres(5_000),
      bots: [finder],
      onCommit: async (tx) => void (await tx.execute('select pg_sleep(0.002)')),
    })
    let isOver = false
    const cutter = (async () => {
      const { default: pg } = await import('pg')
      const admin = new pg.Client({ connectionString: database.url, application_name: 'cutter' })
      await admin.connect()
      const random = seeded(7)
      while (!isOver) {
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
        )
        await new Promise((resolve) => setTimeout(resolve, 10 + random(120)))
      }
      await admin.end()
    })()
    for (let i = 0; i < 25; i++) await rig.block({ logs: [log()] })
    isOver = true
    await cutter
    expect(await counts()).toEqual({
      findings: 25,
      queued: 25,
      state: 25,
      samples: 25,
      blocks: 25,
      cursor: 125,
    })
    const { rows } = await database.pool.query(
      `select value from tocsin.bot_state where bot_id = 'finder' order by block_number`,
    )
    expect(rows.map(({ value }) => value)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
    await rig.engine.stop()
  })

  test('error: two engines on one chain: the second is refused, and takes over when the first ends', async () => {
    const bots = [finder]
    const first = await startRig({ store: postgres(), bots })
    await first.block({ logs: [log()] })
    const again = () =>
      createEngine({
        chainId: CHAIN.id,
        chainName: CHAIN.name,
        bots,
        source: first.chain.source,
        store: postgres(100),
        labels: [],
        log: silent,
      })
    await expect(again()).rejects.toMatchObject({ code: 'engine.locked' })
    await first.engine.stop()
    const second = await again()
    await second.processBlock(first.add({ logs: [log()] }).block)
    expect(await counts()).toMatchObject({ findings: 2, cursor: 102 })
    await second.stop()
  })

  test('error: rows moved by somebody else stop the engine before it writes', async () => {
    const rig = await startRig({ store: postgres(), bots: [finder] })
    await rig.block({ logs: [log()] })
    await database.pool.query(`update tocsin.chain_cursor set number = 500, hash = '0xff'`)
    await expect(rig.block({ logs: [log()] })).rejects.toMatchObject({
      code: 'engine.cursor_moved',
    })
    await expect(rig.block({ logs: [log()] })).rejects.toMatchObject({
      code: 'engine.cursor_moved',
    })
    expect(await counts()).toMatchObject({ findings: 1, state: 1, cursor: 500 })
    await rig.engine.stop()
  })

  test('behavior: health of bots is a row each; retraction and return are queued for the notifier', async () => {
    let isBad = false
    const bad = testBot({
      id: 'bad',
      handleBlock: () => {
        if (isBad) throw new Error('boom')
        return [seen()]
      },
    })
    const rig = await startRig({
      store: postgres(),
      bots: [
        bad,
        testBot({
          id: 'idle',
          needs: () => ({ senders: ['0x00000000000000000000000000000000000000ee'] }),
          handleTransaction: () => [],
        }),
      ],
    })
    await rig.block({ logs: [log()] })
    isBad = true
    await rig.block({ logs: [log()] })
    await rig.block({ logs: [log()] })
    const { rows } = await database.pool.query(
      'select bot_id, status, blocks_failed::int, last_error, last_error_block::int, findings::int from tocsin.bot_health order by 1',
    )
    expect(rows).toEqual([
      {
        bot_id: 'bad',
        status: 'failing',
        blocks_failed: 2,
        last_error: 'handleBlock threw: boom',
        last_error_block: 103,
        findings: 1,
      },
      {
        bot_id: 'idle',
        status: 'ok',
        blocks_failed: 0,
        last_error: null,
        last_error_block: null,
        findings: 0,
      },
    ])
    const orphaned = await rig.rollback(2)
    isBad = false
    for (const block of orphaned) {
      rig.chain.append(block)
      await rig.engine.processBlock(block.block)
    }
    const { rows: found } = await database.pool.query(
      'select bot_id, block_number::int, status, condition from tocsin.finding order by seq',
    )
    expect(found).toEqual([
      { bot_id: 'bad', block_number: 101, status: 'provisional', condition: null },
      { bot_id: 'tocsin', block_number: 102, status: 'retracted', condition: 'holds' },
      { bot_id: 'bad', block_number: 102, status: 'provisional', condition: null },
      { bot_id: 'bad', block_number: 103, status: 'provisional', condition: null },
    ])
    expect((await counts())?.queued).toBe(5)
    await rig.engine.stop()
  })
})
