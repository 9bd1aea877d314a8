import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { toEventSelector } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { writeBigMoveBot } from '../../../test/support/bigMoveBot.ts'
import { writtenBot } from '../../../test/support/fortaScene.ts'
import { startTransferChain, type TransferChain } from '../../../test/support/transferChain.ts'
import type { Hex } from '../../base/index.ts'
import { type Anvil, startAnvil } from '../../testing/index.ts'
import type { BacktestReport } from '../backtest/backtestReport.ts'
import { register } from './backtest.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-backtest-'))
const at = (name: string): string => join(folder, name)
const put = (name: string, text: string): string => {
  writeFileSync(at(name), text)
  return at(name)
}
const UNIT = 10n ** 18n
let chain: TransferChain
let last = 0
/** The block and the transaction of the one transfer that the story is about. */
let theft = { block: 0, tx: '' }
let out = ''
let err = ''

beforeAll(async () => {
  writeBigMoveBot(folder)
  chain = await startTransferChain({ args: ['--timestamp', '1700000000'] })
  const mineAt = async (afterS: number, ...units: readonly bigint[]): Promise<void> => {
    await chain.anvil.rpc('evm_increaseTime', [afterS])
    for (const value of units) await chain.mine(1, value)
  }
  // Two ordinary days with a transfer just above 100 and two of the same thing in one hour; then the theft.
  await mineAt(3_600, 101n * UNIT)
  await mineAt(86_400, 120n * UNIT, 130n * UNIT)
  await mineAt(43_200, 50n * UNIT)
  await mineAt(86_400, 5_000n * UNIT)
  const head = await chain.head()
  const block = await chain.anvil.rpc<{ transactions: string[] }>('eth_getBlockByNumber', [
    `0x${head.number.toString(16)}`,
    false,
  ])
  theft = { block: head.number, tx: block.transactions[0] ?? '' }
  await mineAt(12, 60n * UNIT)
  last = (await chain.head()).number
  put(
    'watchlist.yaml',
    `version: 1
name: test
botsDir: own
chains:
  local: { id: 31337, rpc: [{ http: ${chain.anvil.url} }] }
watch:
  - { kind: token, name: gold, chain: local, address: ${chain.token}, bots: { big-move: { threshold: '100' } } }
bots: { big-move: {}, mint-anomaly: {} }
`,
  )
})
afterAll(async () => {
  await chain?.anvil.stop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const run = async (...args: readonly string[]): Promise<number> => {
  const program = new Command('tocsin').exitOverride()
  register(program)
  await program.parseAsync([
    'node',
    'tocsin',
    'backtest',
    ...['--config', at('watchlist.yaml'), '--chain', 'local', '--from', '2', '--to', String(last)],
    ...args,
  ])
  return Number(process.exitCode ?? 0)
}
const report = async (...args: readonly string[]): Promise<BacktestReport> => {
  out = ''
  expect(await run('--format', 'json', ...args)).toBe(0)
  return JSON.parse(out) as BacktestReport
}

test('behavior: findings, pages by day of block time, duplicates', async () => {
  const { base, days, blocks } = await report('--bots', 'big-move')
  expect(blocks).toBe(last - 1)
  expect(days).toBeGreaterThan(2)
  expect(days).toBeLessThan(4)
  const [bot] = base.bots
  expect(bot).toMatchObject({ bot: 'big-move', findings: 4, alerts: { 'BIG-MOVE': 4 } })
  // Only the theft is High; the second of one hour is folded into the first's alert.
  expect(base.severities).toMatchObject({ SEV1: 0, SEV2: 1 })
  expect(bot?.pages).toBe(1)
  expect(bot?.pagesPerDay).toBeCloseTo(1 / days, 6)
  expect(bot?.duplicates).toBe(1)
  expect(Object.values(bot?.days ?? {})).toEqual([1])
})

test('behavior: text for people, findings first', async () => {
  expect(await run()).toBe(0)
  expect(out).toMatch(/^\d+ {2}SEV3 {2}big-move {2}BIG-MOVE/)
  expect(out).toMatch(/big-move +4 +1 +0\.\d+ +1 +0 +BIG-MOVE 4\n/)
  expect(out).toMatch(/mint-anomaly +0 +0 +0 +0 +–/)
  expect(out).toMatch(/Would have paged: 0 SEV1 and 1 SEV2 findings in 1 alert, 0\.\d+ a day\n/)
})

test('behavior: labelled incidents give recall, precision, delay and lead', async () => {
  const file = put(
    'incidents.csv',
    `name,chain,from,to,loss,txs,things,bots,alerts
Theft,local,${theft.block - 1},,,${theft.tx},gold,big-move,
"Unseen, never told",local,5,5,5,,gold,,
`,
  )
  const { base, outside } = await report('--incidents', file, '--grace', '0')
  expect(outside).toBe(0)
  expect(base.incidents).toMatchObject([
    {
      name: 'Theft',
      isPaged: true,
      foundBy: [{ bot: 'big-move', block: theft.block, delay: 1, lead: 0 }],
      missedBy: [],
    },
    { name: 'Unseen, never told', foundBy: [], missedBy: ['big-move', 'mint-anomaly'] },
  ])
  expect(base.detection).toMatchObject({ expected: 2, found: 1, recall: 0.5, precision: 1 })
  expect(base.detection?.findingPrecision).toBe(0.25)
  out = ''
  expect(await run('--incidents', file, '--grace', '0')).toBe(0)
  expect(out).toMatch(/Theft +\d+ +\d+ +1 +0 +big-move BIG-MOVE\n/)
  expect(out).toContain('MISSED')
})

test('error: faults of the incidents are named by file, line and column', async () => {
  const yaml = put(
    'bad.yaml',
    `incidents:
  - { name: a, chain: lcoal, from: 5, to: 4 }
  - { name: b, chain: local, things: [silver], bots: [big-moev] }
  - { name: c, chain: local, from: -1 }
`,
  )
  await expect(run('--incidents', yaml)).rejects.toMatchObject({
    code: 'config.invalid',
    exitCode: 2,
    hints: expect.arrayContaining([
      expect.stringMatching(/bad\.yaml:2:\d+: .*must not lie before `from`/),
      expect.stringMatching(/bad\.yaml:3:\d+: .*needs `from`, or `txs`/),
      expect.stringMatching(/bad\.yaml:4:36: .*too small/),
    ]),
  })
  const names = put(
    'names.json',
    '{"incidents": [\n{"name": "a", "chain": "lcoal", "from": 1},\n{"name": "b", "chain": "local", "from": 1, "things": ["silver"], "bots": ["big-moev"], "alerts": ["X"]}]}',
  )
  await expect(run('--incidents', names)).rejects.toMatchObject({
    hints: expect.arrayContaining([
      expect.stringMatching(/names\.json:2:\d+: .*no chain "lcoal"\. Did you mean "local"\?/),
      expect.stringMatching(/names\.json:3:\d+: .*no thing "silver"/),
      expect.stringMatching(/names\.json:3:\d+: .*no bot "big-moev"\. Did you mean "big-move"/),
    ]),
  })
  const csv = put('bad.csv', `name,chain,form\nx,local,3\n`)
  await expect(run('--incidents', csv)).rejects.toMatchObject({
    hints: expect.arrayContaining([
      expect.stringMatching(/bad\.csv:1:12: there is no column "form"/),
    ]),
  })
  const unknown = put('tx.csv', `name,chain,txs\nx,local,0x${'9'.repeat(64)}\n`)
  await expect(run('--incidents', unknown)).rejects.toMatchObject({
    hints: [expect.stringMatching(/tx\.csv:2:9: .*local does not know the transaction/)],
  })
  await expect(run('--incidents', at('none.yaml'))).rejects.toMatchObject({
    hints: [expect.stringContaining('none.yaml:1:1: there is no such file')],
  })
})

test('behavior: another set of parameters runs beside it: what appears, disappears, changes severity', async () => {
  const file = put(
    'other.yaml',
    `watch: [{ name: gold, bots: { big-move: { threshold: '125', highFactor: 100 } } }]\n`,
  )
  const { base, other, diff } = await report('--compare', file)
  expect(base.findings).toBe(4)
  expect(other?.findings).toBe(2)
  expect(other?.pages.alerts).toBe(0)
  expect(diff?.counts).toEqual({ appears: 0, disappears: 2, severity: 1, moves: 0 })
  expect(diff?.differences).toContainEqual(
    expect.objectContaining({
      kind: 'severity',
      block: theft.block,
      before: 'SEV2',
      after: 'SEV3',
      pages: -1,
    }),
  )
  // The other way round.
  const looser = put(
    'looser.yaml',
    `watch: [{ name: gold, bots: { big-move: { threshold: '55' } } }]\n`,
  )
  expect((await report('--compare', looser)).diff?.counts).toMatchObject({ appears: 1 })
  out = ''
  expect(await run('--compare', file)).toBe(0)
  expect(out).toContain('0 appear, 2 disappear, 1 change severity, 0 move')
  expect(out).toMatch(/~ \d+ {2}SEV2 → SEV3 {2}big-move/)
})

test('error: a set of parameters changes parameters only', async () => {
  const file = put(
    'wrong.yaml',
    `channels: {}\nwatch: [{ name: silver, address: 0x00 }]\nbots: { big-move: { parameters: { treshold: 3 } } }\n`,
  )
  await expect(run('--compare', file)).rejects.toMatchObject({
    exitCode: 2,
    hints: expect.arrayContaining([
      expect.stringMatching(/wrong\.yaml:1:1: channels: a set of parameters does not change this/),
      expect.stringMatching(/wrong\.yaml:2:\d+: .*nothing watched is called so/),
    ]),
  })
})

test('behavior: the page is one file that runs nothing and escapes what strangers wrote', async () => {
  const file = put(
    'hostile.yaml',
    `incidents: [{ name: '<script>alert(1)</script>&"', chain: local, from: ${theft.block} }]\n`,
  )
  expect(await run('--format', 'jsonl', '--html', at('report.html'), '--incidents', file)).toBe(0)
  expect(out.trim().split('\n')).toHaveLength(4)
  expect(err).toContain('Would have paged')
  const page = readFileSync(at('report.html'), 'utf8')
  expect(page).toMatch(/^<!doctype html>/)
  expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)|@import|<link|<img|\son\w+=/i)
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;')
  expect(page).toContain('prefers-color-scheme')
  expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(3)
})

test('behavior: hosted bots run over history as well, in a copy of their folder', async () => {
  const bot = await writtenBot(
    `const { Finding } = require('forta-agent')
     const { writeFileSync } = require('node:fs')
     let seen = 0
     module.exports = { handleTransaction: async (tx) => tx.filterLog('event Transfer(address indexed from, address indexed to, uint256 value)').map(({ args }) => {
       writeFileSync('seen.txt', String(++seen))
       return Finding.fromObject({ name: 'Moved', description: seen + ': ' + args.value, alertId: 'MOVED', severity: 3, type: 4 })
     }) }`,
    [31_337],
  )
  try {
    const file = put(
      'hosting.yaml',
      `${readFileSync(at('watchlist.yaml'), 'utf8')}forta: { mover: { dir: ${bot.dir} } }\n`,
    )
    const both = await report('--config', file, '--bots', 'mover,big-move')
    const moved = both.base.bots.find(({ bot: name }) => name === 'mover')
    expect(moved).toMatchObject({ findings: 6, alerts: { MOVED: 6 } })
    expect(both.base.bots.find(({ bot: name }) => name === 'big-move')?.findings).toBe(4)
    const alone = await report('--config', file, '--bots', 'mover')
    expect(alone.base.bots.map(({ bot: name }) => name)).toEqual(['mover'])
    expect(existsSync(join(bot.dir, 'seen.txt'))).toBe(false)
  } finally {
    await bot.remove()
  }
}, 120_000)

test('behavior: a bridge is held against its other side, which stands where it stood at that time', async () => {
  // Emits one log of two topics, the two words of its calldata.
  const code = '0x600c600c600039600c6000f360203560003560006000a200'
  const [lock, release] = ['DispatchId(bytes32)', 'ProcessId(bytes32)'].map(toEventSelector)
  const source = await startAnvil({ chainId: 31_338, timestampS: 1_700_000_000 })
  try {
    const { timestamp } = await chain.anvil.rpc<{ timestamp: Hex }>('eth_getBlockByNumber', [
      'latest',
      false,
    ])
    const startS = Number(timestamp) + 100
    const block = async (anvil: Anvil, afterS: number, tx?: object): Promise<Hex> => {
      const hash = tx && (await anvil.rpc<Hex>('eth_sendTransaction', [{ gas: '0x7a120', ...tx }]))
      await anvil.rpc('evm_mine', [{ timestamp: startS + afterS }])
      const receipt =
        hash && (await anvil.rpc<{ contractAddress: Hex }>('eth_getTransactionReceipt', [hash]))
      return receipt ? receipt.contractAddress : '0x'
    }
    const message = (to: Hex, topic: Hex | undefined, id: number) => ({
      to,
      from: chain.owner,
      data: `${topic}${id.toString(16).padStart(64, '0')}`,
    })
    const there = await block(source, 0, { from: chain.owner, data: code })
    const here = await block(chain.anvil, 6, { from: chain.owner, data: code })
    const from = (await chain.head()).number
    await block(source, 12, message(there, lock, 1))
    for (let afterS = 24; afterS < 900; afterS += 12)
      // Locked long after it was let out: no excuse.
      await block(source, afterS, afterS === 600 ? message(there, lock, 2) : undefined)
    await block(chain.anvil, 30, message(here, release, 1))
    await block(chain.anvil, 42, message(here, release, 2))
    for (const afterS of [300, 310, 320]) await block(chain.anvil, afterS)
    const file = put(
      'bridged.yaml',
      `version: 1
name: bridged
chains:
  local: { id: 31337, rpc: [{ http: ${chain.anvil.url} }] }
  source: { id: 31338, rpc: [{ http: ${source.url} }], finality: { depth: 2 } }
watch:
  - { kind: bridge, name: here, chain: local, address: ${here}, remote: { chain: source, address: ${there} } }
  - { kind: bridge, name: there, chain: source, address: ${there}, remote: { chain: local, address: ${here} } }
bots: { bridge: {} }
`,
    )
    const range = ['--from', String(from), '--to', String((await chain.head()).number)]
    const { base } = await report('--config', file, ...range)
    expect(base.failures).toEqual([])
    expect(base.bots).toMatchObject([
      { bot: 'bridge', findings: 1, alerts: { 'BRIDGE-UNBACKED': 1 } },
    ])
    expect(base.severities).toMatchObject({ SEV1: 1 })
    out = ''
    await run('--config', file, ...range)
    expect(out.match(/BRIDGE-UNBACKED.*/)?.[0]).toContain(`${'0'.repeat(63)}2`)
  } finally {
    await source.stop()
  }
})
