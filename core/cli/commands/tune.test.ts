import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { writeBigMoveBot } from '../../../test/support/bigMoveBot.ts'
import { startTransferChain, type TransferChain } from '../../../test/support/transferChain.ts'
import { register } from './tune.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-tune-'))
const UNIT = 10n ** 18n
let chain: TransferChain
let last = 0
let out = ''

beforeAll(async () => {
  writeBigMoveBot(folder)
  chain = await startTransferChain({ args: ['--timestamp', '1700000000'] })
  // Two weeks: every other day one transfer, of 1,000 to 7,000 tokens.
  for (let day = 1; day <= 7; day++) {
    await chain.anvil.rpc('evm_increaseTime', [2 * 86_400])
    await chain.mine(1, BigInt(day) * 1_000n * UNIT)
  }
  last = (await chain.head()).number
  writeFileSync(
    join(folder, 'watchlist.yaml'),
    `version: 1
name: test
botsDir: own
chains: { local: { id: 31337, rpc: [{ http: ${chain.anvil.url} }] } }
watch: [{ kind: token, name: gold, chain: local, address: ${chain.token} }]
bots: { big-move: { parameters: { threshold: '100', highFactor: 2 } } }
`,
  )
})
afterAll(async () => {
  await chain?.anvil.stop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

const run = async (...args: readonly string[]): Promise<void> => {
  const program = new Command('tocsin').exitOverride()
  register(program)
  const range = ['--chain', 'local', '--from', '2', '--to', String(last)]
  const file = join(folder, 'watchlist.yaml')
  await program.parseAsync(['node', 'tocsin', 'tune', ...args, '--config', file, ...range])
}

test('behavior: the most watchful threshold within the wanted rate, to the digit, with YAML to paste', async () => {
  await run(...['big-move', '--parameter', 'threshold', '--pages-per-week', '1.5', '--json'])
  const told = JSON.parse(out)
  const [parameter] = told.parameters
  expect(parameter).toMatchObject({ parameter: 'threshold', present: '100', quieter: 'higher' })
  // Pages are transfers of more than twice the threshold; three in two weeks are those of 5,000 and more.
  const proposed = Number(parameter.proposed)
  expect(proposed).toBeGreaterThanOrEqual(2_000)
  expect(proposed).toBeLessThan(2_050)
  const pages = new Map<string, number>(
    parameter.trials.map((trial: { value: string; pages: number }) => [trial.value, trial.pages]),
  )
  expect(pages.get('100')).toBe(7)
  expect(pages.get(parameter.proposed)).toBe(3)
  expect(parse(told.yaml)).toEqual({
    bots: { 'big-move': { parameters: { threshold: parameter.proposed } } },
  })
  expect(told.isRefined).toBe(true)
})

test('behavior: a table for people; of one thing alone; the range is called short where it is', async () => {
  await run('big-move', '--parameter', 'highFactor', '--values', '5,20,60', '--thing', 'gold')
  expect(out).toMatch(/highFactor +pages a week +pages +findings +duplicates\n/)
  expect(out).toMatch(/\n +2 +3\.\d+ +7 +7 +0 +now\n/)
  expect(out).toMatch(/\n +50 +1\.00 +2 +7 +0 +proposed\n/)
  expect(out).toContain(
    'watch:\n  - name: "gold"\n    bots:\n      big-move:\n        highFactor: 50 #',
  )
  expect(out).toMatch(/The range holds 1\d\.\d days: .* Take at least 21 days\./)
})

test('error: what does not exist is named, with what does', async () => {
  await expect(run('big-moev')).rejects.toMatchObject({
    code: 'bot.unknown',
    exitCode: 2,
    hints: [expect.stringContaining('big-move')],
  })
  await expect(run('big-move', '--parameter', 'treshold')).rejects.toMatchObject({
    code: 'tune.no_parameter',
    hints: ['Did you mean "threshold"?'],
  })
  await expect(run('big-move', '--parameter', 'threshold', '--thing', 'x')).rejects.toMatchObject({
    code: 'tune.unknown',
  })
})
