import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadActions } from './loadActions.ts'
import { parsePolicy } from './parsePolicy.ts'

const actions = await loadActions()
const GOOD = `# approved
id: pause-vault
version: 1
action: pause
approvedBy: [Ada, Grace]
approvedAt: 2030-01-01T00:00:00Z
expiresAt: 2031-01-01T00:00:00Z
chain: 1
target: 0x5FbDB2315678afecb367f032d93F642f64180aa3
codeHash: 0x${'ab'.repeat(32)}
calldata: 0x8456cb59
value: 0
gasLimit: 200000
maxFeePerGasWei: 200 gwei
maxPriorityFeePerGasWei: 10_000_000_000
maxSpendWeiPer24h: 0.1 ether
triggers:
  - bot: tvl-drop
    minSeverity: High
freshness: { blocks: 5, seconds: 60 }
mode: auto
approval: { timeoutS: 600 }
limits: { maxPerWindow: 1, windowS: 3600, maxLifetime: 5 }
cooldownS: 600
simulation: { mode: best-effort, onUnavailable: proceed, onRevert: stop }
postcondition: { deadlineS: 120, confirmations: 2 }
replaceAfterBlocks: 2
runbook: runbook.md
`
const parse = (text: string, expectedId = 'pause-vault') =>
  parsePolicy(text, { file: 'p.yaml', expectedId, actions })
const messages = (text: string): readonly string[] => {
  const result = parse(text)
  return result.ok
    ? []
    : result.faults.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

test('default: unquoted hexadecimal stays text, amounts may carry a unit', () => {
  const result = parse(GOOD)
  expect(result).toMatchObject({
    ok: true,
    policy: {
      target: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
      calldata: '0x8456cb59',
      maxFeePerGasWei: 200_000_000_000n,
      maxPriorityFeePerGasWei: 10_000_000_000n,
      maxSpendWeiPer24h: 100_000_000_000_000_000n,
    },
  })
})

test('behavior: the hash follows every value, and neither comments nor layout', () => {
  const hash = (text: string): string | undefined => {
    const result = parse(text)
    return result.ok ? result.policy.hash : undefined
  }
  expect(
    hash(GOOD.replace('# approved', '# other').replace('chain: 1\n', 'chain:   1 # mainnet\n')),
  ).toBe(hash(GOOD))
  const seen = new Set([hash(GOOD)])
  const changes: readonly (readonly [string, string])[] = [
    ['version: 1', 'version: 2'],
    ['Grace', 'Mallory'],
    ['chain: 1\n', 'chain: 10\n'],
    ['ab', 'cd'],
    ['gasLimit: 200000', 'gasLimit: 200001'],
    ['200 gwei', '201 gwei'],
    ['minSeverity: High', 'minSeverity: Low'],
    ['blocks: 5', 'blocks: 6'],
    ['mode: auto', 'mode: propose'],
    ['maxPerWindow: 1', 'maxPerWindow: 2'],
    ['cooldownS: 600', 'cooldownS: 601'],
    ['2031', '2032'],
    ['confirmations: 2', 'confirmations: 3'],
  ]
  for (const [from, to] of changes) seen.add(hash(GOOD.replace(from, to)))
  expect(seen.size).toBe(changes.length + 1)
  expect(seen).not.toContain(undefined)
})

test('error: a policy that could unpause, or do anything but pause, is refused', () => {
  for (const calldata of [
    '0x3f4ba83a',
    '0xf2fde38b',
    '0x8456cb5900',
    `0xa9059cbb${'00'.repeat(64)}`,
  ])
    expect(messages(GOOD.replace('0x8456cb59', calldata))).toEqual([
      expect.stringMatching(/^11:11 calldata: .*(only ever raises a guard|is not the calldata)/),
    ])
  expect(messages(GOOD.replace('action: pause', 'action: unpause'))).toEqual([
    expect.stringContaining('unknown action "unpause"'),
  ])
})

test('error: every fault is told at once, each with its place', () => {
  const bad = GOOD.replace('chain: 1\n', 'chain: mainnet\n')
    .replace('value: 0', 'value: 1')
    .replace('target: 0x5F', 'target: 0x5f')
    .replace('mode: auto', 'mode: yolo')
    .replace('runbook: runbook.md', 'surprise: 1')
  const told = messages(bad)
  for (const start of ['8:8 chain', '9:9 target', '12:8 value', '21:7 mode'])
    expect(told).toContainEqual(expect.stringContaining(start))
  expect(told).toContainEqual(expect.stringContaining('runbook'))
  expect(told).toContainEqual(expect.stringContaining('surprise'))
})

test('error: no limit has a default', () => {
  for (const key of [
    'gasLimit',
    'maxFeePerGasWei',
    'maxPriorityFeePerGasWei',
    'maxSpendWeiPer24h',
    'freshness',
    'limits',
    'cooldownS',
    'simulation',
    'postcondition',
    'mode',
    'expiresAt',
    'approvedBy',
    'triggers',
    'codeHash',
  ]) {
    const without = GOOD.split('\n').filter(
      (text) => !text.startsWith(`${key}:`) && !(key === 'triggers' && /^ {2}/.test(text)),
    )
    expect(messages(without.join('\n')), key).toContainEqual(expect.stringContaining(key))
  }
})

test('error: values that contradict each other', () => {
  expect(messages(GOOD.replace('2031', '2029'))).toEqual([
    expect.stringContaining('expiresAt: must lie after'),
  ])
  expect(messages(GOOD.replace('10_000_000_000', '201 gwei'))).toEqual([
    expect.stringContaining('maxPriorityFeePerGasWei: must not exceed'),
  ])
  expect(messages(GOOD.replace('0.1 ether', '0.03 ether'))).toEqual([
    expect.stringContaining('does not cover one transaction'),
  ])
  expect(messages(GOOD.replace('best-effort', 'required'))).toEqual([
    expect.stringContaining('must be "stop"'),
  ])
  expect(messages(`${GOOD}quorum: { bots: 2, endpoints: 1 }\n`)).toEqual([
    expect.stringContaining('quorum.bots: can never be reached: the triggers name 1 bot'),
  ])
  expect(messages(`${GOOD}pending: { answer: true, maxPriorityFeePerGasWei: 1 ether }\n`)).toEqual([
    expect.stringContaining('pending.maxPriorityFeePerGasWei: must not exceed'),
  ])
  expect(
    messages(`${GOOD}senders: [{ name: local, deadlineS: 5 }, { name: local, deadlineS: 9 }]\n`),
  ).toEqual([expect.stringContaining('senders: each sender stands here once')])
  expect(parse(GOOD, 'other')).toMatchObject({ ok: false })
})

test('error: senders whose deadlines leave the last one no time', () => {
  const chain = (...deadlines: readonly number[]): string =>
    `${GOOD.replace('0.1 ether', '1 ether')}senders: [${deadlines
      .map((deadlineS, index) => `{ name: s${index}, deadlineS: ${deadlineS} }`)
      .join(', ')}]\n`
  // GOOD gives the effect 120 s; what the last sender has for itself does not count.
  for (const fine of [[86_400], [119, 86_400], [60, 59, 1]])
    expect(messages(chain(...fine)), String(fine)).toEqual([])
  expect(messages(chain(120, 1))).toEqual([
    '29:10 senders: those before "s1" may take 120 s, and postcondition.deadlineS ends everything after 120 s: "s1" would never get its turn. Shorten their deadlineS, or raise postcondition.deadlineS above 120',
  ])
  expect(messages(chain(60, 60, 1))).toEqual([expect.stringContaining('"s2" would never get')])
})

test('error: broken YAML, a doubled key, an alias bomb', () => {
  expect(messages('id: [')[0]).toMatch(/^\d+:\d+ /)
  expect(messages(`${GOOD}mode: observe\n`)[0]).toContain('a second time')
  expect(() => messages('a: &a [x]\nb: [*a, *a]\n')).not.toThrow()
  expect(messages('a: &a [x]\nb: [*a, *a]\n').length).toBeGreaterThan(0)
})

test('behavior: the runbook of the action names every reason that a failed execution can give', () => {
  const runbook = readFileSync(new URL('../../actions/pause/runbook.md', import.meta.url), 'utf8')
  for (const code of ['deadline', 'reverted', 'nonce_taken', 'forged', 'policy_changed'])
    expect(runbook).toContain(code)
})

test('error: what a hand slips on is told with its place and what was meant', () => {
  expect(messages(GOOD.replace('cooldownS', 'coolDownS'))).toEqual([
    '2:1 cooldownS: is missing',
    '24:1 coolDownS: unknown key. Did you mean "cooldownS"?',
  ])
  expect(messages(GOOD.replace('timeoutS: 600', 'timeoutS: 600, x: 1'))).toEqual([
    expect.stringMatching(/^22:\d+ approval\.x: unknown key$/),
  ])
  expect(messages(`${GOOD}mode: auto\n`)).toEqual(['29:1 a key stands here a second time'])
  expect(messages(`${GOOD}foo: [\n`)).toEqual([expect.not.stringContaining('at line')])
  expect(messages('')).toEqual(['1:1 the file is empty'])
})
