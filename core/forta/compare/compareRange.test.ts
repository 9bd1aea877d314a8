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
       const isSdk = process.argv[1].includes('forta-agent')
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
