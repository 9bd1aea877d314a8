import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { writtenBot } from '../../../test/support/fortaScene.ts'
import { type Anvil, startAnvil, trialPolicy } from '../../testing/index.ts'
import { register } from './check.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-check-'))
const file = join(folder, 'watchlist.yaml')
let anvil: Anvil
let out = ''
let complaint = ''

beforeAll(async () => {
  anvil = await startAnvil()
  await anvil.rpc('anvil_setCode', ['0x00000000000000000000000000000000000000aa', '0x6001'])
})
afterAll(async () => {
  await anvil?.stop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  out = ''
  complaint = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complaint += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

mkdirSync(join(folder, 'own'))
writeFileSync(
  join(folder, 'own', 'big.mjs'),
  `import { z } from ${JSON.stringify(import.meta.resolve('zod'))}
export const big = {
  id: 'big-own', version: '1.2.3', summary: 'Tells of big things.', kinds: ['token', 'contract'], needs: () => ({}), handleBlock: () => [],
  alerts: [{ id: 'BIG', title: 'Something big', kind: 'event', severity: 'Critical' }],
  parameters: z.object({ limit: z.coerce.bigint().default(10n), spanS: z.int().default(60) }),
}
`,
)
const text = (extra = '', limit = '123456789012345678901234567890'): string => `version: 1
name: test
botsDir: own
chains:
  local: { id: 31337, rpc: [{ http: { env: CHECK_TEST_RPC } }] }
owners: { money: {} }
watch:
  - { kind: contract, name: one, chain: local, address: 0x00000000000000000000000000000000000000aa, owner: money, bots: { big-own: { limit: 5 } } }
  - { kind: token, name: two, chain: local, address: 0x00000000000000000000000000000000000000ab }
  - { kind: treasury, name: three, chain: local, address: 0x00000000000000000000000000000000000000ac }
bots: { big-own: { parameters: { limit: ${limit} } } }
channels: { console: { kind: console }, pager: { kind: webhook, url: { env: NOT_SET_URL }, secret: { env: NOT_SET_SECRET } } }
routes:
  - { match: { severity: [SEV1], owner: [money] }, channels: [pager], continue: true }
  - { match: { thing: [two] }, channels: [pager] }
  - { channels: [console] }
${extra}`

const run = async (...args: readonly string[]): Promise<number> => {
  const program = new Command('tocsin').exitOverride()
  register(program)
  await program.parseAsync(['node', 'tocsin', 'check', '--config', file, ...args])
  return Number(process.exitCode ?? 0)
}

test('behavior: offline it shows things, bots with effective parameters, people and answers; no secret is needed', async () => {
  writeFileSync(file, text())
  expect(await run('--offline')).toBe(0)
  expect(out).toMatch(/Chain local, id 31337, 1 endpoint\n/)
  expect(out).toMatch(
    /one +contract +0x00000000000000000000000000000000000000AA +money +big-own\n/i,
  )
  expect(out).toContain(
    'big-own 1.2.3, 2 things: limit 123456789012345678901234567890, spanS 60\n    one: limit 5, spanS 60\n',
  )
  expect(out).toMatch(/Critical \(SEV1\) +money +pager, console\n/)
  expect(out).toMatch(/Critical \(SEV1\) +no owner +console\n/)
  expect(out).toContain('route 2: thing two goes to pager')
  expect(out).toContain('What may act\n  nothing\n')
  expect(out).toContain('warning: No bot looks at: three.')
})

test('behavior: --explain says the same in sentences, --json as data', async () => {
  writeFileSync(file, text())
  expect(await run('--offline', '--explain')).toBe(0)
  expect(out).toContain(
    'one is a contract at 0x00000000000000000000000000000000000000AA. It belongs to money. big-own watches it.',
  )
  expect(out).toContain('For one they are: limit 5, spanS 60.')
  expect(out).toContain(
    'Findings of severity Critical (SEV1) about things of money go to pager and console.',
  )
  out = ''
  expect(await run('--offline', '--json')).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    ok: true,
    name: 'test',
    probe: null,
    things: [{ name: 'one', bots: ['big-own'] }, {}, {}],
  })
})

test('behavior: --schema prints the JSON Schema and reads nothing', async () => {
  rmSync(file, { force: true })
  expect(await run('--schema')).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ title: 'Tocsin watchlist', type: 'object' })
})

test('error: a wrong watchlist throws with exit code 2; as JSON every fault has its place', async () => {
  writeFileSync(file, text('answers: [{ when: { bot: [big-own] }, action: halt }]\n', '-x'))
  await expect(run('--offline')).rejects.toMatchObject({
    code: 'config.invalid',
    exitCode: 2,
    hints: [
      expect.stringMatching(/watchlist\.yaml:11:41: bots\.big-own\.parameters\.limit: /),
      expect.stringMatching(
        /watchlist\.yaml:17:47: answers\[0\]\.action: there is no approved action "halt"/,
      ),
    ],
  })
  expect(await run('--offline', '--json')).toBe(2)
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    code: 'config.invalid',
    faults: [{ line: 11, column: 41 }, { line: 17 }],
  })
  expect(JSON.parse(complaint)).toMatchObject({ error: { code: 'config.invalid' } })
})

test('behavior: a policy whose runbook is not there is a warning, exit code 0', async () => {
  const own = join(folder, 'actions', 'halt')
  mkdirSync(own, { recursive: true })
  const policy = trialPolicy({
    id: 'halt',
    action: 'pause',
    target: `0x${'11'.repeat(20)}`,
    codeHash: `0x${'22'.repeat(32)}`,
    calldata: '0x8456cb59',
  })
  writeFileSync(join(own, 'policy.yaml'), JSON.stringify(policy, null, 1))
  writeFileSync(file, text('answers: [{ when: { bot: [big-own] }, action: halt }]\n'))
  try {
    await run('--offline')
    expect(out).toMatch(/warning: .*policy\.yaml:\d+ runbook: there is no .*runbook\.md\. Write/)
    out = ''
    writeFileSync(join(own, 'runbook.md'), '# what to do\n')
    await run('--offline')
    expect(out).not.toContain('runbook')
  } finally {
    rmSync(join(folder, 'actions'), { recursive: true })
  }
})

test('error: a policy file that is wrong is told with its place, exit code 2', async () => {
  mkdirSync(join(folder, 'actions'), { recursive: true })
  writeFileSync(join(folder, 'actions', 'halt.yaml'), 'id: halt\n')
  writeFileSync(file, text('answers: [{ when: { bot: [big-own] }, action: halt }]\n'))
  expect(await run('--offline')).toBe(2)
  expect(out).toMatch(/error: .*halt\.yaml:\d+:\d+ /)
  expect(out).toContain('warning: There are answers but no `signer`, so nothing will act.')
  expect(out).toContain('halt (off): big-own at Critical or graver')
  rmSync(join(folder, 'actions'), { recursive: true })
})

test('error: what the chain contradicts is told with line and column, exit code 3', async () => {
  writeFileSync(file, text())
  vi.stubEnv('CHECK_TEST_RPC', anvil.url)
  expect(await run()).toBe(3)
  expect(out).toContain(`local ${anvil.url}: chain 31337, block 0`)
  expect(out).toMatch(/error: \S+watchlist\.yaml:9:54: watch\[two\]\.address: there is no code at/)
  expect(out).not.toContain('watch[one]')
  // Secrets that only the processes want may be elsewhere; that they are not here is told.
  expect(out).toMatch(
    /warning: .*channels\.pager\.secret: the environment variable NOT_SET_SECRET is not set\..* `tocsin start` needs it\./,
  )
  vi.unstubAllEnvs()
  await expect(run()).rejects.toMatchObject({
    code: 'config.invalid',
    hints: [expect.stringContaining('CHECK_TEST_RPC is not set')],
  })
})

test('behavior: hosted bots are shown with what they are, and what keeps them from running', async () => {
  const bot = await writtenBot('module.exports = {}', [31_337])
  const other = await writtenBot('module.exports = {}', [5])
  try {
    const id = `0x${'ab'.repeat(32)}`
    writeFileSync(
      file,
      text(
        `forta: { good: { dir: ${bot.dir}, env: [GOOD_KEY], botId: '${id}' }, lost: { dir: ${other.dir} } }`,
      ),
    )
    expect(await run('--offline', '--explain')).toBe(0)
    expect(out).toMatch(
      /good is written-bot 1\.2\.3 with forta-agent 0\.1\.48, from .*\. It gets every block of local with call traces/,
    )
    expect(out).toContain(`Of our environment it sees GOOD_KEY. Other bots know it as ${id}.`)
    expect(out).toContain('lost cannot be run: it is made for chain 5')
    out = ''
    await run('--offline')
    expect(out).toContain('good, on local: written-bot 1.2.3 with forta-agent 0.1.48')
    expect(out).toContain('warning: The hosted bot lost cannot be run')
  } finally {
    await bot.remove()
    await other.remove()
  }
})

test('behavior: hours of routes are shown; a console that `start` would refuse is an error, one without users a warning', async () => {
  const hours = `channels: { chat: { kind: console }, mail: { kind: console } }
routes:
  - { match: { severity: [SEV1, SEV2] }, channels: [chat] }
  - { name: mild, channels: [mail], during: business }
dependencies: { feed: {} }
`
  const check = async (extra: string) => {
    out = ''
    process.exitCode = undefined
    writeFileSync(file, `${text().split('channels:')[0]}${hours}${extra}`)
    await run('--offline')
    return { out, code: process.exitCode ?? 0 }
  }
  const near = await check('')
  expect(near.out).toContain('mild: everything goes to mail in business hours alone, but for SEV1')
  expect(near.out).toContain('The dependency feed is hit by nothing')
  expect(near.code).toBe(0)
  const bare = await check('console: { host: 0.0.0.0 }\n')
  expect(bare).toMatchObject({ code: 2, out: expect.stringContaining('has no https address') })
  const far = await check('console: { host: 0.0.0.0, publicUrl: https://tocsin.example }\n')
  expect(far).toMatchObject({ code: 0, out: expect.stringContaining('tocsin users add') })
})
