import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sleep } from '../../core/base/index.ts'
import { type Stack, startStack } from './stack.ts'

const MAIN = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/core/cli/main.js' : '../../core/cli/main.js',
    import.meta.url,
  ),
)

/** A bot of a user's own that tells of every block. */
const botFile = (id: string, body: string): string => `
import { z } from 'zod'
const seen = (block) => [{ alertId: 'BLOCK-SEEN', name: 'Seen', description: 'Block ' + block.number, severity: 'Info', type: 'Info' }]
export const bot = {
  id: '${id}',
  version: '1.0.0',
  summary: 'Behaves badly.',
  parameters: z.object({}),
  alerts: [{ id: 'BLOCK-SEEN', title: 'Seen', kind: 'event', severity: 'Info' }],
  kinds: ['token'],
  needs: () => ({ everyBlock: true }),
  timeoutMs: 300,
  handleBlock: (block) => {
    const handle = ${body}
    return handle(block, block.number < 100 ? -1 : block.number % 100)
  },
}
`

/** A watcher as a process of its own, with bots of a user's, on a chain that mines by hand. */
export type BadBots = {
  readonly stack: Stack
  /** What the watcher logged. */
  readonly lines: readonly string[]
  readonly restarts: () => number
  readonly rows: <T extends Record<string, unknown>>(text: string) => Promise<T[]>
  /** Mines up to the block whose number ends so, waits for the watcher there, and says which block it is. */
  readonly mineTo: (ending: number) => Promise<number>
  /** Blocks in which a bot found what it finds in every block. */
  readonly blocksSeen: (bot: string) => Promise<number[]>
  /** Runs a command on the same watchlist. */
  readonly tocsin: (
    ...args: string[]
  ) => Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>
}

const LIMIT_MS = 100_000

/** `bodies`: per bot a function of the block and of where it stands in its hundred, from block 100 on. */
export const startBadBots = async (bodies: Readonly<Record<string, string>>): Promise<BadBots> => {
  const lines: string[] = []
  const names = Object.keys(bodies)
  const stack = await startStack({
    only: ['watcher'],
    users: 1,
    onLine: (_name, line) => lines.push(line),
    watchlist: (text) =>
      text
        .replace(
          /bots:\n(?: {2}.*\n)+/,
          `botsDir: bots\nbots:\n${names.map((id) => `  ${id}: {}\n`).join('')}`,
        )
        .replace(/answers:\n.*\n/, ''),
    prepareFolder: async (folder) => {
      for (const [id, body] of Object.entries(bodies)) {
        await mkdir(join(folder, 'bots', id), { recursive: true })
        await writeFile(join(folder, 'bots', id, 'bot.mjs'), botFile(id, body))
      }
    },
  })
  const { anvil, supervisor, store } = stack
  const rows: BadBots['rows'] = async <T extends Record<string, unknown>>(text: string) =>
    (await store.pool.query<T>(text)).rows
  const head = async (): Promise<number> => Number(await anvil.rpc<string>('eth_blockNumber'))
  const caughtUp = async (): Promise<void> => {
    const { hash } = await anvil.rpc<{ hash: string }>('eth_getBlockByNumber', ['latest', false])
    for (const began = Date.now(); ; await sleep(25)) {
      const [cursor] = await rows<{ hash: string }>('select hash from tocsin.chain_cursor')
      if (cursor?.hash === hash) return
      if (Date.now() - began > LIMIT_MS)
        throw new Error(`the watcher stands still: ${lines.slice(-5).join('\n')}`)
    }
  }
  const mineTo = async (ending: number): Promise<number> => {
    do await anvil.rpc('evm_mine')
    while ((await head()) % 100 !== ending)
    await caughtUp()
    return head()
  }
  const tocsin: BadBots['tocsin'] = async (...args) => {
    const child = spawn(process.execPath, [MAIN, ...args, '--config', stack.configFile], {
      env: { ...process.env, DATABASE_URL: supervisor.databaseUrl },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (part: Buffer) => (out += part.toString()))
    child.stderr.on('data', (part: Buffer) => (err += part.toString()))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, out, err }
  }
  const blocksSeen: BadBots['blocksSeen'] = async (bot) =>
    (
      await rows<{ n: number }>(
        `select block_number::int as n from tocsin.finding where bot_id = '${bot}' order by 1`,
      )
    ).map(({ n }) => n)
  const restarts = (): number => supervisor.processes()[0]?.restarts ?? 0
  try {
    await mineTo(99)
  } catch (error) {
    await stack.stop()
    throw error
  }
  return { stack, lines, restarts, rows, mineTo, blocksSeen, tocsin }
}
