import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError, loadConfig, mergeBotParameters } from './index.ts'
import type { LoadConfigOptions } from './loadConfig.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const write = (files: Record<string, string | Buffer>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-config-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const head = `version: 1
name: test
chains:
  local: { id: 31337, rpc: [{ http: http://127.0.0.1:8545 }] }
`
const minimal = `${head}watch:
  - { kind: token, name: usd, chain: local, address: 0x00000000000000000000000000000000000000aa }
`

const load = (
  text: string | Buffer,
  options: Partial<LoadConfigOptions> & { files?: Record<string, string> } = {},
) => {
  const { files = {}, ...rest } = options
  const folder = write({ 'watchlist.yaml': text, ...files })
  return loadConfig({
    file: join(folder, 'watchlist.yaml'),
    secrets: 'none',
    environment: {},
    ...rest,
  })
}

/** Every fault as `file:line:column path: problem. mend`, folder removed. */
const faultsOf = async (
  text: string | Buffer,
  options: Parameters<typeof load>[1] = {},
): Promise<readonly string[]> => {
  const error = await load(text, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ConfigError)) throw new Error(`no fault was found: ${String(error)}`)
  expect(error).toMatchObject({ code: 'config.invalid', exitCode: 2 })
  expect(error.hints).toHaveLength(error.faults.length)
  return error.hints.map((hint) => hint.replace(/\/\S*\/(?=watchlist)/g, ''))
}

test('behavior: a small watchlist is resolved with its defaults', async () => {
  const config = await load(minimal)
  expect(config.watch[0]).toMatchObject({
    kind: 'token',
    name: 'usd',
    chainId: 31337,
    abi: undefined,
  })
  expect(config.watch[0]?.address).toBe('0x00000000000000000000000000000000000000aa')
  expect(config.channels).toEqual([{ kind: 'console', name: 'console' }])
  expect(config.chains[0]).toMatchObject({
    name: 'local',
    rpc: [{ name: 'rpc-1', http: 'http://127.0.0.1:8545', ws: undefined }],
  })
  expect(config.dataDir).toMatch(/^\/.*\.tocsin$/)
  expect(config.places?.['watch.usd.address']).toMatchObject({ line: 6, column: 54 })
})

test('behavior: unquoted addresses of every shape stay the text that they are', async () => {
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const draw = (alphabet: string): string =>
    Array.from({ length: 40 }, () => alphabet[random(alphabet.length)]).join('')
  const addresses = [
    '0'.repeat(40),
    '1'.repeat(40),
    `1e5${'0'.repeat(37)}`,
    `${'0'.repeat(39)}1`,
    `${'0'.repeat(20)}${'9'.repeat(20)}`,
    `1${'e'.repeat(1)}${'9'.repeat(38)}`,
    'e'.repeat(40),
    ...Array.from({ length: 100 }, (_, index) =>
      draw(
        ['0123456789', '0123456789e', '0123456789abcdef', '01e', '07o'.slice(0, 2)][index % 5] ??
          '',
      ),
    ),
  ].map((digits) => `0x${digits}`)
  const entries = [...new Set(addresses)]
  const text = `${head}watch:\n${entries.map((address, i) => `  - kind: token\n    name: t${i}\n    chain: local\n    address: ${address}\n    bots: {}`).join('\n')}\n`
  const config = await load(text)
  expect(config.watch.map((thing) => thing.address)).toEqual(entries)
})

test('behavior: amounts too long for a double stay exact in parameters', async () => {
  const config = await load(`${minimal}bots:
  b: { parameters: { plain: 1234567890123456789012345678901234567890, small: 12, hex: 0x10, half: 0.5, date: 2024-01-01 } }
`)
  expect(config.bots['b']?.parameters).toEqual({
    plain: '1234567890123456789012345678901234567890',
    small: 12,
    hex: '0x10',
    half: 0.5,
    date: '2024-01-01',
  })
})

test('error: every fault of the schema is told in one pass with line and column', async () => {
  const text = `version: 2
name: Test Name
chains:
  local:
    id: "1"
    rpc:
      - htp: http://127.0.0.1:8545
    traces: debgu
    finality: { depth: none }
watch:
  - kind: tokn
    name: a
  - kind: pool
    name: b
    chain: local
    adress: 0x00000000000000000000000000000000000000aa
    variant: uniswap-v5
  - kind: oracle
    name: c
    chain: local
    address: 0x1234
    heartbeatS: -5
channels:
  ops: { kind: webhok }
console:
  port: 70000
`
  expect(await faultsOf(text)).toEqual([
    'watchlist.yaml:1:10: version: 2 is not allowed. Write 1.',
    'watchlist.yaml:2:7: name: "Test Name" does not fit. Expected: use lower-case letters, digits and dashes.',
    'watchlist.yaml:5:9: chains.local.id: "1" is not a number. Give a number.',
    'watchlist.yaml:7:9: chains.local.rpc[0].http: is missing. Write a URL, {env: NAME_OF_VARIABLE} or {file: path}, one of them.',
    'watchlist.yaml:7:9: chains.local.rpc[0].htp: unknown key "htp". Did you mean "http"?',
    'watchlist.yaml:8:13: chains.local.traces: "debgu" is not allowed. Allowed: debug, parity, none, auto. Did you mean "debug"?',
    'watchlist.yaml:9:24: chains.local.finality.depth: "none" is not a number. Give a number.',
    'watchlist.yaml:11:11: watch[a].kind: "tokn" is not allowed. Allowed: contract, proxy, token, vault, pool, lending-market, multisig, governor, timelock, oracle, bridge, treasury, label. Did you mean "token"?',
    'watchlist.yaml:13:5: watch[b].address: is missing. Give text.',
    'watchlist.yaml:16:5: watch[b].adress: unknown key "adress". Did you mean "address"?',
    'watchlist.yaml:17:14: watch[b].variant: "uniswap-v5" is not allowed. Allowed: uniswap-v2, uniswap-v3, uniswap-v4, curve. Did you mean "uniswap-v2"?',
    'watchlist.yaml:21:14: watch[c].address: "0x1234" does not fit. Expected: an address is 0x and 40 hexadecimal digits.',
    'watchlist.yaml:22:17: watch[c].heartbeatS: the value is too small. Give more than 0.',
    'watchlist.yaml:24:16: channels.ops.kind: "webhok" is not allowed. Allowed: console, webhook, pagerduty, slack, slack-webhook, discord, telegram, email, twilio, jira, alertmanager. Did you mean "webhook"?',
    'watchlist.yaml:26:9: console.port: the value is too large. Give at most 65535.',
  ])
})

test('error: names that point nowhere, doubles and checksums are told beside faults of the schema', async () => {
  const text = `version: 1
name: test
nmae: test
chains:
  local: { id: 1, rpc: [{ http: http://127.0.0.1:8545 }] }
  other: { id: 1, rpc: [{ http: http://127.0.0.1:8546 }] }
owners: { treasury: {} }
bots: { tvl-drop: {} }
watch:
  - { kind: token, name: usd, chain: locl, owner: tresury, address: 0x00000000000000000000000000000000000000aa }
  - { kind: vault, name: usd, chain: local, address: 0xa0b86991c6218b36c1d19D4a2e9eb0ce3606eb48 }
  - { kind: token, name: eur, chain: local, address: 0x00000000000000000000000000000000000000AB, abi: missing.json }
  - { kind: token, name: chf, chain: local, address: 0x00000000000000000000000000000000000000ab, bots: { tvl-dorp: {} } }
  - { kind: bridge, name: br, chain: local, address: 0x00000000000000000000000000000000000000ac, remote: { chain: base, address: 0x00000000000000000000000000000000000000ad } }
routes:
  - { match: { owner: [tresury], thing: [usd, uds], bot: [tocsin-self, tvl-dro] }, channels: [console, slack] }
answers:
  - { when: { bot: [tvl], thing: [euro] }, action: pausee }
signer: { rpc: { lcl: [http://127.0.0.1:8545] }, keystore: key.json, password: { env: PW } }
`
  expect(await faultsOf(text, { actions: ['pause'] })).toEqual([
    'watchlist.yaml:3:1: nmae: unknown key "nmae". Did you mean "name"?',
    'watchlist.yaml:6:16: chains.other.id: chain "local" has the id 1 too. Each chain stands here once.',
    'watchlist.yaml:10:38: watch[usd].chain: there is no chain "locl". Did you mean "local"?',
    'watchlist.yaml:10:51: watch[usd].owner: there is no owner "tresury". Did you mean "treasury"?',
    'watchlist.yaml:11:26: watch[usd].name: the name "usd" stands in line 10 already. Give each thing a name of its own.',
    'watchlist.yaml:11:54: watch[usd].address: the capitals of this address do not fit its digits (EIP-55 checksum). A digit may be wrong: compare with the source; if all are right, write 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48.',
    'watchlist.yaml:12:103: watch[eur].abi: there is no such ABI file. The path is taken from the folder of the watchlist.',
    'watchlist.yaml:13:54: watch[chf].address: "eur" is the same token at the same address. Remove one of the two.',
    'watchlist.yaml:13:106: watch[chf].bots.tvl-dorp: there is no bot "tvl-dorp". Did you mean "tvl-drop"?',
    'watchlist.yaml:14:115: watch[br].remote.chain: there is no chain "base". Known chains: local, other.',
    'watchlist.yaml:16:24: routes[0].match.owner[0]: there is no owner "tresury". Did you mean "treasury"?',
    'watchlist.yaml:16:47: routes[0].match.thing[1]: there is no thing "uds". Did you mean "usd"?',
    'watchlist.yaml:16:72: routes[0].match.bot[1]: there is no bot "tvl-dro". Did you mean "tvl-drop"?',
    'watchlist.yaml:16:104: routes[0].channels[1]: there is no channel "slack". Known channels: console.',
    'watchlist.yaml:18:21: answers[0].when.bot[0]: there is no bot "tvl". Known bots: tvl-drop.',
    'watchlist.yaml:18:35: answers[0].when.thing[0]: there is no thing "euro". Did you mean "eur"?',
    'watchlist.yaml:18:52: answers[0].action: there is no approved action "pausee". Did you mean "pause"?',
    'watchlist.yaml:19:18: signer.rpc.lcl: there is no chain "lcl". Known chains: local, other.',
  ])
})

test('error: YAML that does not parse, doubled keys, aliases within themselves', async () => {
  expect(await faultsOf('version: 1\nname: [a\nchains: {}\n')).toEqual([
    expect.stringMatching(/^watchlist\.yaml:[23]:\d+: .*Check the YAML/),
  ])
  expect(await faultsOf(`${minimal}name: again\n`)).toEqual([
    'watchlist.yaml:7:1: the key "name" stands here a second time. Keep one of them.',
  ])
  expect(await faultsOf(`${minimal}---\nversion: 1\n`)).toEqual([
    'watchlist.yaml:7:1: a second document begins here. One file holds one document: remove the "---" line.',
  ])
  expect(await faultsOf(`${minimal}bots: &b\n  x: { parameters: { y: *b } }\n`)).toEqual([
    expect.stringContaining('levels deep'),
  ])
  expect(await faultsOf('')).toEqual([
    'watchlist.yaml:1:1: the file is empty. Begin with `version: 1`.',
  ])
  expect(await faultsOf('- 1\n')).toEqual([
    'watchlist.yaml:1:1: the file is not a map. Begin with `version: 1`.',
  ])
  expect(await faultsOf(`${minimal}__proto__: { x: 1 }\n`)).toEqual([
    'watchlist.yaml:7:1: this key is not allowed. Choose another name.',
  ])
})

test('error: aliases that unfold without end are one fault, whatever else is in the file', async () => {
  const layers = [...'abcdefg'].map((name, index, all) => {
    const below = index === 0 ? 'x' : `*${all[index - 1]}`
    return `${name}: &${name} [${Array.from({ length: 10 }, () => below).join(', ')}]`
  })
  expect(await faultsOf(`${layers.join('\n')}\n${minimal}`)).toEqual([
    expect.stringMatching(/it holds more than 200000 values. Use fewer aliases, or split it\.$/),
  ])
})

test.each([
  ['UTF-16', Buffer.from(`\ufeff${minimal}`, 'utf16le'), 'the file is not text in UTF-8'],
  ['bytes', Buffer.from([0x76, 0xff, 0xfe, 0x00]), 'the file is not text in UTF-8'],
  ['2 MB', Buffer.from(`${minimal}# ${'x'.repeat(2_000_000)}\n`), 'the file is larger than 1 MB'],
])('error: a file of %s is refused in one sentence', async (_, bytes, problem) => {
  expect(await faultsOf(bytes)).toEqual([expect.stringContaining(`watchlist.yaml:1:1: ${problem}`)])
})

test('behavior: line ends of Windows and a byte order mark are no fault', async () => {
  const config = await load(`\ufeff${minimal.replaceAll('\n', '\r\n')}`)
  expect(config.name).toBe((await load(minimal)).name)
})

test('error: a misspelt section or bot is told once, not by all that refer to it', async () => {
  const known = { bots: [bot] }
  expect(
    await faultsOf(
      `${head}onwers: { a: {} }
watch:
  - { kind: token, name: usd, chain: local, address: 0x00000000000000000000000000000000000000aa, owner: a }
bots: { tvl-dorp: {} }
routes: [{ match: { bot: [tvl-drop] }, channels: [console] }]
`,
      known,
    ),
  ).toEqual([
    expect.stringContaining('unknown key "onwers". Did you mean "owners"?'),
    expect.stringContaining('there is no bot "tvl-dorp". Did you mean "tvl-drop"?'),
  ])
  expect(
    await faultsOf(
      `${minimal}routes: [{ match: { bot: [tvl-drop] }, channels: [console] }]\n`,
      known,
    ),
  ).toEqual([
    expect.stringContaining('the bot "tvl-drop" is not switched on. Write `tvl-drop: {}` below'),
  ])
})

test('error: tabs, a folder in place of the file, ports that are none', async () => {
  expect(await faultsOf(`${minimal}owners:\n\ta: {}\n`)).toEqual([
    'watchlist.yaml:8:1: Tabs are not allowed as indentation. Indent with spaces.',
  ])
  const error = await loadConfig({ file: write({}), secrets: 'none' }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({
    code: 'config.invalid',
    hints: [expect.stringMatching(/:1:1: this is a folder, not a file. Name the file in it\.$/)],
  })
  expect(await faultsOf(`${minimal}console: { port: 99999 }\n`)).toEqual([
    expect.stringContaining('console.port: the value is too large. Give at most 65535.'),
  ])
})

test('error: a missing watchlist names itself', async () => {
  const error = await loadConfig({ file: 'no/such/watchlist.yaml', secrets: 'none' }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({
    code: 'config.invalid',
    hints: ['no/such/watchlist.yaml:1:1: there is no such file. Name the watchlist with --config.'],
  })
})

test('behavior: an overlay merges maps, merges named lists by name, replaces other lists, removes with nothing', async () => {
  const base = `${head}owners: { a: {}, b: {} }
watch:
  - { kind: token, name: usd, chain: local, address: 0x00000000000000000000000000000000000000aa, owner: a, bots: { x: { m: { p: 1, q: 2 }, l: [1, 2] } } }
  - { kind: token, name: eur, chain: local, address: 0x00000000000000000000000000000000000000ab }
bots: { x: {}, y: }
channels:
  hook: { kind: webhook, url: { env: URL }, secret: { env: SECRET } }
routes: [{ channels: [hook] }]
`
  const overlay = `chains:
  local: { blockTimeMs: 1000 }
watch:
  - { name: usd, owner: b, bots: { x: { m: { q: 3 }, l: [9] } } }
  - { kind: token, name: chf, chain: local, address: 0x00000000000000000000000000000000000000ac }
bots: { y: }
channels:
  hook: { kind: console }
`
  const config = await load(base, { env: 'staging', files: { 'watchlist.staging.yaml': overlay } })
  expect(config.env).toBe('staging')
  expect(config.files).toHaveLength(2)
  expect(config.chains[0]).toMatchObject({ id: 31337, blockTimeMs: 1000 })
  expect(config.watch.map(({ name, owner }) => [name, owner])).toEqual([
    ['usd', 'b'],
    ['eur', undefined],
    ['chf', undefined],
  ])
  expect(config.watch[0]?.bots).toEqual({ x: { m: { p: 1, q: 3 }, l: [9] } })
  expect(Object.keys(config.bots)).toEqual(['x'])
  expect(config.channels).toEqual([{ kind: 'console', name: 'hook' }])
  expect((await load(base)).bots['y']).toEqual({ enabled: true, parameters: {} })
})

test('error: faults of an overlay name the overlay, and an unknown environment its neighbours', async () => {
  const overlay = 'watch:\n  - name: usd\n    address: 0x12\nchans: {}\n'
  const files = { 'watchlist.staging.yaml': overlay }
  expect(await faultsOf(minimal, { env: 'staging', files })).toEqual([
    'watchlist.staging.yaml:3:14: watch[usd].address: "0x12" does not fit. Expected: an address is 0x and 40 hexadecimal digits.',
    'watchlist.staging.yaml:4:1: chans: unknown key "chans". Did you mean "chains"?',
  ])
  expect(await faultsOf(minimal, { env: 'stagin', files })).toEqual([
    'watchlist.stagin.yaml:1:1: there is no such file, so no environment "stagin". Did you mean "staging"?',
  ])
  await expect(load(minimal, { env: '../x' })).rejects.toMatchObject({
    code: 'config.invalid',
    exitCode: 2,
  })
})

const withSecrets = `version: 1
name: test
chains:
  local: { id: 31337, rpc: [{ http: { env: RPC }, ws: { file: ws.txt } }] }
channels:
  hook: { kind: webhook, url: https://example.org/hook, secret: { file: hook.txt } }
watch:
  - { kind: token, name: usd, chain: local, address: 0x00000000000000000000000000000000000000aa }
signer: { rpc: { local: [{ env: SIGNER_RPC }] }, keystore: key.json, password: { env: PW } }
database: { url: { env: DB } }
`

test('behavior: secrets are resolved only for the parts that are asked for', async () => {
  const files = { 'ws.txt': 'ws://127.0.0.1:1\n', 'hook.txt': 'whsec_x\n' }
  const none = await load(withSecrets)
  expect(none.chains[0]?.rpc[0]).toEqual({ name: 'rpc-1', http: '', ws: undefined })
  expect(none.channels[0]).toMatchObject({ url: 'https://example.org/hook', secret: '' })
  expect(none.signer).toMatchObject({ rpc: { local: [''] }, password: '' })
  expect(none.database).toEqual({ url: '' })
  const some = await load(withSecrets, {
    secrets: ['rpc', 'channels'],
    environment: { RPC: 'http://127.0.0.1:2' },
    files,
  })
  expect(some.chains[0]?.rpc[0]).toMatchObject({
    http: 'http://127.0.0.1:2',
    ws: 'ws://127.0.0.1:1',
  })
  expect(some.channels[0]).toMatchObject({ secret: 'whsec_x' })
  expect(some.signer?.password).toBe('')
  const all = await load(withSecrets, {
    secrets: ['signer', 'database'],
    environment: { SIGNER_RPC: 'http://127.0.0.1:3', PW: 'pw', DB: 'postgres://a:b@localhost/c' },
  })
  expect(all.signer).toMatchObject({ rpc: { local: ['http://127.0.0.1:3'] }, password: 'pw' })
  expect(all.signer?.keystore).toMatch(/^\/.*\/key\.json$/)
  expect(all.database?.url).toBe('postgres://a:b@localhost/c')
})

test('behavior: DATABASE_URL stands in where the file names no database', async () => {
  const environment = { DATABASE_URL: 'postgres://x/y' }
  expect((await load(minimal, { secrets: ['database'], environment })).database).toEqual({
    url: 'postgres://x/y',
  })
  expect((await load(minimal, { secrets: ['rpc'], environment })).database).toBeUndefined()
})

test('error: a missing secret, one of the wrong shape, and credentials in the file; no value is ever shown', async () => {
  expect(
    await faultsOf(withSecrets, {
      secrets: ['rpc', 'channels', 'signer', 'database'],
      environment: { RPC: 'hunter2', PW: '' },
    }),
  ).toEqual([
    'watchlist.yaml:4:37: chains.local.rpc[0].http: the value behind this reference is not an http:// or https:// URL. Put an http:// or https:// URL there.',
    'watchlist.yaml:4:55: chains.local.rpc[0].ws: there is no secret file ws.txt. The path is taken from the folder of the watchlist.',
    'watchlist.yaml:6:65: channels.hook.secret: there is no secret file hook.txt. The path is taken from the folder of the watchlist.',
    'watchlist.yaml:9:26: signer.rpc.local[0]: the environment variable SIGNER_RPC is not set. Set SIGNER_RPC for this process.',
    'watchlist.yaml:9:80: signer.password: the environment variable PW is empty. Set PW for this process.',
    'watchlist.yaml:10:18: database.url: the environment variable DB is not set. Set DB for this process.',
  ])
  const leaky = `version: 1
name: test
chains:
  a: { id: 1, rpc: [{ http: https://user:hunter2@node.example, ws: https://node.example }] }
  b: { id: 2, rpc: [{ http: https://node.example/v2/abcdefghij0123456789klmno }, { http: "ftp:hunter2" }] }
channels:
  hook: { kind: webhook, url: https://hooks.example/x?token=hunter2, secret: hunter2 }
watch:
  - { kind: token, name: usd, chain: a, address: 0x00000000000000000000000000000000000000aa }
`
  const faults = await faultsOf(leaky)
  expect(faults).toEqual([
    'watchlist.yaml:4:29: chains.a.rpc[0].http: this URL holds a user name or password. Move it out of the file: {env: NAME_OF_VARIABLE} or {file: path}.',
    'watchlist.yaml:4:68: chains.a.rpc[0].ws: this is not a ws:// or wss:// URL. Give a ws:// or wss:// URL.',
    'watchlist.yaml:5:29: chains.b.rpc[0].http: this URL holds what looks like a key in its path. Move it out of the file: {env: NAME_OF_VARIABLE} or {file: path}.',
    'watchlist.yaml:5:90: chains.b.rpc[1].http: "[not shown]" does not fit. Expected: a URL.',
    'watchlist.yaml:7:31: channels.hook.url: this URL holds a key in its query. Move it out of the file: {env: NAME_OF_VARIABLE} or {file: path}.',
    'watchlist.yaml:7:78: channels.hook.secret: a secret must not stand in the file. Write {env: NAME_OF_VARIABLE} or {file: path}.',
  ])
  expect(faults.join()).not.toContain('hunter2')
})

test('error: ABI files that are no ABI', async () => {
  const text = `${head}watch:
  - { kind: token, name: a, chain: local, address: 0x00000000000000000000000000000000000000aa, abi: a.json }
  - { kind: token, name: b, chain: local, address: 0x00000000000000000000000000000000000000ab, abi: b.json }
  - { kind: token, name: c, chain: local, address: 0x00000000000000000000000000000000000000ac, abi: c.json }
  - { kind: token, name: d, chain: local, address: 0x00000000000000000000000000000000000000ad, abi: d.json }
`
  const item =
    '{"type":"function","name":"f","inputs":[{"type":"uint256","name":"x"}],"outputs":[],"stateMutability":"view"}'
  const files = {
    'a.json': '{',
    'b.json': '{"abi":[{"type":"funktion"}]}',
    'c.json': `[${item}]`,
    'd.json': `{"abi":[${item}]}`,
  }
  expect(await faultsOf(text, { files })).toEqual([
    'watchlist.yaml:6:101: watch[a].abi: the ABI file is not JSON. Give the JSON that the compiler wrote.',
    'watchlist.yaml:7:101: watch[b].abi: the file is JSON but not an ABI. Give an array of ABI items, or an artifact with `abi`.',
  ])
  const config = await load(text, {
    files: { ...files, 'a.json': `[${item}]`, 'b.json': `[${item}]` },
  })
  expect(config.watch.map((thing) => thing.abi?.length)).toEqual([1, 1, 1, 1])
})

const bot = {
  id: 'tvl-drop',
  kinds: ['vault', 'token'] as const,
  alerts: [{ id: 'TVL-DROP' }],
  parameters: z.object({
    dropBps: z.int().min(1).max(10_000).default(1_000),
    spanS: z.int().positive().default(3_600),
    nested: z.object({ a: z.int().default(1), b: z.int().default(2) }).default({ a: 1, b: 2 }),
  }),
}

test('behavior: parameters merge from defaults over the bot to the thing', async () => {
  const config = await load(
    `${head}watch:
  - { kind: token, name: usd, chain: local, address: 0x00000000000000000000000000000000000000aa, bots: { tvl-drop: { nested: { b: 9 }, spanS: } } }
bots: { tvl-drop: { parameters: { dropBps: 500, spanS: 60, nested: { a: 5 } } } }
`,
    { bots: [bot] },
  )
  expect(mergeBotParameters(bot, { bots: {} })).toEqual({
    dropBps: 1000,
    spanS: 3600,
    nested: { a: 1, b: 2 },
  })
  expect(mergeBotParameters(bot, config)).toEqual({
    dropBps: 500,
    spanS: 60,
    nested: { a: 5, b: 2 },
  })
  expect(mergeBotParameters(bot, config, config.watch[0])).toEqual({
    dropBps: 500,
    spanS: 3600,
    nested: { a: 5, b: 9 },
  })
  expect(() =>
    mergeBotParameters(bot, {
      bots: { 'tvl-drop': { enabled: true, parameters: { dropBps: 0 } } },
    }),
  ).toThrow(/tvl-drop/)
})

test('error: bots that do not exist and parameters out of range, for the bot and for the thing', async () => {
  const text = `${head}watch:
  - kind: vault
    name: v
    chain: local
    address: 0x00000000000000000000000000000000000000aa
    bots:
      tvl-drop:
        dropBps: 20000
        nested: { c: 1 }
  - { kind: oracle, heartbeatS: 1, name: o, chain: local, address: 0x00000000000000000000000000000000000000ab, bots: { tvl-drop: {} } }
bots:
  tvl-dorp: {}
  tvl-drop:
    parameters:
      dropBsp: 1
      spanS: soon
answers:
  - { when: { bot: [tvl-drop], alertId: [TVL-DRPO] }, action: pause }
`
  expect(await faultsOf(text, { bots: [bot] })).toEqual([
    'watchlist.yaml:12:18: watch[v].bots.tvl-drop.dropBps: the value is too large. Give at most 10000.',
    'watchlist.yaml:13:19: watch[v].bots.tvl-drop.nested.c: unknown key "c". Known parameters: a, b.',
    'watchlist.yaml:14:120: watch[o].bots.tvl-drop: the bot "tvl-drop" does not look at things of kind "oracle". It looks at: vault, token.',
    'watchlist.yaml:16:3: bots.tvl-dorp: there is no bot "tvl-dorp". Did you mean "tvl-drop"?',
    'watchlist.yaml:19:7: bots.tvl-drop.parameters.dropBsp: unknown key "dropBsp". Did you mean "dropBps"?',
    'watchlist.yaml:20:14: bots.tvl-drop.parameters.spanS: "soon" is not a number. Give a number.',
    'watchlist.yaml:22:42: answers[0].when.alertId[0]: none of these bots raises "TVL-DRPO". Did you mean "TVL-DROP"?',
  ])
})

test('behavior: what a stranger wrote into the file reaches the terminal clean and short', async () => {
  const faults = await faultsOf(`${minimal}"evil\\e[2J\\u202e${'x'.repeat(500)}": 1\n`)
  expect(faults).toHaveLength(1)
  expect(faults[0]).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(faults[0]?.length).toBeLessThan(700)
})

test('behavior: pools of one manager are told apart by their ids, and a bridge may stand alone', async () => {
  const at = '0x00000000000000000000000000000000000000aa'
  const id = `0x${'AB'.repeat(32)}`
  const things = [
    `{ kind: pool, name: a, chain: local, variant: uniswap-v4, address: ${at}, poolId: ${id} }`,
    `{ kind: pool, name: b, chain: local, variant: uniswap-v4, address: ${at}, poolId: 0x${'0c'.repeat(32)} }`,
    `{ kind: pool, name: c, chain: local, variant: curve, address: ${at}, lpToken: ${at} }`,
    `{ kind: bridge, name: d, chain: local, address: ${at}, events: { lock: [{ event: "In(bytes32 id)", id: id }] } }`,
  ]
  const list = (...lines: readonly string[]) =>
    minimal.replace(/watch:[\s\S]*$/, `watch:\n${lines.map((line) => `  - ${line}\n`).join('')}`)
  const { watch } = await load(list(...things))
  expect(watch.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
  expect(watch[0]).toMatchObject({ poolId: id.toLowerCase() })
  expect(watch[3]).toMatchObject({ events: { lock: [{ id: 'id' }], release: [] } })
  const [first = '', second = '', third = ''] = things
  expect(
    await faultsOf(
      list(
        first.replace(`, poolId: ${id}`, ''),
        third.replace('lpToken: ', `poolId: ${id}, lpToken: `),
        second,
        second.replace('name: b', 'name: e'),
      ),
    ),
  ).toEqual([
    expect.stringContaining('watch[a].variant: a pool of Uniswap v4 needs its id.'),
    expect.stringContaining('watch[c].poolId: only pools of Uniswap v4 have an id.'),
    expect.stringContaining('watch[e].address: "b" is the same pool at the same address.'),
  ])
})

test('error: the map of dependencies names what there is and runs in no circle; hours and maintenance have an end', async () => {
  const address = '0x00000000000000000000000000000000000000aa'
  const start = minimal.slice(0, minimal.indexOf('watch:'))
  const text = `${start}watch:
  - { kind: token, name: usd, chain: local, address: ${address}, protocol: acme, dependsOn: [feed] }
dependencies:
  feed: { kind: oracle, dependsOn: [relay] }
  relay: { chain: locl, dependsOn: [usd] }
  lost: { dependsOn: [fed, acme] }
  self: { dependsOn: [self] }
routes:
  - { channels: [console], during: { from: "18:00", to: "08:00" } }
incidents:
  maintenance:
    - { reason: restart, match: { thing: [usd] } }
    - { reason: restart, match: { thing: [usd] }, from: "2026-12-01T02:00Z", to: "2026-12-01T01:00Z" }
`
  expect((await faultsOf(text)).map((fault) => fault.replace(/^[^ ]+ /, ''))).toEqual([
    'dependencies.relay.chain: there is no chain "locl". Did you mean "local"?',
    'dependencies.relay.dependsOn[0]: it leans on itself: usd → feed → relay → usd. Remove one of these: what fails first has to be upstream of the rest.',
    'dependencies.lost.dependsOn[0]: there is no thing, protocol or dependency "fed". Did you mean "feed"?',
    'dependencies.self.dependsOn[0]: it leans on itself: self → self. Remove one of these: what fails first has to be upstream of the rest.',
    expect.stringContaining('routes[0].during'),
    'incidents.maintenance[0]: it needs a window. Give `from` and `to`, or `weekly`.',
    'incidents.maintenance[1].to: it ends before it begins. Write a later instant.',
  ])
})
