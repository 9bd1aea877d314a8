import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { runCommand } from '../../../test/support/runCommand.ts'
import { createSignerFixture, type SignerFixture } from '../../../test/support/signerFixture.ts'
import { decodeKeystore } from '../../response/index.ts'
import { tables } from '../../store/index.ts'
import { register } from './actions.ts'

let f: SignerFixture
let folder: string
let watchlist: string
beforeAll(async () => {
  f = await createSignerFixture()
  folder = await mkdtemp(join(tmpdir(), 'tocsin-cli-'))
  watchlist = join(folder, 'watchlist.yaml')
  await writeFile(
    watchlist,
    `version: 1
name: test
chains:
  local: { id: ${f.anvil.chainId}, rpc: [{ http: ${f.anvil.url} }] }
watch:
  - { kind: vault, name: vault, chain: local, address: ${f.vault} }
dataDir: ${f.dataDir}
actionsDir: ${f.actionsDir}
signer:
  rpc: { local: [${f.anvil.url}] }
  keystore: ${f.keystore}
  password: { env: SIGNER_PASSWORD }
`,
  )
  vi.stubEnv('DATABASE_URL', f.database.url)
}, 240_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  await f?.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await f.reset()
  process.exitCode = undefined
})

/** Runs the command and returns what it wrote and its exit code. */
const tocsin = (...args: readonly string[]) => runCommand(register, ['actions', ...args])

test('default: new writes a policy from the chain, which verify finds ready', async () => {
  const made = await tocsin(
    'new',
    'pause',
    '-c',
    watchlist,
    '--target',
    f.vault,
    '--bot',
    'tvl-drop',
    '--by',
    'Ada',
    '--json',
  )
  expect(JSON.parse(made.out)).toMatchObject({
    id: 'pause-vault',
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  const text = await readFile(join(f.actionsDir, 'pause-vault', 'policy.yaml'), 'utf8')
  expect(text).toContain('calldata: "0x8456cb59"')
  expect(text).toContain('implementation: "0x')
  const verified = await tocsin('verify', '-c', watchlist, '--json')
  expect(verified.code).toBe(0)
  expect(JSON.parse(verified.out)).toMatchObject({
    faults: [],
    missing: [],
    warnings: [],
    readiness: [{ policy: 'pause-vault', ready: true }],
  })
  // The runbook of the type came along. Without it nothing is refused, but it is told.
  await rm(join(f.actionsDir, 'pause-vault', 'runbook.md'))
  expect(await tocsin('verify', '-c', watchlist)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/WARNING {2}.*policy\.yaml:\d+ runbook: there is no .*runbook\.md/),
  })
  await expect(
    tocsin('new', 'pause', '-c', watchlist, '--target', f.vault, '--bot', 'tvl-drop'),
  ).rejects.toMatchObject({ code: 'actions.invalid' })
})

test('behavior: new takes the parameters of the action type, and tells those that it does not know', async () => {
  const make = (...parameters: readonly string[]) =>
    tocsin(
      'new',
      'comet-guardian',
      ...['-c', watchlist, '--target', f.vault, '--bot', 'tvl-drop', '--stdout'],
      ...parameters.flatMap((each) => ['--parameter', each]),
    )
  const made = await make('flags=["supply","withdraw"]')
  expect(made.out).toContain('parameters: {"flags":["supply","withdraw"]}')
  expect(made.out).toContain(
    `calldata: "0x44c35d07${['1', '0', '1', '0', '0'].map((flag) => flag.padStart(64, '0')).join('')}"`,
  )
  await expect(make()).rejects.toMatchObject({
    code: 'policy.parameters',
    hints: [expect.stringContaining('flags')],
  })
  await expect(make('flags=["everything"]')).rejects.toMatchObject({ code: 'policy.parameters' })
  await expect(make('flags')).rejects.toMatchObject({ code: 'actions.invalid' })
  await expect(make('flags=["buy"]', 'flags=["buy"]')).rejects.toThrow(/given twice/)
})

test('error: verify tells a faulty file (2) and an action that is not ready (3)', async () => {
  await f.writePolicy({ codeHash: `0x${'00'.repeat(32)}` })
  expect(await tocsin('verify', '-c', watchlist)).toMatchObject({
    code: 3,
    out: expect.stringContaining('BAD code'),
  })
  await f.writePolicy({ calldata: '0x3f4ba83a' })
  expect(await tocsin('verify', '-c', watchlist)).toMatchObject({
    code: 2,
    out: expect.stringContaining('only ever raises a guard'),
  })
})

test('behavior: list, show, approve and log follow an execution', async () => {
  await f.writePolicy({ mode: 'propose' })
  await f.start()
  const { executions } = await f.find()
  const id = executions[0] ?? ''
  await f.until(id, ({ status }) => status === 'proposed')
  expect((await tocsin('list', '-c', watchlist)).out).toContain(id)
  expect(JSON.parse((await tocsin('show', id, '-c', watchlist, '--json')).out)).toMatchObject({
    execution: { id, status: 'proposed' },
    log: [{ event: 'proposed' }],
  })
  expect((await tocsin('show', 'pause-vault', '-c', watchlist)).out).toMatch(
    /calldata: "?0x8456cb59[\s\S]*hash +[0-9a-f]{64}\n +calls +pause\(\)/,
  )
  const { out } = await tocsin('show', id, '-c', watchlist)
  expect(out).toMatch(/^x_[0-9a-f]+ {2}pause-vault {2}proposed: Waits for people/)
  expect(out).toContain(`pause() of ${f.vault} on chain ${f.anvil.chainId}`)
  expect(out).toMatch(/simulated +passed by eth_simulateV1 on block \d+/)
  await tocsin('approve', id, '-c', watchlist, '--by', 'Grace')
  await f.until(id, ({ status }) => status === 'sent')
  expect((await tocsin('log', '-c', watchlist)).out).toMatch(
    /proposed[\s\S]*approved[\s\S]*sending[\s\S]*sent/,
  )
  expect(await tocsin('log', '--verify', '-c', watchlist)).toMatchObject({
    code: 0,
    out: expect.stringContaining('4 decisions'),
  })
  await f.database.pool.query(
    "update tocsin.execution_log set event = 'refused' where event = 'approved'",
  )
  expect(await tocsin('log', '--verify', '-c', watchlist)).toMatchObject({
    code: 1,
    out: expect.stringContaining('BROKEN'),
  })
})

test("behavior: verify shows the signer's own probes beside, and fails by them while it lives", async () => {
  await f.writePolicy()
  await f.database.db.delete(tables.processStatus)
  const alone = await tocsin('verify', '-c', watchlist)
  expect(alone).toMatchObject({
    code: 0,
    out: expect.stringMatching(/READY +pause-vault[\s\S]*Not probed.*no signer has run/),
  })
  const probes = [
    { name: 'code', ok: true, message: 'The code is the approved one.' },
    { name: 'limits', ok: false, message: 'It ran 1 times; 1 are allowed for life.' },
    { name: 'role@safe', ok: true, message: 'The Safe may pause.' },
  ]
  const detail = { readiness: [{ policy: 'pause-vault', ready: false, probes }] }
  const heartbeat = { name: 'signer', pid: 1, status: 'ok', detail } as const
  await f.database.db.insert(tables.processStatus).values({ ...heartbeat, heartbeatAt: new Date() })
  const beside = await tocsin('verify', '-c', watchlist)
  expect(beside.code).toBe(3)
  expect(beside.out).toMatch(
    /the signer itself, at \S+: 3 probes\n {2}BAD limits +It ran 1 times.*\n {2}ok {2}role@safe/,
  )
  expect(beside.out.match(/ok {2}code /g)).toHaveLength(1)
  expect(JSON.parse((await tocsin('verify', '-c', watchlist, '--json')).out)).toMatchObject({
    signer: detail,
  })
  // What it said an hour ago is no word of now.
  await f.database.db
    .update(tables.processStatus)
    .set({ heartbeatAt: new Date(Date.now() - 3_600_000) })
  const late = await tocsin('verify', '-c', watchlist)
  expect(late).toMatchObject({
    code: 0,
    out: expect.stringContaining('no sign of life for 3600 s'),
  })
  await f.database.db.delete(tables.processStatus)
})

test('behavior: show tells the last executions of a policy, and why it cannot', async () => {
  await f.writePolicy()
  expect((await tocsin('show', 'pause-vault', '-c', watchlist)).out).toMatch(
    /Last executions.*\n {2}none/,
  )
  const { executions } = await f.find()
  const id = executions[0] ?? 'none was made'
  expect((await tocsin('show', 'pause-vault', '-c', watchlist)).out).toMatch(
    new RegExp(`Last executions.*\\n {2}${id} .* requested`),
  )
  const { out } = await tocsin('show', 'pause-vault', '-c', watchlist, '--json')
  expect(JSON.parse(out)).toMatchObject({ id: 'pause-vault', executions: [{ id }] })
  vi.stubEnv('DATABASE_URL', '')
  try {
    const { out: blind, code } = await tocsin('show', 'pause-vault', '-c', watchlist)
    expect(blind).toMatch(/calls +pause\(\)[\s\S]*not known: the database does not run/)
    expect(code).toBe(0)
  } finally {
    vi.stubEnv('DATABASE_URL', f.database.url)
  }
})

test('error: log --verify sees a cut-off end by the head that the signer noted', async () => {
  await f.writePolicy()
  await f.start()
  const { executions } = await f.find()
  await f.until(executions[0] ?? '', ({ status }) => status === 'sent')
  const head = join(f.dataDir, 'audit.head')
  const last = async () =>
    (await f.database.pool.query('select max(seq)::int as seq from tocsin.execution_log')).rows[0]
      .seq
  await expect
    .poll(async () => JSON.parse(await readFile(head, 'utf8').catch(() => '{}')).seq, {
      timeout: 10_000,
    })
    .toBe(await last())
  await f.stopSigners()
  expect(await tocsin('log', '--verify', '-c', watchlist)).toMatchObject({
    code: 0,
    out: expect.stringContaining(`noted by ${head}`),
  })
  await f.database.pool.query('delete from tocsin.execution_log where seq = $1', [await last()])
  expect(await tocsin('log', '--verify', '-c', watchlist)).toMatchObject({
    code: 1,
    out: expect.stringContaining('BROKEN: The log ends'),
  })
})

test('behavior: keystore new makes a file that only its owner reads, once', async () => {
  const out = join(folder, 'new.json')
  vi.stubEnv('NEW_PASSWORD', 'correct horse')
  const { out: told } = await tocsin(
    'keystore',
    'new',
    '--out',
    out,
    '--password-env',
    'NEW_PASSWORD',
    '--json',
  )
  expect(JSON.parse(told).address).toMatch(/^0x[0-9a-f]{40}$/)
  expect((await stat(out)).mode & 0o777).toBe(0o600)
  expect(await decodeKeystore(await readFile(out, 'utf8'), 'correct horse')).toMatch(
    /^0x[0-9a-f]{64}$/,
  )
  await expect(
    tocsin('keystore', 'new', '--out', out, '--password-env', 'NEW_PASSWORD'),
  ).rejects.toMatchObject({ code: 'actions.invalid' })
  await expect(
    tocsin('keystore', 'new', '--out', join(folder, 'other.json')),
  ).rejects.toMatchObject({ code: 'actions.invalid' })
})

test('error: unknown policies, executions and targets', async () => {
  await expect(tocsin('show', 'nothing', '-c', watchlist)).rejects.toMatchObject({
    code: 'policy.unknown',
  })
  await expect(tocsin('approve', 'x_00', '-c', watchlist, '--by', 'Ada')).rejects.toMatchObject({
    code: 'execution.unknown',
  })
  await expect(
    tocsin('new', 'pause', '-c', watchlist, '--target', `0x${'09'.repeat(20)}`, '--bot', 'b'),
  ).rejects.toMatchObject({ code: 'policy.no_code' })
  await expect(
    tocsin('new', 'unpause', '-c', watchlist, '--target', f.vault, '--bot', 'b'),
  ).rejects.toMatchObject({ code: 'actions.invalid' })
})
