import { createHash } from 'node:crypto'
import { foldFindings } from '../../core/alerts/index.ts'
import { createLoop, type Loop } from '../../core/base/index.ts'
import { type Store, tables } from '../../core/store/index.ts'

type FindingInsert = typeof tables.finding.$inferInsert

const EXPLOITER = '0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc'
const VAULT = '0x5fc8d32690cc91d4c39d9d3abcbd16989f875707'
/** A hash as chains have them. */
const tx = (seed: string): string => `0x${createHash('sha256').update(seed).digest('hex')}`
const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1_000)

const base = {
  botVersion: '1.0.0',
  alertKind: 'event',
  chainId: 1,
  blockTimestampS: Math.floor(Date.now() / 1_000) - 60,
  type: 'Exploit',
  status: 'provisional',
} as const

/** Findings of an attack on one protocol, with a hostile token name and an orphaned block among them. */
const findings = (): FindingInsert[] => [
  {
    ...base,
    id: 'f01',
    botId: 'large-transfer',
    alertId: 'LARGE-TRANSFER',
    uniqueKey: '1',
    blockNumber: 21_457_880,
    blockHash: tx('a'),
    txHash: tx('1'),
    severity: 'Low',
    type: 'Info',
    name: 'Large transfer of aUSD',
    description: `2,400,000 aUSD moved from Treasury to Binance 14 (${EXPLOITER}).`,
    thing: 'aUSD',
    owner: 'treasury',
    protocol: 'acme',
    status: 'final',
    latencyMs: 14.2,
    createdAt: ago(5_400),
  },
  {
    ...base,
    id: 'f02',
    botId: 'large-transfer',
    alertId: 'LARGE-TRANSFER',
    uniqueKey: '2',
    blockNumber: 21_457_902,
    blockHash: tx('b'),
    txHash: tx('2'),
    severity: 'Medium',
    type: 'Suspicious',
    name: 'Large transfer of <b>CLAIM</b> at usd-gift.example \u202Edrawer',
    description: 'A token moved whose name tries to be markup and a link.',
    thing: 'unknown-token',
    owner: 'treasury',
    status: 'retracted',
    latencyMs: 17.9,
    createdAt: ago(900),
    retractedAt: ago(880),
  },
  {
    ...base,
    id: 'f03',
    botId: 'tvl-drop',
    alertId: 'TVL-DROP-BLOCK',
    uniqueKey: '3',
    blockNumber: 21_457_990,
    blockHash: tx('c'),
    txHash: tx('3'),
    severity: 'Critical',
    name: 'Value lost in one block',
    description: `acme-vault lost 18.85 % of its value in block 21457990, from 52,254,030 to 42,404,392 aUSD. No shares were given back for it. The largest transfer out went to ${EXPLOITER}.`,
    thing: 'acme-vault',
    owner: 'onchain',
    protocol: 'acme',
    latencyMs: 21.4,
    createdAt: ago(47),
  },
  {
    ...base,
    id: 'f04',
    botId: 'admin-call',
    alertId: 'ROLE-GRANTED',
    uniqueKey: '4',
    blockNumber: 21_457_991,
    blockHash: tx('d'),
    txHash: tx('4'),
    severity: 'Critical',
    name: 'RoleGranted: acme-vault',
    description: `${EXPLOITER} was granted DEFAULT_ADMIN_ROLE by ${VAULT}.`,
    thing: 'acme-vault',
    owner: 'onchain',
    protocol: 'acme',
    latencyMs: 19.1,
    createdAt: ago(35),
  },
  {
    ...base,
    id: 'f05',
    botId: 'liquidity-pull',
    alertId: 'LIQUIDITY-PULL',
    uniqueKey: '5',
    chainId: 8453,
    blockNumber: 30_118_244,
    blockHash: tx('e'),
    txHash: tx('5'),
    severity: 'High',
    type: 'Suspicious',
    name: 'Liquidity pulled from ausd-weth',
    description: '24.98 % of the in-range liquidity was taken out: 401,240 aUSD and 198.4 WETH.',
    thing: 'ausd-weth',
    owner: 'markets',
    latencyMs: 9.6,
    createdAt: ago(20),
  },
]

const health = (name: string, url: string, ok: boolean) => ({
  chainId: 0,
  name,
  status: ok ? 'ok' : 'degraded',
  reason: ok ? '' : 'One of two endpoints answers with errors; blocks come from the other.',
  endpoints: [
    { url: `https://${url}/…`, score: ok ? 0.99 : 0.97, ok: true, latencyMs: 38 },
    {
      url: 'https://backup.example/…',
      score: ok ? 0.96 : 0.21,
      ok,
      latencyMs: ok ? 61 : 1_940,
      ...(ok ? {} : { lastError: 'HTTP 429 on 37 of the last 50 requests' }),
    },
  ],
})

/** Fills a database with what a console shows on a bad day, and keeps the heartbeats going. */
export const playConsoleScene = async (store: Store): Promise<Loop> => {
  const { db } = store
  await db
    .insert(tables.finding)
    .values(findings().map((row) => ({ ...row, status: 'final' as const })))
  const config = {
    chains: [],
    channels: [{ kind: 'console' as const, name: 'console' }],
    routes: [],
  }
  await foldFindings({ db, config, runbookFor: (bot) => `bots/${bot}/runbook.md` })
  for (const { id, status } of findings()) {
    await store.pool.query('update tocsin.finding set status = $2 where id = $1', [id, status])
  }
  await foldFindings({ db, config })
  await store.pool.query(`
    update tocsin.alert a set opened_at = f.created_at from tocsin.alert_finding m join tocsin.finding f on f.id = m.finding_id where m.alert_id = a.id;
    update tocsin.incident i set opened_at = (select min(opened_at) from tocsin.alert a where a.incident_id = i.id);
    update tocsin.alert set acknowledged_at = now(), acknowledged_by = 'ada' where alert_id = 'LIQUIDITY-PULL';
    update tocsin.outbox set status = 'sent'`)
  await db.insert(tables.execution).values([
    {
      id: 'e2',
      idempotencyKey: 'e2',
      actionId: 'pause-acme-vault',
      mode: 'auto',
      chainId: 1,
      findingId: 'f03',
      thing: 'acme-vault',
      status: 'succeeded',
      reason: 'paused() is true in block 21457992.',
      target: VAULT,
      txHashes: [tx('7')],
      minedTxHash: tx('7'),
      minedBlock: 21_457_992,
      seenAtMs: ago(47).getTime(),
      requestedAt: ago(46.9),
      broadcastAt: ago(46.8),
      minedAt: ago(35),
    },
    {
      id: 'e1',
      idempotencyKey: 'e1',
      actionId: 'pause-bridge',
      mode: 'propose',
      chainId: 8453,
      findingId: 'f05',
      thing: 'acme-bridge',
      status: 'refused',
      reason: 'The policy allows Critical findings only; this one is High.',
      requestedAt: ago(19),
    },
  ])
  await db.insert(tables.configChange).values({
    at: ago(7_300),
    process: 'watcher',
    who: 'ada',
    file: 'watchlist.yaml',
    path: 'bots.tvl-drop.parameters.dropBps',
    oldValue: 1_500,
    newValue: 1_000,
  })
  const heads = {
    mainnet: [1, 21_457_994],
    base: [8453, 30_118_266],
    arbitrum: [42_161, 402_118_377],
  } as const
  for (const [name, [chainId, head]] of Object.entries(heads)) {
    await db.insert(tables.chainBlock).values(
      Array.from({ length: 60 }, (_, i) => ({
        chainId,
        number: head - 59 + i,
        hash: `0x${chainId}${i}`,
        parentHash: '0x',
        timestampS: 1,
        transactions: 150,
        latencyMs: 14 + 6 * Math.sin(i / 3 + chainId) + (i % 17 === 5 ? 22 : 0) + (i % 7),
      })),
    )
    await db.insert(tables.chainCursor).values({
      chainId,
      chainName: name,
      number: name === 'arbitrum' ? head - 3 : head,
      hash: '0x',
      genesisHash: '0x',
      finalized: head - 64,
      head,
      health: health(name, `${name}.rpc.example`, name !== 'arbitrum'),
    })
  }
  const beat = async (): Promise<void> => {
    const names = ['watcher', 'notifier', 'signer', 'indexer', 'console']
    for (const [i, name] of names.entries()) {
      const isLost = name === 'indexer'
      const row = {
        pid: 4_117 + i,
        status: 'ok' as const,
        detail: { rssBytes: (96 + i * 13) * 1024 * 1024 },
        startedAt: ago(93_784),
        heartbeatAt: ago(isLost ? 42 : 0),
        restarts: isLost ? 2 : 0,
      }
      await db
        .insert(tables.processStatus)
        .values({ name, ...row })
        .onConflictDoUpdate({ target: tables.processStatus.name, set: row })
    }
    await store.pool.query('update tocsin.chain_cursor set updated_at = now()')
  }
  await beat()
  return createLoop(beat, { pauseMs: 2_000, onError: () => undefined })
}
