import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findFreePort } from '../core/base/index.ts'
import { register as registerActions } from '../core/cli/commands/actions.ts'
import { register as registerAudit } from '../core/cli/commands/audit.ts'
import { registerHalt, registerResume } from '../core/cli/commands/halt.ts'
import { register as registerPause } from '../core/cli/commands/pause.ts'
import { killSwitchFile } from '../core/response/index.ts'
import { tables } from '../core/store/index.ts'
import { startWebhookSink, type WebhookSink } from './chaos/webhookSink.ts'
import { askForPause } from './support/askForPause.ts'
import { type Stack, startStack } from './support/stack.ts'

/*
 * People and the running processes: what reaches them by a webhook, what their links do, and how they stop everything.
 * There is no watcher: what it would write, the test writes. None of it may need one.
 */
const SECRETS = {
  TOCSIN_TEST_HOOK: `whsec_${randomBytes(24).toString('base64')}`,
  TOCSIN_TEST_PEOPLE: randomBytes(32).toString('hex'),
  TOCSIN_TEST_HALT: randomBytes(16).toString('hex'),
}
/** Ample: a busy machine is no fault of anybody here. */
const LIMIT_MS = 30_000
type Message = {
  readonly alertId: string
  readonly title: string
  readonly evidence: Readonly<Record<string, string>>
  readonly links?: { readonly approve: string; readonly deny: string }
}
let stack: Stack
let hook: WebhookSink
let consoleUrl: string

beforeAll(async () => {
  Object.assign(process.env, SECRETS)
  hook = await startWebhookSink(SECRETS.TOCSIN_TEST_HOOK)
  const port = await findFreePort()
  consoleUrl = `http://127.0.0.1:${port}`
  stack = await startStack({
    only: ['signer', 'notifier', 'console'],
    users: 1,
    watchlist: (text) =>
      `${text
        .replace('console: { port: 0 }', `console: { port: ${port} }`)
        .replace(
          '  mode: auto\n',
          '  mode: auto\n  approvers: [{ name: Ada, role: guardian }, { name: Grace, role: guest }]\n',
        )}channels:
  console: { kind: console }
  ada: { kind: webhook, url: "${hook.url}", secret: { env: TOCSIN_TEST_HOOK } }
  ops: { kind: webhook, url: "${hook.url}", secret: { env: TOCSIN_TEST_HOOK } }
people:
  url: ${consoleUrl}
  secret: { env: TOCSIN_TEST_PEOPLE }
  haltToken: { env: TOCSIN_TEST_HALT }
  channels: { Ada: ada }
`,
    policy: (text) =>
      text
        .replace('mode: auto', 'mode: propose')
        .replace('approval: { timeoutS: 3600 }', 'approval: { timeoutS: 3600, roles: [guardian] }')
        .replace('cooldownS: 3600', 'cooldownS: 0')
        .replace('maxPerWindow: 1,', 'maxPerWindow: 50,')
        .replace('maxSpendWeiPer24h: 0.5 ether', 'maxSpendWeiPer24h: 50 ether')
        .replace('confirmations: 3', 'confirmations: 1')
        .replace('runbook: runbook.md', 'channels: [ops]\nrunbook: runbook.md'),
  })
}, 180_000)
afterAll(async () => {
  await stack?.stop()
  await hook?.stop()
  for (const name of Object.keys(SECRETS)) delete process.env[name]
})

const rowOf = async (id: string) => {
  const { db } = stack.store
  const [row] = await db.select().from(tables.execution).where(eq(tables.execution.id, id))
  if (!row) throw new Error(`there is no ${id}`)
  return row
}
const becomes = (id: string, status: string): Promise<void> =>
  expect.poll(async () => (await rowOf(id)).status, { timeout: LIMIT_MS }).toBe(status)
/** Mines until the effect of an execution stands and has its confirmation. */
const lands = async (id: string): Promise<void> => {
  await expect
    .poll(
      async () => {
        await stack.anvil.rpc('evm_mine')
        const { status, confirmedAt } = await rowOf(id)
        return status === 'succeeded' && confirmedAt !== null
      },
      { timeout: LIMIT_MS, interval: 200 },
    )
    .toBe(true)
}
const isPaused = async (): Promise<boolean> => {
  const call = { to: stack.deployment.vault.address, data: '0x5c975abb' }
  return BigInt(await stack.anvil.rpc<string>('eth_call', [call, 'latest'])) === 1n
}
const lift = async (): Promise<void> => {
  await stack.unpause()
  await stack.anvil.rpc('evm_mine')
}
const countSent = async (): Promise<number> =>
  Number(
    await stack.anvil.rpc<string>('eth_getTransactionCount', [
      stack.deployment.actors.pauser.address,
      'pending',
    ]),
  )

/** The message by which Ada hears of a proposal, or another about the execution. */
const hear = async (
  execution: string,
  fits: (message: Message) => boolean = ({ links }) => links !== undefined,
): Promise<Message> => {
  const find = (): Message | undefined =>
    hook
      .messages()
      .map((body) => (body as { readonly data: Message }).data)
      .find((each) => fits(each) && each.evidence['execution'] === execution)
  await expect.poll(find, { timeout: LIMIT_MS }).toBeDefined()
  const found = find()
  if (!found) throw new Error('no message')
  return found
}
const tokenOf = (link: string | undefined): string =>
  new URL(link ?? '').searchParams.get('t') ?? ''
/** Presses the button of the page that a link opens. */
const press = async (token: string): Promise<number> => {
  const body = new URLSearchParams({ t: token })
  return (await fetch(`${consoleUrl}/answer`, { method: 'POST', body })).status
}

/** The command as people type it, in this process: its words and its exit code. */
const tocsin = async (
  ...args: string[]
): Promise<{ readonly code: number; readonly text: string }> => {
  const program = new Command('tocsin').exitOverride()
  for (const register of [
    registerActions,
    registerAudit,
    registerHalt,
    registerPause,
    registerResume,
  ])
    register(program)
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    await program.parseAsync([...args, '-c', stack.configFile], { from: 'user' })
    return { code: Number(process.exitCode ?? 0), text }
  } finally {
    write.mockRestore()
    process.exitCode = 0
  }
}

test('behavior: a proposal arrives with call, simulation, evidence and links, and its link lands the pause', async () => {
  const id = await askForPause(stack, 'link')
  const { title, evidence, links } = await hear(id)
  expect(title).toContain('pause-vault')
  expect(evidence).toMatchObject({
    call: 'pause()',
    calldata: '0x8456cb59',
    target: stack.deployment.vault.address.toLowerCase(),
    simulation: expect.stringContaining('passed'),
    finding: 'TVL fell: It fell.',
    people: '1',
  })
  const token = tokenOf(links?.approve)
  const shown = await (await fetch(links?.approve ?? '')).text()
  for (const fact of ['pause()', '0x8456cb59', 'TVL fell', 'passed', 'Ada'])
    expect(shown).toContain(fact)
  // Neither looking nor a link that was changed does anything.
  const [body = '', code = ''] = token.split('.')
  const other = Buffer.from(
    Buffer.from(body, 'base64url').toString('utf8').replace('"Ada"', '"Grace"'),
  ).toString('base64url')
  expect(await press(`${other}.${code}`)).toBe(409)
  expect(await press(`${body}.${code.replace(/.$/, (end) => (end === '0' ? '1' : '0'))}`)).toBe(409)
  expect((await rowOf(id)).status).toBe('proposed')

  expect(await press(token)).toBe(200)
  expect(await press(token)).toBe(409)
  expect(await press(tokenOf(links?.deny))).toBe(409)
  await lands(id)
  expect(await isPaused()).toBe(true)
  expect((await rowOf(id)).approvedBy).toBe('Ada')
  // The routes name the console alone: it is the policy's channel that hears of it.
  const done = await hear(id, ({ alertId }) => alertId === 'EXECUTION-SUCCEEDED')
  expect(done.title).toContain('pause-vault took effect')
  const told = await tocsin('actions', 'show', id)
  expect(told.text).toContain('TVL fell')
  expect(told.text).toMatch(/approved .*"by":"Ada"/)
  expect(told.code).toBe(0)
  await lift()
}, 90_000)

test('behavior: a link to deny ends it, and no link revives it', async () => {
  const id = await askForPause(stack, 'deny')
  const { links } = await hear(id)
  expect(await press(tokenOf(links?.deny))).toBe(200)
  await becomes(id, 'refused')
  expect(await rowOf(id)).toMatchObject({ reasonCode: 'denied', reason: 'Denied by Ada.' })
  expect(await press(tokenOf(links?.approve))).toBe(409)
  expect(await isPaused()).toBe(false)
}, 90_000)

test('behavior: a person orders every pause of a chain at once', async () => {
  const paused = tocsin('pause', '--all', '--chain', 'local', '--by', 'Ada', '--reason', 'a drain')
  await expect
    .poll(
      async () => {
        await stack.anvil.rpc('evm_mine')
        return isPaused()
      },
      { timeout: LIMIT_MS, interval: 200 },
    )
    .toBe(true)
  const { code, text } = await paused
  expect(text).toMatch(/pause-vault\s+succeeded/)
  expect(code).toBe(0)
  await lift()
}, 90_000)

test('behavior: halt stops what comes by itself from the moment it returns, by the command and by the call', async () => {
  const file = join(stack.folder, 'actions', 'pause-vault', 'policy.yaml')
  await writeFile(file, (await readFile(file, 'utf8')).replace('mode: propose', 'mode: auto'))
  const before = await countSent()

  const halted = await tocsin('halt', '--by', 'Ada', '--reason', 'bots fire on the migration')
  expect(halted).toMatchObject({ code: 0 })
  expect(halted.text).toContain('All automatic action is stopped')
  expect(existsSync(killSwitchFile(stack.dataDir))).toBe(true)
  const first = await askForPause(stack, 'halted-by-command')
  await becomes(first, 'refused')
  expect((await rowOf(first)).reasonCode).toBe('halted')
  expect((await tocsin('resume', '--by', 'Ada')).text).toContain('goes on')

  const response = await fetch(`${consoleUrl}/api/halt`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRETS.TOCSIN_TEST_HALT}` },
    body: '{"by":"Grace","reason":"a drill"}',
  })
  expect(await response.json()).toMatchObject({ halted: true, file: true, database: true })
  const second = await askForPause(stack, 'halted-by-call')
  await becomes(second, 'refused')
  expect((await rowOf(second)).reasonCode).toBe('halted')
  expect(await countSent()).toBe(before)
  expect((await tocsin('resume', '--by', 'Ada')).text).toContain('goes on')

  // It acts again, which shows that it was the stop that held it.
  const third = await askForPause(stack, 'resumed')
  await lands(third)
  expect(await countSent()).toBe(before + 1)
  const events = await stack.store.db
    .select({ event: tables.executionLog.event })
    .from(tables.executionLog)
    .where(eq(tables.executionLog.executionId, 'halt'))
  expect(events.map(({ event }) => event).sort()).toEqual([
    'halted',
    'halted',
    'resumed',
    'resumed',
  ])
  const audit = await tocsin('audit', 'verify')
  expect(audit.text).toContain('whole')
  expect(audit.code).toBe(0)
}, 90_000)
