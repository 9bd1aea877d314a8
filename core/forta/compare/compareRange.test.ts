import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type BotFolder,
  DUMP_BOT,
  everyKind,
  filedBot,
  mineBlock,
  nextBot,
  prepareChain,
  starterBot,
  transfer,
  writtenBot,
} from '../../../test/support/fortaScene.ts'
import { NEXT_BOT, SHAPES } from '../../../test/support/fortaShapes.ts'
import { createRpcPool, type RpcPool } from '../../chain/index.ts'
import { type Anvil, startAnvil } from '../../testing/index.ts'
import { inspectBot } from '../host/inspectBot.ts'
import { runSteps } from '../runSteps.ts'
import { compareRange } from './compareRange.ts'

// Two programs start in each test, on a machine that others use as well.
vi.setConfig({ testTimeout: 120_000 })

let anvil: Anvil
let pool: RpcPool
const folders: BotFolder[] = []
let last = 0

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 1 })
  pool = createRpcPool({
    chainId: 1,
    chainName: 'main',
    endpoints: [{ name: 'anvil', http: anvil.url }],
  })
  await prepareChain(anvil)
  await mineBlock(anvil, everyKind())
  await mineBlock(anvil, [])
  last = await mineBlock(anvil, [transfer(10_001n), ...everyKind()])
})
afterAll(async () => {
  for (const folder of folders) await folder.remove()
  await pool?.stop()
  await anvil?.stop()
})
const keep = async (making: Promise<BotFolder>): Promise<string> => {
  const folder = await making
  folders.push(folder)
  return folder.dir
}

test.each(['js', 'ts'] as const)(
  'behavior: the %s starter bot finds what its own SDK finds',
  async (language) => {
    const dir = await keep(starterBot(language))
    const result = await compareRange({
      pool,
      traces: 'auto',
      bot: { id: 'starter', dir, compat: 'cli' },
      from: 1,
      to: last,
    })
    expect(result).toMatchObject({
      same: 3,
      onlyTocsin: [],
      onlySdk: [],
      isReordered: false,
      faults: [],
    })
  },
)

test('behavior: events are word for word those of the SDK', async () => {
  const dir = await keep(writtenBot(DUMP_BOT))
  const result = await compareRange({
    pool,
    traces: 'auto',
    bot: { id: 'dump', dir, compat: 'cli' },
    from: 1,
    to: last,
  })
  expect(result.faults).toEqual([])
  expect([result.onlyTocsin, result.onlySdk]).toEqual([[], []])
  expect(result.same).toBe(last + 21)
  expect(result.isReordered).toBe(false)
})

test.each(process.env['TOCSIN_LONG'] ? Object.keys(SHAPES) : ['together'])(
  'behavior: bots in the shapes of public ones find what their SDK finds (%s)',
  async (shape) => {
    const dir = await keep(filedBot(SHAPES[shape] ?? {}))
    const result = await compareRange({
      pool,
      traces: 'auto',
      bot: { id: shape, dir, compat: 'cli' },
      from: 1,
      to: last,
    })
    expect(result).toMatchObject({ onlyTocsin: [], onlySdk: [], isReordered: false, faults: [] })
    expect(result.same).toBeGreaterThan(shape === 'together' ? 30 : 2)
  },
)

test('behavior: what a bot keeps in the network’s store lasts, in its own folder', async () => {
  const dir = await keep(filedBot(SHAPES['keeping'] ?? {}))
  const run = async (): Promise<readonly unknown[]> => {
    const told: unknown[] = []
    await runSteps({
      pool,
      traces: 'none',
      bot: { bot: { id: 'keeping', dir }, pack: inspectBot(dir) },
      steps: [{ kind: 'block', block: 1 }],
      onStep: (_, __, { findings, faults }) =>
        told.push(...faults, ...findings.map(({ finding }) => finding['description'])),
    })
    return told.map((one) => JSON.parse(String(one)) as unknown)
  }
  expect(await run()).toEqual([[-1, [404, '{}', 404, '{}'], 200, 200, { count: 1 }, 200_000]])
  await mkdir(join(dir, '.forta-database', 'owner'))
  await writeFile(join(dir, '.forta-database', 'owner', 'secrets.json'), '{"key":"k"}')
  expect(await run()).toEqual([
    [-1, [200, '{"count":1}', 200, '{"key":"k"}'], 200, 200, { count: 2 }, 200_000],
  ])
})

const STEPS_BOT = `const { Finding } = require('forta-agent')
const tell = (value) => [Finding.fromObject({ name: 'n', description: JSON.stringify(value), alertId: 'A', severity: 1, type: 4 })]
module.exports = {
  handleBlock: async ({ blockNumber, block }) => tell(['block', blockNumber, block.transactions.length]),
  handleTransaction: async (tx) => tell(['tx', tx.hash, tx.logs.length, tx.traces.length, tx.filterLog('event Transfer(address indexed from, address indexed to, uint256 value)').length]),
  handleAlert: async ({ alert, alertId }) => tell(['alert', alertId, alert.hasAddress('0xaa')]),
}`

test('behavior: single transactions, blocks, alerts and written events, one after another', async () => {
  const dir = await keep(writtenBot(STEPS_BOT))
  const block = await pool.request('eth_getBlockByNumber', ['0x1', false])
  const { hash, transactions } = block as { hash: `0x${string}`; transactions: `0x${string}`[] }
  const [moved = '0x'] = transactions
  const alert = { alertId: 'ONE', hash: '0x01', addresses: ['0xaa'] }
  const told: unknown[] = []
  const done = await runSteps({
    pool,
    traces: 'auto',
    bot: { bot: { id: 'steps', dir }, pack: inspectBot(dir) },
    steps: [
      { kind: 'transaction', hash: moved },
      { kind: 'block', block: 2 },
      { kind: 'alert', alert: hash },
      { kind: 'alert', alert: { ...alert, alertId: 'TWO', addresses: [] } },
      { kind: 'event', handler: 'handleBlock', event: { block: { number: 7, transactions: [] } } },
      {
        kind: 'event',
        handler: 'handleTransaction',
        event: { transaction: { hash: '0x9' }, logs: [], traces: [{}, {}] },
      },
    ],
    findAlert: async (one) => (one === hash ? alert : undefined),
    onStep: (step, at, { findings, faults }) =>
      told.push(
        ...faults,
        ...findings.map(({ finding }) => [
          step.kind,
          at?.number,
          ...(JSON.parse(String(finding['description'])) as unknown[]),
        ]),
      ),
  })
  expect(done.steps).toBe(6)
  expect(told).toEqual([
    ['transaction', 1, 'tx', moved, 1, 1, 1],
    ['block', 2, 'block', 2, 0],
    ['alert', undefined, 'alert', 'ONE', true],
    ['alert', undefined, 'alert', 'TWO', false],
    ['event', undefined, 'block', 7, 0],
    ['event', undefined, 'tx', '0x9', 0, 2, 0],
  ])
  const tell = (steps: Parameters<typeof runSteps>[0]['steps'], bot = dir) =>
    runSteps({
      pool,
      traces: 'none',
      bot: { bot: { id: 'steps', dir: bot }, pack: inspectBot(bot) },
      steps,
      onStep: () => undefined,
    })
  await expect(tell([{ kind: 'transaction', hash }])).rejects.toMatchObject({
    code: 'forta.not_found',
  })
  const blocks = await keep(writtenBot('module.exports = { handleBlock: async () => [] }'))
  await expect(tell([{ kind: 'alert', alert }], blocks)).rejects.toMatchObject({
    code: 'forta.no_handler',
  })
})

test('behavior: a bot of the second SDK finds what it finds by itself', async () => {
  const dir = await keep(nextBot(NEXT_BOT))
  const result = await compareRange({
    pool,
    traces: 'auto',
    bot: { id: 'next', dir },
    from: 1,
    to: last,
  })
  expect(result).toMatchObject({ onlyTocsin: [], onlySdk: [], isReordered: false, faults: [] })
  expect(result).toMatchObject({ same: last + 21, sdkVersion: '0.2.3' })
})

test('error: a bot that finds otherwise is told of', async () => {
  const dir = await keep(
    writtenBot(
      `const { Finding } = require('forta-agent')
       const isSdk = process.env.FORTA_CHAIN_ID === undefined
       module.exports = { handleBlock: async (event) => isSdk && event.blockNumber === 2 ? [] : [Finding.fromObject({ name: 'n', description: 'd', alertId: 'A', severity: 1, type: 4 })] }`,
    ),
  )
  const result = await compareRange({
    pool,
    traces: 'none',
    bot: { id: 'odd', dir, compat: 'cli' },
    from: 1,
    to: last,
  })
  expect(result.onlySdk).toEqual([])
  expect(result.onlyTocsin).toHaveLength(1)
})
