import { afterEach, expect, test, vi } from 'vitest'
import { type BotFolder, writtenBot } from '../../../test/support/fortaScene.ts'
import { createHostedBot, type HostedBot } from './createHostedBot.ts'
import { inspectBot } from './inspectBot.ts'

// Processes are started here, on a machine that others use as well.
vi.setConfig({ testTimeout: 120_000 })

const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const host = async (
  source: string,
): Promise<{ readonly bot: HostedBot; readonly folder: BotFolder; readonly ends: string[] }> => {
  const folder = await writtenBot(source)
  undo.push(folder.remove)
  const ends: string[] = []
  const bot = createHostedBot({
    bot: { id: 'bot', dir: folder.dir, env: ['TOCSIN_TEST_SEEN'] },
    pack: inspectBot(folder.dir),
    chainId: 1,
    rpcPort: 1,
    onEnd: (reason) => ends.push(reason),
  })
  undo.push(bot.stop)
  return { bot, folder, ends }
}
const BLOCK = JSON.stringify({
  block: {
    hash: '0xb',
    number: '0x7',
    timestamp: '0x64',
    miner: `0x${'1'.repeat(40)}`,
    transactions: [],
    uncles: [],
  },
  logs: [],
})
const FOUND = `const { Finding } = require('forta-agent')
const found = (description) => [Finding.fromObject({ name: 'n', description: String(description), alertId: 'A', severity: 1, type: 4 })]
`

test('behavior: a process that is killed is started again, and no block is lost', async () => {
  const { bot, ends } = await host(
    `${FOUND}let count = 0
     module.exports = { handleBlock: async () => found(++count), healthCheck: async () => ['not well'] }`,
  )
  await bot.start()
  expect(await bot.healthCheck()).toEqual(['not well'])
  const run = async (): Promise<unknown> =>
    (await bot.runBlock(BLOCK, [])).findings[0]?.finding['description']
  expect([await run(), await run()]).toEqual(['1', '2'])
  process.kill(bot.pid() ?? 0, 'SIGKILL')
  expect(await run()).toBe('1')
  expect(ends).toHaveLength(1)
  expect(bot.restarts()).toBe(1)
})

test('behavior: it works in its own folder and sees of our environment what it may', async () => {
  process.env['TOCSIN_TEST_SEEN'] = 'seen'
  process.env['TOCSIN_TEST_SECRET'] = 'hidden'
  const { bot, folder } = await host(
    `${FOUND}const { getJsonRpcUrl, getChainId } = require('forta-agent')
     module.exports = { handleBlock: async () => found([process.cwd(), process.env.TOCSIN_TEST_SEEN, process.env.TOCSIN_TEST_SECRET, getJsonRpcUrl(), await getChainId()].join(' ')) }`,
  )
  const { findings } = await bot.runBlock(BLOCK, [])
  expect(findings[0]?.finding['description']).toBe(`${folder.dir} seen  http://127.0.0.1:1 1`)
  delete process.env['TOCSIN_TEST_SEEN']
  delete process.env['TOCSIN_TEST_SECRET']
})

test('error: a bot that cannot be loaded is reported, and soon keeps nobody waiting', async () => {
  const { bot } = await host("throw new Error('no key given')")
  await expect(bot.start()).rejects.toMatchObject({ code: 'forta.start_failed' })
  for (let times = 0; times < 3; times++) {
    const { findings, faults } = await bot.runBlock(BLOCK, [])
    expect([findings, faults.length]).toEqual([[], 1])
    expect(faults[0]).toContain('no key given')
  }
  expect((await bot.healthCheck())[0]).toContain('no key given')
  const before = bot.restarts()
  await bot.runBlock(BLOCK, [])
  expect(bot.restarts()).toBe(before)
})

test('error: what is no list of findings is said', async () => {
  const { bot } = await host('module.exports = { handleBlock: async () => undefined }')
  const { faults } = await bot.runBlock(BLOCK, [])
  expect(faults).toEqual(['handleBlock threw: Error: it did not return a list of findings'])
})
