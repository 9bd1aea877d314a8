import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asc } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { sleep } from '../core/base/index.ts'
import { startWatcher } from '../core/cli/startWatcher.ts'
import { loadConfig } from '../core/config/index.ts'
import { tables } from '../core/store/index.ts'
import { createLogger, type RunningProcess } from '../core/telemetry/index.ts'
import { type Anvil, startAnvil } from '../core/testing/index.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { type FaultProxy, startFaultProxy } from './support/faultProxy.ts'
import {
  type BotFolder,
  mineBlock,
  nextBot,
  prepareChain,
  starterBot,
  transfer,
  writtenBot,
} from './support/fortaScene.ts'

// Processes are started here, on a machine that others use as well.
vi.setConfig({ testTimeout: 120_000 })

let anvil: Anvil
let proxy: FaultProxy
let store: TestDatabase
let folder: string
const bots: Record<string, BotFolder> = {}
const running: RunningProcess[] = []
const log = createLogger({ service: 'test', level: process.env['TEST_LOG'] ?? 'silent' })

const agent = (body: string): string => `
const { Finding } = require('forta-agent')
const found = (alertId, description, rest = {}) => Finding.fromObject({ name: 'Found', description: String(description), alertId, severity: 4, type: 2, ...rest })
${body}`

const SOURCES = {
  // Also says which of two other transactions it saw: a hidden one would be missing.
  witness: agent(
    `module.exports = { handleBlock: async (block) => [found('BLOCK', block.blockNumber)], handleTransaction: async (tx) => [found('TX', tx.hash)] }`,
  ),
  thrower: agent(
    `module.exports = { handleTransaction: async (tx) => { if (tx.transaction.value === '0x1') throw new Error('crafted'); return [found('TX', tx.hash)] } }`,
  ),
  hanger: agent(
    `module.exports = { handleTransaction: (tx) => { if (tx.transaction.value === '0x2') for (;;); return [found('TX', tx.hash)] } }`,
  ),
  leaver: agent(
    `module.exports = { handleTransaction: async (tx) => { if (tx.transaction.value === '0x3') process.exit(0); return [found('TX', tx.hash)] } }`,
  ),
  reader: agent(`module.exports = {
    initialize: async () => ({ alertConfig: { subscriptions: [{ botId: '0x${'ab'.repeat(32)}', alertId: 'BLOCK' }, { botId: 'thrower' }] } }),
    handleAlert: async ({ alert }) => [found('READ', alert.alertId + ' of ' + alert.source.bot.id + ' at ' + alert.source.block.number)],
  }`),
}

/** Of the second SDK: it would poll a node of its own, send its findings itself, and ask for alerts every minute. */
const NEXT = `
const { scanEthereum, scanAlerts, runHealthCheck, sendAlerts, getScannerJwt, decodeJwt, Finding } = require('@fortanetwork/forta-bot')
const found = (alertId, description) => Finding.fromObject({ name: 'Found', description: String(description), alertId, severity: 3, type: 2 })
const handleBlock = async (event, provider) => {
  const head = await provider.getBlock(event.block.number)
  await sendAlerts([{ botId: 'any', finding: found('SENT', head.hash === event.block.hash) }])
  return [found('NEXT', event.block.number)]
}
const main = async () => {
  const { payload } = decodeJwt(await getScannerJwt({ access: 'all' }))
  scanEthereum({ rpcUrl: 'http://127.0.0.1:1', handleBlock, handleTransaction: async (tx) => tx.transaction.value === '0x1' ? Promise.reject(new Error('crafted')) : [] })
  scanAlerts({ subscriptions: [{ botId: '0x${'ab'.repeat(32)}', alertId: 'BLOCK' }], handleAlert: async ({ alert }) => [found('READ', alert.description + ' ' + payload.access)] })
  runHealthCheck()
}
main()
`

beforeAll(async () => {
  const parts = await Promise.all([
    startAnvil({ chainId: 1 }),
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'tocsin-forta-stack-')),
  ])
  anvil = parts[0]
  store = parts[1]
  folder = parts[2]
  proxy = await startFaultProxy(anvil)
  await prepareChain(anvil)
  bots['starter'] = await starterBot('js')
  for (const [name, source] of Object.entries(SOURCES)) bots[name] = await writtenBot(source)
  bots['next'] = await nextBot(NEXT)
  await writeFile(
    join(folder, 'watchlist.yaml'),
    `version: 1
name: forta
dataDir: data
chains:
  main:
    id: 1
    rpc: [{ http: ${proxy.url} }]
    blockTimeMs: 1000
    pollMs: 30
watch:
  - { name: tether, kind: token, chain: main, address: '0xdac17f958d2ee523a2206206994597c13d831ec7' }
forta:
${Object.entries(bots)
  .map(
    ([name, { dir }]) =>
      `  ${name}: { dir: ${dir}, timeoutMs: 4000${name === 'witness' ? `, botId: '0x${'ab'.repeat(32)}'` : ''} }`,
  )
  .join('\n')}
routes:
  - { match: { bot: [starter] }, channels: [console] }
`,
  )
}, 60_000)
afterEach(async () => {
  proxy.clearFaults()
})
afterAll(async () => {
  for (const process of running.splice(0).reverse()) await process.stop()
  await proxy?.stop()
  await anvil?.stop()
  await store?.drop()
  for (const bot of Object.values(bots)) await bot.remove()
  if (folder) await rm(folder, { recursive: true, force: true })
})

const start = async (): Promise<void> => {
  const config = await loadConfig({ file: join(folder, 'watchlist.yaml'), secrets: ['rpc'] })
  running.push(await startWatcher({ config, store, log }))
}
const findings = () => store.db.select().from(tables.finding).orderBy(asc(tables.finding.seq))
const of = async (botId: string, alertId?: string) =>
  (await findings()).filter(
    (row) => row.botId === botId && (alertId === undefined || row.alertId === alertId),
  )
const until = async (number: number): Promise<void> => {
  const hash = (
    await anvil.rpc<{ hash: string }>('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
  ).hash
  for (let tries = 0; tries < 1_200; tries++) {
    const [cursor] = await store.db.select().from(tables.chainCursor)
    if (cursor?.number === number && cursor.hash === hash) return
    await sleep(25)
  }
  throw new Error(`block ${number} was not reached`)
}
const value = (amount: number) => ({ to: `0x${'9'.repeat(40)}`, value: `0x${amount.toString(16)}` })

test('behavior: the starter bot finds, live, as a bot of the watchlist', async () => {
  await start()
  await until(await mineBlock(anvil, []))
  await until(await mineBlock(anvil, [transfer(5n), transfer(20_000n)]))
  expect(await of('starter')).toMatchObject([
    {
      alertId: 'FORTA-1',
      alertKind: 'event',
      severity: 'Low',
      type: 'Info',
      description: 'High amount of USDT transferred: 20000',
      status: 'provisional',
    },
  ])
})

test('behavior: a handler that throws, hangs or ends the process costs that one transaction and nothing else', async () => {
  const number = await mineBlock(anvil, [9, 1, 2, 3, 8].map(value))
  await until(number)
  const last = await mineBlock(anvil, [value(7)])
  await until(last)
  const seen = async (bot: string): Promise<number> =>
    (await of(bot, 'TX')).filter(({ blockNumber }) => blockNumber >= number).length
  expect(await seen('witness')).toBe(6)
  for (const bot of ['thrower', 'hanger', 'leaver'])
    expect([bot, await seen(bot)]).toEqual([bot, 5])
  const failing = (await of('tocsin', 'BOT-FAILING')).filter(
    ({ condition }) => condition === 'holds',
  )
  expect(failing.map(({ uniqueKey }) => uniqueKey).sort()).toEqual([
    'hanger',
    'leaver',
    'next',
    'thrower',
  ])
  expect(failing.find(({ uniqueKey }) => uniqueKey === 'hanger')?.description).toContain(
    'failed twice and was left out: it took longer than 4000 ms',
  )
})

test('behavior: handleAlert reads the findings that the bot subscribed to, by id and by name', async () => {
  const number = await mineBlock(anvil, [value(8)])
  await until(number)
  const read = (await of('reader')).filter(({ blockNumber }) => blockNumber === number)
  expect(read.map(({ description }) => description).sort()).toEqual([
    `BLOCK of 0x${'ab'.repeat(32)} at ${number}`,
    `TX of thrower at ${number}`,
  ])
})

test('behavior: a bot of the second SDK lives as any other: blocks, what it sends, what it reads', async () => {
  const number = await mineBlock(anvil, [value(8)])
  await until(number)
  const own = (await of('next')).filter(({ blockNumber }) => blockNumber === number)
  expect(own.map(({ alertId, description }) => `${alertId} ${description}`).sort()).toEqual([
    `NEXT ${number}`,
    `READ ${number} all`,
    'SENT true',
  ])
})

test('behavior: RPC errors and null blocks end nothing and lose nothing', async () => {
  const first = Number(await anvil.rpc('eth_blockNumber')) + 1
  proxy.addFault({ method: 'eth_getBlockByHash', times: 2, fault: { kind: 'null' } })
  proxy.addFault({ method: 'eth_getLogs', times: 2, fault: { kind: 'http', status: 500 } })
  for (let blocks = 0; blocks < 3; blocks++) await mineBlock(anvil, [value(9)])
  await until(first + 2)
  expect(
    (await of('witness', 'BLOCK')).filter(({ blockNumber }) => blockNumber >= first),
  ).toHaveLength(3)
})

test('behavior: a reorg of three blocks is seen: findings are retracted, the replacements run', async () => {
  const fork = await anvil.rpc<string>('evm_snapshot')
  const first = Number(await anvil.rpc('eth_blockNumber')) + 1
  for (let blocks = 0; blocks < 3; blocks++) await mineBlock(anvil, [value(4)])
  await until(first + 2)
  await anvil.rpc('evm_revert', [fork])
  for (let blocks = 0; blocks < 4; blocks++) await mineBlock(anvil, [value(5), value(6)])
  await until(first + 3)
  const rows = (await of('witness')).filter(({ blockNumber }) => blockNumber >= first)
  const count = (alertId: string, status: string): number =>
    rows.filter((row) => row.alertId === alertId && row.status === status).length
  expect([count('BLOCK', 'retracted'), count('BLOCK', 'provisional')]).toEqual([3, 4])
  expect([count('TX', 'retracted'), count('TX', 'provisional')]).toEqual([3, 8])
})

test('behavior: a restart loses no block and doubles no finding', async () => {
  const first = Number(await anvil.rpc('eth_blockNumber')) + 1
  for (const process of running.splice(0)) await process.stop()
  for (let blocks = 0; blocks < 5; blocks++) await mineBlock(anvil, [value(9)])
  await start()
  await until(first + 4)
  const rows = (await of('witness')).filter(({ blockNumber }) => blockNumber >= first)
  expect(
    rows.filter(({ alertId }) => alertId === 'BLOCK').map(({ blockNumber }) => blockNumber),
  ).toEqual([0, 1, 2, 3, 4].map((n) => first + n))
  expect(rows.filter(({ alertId }) => alertId === 'TX')).toHaveLength(5)
})
