import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeFunctionData } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../core/base/index.ts'
import { type Stack, startStack } from './support/stack.ts'

const USD = 10n ** 6n

/** A bot of a user's own, without any import: whatever it does wrong is its own. */
const botFile = (id: string, body: string): string => `
export const bot = {
  id: '${id}',
  version: '1.0.0',
  summary: 'Behaves badly.',
  parameters: { parse: (v) => v ?? {}, safeParse: (v) => ({ success: true, data: v ?? {} }), safeParseAsync: async (v) => ({ success: true, data: v ?? {} }) },
  alerts: [{ id: 'BAD', title: 'Bad', kind: 'event', severity: 'High' }],
  kinds: ['token'],
  needs: () => ({ everyBlock: true }),
  timeoutMs: 300,
  handleBlock: ${body},
}
`

const BAD = {
  'bot-that-throws': "() => { throw new Error('it threw on purpose') }",
  'bot-that-hangs': '() => new Promise(() => {})',
  'bot-that-returns-rubbish':
    "() => [{ alertId: 'NEVER-DECLARED', severity: 'Apocalyptic', name: 7 }]",
} as const

let stack: Stack

/** What `tocsin status` prints, and its exit code. */
const showStatus = async (): Promise<{ readonly code: number | null; readonly text: string }> => {
  const main = fileURLToPath(new URL('../dist/core/cli/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, 'status', '--config', stack.configFile], {
    env: { ...process.env, DATABASE_URL: stack.supervisor.databaseUrl },
  })
  let text = ''
  child.stdout.on('data', (part: Buffer) => (text += part.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, text }
}

beforeAll(async () => {
  const names = Object.keys(BAD)
  stack = await startStack({
    only: ['watcher'],
    users: 4,
    watchlist: (text) =>
      text.replace(
        'bots:\n',
        `botsDir: bots\nbots:\n${names.map((id) => `  ${id}: {}\n`).join('')}`,
      ),
    prepareFolder: async (folder) => {
      for (const [id, body] of Object.entries(BAD)) {
        await mkdir(join(folder, 'bots', id), { recursive: true })
        await writeFile(join(folder, 'bots', id, 'bot.mjs'), botFile(id, body))
      }
    },
  })
}, 120_000)

afterAll(async () => {
  await stack?.stop()
})

const rows = async <T extends Record<string, unknown>>(text: string): Promise<T[]> =>
  (await stack.store.pool.query<T>(text)).rows

test('behavior: a bot that throws, hangs, or returns rubbish is reported and hurts nobody else', async () => {
  const { anvil, deployment } = stack
  const blocks = 6
  const before = Number(await anvil.rpc<string>('eth_blockNumber'))
  for (let i = 0; i < blocks; i++) {
    const [from, to] = [deployment.actors.marketMaker.address, deployment.users[0]?.address]
    const data = encodeFunctionData({
      abi: deployment.usd.abi,
      functionName: 'transfer',
      args: [i % 2 === 0 ? to : from, 280_000n * USD],
    })
    await anvil.rpc('eth_sendTransaction', [
      { from: i % 2 === 0 ? from : to, to: deployment.usd.address, data, gas: '0x186a0' },
    ])
    await anvil.rpc('evm_mine')
    const { hash } = await anvil.rpc<{ hash: string }>('eth_getBlockByNumber', ['latest', false])
    for (const began = Date.now(); ; await sleep(20)) {
      const [cursor] = await rows<{ hash: string }>('select hash from tocsin.chain_cursor')
      if (cursor?.hash === hash) break
      if (Date.now() - began > 20_000) throw new Error('a bad bot holds up the chain')
    }
  }
  const health = await rows<{ bot_id: string; status: string; failed: number; last_error: string }>(
    'select bot_id, status, blocks_failed::int as failed, last_error from tocsin.bot_health order by bot_id',
  )
  for (const id of Object.keys(BAD)) {
    const one = health.find(({ bot_id }) => bot_id === id)
    expect(one?.status).toBe('failing')
    expect(one?.failed).toBeGreaterThanOrEqual(blocks)
  }
  expect(health.find(({ bot_id }) => bot_id === 'bot-that-throws')?.last_error).toContain(
    'on purpose',
  )
  const others = health.filter(({ bot_id }) => !bot_id.startsWith('bot-that'))
  expect(others.length).toBeGreaterThan(0)
  expect(others.map(({ status, failed }) => [status, failed])).toEqual(others.map(() => ['ok', 0]))

  // Reported once each, not once a block; and what the others found is all there.
  const told = await rows<{ unique_key: string }>(
    "select unique_key from tocsin.finding where bot_id = 'tocsin' and alert_id = 'BOT-FAILING' order by 1",
  )
  expect(told.map(({ unique_key }) => unique_key)).toEqual(Object.keys(BAD).sort())
  const found = await rows(
    `select id from tocsin.finding where bot_id = 'large-transfer' and block_number > ${before}`,
  )
  expect(found).toHaveLength(blocks)
  expect(await rows("select id from tocsin.finding where bot_id like 'bot-that%'")).toEqual([])
  const status = await showStatus()
  expect(status.code).toBe(1)
  for (const id of Object.keys(BAD)) expect(status.text).toContain(`${id}: `)
  expect(stack.supervisor.processes().map(({ restarts }) => restarts)).toEqual([0])
}, 120_000)
