import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { GOLDENS, SECRETS } from '../../test/support/intake/goldens.ts'
import { intakeConfig, RECEIVERS } from '../../test/support/intake/intakeRig.ts'
import {
  connectDatabase,
  migrateDatabase,
  openIntakeRole,
  type Store,
  tables,
} from '../store/index.ts'
import { createHeartbeat, createLogger } from '../telemetry/index.ts'
import { type RunningIntake, startIntake } from './startIntake.ts'
import type { Acknowledgement, ReceiverKind } from './types.ts'
import { accept } from './verdicts.ts'

const log = createLogger({ service: 'intake', level: 'silent' })
const heard: Acknowledgement[] = []
let isBroken = false

/** A kind as another room brings it. */
const pager: ReceiverKind<never> = {
  kind: 'forta',
  read: async (request) =>
    accept(
      [
        {
          kind: 'acknowledgement',
          act: 'acknowledge',
          about: { alertId: 'a_1' },
          by: 'ada',
          atMs: request.atMs,
          text: undefined,
        },
      ],
      {
        once: { key: 'ack-1', forMs: 60_000, repeat: 'accept' },
        answer: (outcomes) => ({ status: 200, body: JSON.stringify(outcomes[0]?.text ?? 'again') }),
      },
    ),
}

let database: TestDatabase
/** The database as the intake's own role has it. */
let narrow: Store
let intake: RunningIntake
beforeAll(async () => {
  database = await createTestDatabase()
  const url = await openIntakeRole(database.pool, database.url)
  narrow = await connectDatabase({ url, name: 'intake' })
  intake = await startIntake({
    config: intakeConfig(),
    store: narrow,
    log,
    kinds: [pager],
    onAcknowledgement: async (event) => {
      if (isBroken) throw new Error('the database is away')
      heard.push(event)
      return { text: 'acknowledged' }
    },
  })
}, 120_000)
afterAll(async () => {
  await intake?.stop()
  await narrow?.stop()
  await database?.drop()
})

const post = async (name: string, options: { readonly body?: string } = {}): Promise<Response> => {
  const golden = GOLDENS[name]
  if (!golden) throw new Error('no golden')
  const body = options.body ?? golden.body
  return fetch(`${intake.url}/in/${golden.receiver}`, {
    method: 'POST',
    body,
    headers: await golden.headers(body, Date.now()),
  })
}

test('behavior: over HTTP a genuine delivery is taken, and the process says what it took', async () => {
  expect((await post('hmac')).status).toBe(202)
  expect((await post('alertmanager')).status).toBe(200)
  expect((await post('alertmanager', { body: '{}' })).status).toBe(400)
  const { status, detail } = await intake.report()
  expect(status).toBe('ok')
  expect(detail).toMatchObject({
    receivers: { hmac: { accepted: 1 }, alertmanager: { accepted: 1, refused: 1 } },
  })
})

test('error: a body that is too large is refused while it comes, and its sender reads the answer', async () => {
  const answer = await post('alertmanager', { body: 'x'.repeat(1_048_577) })
  expect(answer.status).toBe(413)
})

test('behavior: an acknowledgement that could not be done is asked for again, and one that was is not', async () => {
  const send = () =>
    fetch(`${intake.url}/in/forta/${SECRETS.path}`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
  isBroken = true
  const failed = await send()
  expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '5'])
  isBroken = false
  expect(await (await send()).json()).toBe('acknowledged')
  expect(await (await send()).json()).toBe('again')
  expect(heard).toHaveLength(1)
})

test('error: what is no HTTP is answered by 400, and the others go on', async () => {
  const { port } = new URL(intake.url)
  const text = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('GARBAGE\r\n\r\n'))
    let read = ''
    socket.on('data', (chunk) => {
      read += chunk.toString()
    })
    socket.on('close', () => resolve(read))
  })
  expect(text).toContain('400 Bad Request')
  expect((await fetch(`${intake.url}/in/tenderly`)).status).toBe(200)
})

test('error: secrets that can be guessed, and a watchlist without receivers, start nothing', async () => {
  const start = (config: ReturnType<typeof intakeConfig>) =>
    startIntake({ config, store: database, log })
  const weak = RECEIVERS.map((one) => ('token' in one ? { ...one, token: 'short' } : one))
  await expect(start(intakeConfig(weak))).rejects.toMatchObject({ code: 'intake.weak_secret' })
  const { intake: _, ...none } = intakeConfig()
  await expect(start(none)).rejects.toMatchObject({ code: 'intake.none' })
})

test('error: the role of the intake does what the intake does, and can neither read nor change anything else', async () => {
  await migrateDatabase(narrow)
  const heartbeat = createHeartbeat({
    store: narrow,
    name: 'intake',
    configHash: '',
    report: () => ({ status: 'ok', reason: '', detail: {} }),
    log,
  })
  await heartbeat.stop()
  expect(await database.db.select().from(tables.processStatus)).toHaveLength(1)
  const [finding] = await database.db.select().from(tables.finding)
  if (!finding) throw new Error('nothing was taken')
  const { seq: _, ...row } = finding
  const forged = narrow.db.insert(tables.finding).values({ ...row, id: 'f', botId: 'tvl-drop' })
  await expect(forged).rejects.toThrow('row-level security')
  for (const query of [
    'select password_hash from tocsin.console_user',
    'select * from tocsin.api_token',
    'select * from tocsin.bot_state',
    'delete from tocsin.finding',
    "update tocsin.finding set severity = 'Info'",
    "update tocsin.execution set status = 'proposed'",
    "update tocsin.answer_button set claims = ''",
    'insert into tocsin.answer_button select * from tocsin.answer_button',
    'delete from tocsin.execution_log',
    'insert into tocsin.kill_switch select * from tocsin.kill_switch',
    'create table tocsin.mine (a int)',
    "insert into tocsin.key_value (key, value) values ('plan', '{}')",
    'set role tocsin',
  ])
    await expect(narrow.pool.query(query), query).rejects.toThrow(/denied|row-level security/)
  // A second start, as after an upgrade, changes nothing for anybody.
  const again = await openIntakeRole(database.pool, database.url)
  expect(again).toBe(narrow.url)
})
