import { randomInt } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { sleep } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { createLogger } from '../telemetry/index.ts'
import { foldFindings } from './foldFindings.ts'
import { type Notifier, type NotifierConfig, startNotifier } from './startNotifier.ts'
import { findingOf, record, routingConfig } from './testSupport.ts'
import type { AlertMessage, SendResult } from './types.ts'

let store: TestDatabase
const running: Notifier[] = []
const log = createLogger({ service: 'test', level: 'silent' })

beforeAll(async () => {
  store = await createTestDatabase()
})
afterAll(() => store?.drop())
afterEach(async () => {
  await Promise.all(running.splice(0).map((notifier) => notifier.stop()))
})
beforeEach(async () => {
  await store.pool.query(
    'truncate tocsin.finding, tocsin.finding_queue, tocsin.alert, tocsin.alert_finding, tocsin.incident, tocsin.outbox',
  )
})

type Far = (message: AlertMessage) => Promise<SendResult> | SendResult

/** Starts a notifier whose channels are these functions. */
const start = async (
  far: Readonly<Record<string, Far>>,
  config: NotifierConfig = configOf(Object.keys(far)),
) => {
  const notifier = await startNotifier({
    config,
    store,
    log,
    backoffBaseMs: 25,
    createChannel: ({ name }) => ({
      name,
      kind: 'test',
      timeoutMs: 500,
      send: async (message) => (await far[name]?.(message)) ?? { kind: 'sent' },
    }),
  })
  running.push(notifier)
  return notifier
}

const configOf = (names: readonly string[]): NotifierConfig =>
  routingConfig({
    channels: names.map((name) => ({ kind: 'console', name })),
    routes: [{ match: {}, channels: [...names], continue: false }],
  })

const outbox = () => store.db.select().from(tables.outbox).orderBy(tables.outbox.seq)
const until = (check: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 20 })
const allSent = () =>
  until(async () => {
    const rows = await outbox()
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.filter(({ status }) => status !== 'sent')).toEqual([])
  })
const storm = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    findingOf({ thing: `t${i % 10}`, uniqueKey: `k${i}`, alertId: `A${i}`, protocol: `p${i % 4}` }),
  )

describe('delivery', () => {
  test('behavior: a finding reaches the channel', async () => {
    const seen: string[] = []
    const notifier = await start({ one: ({ title }) => (seen.push(title), { kind: 'sent' }) })
    await record(store, findingOf({ name: 'Hello' }))
    await until(() => expect(seen).toEqual(['Hello']))
    await allSent()
    expect(await notifier.report()).toMatchObject({ status: 'ok', reason: '' })
  })

  test('behavior: in order per incident, whatever fails', async () => {
    const seen = new Map<string, number[]>()
    const seq = new Map<string, number>()
    await start({
      one: async (message) => {
        await sleep(randomInt(5))
        if (randomInt(100) < 30) return { kind: 'retry', reason: 'bad luck' }
        const lane = message.incident ?? ''
        seen.set(lane, [...(seen.get(lane) ?? []), seq.get(message.dedupKey) ?? -1])
        return { kind: 'sent' }
      },
    })
    await foldFindings({ db: store.db, config: configOf(['one']) })
    await record(store, ...storm(60))
    await until(async () => expect(await outbox()).toHaveLength(60))
    await allSent()
    for (const row of await outbox()) seq.set(row.dedupKey, row.seq)
    expect(seen.size).toBe(4)
    expect([...seen.values()].flat()).toHaveLength(60)
  })

  test('behavior: a failing first message holds back those of its incident only', async () => {
    const seen: string[] = []
    let isBroken = true
    await start({
      one: ({ protocol, title }) => {
        if (protocol === 'stuck' && isBroken) return { kind: 'retry', reason: 'not now' }
        seen.push(title)
        return { kind: 'sent' }
      },
    })
    const stuck = (name: string) => findingOf({ protocol: 'stuck', alertId: name, name })
    await record(
      store,
      stuck('first'),
      stuck('second'),
      findingOf({ protocol: 'free', alertId: 'F', name: 'free' }),
    )
    await until(() => expect(seen).toEqual(['free']))
    isBroken = false
    await allSent()
    expect(seen).toEqual(['free', 'first', 'second'])
  })

  test('behavior: a channel that hangs does not hold up another', async () => {
    const seen: string[] = []
    let release: () => void = () => undefined
    const hung = new Promise<void>((resolve) => {
      release = resolve
    })
    await start({
      slow: async () => {
        await hung
        return { kind: 'sent' }
      },
      fast: ({ title }) => (seen.push(title), { kind: 'sent' }),
    })
    await record(store, ...storm(20))
    await until(() => expect(seen).toHaveLength(20))
    expect(
      (await outbox()).filter(({ channel, status }) => channel === 'slow' && status === 'sent'),
    ).toEqual([])
    release()
    await allSent()
  })

  test('behavior: a dead channel delays and never drops, and health says so', async () => {
    let isDown = true
    const notifier = await start({
      one: () => (isDown ? { kind: 'retry', reason: 'it is down' } : { kind: 'sent' }),
    })
    await record(store, findingOf())
    await until(async () => expect((await outbox())[0]?.attempts).toBeGreaterThan(6))
    await store.pool.query("update tocsin.outbox set created_at = now() - interval '1 minute'")
    const report = await notifier.report()
    expect(report.status).toBe('degraded')
    expect(report.reason).toMatch(/channel one is \d+ s behind with 1 messages \(it is down\)/)
    isDown = false
    await allSent()
    expect((await notifier.report()).status).toBe('ok')
  })

  test('behavior: the pause that a receiver asks for is kept', async () => {
    await start({ one: () => ({ kind: 'retry', reason: 'too many', afterMs: 900_000 }) })
    await record(store, findingOf())
    await until(async () => expect((await outbox())[0]?.lastError).toBe('too many'))
    const [row] = await outbox()
    expect(row?.nextAttemptAt.getTime()).toBeGreaterThan(Date.now() + 800_000)
  })

  test('behavior: refused for good after a few tries, told of as a finding about ourselves', async () => {
    const seen: string[] = []
    const notifier = await start({
      picky: ({ bot }) =>
        bot === 'tocsin' ? { kind: 'sent' } : { kind: 'dead', reason: 'the receiver answered 401' },
      other: ({ bot, title }) => (seen.push(`${bot}: ${title}`), { kind: 'sent' }),
    })
    await record(store, findingOf({ name: 'Hello' }))
    await until(() =>
      expect(seen).toEqual(['test-bot: Hello', 'tocsin: Channel picky refuses messages']),
    )
    const dead = (await outbox()).filter(({ status }) => status === 'dead')
    expect(dead).toHaveLength(1)
    expect(dead[0]).toMatchObject({ attempts: 5, lastError: 'the receiver answered 401' })
    expect(await notifier.report()).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('refused 1 messages for good'),
    })
  })

  test('behavior: a refusal that somebody mends in time is delivered', async () => {
    let tries = 0
    await start({
      one: () => {
        tries += 1
        return tries < 5 ? { kind: 'dead', reason: 'the receiver answered 403' } : { kind: 'sent' }
      },
    })
    await record(store, findingOf())
    await allSent()
    expect(tries).toBe(5)
  })
})

describe('several notifiers and crashes', () => {
  test('behavior: two at once tell everything once and in order', async () => {
    const told: string[] = []
    const far: Far = async (message) => {
      told.push(message.dedupKey)
      await sleep(randomInt(4))
      return { kind: 'sent' }
    }
    await Promise.all([start({ one: far }), start({ one: far })])
    for (const finding of storm(120)) await record(store, finding)
    await until(async () => expect(await outbox()).toHaveLength(120))
    await allSent()
    expect(new Set(told).size).toBe(120)
    expect(told).toHaveLength(120)
    const rows = await outbox()
    const laneOf = new Map(rows.map((row) => [row.dedupKey, row.lane]))
    for (const lane of new Set(laneOf.values())) {
      const inOrder = rows.filter((row) => row.lane === lane).map((row) => row.dedupKey)
      expect(told.filter((key) => laneOf.get(key) === lane)).toEqual(inOrder)
    }
  })

  test('behavior: what a killed notifier was sending is sent again with the same key, without waiting for its lease', async () => {
    // What a kill leaves behind: a lease of somebody whose session lock is gone.
    await record(store, findingOf())
    await foldFindings({ db: store.db, config: configOf(['one']) })
    await store.pool.query(
      "update tocsin.outbox set leased_by = 1, attempts = 1, next_attempt_at = now() + interval '1 hour'",
    )
    const seen: string[] = []
    await start({ one: ({ dedupKey }) => (seen.push(dedupKey), { kind: 'sent' }) })
    await allSent()
    expect(seen).toEqual([(await outbox())[0]?.dedupKey])
    expect((await outbox())[0]?.attempts).toBe(2)
  })

  test('behavior: the lease of one that lives is left alone', async () => {
    await record(store, findingOf())
    await foldFindings({ db: store.db, config: configOf(['one']) })
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let sends = 0
    const far: Far = async () => {
      sends += 1
      await held
      return { kind: 'sent' }
    }
    await start({ one: far })
    await until(() => expect(sends).toBe(1))
    await start({ one: far })
    await sleep(2_500)
    release()
    await allSent()
    expect(sends).toBe(1)
  })

  test('behavior: a fold that is cut off leaves nothing half done', async () => {
    await record(store, ...storm(20))
    for (const table of ['alert', 'alert_finding', 'incident', 'outbox', 'finding_queue']) {
      const verb = table === 'finding_queue' ? 'delete' : 'insert'
      await store.pool.query(`
        create or replace function tocsin.cut() returns trigger language plpgsql as $$ begin raise 'cut'; end $$;
        create trigger cut before ${verb} on tocsin.${table} for each statement execute function tocsin.cut()`)
      await expect(foldFindings({ db: store.db, config: configOf(['one']) })).rejects.toThrow()
      await store.pool.query(`drop trigger cut on tocsin.${table}`)
      for (const each of ['alert', 'alert_finding', 'incident', 'outbox']) {
        const { rows } = await store.pool.query(`select count(*)::int as n from tocsin.${each}`)
        expect(rows[0].n).toBe(0)
      }
    }
    expect(await foldFindings({ db: store.db, config: configOf(['one']) })).toBe(20)
    expect(await outbox()).toHaveLength(20)
    expect(await foldFindings({ db: store.db, config: configOf(['one']) })).toBe(0)
  })

  test('behavior: connections that are cut in the middle cost nothing but time', async () => {
    const told: string[] = []
    await start({ one: ({ dedupKey }) => (told.push(dedupKey), { kind: 'sent' }) })
    for (const [at, finding] of storm(60).entries()) {
      await record(store, finding).catch(() => record(store, finding))
      if (at % 15 === 7) {
        await store.pool
          .query(
            'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
          )
          .catch(() => undefined)
      }
    }
    await until(async () => expect(await outbox()).toHaveLength(60))
    await allSent()
    expect(new Set(told).size).toBe(60)
  })
})

describe('reload', () => {
  test('behavior: routes and channels are taken up, and a channel that is gone keeps its messages', async () => {
    const seen: string[] = []
    const far =
      (name: string): Far =>
      ({ title }) => (seen.push(`${name}: ${title}`), { kind: 'sent' })
    const notifier = await start(
      { one: () => ({ kind: 'retry', reason: 'down' }), two: far('two') },
      configOf(['one']),
    )
    await record(store, findingOf({ name: 'before' }))
    await until(async () => expect((await outbox())[0]?.lastError).toBe('down'))
    await notifier.reload(configOf(['two']))
    await record(store, findingOf({ name: 'after', alertId: 'OTHER' }))
    await until(() => expect(seen).toEqual(['two: after']))
    expect((await outbox())[0]).toMatchObject({ channel: 'one', status: 'pending' })
    expect((await notifier.report()).reason).toContain(
      'wait for channel one, which the watchlist does not name',
    )
  })

  test('error: settings that cannot work leave everything as it was', async () => {
    const notifier = await startNotifier({ config: routingConfig({ channels: [] }), store, log })
    running.push(notifier)
    const bad = routingConfig({
      channels: [
        {
          kind: 'webhook',
          minSeverity: 'SEV4',
          name: 'w',
          url: 'https://host/',
          secret: 'short',
          timeoutMs: 500,
        },
      ],
    })
    await expect(notifier.reload(bad)).rejects.toMatchObject({ code: 'channel.bad_secret' })
    expect((await notifier.report()).status).toBe('ok')
  })
})
