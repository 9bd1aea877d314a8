import { readdir, readFile } from 'node:fs/promises'
import { encodeFunctionData } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../core/base/index.ts'
import {
  connectDatabase,
  type EmbeddedPostgres,
  migrateDatabase,
  startEmbeddedPostgres,
} from '../core/store/index.ts'
import { type Crew, startCrew } from './support/crew.ts'
import { type Ground, startGround } from './support/stack.ts'

/** How long Postgres is away; `TOCSIN_AWAY_S=60` is the long form. */
const AWAY_S = Number(process.env['TOCSIN_AWAY_S'] ?? 10)
const USD = 10n ** 6n

const cleanups: (() => Promise<unknown>)[] = []
let ground: Ground
let postgres: EmbeddedPostgres
let crew: Crew

beforeAll(async () => {
  ground = await startGround({
    users: 8,
    gated: true,
    watchlist: (text) => text.replace('blockTimeMs: 1000', 'blockTimeMs: 200'),
    policy: (text) =>
      text
        .replace('maxPerWindow: 1,', 'maxPerWindow: 10,')
        .replace('cooldownS: 3600', 'cooldownS: 5')
        .replace('blocks: 10, seconds: 180', 'blocks: 1000, seconds: 600'),
  })
  cleanups.push(ground.stop)
  postgres = await startEmbeddedPostgres({ dataDir: ground.dataDir })
  cleanups.push(() => postgres.stop())
  const store = await connectDatabase({ url: postgres.url, name: 'test', poolSize: 10 })
  cleanups.push(store.stop)
  await migrateDatabase(store)
  crew = await startCrew({ ground, store })
  cleanups.push(crew.stop)
}, 120_000)

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

/** The server with all its sessions, which are groups of their own. */
const family = async (): Promise<readonly number[]> => {
  const parents = await Promise.all(
    (await readdir('/proc')).filter(Number).map(async (name) => {
      const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      return { pid: Number(name), parent: Number(text.split(') ').at(-1)?.split(' ')[1]) }
    }),
  )
  return [
    postgres.pid,
    ...parents.filter(({ parent }) => parent === postgres.pid).map(({ pid }) => pid),
  ]
}

const outages = {
  'is killed and stays away': {
    begin: async () => {
      process.kill(postgres.pid, 'SIGKILL')
      await postgres.ended
    },
    end: async () => {
      for (let attempt = 0; ; attempt++) {
        try {
          postgres = await startEmbeddedPostgres({ dataDir: ground.dataDir })
          return
        } catch (error) {
          // Sessions of the killed server may linger for a moment.
          if (attempt > 20) throw error
          await sleep(200)
        }
      }
    },
  },
  'hangs, its connections open': {
    begin: async () => {
      for (const pid of await family()) process.kill(pid, 'SIGSTOP')
    },
    end: async () => {
      for (const pid of (await family()).toReversed()) process.kill(pid, 'SIGCONT')
    },
  },
} as const

test.each(Object.entries(outages))(
  'behavior: Postgres %s: the watcher keeps its place and catches up',
  async (_, outage) => {
    const { usd, vault, users, actors } = ground.deployment
    const [user, other] = [users[1]?.address ?? '', users[2]?.address ?? '']
    const executionsBefore = await crew.count('tocsin.execution')
    await crew.send(user, usd, 'transfer', [other, USD])
    await crew.mine()
    await crew.quiet()
    const [place] = await crew.rows<{ number: string }>('select number from tocsin.chain_cursor')

    await outage.begin()
    let blocks = 0
    try {
      const began = Date.now()
      const reasons = new Set<string>()
      while (Date.now() - began < AWAY_S * 1_000) {
        await crew.send(user, usd, 'transfer', [other, USD])
        if (blocks % 2 === 0)
          await crew.send(actors.marketMaker.address, usd, 'transfer', [user, 260_000n * USD])
        else await crew.send(user, usd, 'transfer', [actors.marketMaker.address, 260_000n * USD])
        if (blocks === 5) await crew.rob()
        await crew.mine()
        blocks++
        const report = await crew.watcher.report()
        if (report.status !== 'ok') reasons.add(report.reason)
        await sleep(500)
      }
      const report = await crew.watcher.report()
      expect(report.status).toBe('degraded')
      expect(report.reason).toMatch(/cannot be committed/)
      expect(reasons.size).toBeGreaterThan(0)
    } finally {
      await outage.end()
    }

    await crew.until(
      'the watcher to be well again',
      async () => (await crew.watcher.report()).status === 'ok',
      60_000,
    )
    await crew.quiet()
    await crew.until(
      'the intent',
      async () => (await crew.count('tocsin.execution')) > executionsBefore,
    )
    await crew.settled()
    await crew.quiet()

    // Not one block was left out, and none was committed twice.
    const head = Number((await crew.head()).number)
    const since = Number(place?.number)
    expect(head - since).toBeGreaterThanOrEqual(blocks)
    expect(await crew.count(`tocsin.chain_block where number > ${since}`)).toBe(head - since)
    expect(await crew.standing()).toEqual(await crew.expected())
    expect(await crew.count("tocsin.finding where status = 'retracted'")).toBe(0)
    // The robbery of the dark time was answered once.
    expect(await crew.count('tocsin.execution')).toBe(executionsBefore + 1)
    expect(await crew.count("tocsin.execution where status = 'succeeded'")).toBe(
      executionsBefore + 1,
    )
    const ids = crew.told.map(({ dedupKey }) => dedupKey)
    expect(new Set(ids).size).toBe(await crew.count('tocsin.outbox'))

    const paused = encodeFunctionData({ abi: vault.abi, functionName: 'paused' })
    const answer = await ground.anvil.rpc<string>('eth_call', [
      { to: vault.address, data: paused },
      'latest',
    ])
    expect(BigInt(answer)).toBe(1n)
    await ground.unpause()
    await crew.mine()
    await crew.quiet()
  },
  240_000,
)
