import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type AnswerScene, startAnswerScene, until } from '../../test/support/answerScene.ts'
import {
  pagerdutyEvent,
  slackPress,
  twilioSms,
  type VendorCall,
} from '../../test/support/channels/answers.ts'
import { createSlack, SLACK_CHANNEL, SLACK_TOKEN } from '../../test/support/channels/chats.ts'
import { alertKey } from '../alerts/light.ts'
import { PROCESSES } from '../cli/processes.ts'
import {
  bytesHashOf,
  type LoadedPolicy,
  loadPeopleSecret,
  loadPolicies,
} from '../response/index.ts'
import { readApprovals } from '../response/people/readApprovals.ts'
import { tables } from '../store/index.ts'
import { trialPolicy } from '../testing/index.ts'
import { replyCode } from './buttons.ts'
import { dropRingsOfEnded } from './ringAgain.ts'
import { unseal } from './sealedClaims.ts'

const SECRET = 'a-secret-that-is-long-enough'
const APPROVERS = [
  { name: 'Ada', role: 'guardian' },
  { name: 'Grace', role: 'guardian' },
]
const TWILIO_URL = 'https://tocsin.example/hooks'
const slack = createSlack()
let scene: AnswerScene
let store: AnswerScene['store']
let policy: LoadedPolicy

const slackEntry = (url: string) => ({
  kind: 'slack' as const,
  name: 'chat',
  minSeverity: 'SEV4' as const,
  token: SLACK_TOKEN,
  channel: SLACK_CHANNEL,
  url,
  perMinute: 60,
  timeoutMs: 4_000,
})

beforeAll(async () => {
  const people = {
    ada: {
      role: 'approver',
      approver: 'Ada',
      contacts: [{ channel: 'chat', to: 'U0ADA' }],
      accounts: { slack: 'T0/U0ADA', pagerduty: 'PADA001' },
    },
    bo: {
      contacts: [{ channel: 'chat', to: 'U0BO' }],
      accounts: { slack: 'T0/U0BO', phone: '+15550002' },
    },
    cy: { role: 'viewer', accounts: { slack: 'T0/U0CY' } },
    ed: { role: 'approver', approver: 'Grace', accounts: { slack: 'T0/U0ED' } },
    di: { contacts: [{ channel: 'chat', to: 'U0DI' }] },
  }
  scene = await startAnswerScene({
    vendors: { slack: slack.vendor },
    people,
    url: TWILIO_URL,
    configure: (urls) => ({
      channels: [slackEntry(urls['slack'] ?? '')],
      routes: [{ match: {}, channels: ['chat'], continue: false }],
      receivers: [
        { kind: 'slack', name: 'slack', secret: SECRET },
        { kind: 'pagerduty', name: 'pd', secret: SECRET },
        { kind: 'twilio', name: 'sms', secret: SECRET },
      ],
      more: {
        signer: { approvers: APPROVERS },
        people: {
          secret: '',
          haltToken: '',
          hasSecret: false,
          channels: { Ada: 'chat' },
          url: undefined,
        },
      },
    }),
  })
  store = scene.store
  const actionsDir = join(scene.folder, 'actions')
  await writeFile(
    join(actionsDir, 'pause-vault.yaml'),
    stringify(
      trialPolicy({
        id: 'pause-vault',
        version: 3,
        action: 'pause',
        approvedBy: ['Ada'],
        target: `0x${'11'.repeat(20)}`,
        codeHash: `0x${'22'.repeat(32)}`,
        calldata: '0x8456cb59',
      }),
    ),
  )
  const [loaded] = await loadPolicies(actionsDir)
  if (!loaded) throw new Error('no policy')
  policy = loaded
}, 120_000)
afterAll(() => scene?.stop())
beforeEach(async () => {
  await scene.reset()
  slack.messages.length = 0
  slack.whispers.length = 0
})

const send = (name: string, call: VendorCall): Promise<Response> => scene.call(name, call)
const turn = (now: Date) => scene.turn(now)
const incidentRow = () => scene.incident()
const happen = (facts: Parameters<AnswerScene['happen']>[0] = {}) => scene.happen(facts)

/** The message in somebody's own chat, once it is there. */
const messageTo = (user: string) =>
  until(() => {
    const found = slack.messages.find(({ channel }) => channel === user)
    if (!found) throw new Error(`no message to ${user}`)
    return found
  })

const press = (
  message: Awaited<ReturnType<typeof messageTo>>,
  user: string,
  action = 'acknowledge',
  atMs?: number,
) =>
  send(
    'slack',
    slackPress({
      message,
      action: `tocsin_${action}`,
      user,
      team: 'T0',
      secret: SECRET,
      url: scene.urls['slack'] ?? '',
      ...(atMs === undefined ? {} : { atMs }),
    }),
  )

describe('from page to answer', () => {
  test('behavior: nobody answers, the second is paged, presses the button in Slack, and it stops', async () => {
    await happen()
    const start = new Date('2026-01-08T10:00:00Z')
    await turn(start)
    const first = await messageTo('U0ADA')
    const early = { ...first }
    expect(first.buttons.map(({ action_id }) => action_id)).toEqual(['tocsin_acknowledge'])
    await turn(new Date(+start + 5 * 60_000))
    const second = await messageTo('U0BO')
    const answer = await press(second, 'U0BO')
    expect([answer.status, await answer.text()]).toEqual([200, ''])
    expect((await incidentRow()).acknowledgedBy).toBe('bo')
    await until(() => expect(second.buttons).toEqual([]))
    expect(second.text).toContain('bo has incident')
    await turn(new Date(+start + 10 * 60_000))
    await turn(new Date(+start + 60 * 60_000))
    const pages = await store.db.select().from(tables.oncallPage)
    expect(pages.map(({ person }) => person)).toEqual(['ada', 'bo'])
    // The first is told to stand down; whoever presses all the same, who was quicker.
    await until(() => expect(first.buttons).toEqual([]))
    expect(first.text).toContain('is in hand')
    await press(early, 'U0ADA')
    expect((await incidentRow()).acknowledgedBy).toBe('bo')
    await until(() => expect(first.text).toContain('bo has had incident'))
  })

  test('error: a stranger, a viewer, an old or foreign button acknowledge nothing', async () => {
    await happen()
    const message = await messageTo(SLACK_CHANNEL)
    await press(message, 'U0STRANGER')
    await until(() => expect(slack.whispers).toHaveLength(1))
    expect(slack.whispers[0]).toContain('Tocsin does not know who you are')
    await press(message, 'U0CY')
    await until(() => expect(slack.whispers[1]).toContain('cy may look, and not acknowledge'))
    const foreign = {
      ...message,
      buttons: [{ action_id: 'tocsin_acknowledge', value: 'f'.repeat(32) }],
    }
    await press(foreign, 'U0BO')
    await until(() => expect(slack.whispers[2]).toContain('none of ours'))
    expect((await press(message, 'U0BO', 'acknowledge', Date.now() - 301_000)).status).toBe(401)
    await store.pool.query(`update tocsin.answer_button set expires_at = now() - interval '1 s'`)
    await press(message, 'U0BO')
    await until(() => expect(slack.whispers[3]).toContain('has expired'))
    expect((await incidentRow()).acknowledgedAt).toBeNull()
  })

  test('behavior: the database has no button in it, only what one is known by', async () => {
    await happen()
    const message = await messageTo(SLACK_CHANNEL)
    const button = message.buttons[0]?.value ?? ''
    expect(button).toMatch(/^[0-9a-f]{32}$/)
    const { rows } = await store.pool.query<{ text: string }>(
      `select (select json_agg(b) from tocsin.answer_button b)::text || (select json_agg(o) from tocsin.outbox o)::text as text`,
    )
    expect(rows[0]?.text).not.toContain(button)
  })
})

describe('sms', () => {
  const reply = async (text: string, id: string): Promise<string> => {
    const url = `${TWILIO_URL}/in/sms`
    const call = twilioSms({ from: '+15550002', text, token: SECRET, url, id })
    return (await send('sms', call)).text()
  }

  test('behavior: a 1 answers the only page; of several the code says which', async () => {
    const incident = await happen()
    const page = (incidentId: string) =>
      store.db.insert(tables.oncallPage).values({
        escalationId: 'e',
        incidentId,
        team: 'on-chain',
        step: 0,
        level: 'primary',
        person: 'bo',
        severity: 'SEV1',
      })
    expect(await reply('1', 'SM1')).toContain('No page of yours waits')
    await page(incident.id)
    await store.db.insert(tables.incident).values({ ...incident, id: 'i_other', subject: 'other' })
    await page('i_other')
    expect(await reply('1', 'SM2')).toContain(`ACK ${replyCode('i_other')}`)
    expect(await reply(`ack ${replyCode('i_other')}`, 'SM3')).toContain(
      'has incident i_other in hand',
    )
    expect(await reply('1', 'SM4')).toContain(`has incident ${incident.id} in hand`)
  })
})

describe('pagerduty', () => {
  const tell = (type: string, alert: string, id: string) =>
    send('pd', pagerdutyEvent({ type, key: alertKey(alert), secret: SECRET, id }))
  const alertOf = async () => {
    const [row] = await store.db.select().from(tables.alert)
    return row?.id ?? ''
  }

  test('behavior: acknowledged, given back, and once more; the same delivery twice is one', async () => {
    await happen()
    const alert = await alertOf()
    expect((await tell('incident.acknowledged', alert, 'w1')).status).toBe(202)
    expect((await incidentRow()).acknowledgedBy).toBe('ada')
    await tell('incident.unacknowledged', alert, 'w2')
    expect((await incidentRow()).acknowledgedBy).toBeNull()
    expect((await tell('incident.acknowledged', alert, 'w1')).status).toBe(202)
    expect((await incidentRow()).acknowledgedBy).toBeNull()
    expect((await tell('incident.acknowledged', 'unknown', 'w3')).status).toBe(202)
  })

  test('behavior: what is closed there and still holds rings again, unless it ends', async () => {
    await happen({ alertKind: 'condition', condition: 'holds' })
    const alert = await alertOf()
    const pd = { ...slackEntry(scene.urls['slack'] ?? ''), kind: 'pagerduty', name: 'pager' }
    scene.change({ channels: [...scene.config().channels, pd] })
    await store.pool.query(
      `insert into tocsin.outbox (dedup_key, channel, alert_id, lane, severity, payload, status)
       select 'p1', 'pager', alert_id, lane, severity, payload, 'sent' from tocsin.outbox limit 1`,
    )
    await tell('incident.resolved', alert, 'w4')
    expect((await incidentRow()).status).toBe('open')
    const events = await store.db.select().from(tables.incidentEvent)
    expect(events.map(({ text }) => text).join()).toContain('Resolved upstream, still firing')
    const ring = `select payload->>'change' as change, next_attempt_at > now() + interval '50 s' as waits
      from tocsin.outbox where dedup_key like 'again.%'`
    expect((await store.pool.query(ring)).rows).toEqual([{ change: 'reopened', waits: true }])
    await dropRingsOfEnded(store.db)
    expect((await store.pool.query(ring)).rows).toHaveLength(1)
    await store.pool.query(`update tocsin.alert set status = 'resolved'`)
    await dropRingsOfEnded(store.db)
    expect((await store.pool.query(ring)).rows).toHaveLength(0)
  })

  test('behavior: an event that happened and is closed there is closed here', async () => {
    await happen()
    await tell('incident.resolved', await alertOf(), 'w5')
    expect((await incidentRow()).status).toBe('resolved')
  })
})

describe('approval by a button', () => {
  const propose = async (changes: Record<string, unknown> = {}) => {
    await store.db.insert(tables.execution).values({
      id: 'x_1',
      idempotencyKey: 'k',
      actionId: policy.id,
      policyHash: policy.hash,
      chainId: 1,
      findingId: 'f',
      status: 'proposed',
    })
    const ask = {
      execution: 'x_1',
      bytesHash: bytesHashOf('x_1', policy),
      who: 'Ada',
      role: 'guardian',
      nonce: '0'.repeat(32),
      expiresS: Math.floor(Date.now() / 1_000) + 600,
    }
    const at = new Date().toISOString()
    const payload = {
      schema: 'tocsin.alert.v1',
      dedupKey: 'x_1.proposed',
      change: 'opened',
      ordinal: 1,
      alert: 'x_1',
      incident: null,
      status: 'open',
      kind: 'event',
      severity: 'SEV1',
      title: 'Approve or deny: pause-vault',
      summary: 'It waits.',
      bot: 'tocsin',
      alertId: 'PROPOSAL',
      chain: { id: 1, name: 'main' },
      thing: null,
      owner: null,
      protocol: null,
      blocks: { first: 0, last: 0 },
      transactions: [],
      addresses: [],
      evidence: {},
      findings: 1,
      final: true,
      runbook: null,
      times: { opened: at, changed: at, closed: null },
      ask,
      ...changes,
    }
    await store.db.insert(tables.outbox).values({
      dedupKey: 'x_1.proposed',
      channel: 'chat',
      alertId: 'x_1',
      lane: 'x_1',
      severity: 'SEV1',
      payload,
    })
    return messageTo(SLACK_CHANNEL)
  }
  const approvals = async () =>
    readApprovals(
      store.db,
      { secret: await loadPeopleSecret(scene.config()), approvers: APPROVERS },
      { id: 'x_1' },
      policy,
    )

  test('behavior: an approver approves, with the proof that the signer wants, and once', async () => {
    const message = await propose()
    expect(message.buttons.map(({ action_id }) => action_id)).toEqual([
      'tocsin_approve',
      'tocsin_deny',
    ])
    const pressed = { ...message }
    await press(pressed, 'U0BO', 'approve')
    await until(() => expect(slack.whispers[0]).toContain('bo may not approve or deny'))
    expect(await approvals()).toEqual({ approvedBy: [], deniedBy: [] })
    await press(pressed, 'U0ADA', 'approve')
    expect(await approvals()).toEqual({ approvedBy: ['Ada'], deniedBy: [] })
    await until(() => expect(message.buttons).toEqual([]))
    expect(message.text).toContain('ada approved pause-vault')
    await press(pressed, 'U0ADA', 'approve', Date.now() - 2_000)
    await until(() => expect(slack.whispers.at(-1)).toContain('used already'))
    expect(await readdir(scene.intakeFolder)).toEqual([])
  })

  test('behavior: where two must approve, a button is one person; anybody else is told where to answer', async () => {
    const message = await propose()
    await press(message, 'U0ED', 'approve')
    await until(() => expect(slack.whispers[0]).toContain('not made for ed'))
    expect(await approvals()).toEqual({ approvedBy: [], deniedBy: [] })
    await press(message, 'U0ED', 'deny')
    expect(await approvals()).toEqual({ approvedBy: [], deniedBy: ['Grace'] })
  })

  test('error: whoever became an approver after the button was made answers by another way', async () => {
    const before = scene.config()
    const { onCall } = before
    if (!onCall?.people['ed']) throw new Error('nobody is called ed')
    const { ed: _, ...people } = onCall.people
    scene.change({ onCall: { ...onCall, people } })
    const message = await propose()
    scene.change(before)
    await press(message, 'U0ED', 'deny')
    await until(() => expect(slack.whispers[0]).toContain('by its link, or in the console'))
    expect(await approvals()).toEqual({ approvedBy: [], deniedBy: [] })
  })

  test('error: the whole database and the secrets of the intake approve nothing', async () => {
    await propose()
    expect(PROCESSES.intake.secrets).toEqual(['database', 'intake'])
    const rows = await store.db.select().from(tables.answerButton)
    expect(rows.map(({ act }) => act).sort()).toEqual(['approve', 'deny'])
    const approveRow = rows.find(({ act }) => act === 'approve')
    if (!approveRow?.claims) throw new Error('nothing is sealed')
    const known = [approveRow.id, approveRow.id.slice(0, 32), approveRow.dedupKey, SECRET]
    for (const button of known)
      expect(() => unseal({ ...approveRow, button }, approveRow.claims ?? '')).toThrow('as it was')
    // The thief can sign like Slack, in the name of anybody.
    const stolen = {
      ...(await messageTo(SLACK_CHANNEL)),
      buttons: [{ action_id: 'tocsin_approve', value: approveRow.id.slice(0, 32) }],
    }
    await press(stolen, 'U0ADA', 'approve')
    await until(() => expect(slack.whispers[0]).toContain('none of ours'))
    await store.db.insert(tables.executionApproval).values({
      id: 'p_forged',
      executionId: 'x_1',
      who: 'Ada',
      role: 'guardian',
      decision: 'approve',
      bytesHash: bytesHashOf('x_1', policy),
      at: new Date(),
      via: 'chat',
      nonce: '1'.repeat(32),
      expiresAt: new Date(Date.now() + 600_000),
      proof: '2'.repeat(64),
    })
    expect(await approvals()).toEqual({ approvedBy: [], deniedBy: [] })
  })

  test('error: a denial cannot be turned into an approval in the database', async () => {
    const message = await propose()
    await store.pool.query(`update tocsin.answer_button set act = 'approve' where act = 'deny'`)
    await press(message, 'U0ADA', 'deny')
    await until(() => expect(slack.whispers[0]).toContain('not as it was made'))
    expect(await approvals()).toEqual({ approvedBy: [], deniedBy: [] })
  })

  test('error: a message to an address of its own, or of other bytes, gets no button', async () => {
    const ask = { execution: 'x_1', who: 'Ada', expiresS: Math.floor(Date.now() / 1_000) + 60 }
    const redirected = { to: SLACK_CHANNEL, ask: { ...ask, bytesHash: bytesHashOf('x_1', policy) } }
    expect((await propose(redirected)).buttons).toEqual([])
    await store.pool.query('truncate tocsin.execution, tocsin.outbox')
    slack.messages.length = 0
    expect((await propose({ ask: { ...ask, bytesHash: '0'.repeat(64) } })).buttons).toEqual([])
    expect(await store.db.select().from(tables.answerButton)).toEqual([])
  })

  test('error: a button does not approve what it was not made for', async () => {
    const message = await propose()
    await store.pool.query(`update tocsin.answer_button set bytes_hash = repeat('0', 64)`)
    await press(message, 'U0ADA', 'approve')
    await until(() => expect(slack.whispers[0]).toContain('another one by now'))
    await store.pool.query(`update tocsin.execution set status = 'failed'`)
    await press(message, 'U0ADA', 'deny')
    await until(() => expect(slack.whispers[1]).toContain('only a proposed one'))
    expect(await approvals()).toEqual({ approvedBy: [], deniedBy: [] })
  })
})
