import { afterAll, expect, test, vi } from 'vitest'
import { type BotFolder, filedBot, writtenBot } from '../../test/support/fortaScene.ts'
import { runSuite } from './runSuite.ts'

// npm starts here, on a machine that others use as well.
vi.setConfig({ testTimeout: 120_000 })

const folders: BotFolder[] = []
afterAll(async () => {
  for (const folder of folders) await folder.remove()
})

/** A bot with tests of the kind that public ones have: its handler, given an event put together by hand. */
const tested = async (limit: number): Promise<string> => {
  const folder = await filedBot(
    {
      'src/agent.js': `const { Finding } = require('forta-agent')
module.exports = { handleTransaction: async (tx) => tx.filterLog('event Moved(uint256 amount)').filter(({ args }) => args.amount.gt(${limit})).map(({ args }) =>
  Finding.fromObject({ name: 'n', description: args.amount.toString(), alertId: 'A', severity: 1, type: 4 })) }`,
      'src/agent.test.js': `const assert = require('node:assert/strict')
const { test } = require('node:test')
const { TransactionEvent, ethers } = require('forta-agent')
const { handleTransaction } = require('./agent')
const iface = new ethers.utils.Interface(['event Moved(uint256 amount)'])
class TestTransactionEvent extends TransactionEvent {
  constructor() { super(0, 1, { hash: '0x1', data: '0x', value: '0x0' }, [], {}, { number: 1, hash: '0x2', timestamp: 3 }, [], null) }
  addEventLog(address, ...values) {
    const { data, topics } = iface.encodeEventLog(iface.getEvent('Moved'), values)
    this.logs.push({ address, data, topics, logIndex: this.logs.length })
    return this
  }
}
test('tells of what is large', async () => {
  const tx = new TestTransactionEvent().addEventLog('0x' + '1'.repeat(40), 5).addEventLog('0x' + '2'.repeat(40), 50)
  assert.deepEqual((await handleTransaction(tx)).map(({ description }) => description), ['50'])
})
`,
    },
    { scripts: { test: 'node --test src/' } },
  )
  folders.push(folder)
  return folder.dir
}

test('behavior: a bot’s own tests say whether it works', async () => {
  expect(await runSuite(await tested(10))).toBe(true)
  expect(await runSuite(await tested(100))).toBe(false)
})

test('error: a bot without tests', async () => {
  const folder = await writtenBot('module.exports = {}')
  folders.push(folder)
  await expect(runSuite(folder.dir)).rejects.toMatchObject({ code: 'forta.no_tests', exitCode: 2 })
})
