import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { stringify } from 'yaml'
import { noteIncident } from '../../core/alerts/index.ts'
import type { Loop } from '../../core/base/index.ts'
import type { Config } from '../../core/config/index.ts'
import { appendExecutionLog, loadPolicies } from '../../core/response/index.ts'
import { type Store, tables } from '../../core/store/index.ts'
import { trialPolicy } from '../../core/testing/index.ts'
import { playConsoleScene } from './consoleScene.ts'

const VAULT = '0x5fc8d32690cc91d4c39d9d3abcbd16989f875707'
/** An address as chains have them. */
const addressOf = (seed: string): string =>
  `0x${createHash('sha256').update(seed).digest('hex').slice(0, 40)}`
const AUSD = addressOf('aUSD')
const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1_000)

const thing = (
  kind: string,
  name: string,
  chain: string,
  chainId: number,
  address: string,
  owner: string,
) => ({ kind, name, chain, chainId, address, owner, protocol: 'acme', proxy: false, bots: {} })

/** A watchlist as the console sees one. */
const pagesConfig = (folder: string): Config =>
  ({
    name: 'acme',
    env: 'production',
    hash: 'b7d1c04e6a52f39d8e1a7c30f4b2965d0c8e7f1a2b3c4d5e6f708192a3b4c5d6',
    chains: [
      { id: 1, name: 'mainnet', explorer: 'https://etherscan.io' },
      { id: 8453, name: 'base' },
      { id: 42_161, name: 'arbitrum' },
    ],
    watch: [
      thing('vault', 'acme-vault', 'mainnet', 1, VAULT, 'onchain'),
      thing('token', 'aUSD', 'mainnet', 1, AUSD, 'treasury'),
      {
        ...thing('pool', 'ausd-weth', 'base', 8453, addressOf('ausd-weth'), 'markets'),
        variant: 'uniswap-v3',
      },
      thing('bridge', 'acme-bridge', 'base', 8453, addressOf('acme-bridge'), 'onchain'),
      thing('timelock', 'acme-timelock', 'mainnet', 1, addressOf('acme-timelock'), 'onchain'),
      thing('label', 'binance-14', 'mainnet', 1, addressOf('binance-14'), 'treasury'),
    ],
    bots: {
      'tvl-drop': {},
      'admin-call': {},
      'large-transfer': {},
      'liquidity-pull': {},
      timelock: {},
    },
    channels: [
      { kind: 'pagerduty', name: 'pager' },
      { kind: 'slack', name: 'war-room' },
    ],
    routes: [
      {
        name: 'pages',
        match: { severity: ['SEV1', 'SEV2'] },
        channels: ['pager', 'war-room'],
        continue: false,
      },
      { match: {}, channels: ['war-room'], continue: false },
    ],
    answers: [{ when: { bot: ['tvl-drop'], minSeverity: 'Critical' }, action: 'pause-acme-vault' }],
    onCall: {
      people: { ada: {}, grace: {}, lin: {}, edsger: {} },
      rotations: {
        onchain: {
          people: ['ada', 'grace', 'lin'],
          zone: 'Europe/Berlin',
          handOver: { day: 'monday', time: '09:00' },
          everyWeeks: 1,
          from: '2026-01-05',
        },
      },
      teams: { 'on-chain': { primary: 'onchain', lead: ['edsger'] } },
    },
    console: { host: '127.0.0.1', port: 0 },
    dataDir: folder,
    actionsDir: join(folder, 'actions'),
    signer: { approvers: [{ name: 'Ada', role: 'guardian' }] },
    people: {
      secret: 'a-secret-of-more-than-thirty-two-characters',
      haltToken: '',
      hasSecret: true,
      channels: {},
    },
  }) as unknown as Config

const addTimeline = async (store: Store): Promise<void> => {
  const { db } = store
  const [incident] = await db
    .select()
    .from(tables.incident)
    .where(eq(tables.incident.subject, 'acme'))
  if (!incident) return
  const note = (
    s: number,
    kind: Parameters<typeof noteIncident>[1]['kind'],
    text: string,
    more: object = {},
  ) => noteIncident(db, { incidentId: incident.id, at: ago(s), kind, text, ...more })
  await db.delete(tables.incidentEvent).where(eq(tables.incidentEvent.incidentId, incident.id))
  await note(47, 'opened', 'SEV1: Value lost in one block.')
  await note(46, 'paged', 'ada was paged as the first of team on-chain.', { channel: 'pager' })
  await note(45, 'delivered', 'war-room took "opened".', { channel: 'war-room' })
  await note(35, 'joined', 'SEV1: RoleGranted: acme-vault.')
  await note(
    30,
    'comment',
    'Looking at the drain transaction. The recipient was funded an hour ago and holds all of it: whoever may, agree to pause-ausd before it moves on.',
    { actor: 'lin', channel: 'war-room' },
  )
  await db
    .update(tables.incident)
    .set({
      title: 'Value lost in one block: acme-vault',
      openedAt: ago(47),
      acknowledgeDueAt: ago(47 - 300),
      mitigateDueAt: ago(47 - 1_800),
    })
    .where(eq(tables.incident.id, incident.id))
  await db
    .update(tables.outbox)
    .set({ channel: 'war-room', sentAt: ago(44), createdAt: ago(44.2), attempts: 1 })
}

const addProposal = async (store: Store, folder: string): Promise<void> => {
  await mkdir(join(folder, 'actions'), { recursive: true })
  const file = trialPolicy({
    id: 'pause-ausd',
    version: 3,
    action: 'pause',
    approvedBy: ['Ada'],
    target: AUSD,
    codeHash: `0x${'22'.repeat(32)}`,
    calldata: '0x8456cb59',
  })
  await writeFile(join(folder, 'actions', 'pause-ausd.yaml'), stringify(file))
  const [policy] = await loadPolicies(join(folder, 'actions'))
  await store.db.insert(tables.execution).values({
    id: 'e3',
    idempotencyKey: 'e3',
    actionId: 'pause-ausd',
    policyHash: policy?.hash ?? '',
    mode: 'propose',
    chainId: 1,
    findingId: 'f04',
    thing: 'aUSD',
    status: 'proposed',
    target: AUSD,
    calldata: '0x8456cb59',
    simulation: {
      outcome: 'passed',
      method: 'debug_traceCall',
      block: 21_457_993,
      assertions: [
        { name: 'paused() becomes true', outcome: 'held' },
        { name: 'no value moves', outcome: 'held' },
      ],
    },
    requestedAt: ago(33),
    proposedAt: ago(33),
  })
  await store.db.transaction(async (tx) => {
    for (const [id, event] of [
      ['e2', 'requested'],
      ['e2', 'sending'],
      ['e2', 'mined'],
      ['e2', 'succeeded'],
      ['e3', 'proposed'],
    ] as const)
      await appendExecutionLog(tx, id, event, {})
  })
}

const addMoney = (store: Store): Promise<unknown> =>
  store.db
    .update(tables.finding)
    .set({
      metadata: {
        before: '52254030000000',
        after: '42404392000000',
        lost: '9849638000000',
        dropBps: '1885',
        unit: 'aUSD',
        decimals: '6',
        matchedByShares: 'no',
        recipient: '0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc',
        path: 'attacker → acme-vault.withdraw(…) → aUSD.transfer(…)',
      },
      addresses: [VAULT, '0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc'],
    })
    .where(eq(tables.finding.id, 'f03'))

const addBots = async (store: Store): Promise<void> => {
  const { db } = store
  await db.insert(tables.botHealth).values(
    [
      ['tvl-drop', 1, 'ok', 14],
      ['admin-call', 1, 'ok', 212],
      ['large-transfer', 1, 'ok', 3_104],
      ['liquidity-pull', 8453, 'ok', 31],
      ['timelock', 1, 'failing', 2],
    ].map(([botId, chainId, status, findings]) => ({
      botId: String(botId),
      chainId: Number(chainId),
      status: status as 'ok' | 'failing',
      findings: Number(findings),
      ...(status === 'failing'
        ? { lastError: 'getMinDelay() answered nothing in block 21457990.', blocksFailed: 3 }
        : {}),
    })),
  )
  await db.insert(tables.keyValue).values({
    key: 'watch.plan',
    value: {
      hash: pagesConfig('').hash,
      things: {
        'acme-vault': ['tvl-drop', 'admin-call'],
        aUSD: ['large-transfer', 'admin-call'],
        'ausd-weth': ['liquidity-pull'],
        'acme-timelock': ['timelock', 'admin-call'],
        'acme-bridge': [],
      },
      warnings: ['Nobody is told of Info findings of treasury.'],
    },
  })
  await db.insert(tables.silence).values({
    id: 's_3f9a1c',
    matchers: { bot: ['large-transfer'], thing: ['aUSD'] },
    reason: 'The treasury pays salaries until noon.',
    createdBy: 'grace',
    startsAt: ago(1_200),
    endsAt: ago(-2_400),
  })
  await db.insert(tables.vigilCanary).values({
    id: 'c1',
    channel: 'war-room',
    status: 'delivered',
    sentAt: ago(220),
    deliveredAt: ago(219),
    tookMs: 612,
  })
  await db.insert(tables.subscription).values({ name: 'exchange-desk', cursor: 1_204 })
  await db.insert(tables.oncallOverride).values({
    id: 'v_1',
    team: 'on-chain',
    level: 'primary',
    person: 'grace',
    startsAt: ago(3_600),
    endsAt: ago(-86_400),
    reason: 'Ada is on a plane.',
    createdBy: 'ada',
  })
}

/** A bad day with everything that the console's pages show: an attack, an action that waits, people, money, silences. */
export const playPagesScene = async (
  store: Store,
  folder: string,
): Promise<{ readonly config: Config; readonly beat: Loop }> => {
  const beat = await playConsoleScene(store)
  await addMoney(store)
  await addTimeline(store)
  await addProposal(store, folder)
  await addBots(store)
  return { config: pagesConfig(folder), beat }
}
