import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freePort, startAnvil } from '../core/testing/index.ts'
import { type Ground, startGround } from './support/stack.ts'

const main = fileURLToPath(new URL('../dist/core/cli/main.js', import.meta.url))

let ground: Ground
let text: string
const running = new Set<ChildProcess>()
const cleanups: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  expect(existsSync(main), 'run `npm run build` first').toBe(true)
  ground = await startGround({ users: 4 })
  const indexer = await freePort()
  text = `${await readFile(ground.configFile, 'utf8')}indexer: { port: ${indexer} }\n`
}, 120_000)

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
  for (const { pid } of await findOwn()) process.kill(pid, 'SIGKILL')
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await rm(ground.dataDir, { recursive: true, force: true })
})

afterAll(async () => {
  await ground?.stop()
})

/** Processes that were started for this test's folder. */
const findOwn = async (): Promise<readonly { readonly pid: number; readonly line: string }[]> => {
  const all = await Promise.all(
    (await readdir('/proc')).filter(Number).map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return { pid: Number(pid), line: text.replaceAll('\0', ' ') }
    }),
  )
  return all.filter(({ line }) => line.includes(ground.folder))
}

const leftovers = async (): Promise<readonly string[]> => (await findOwn()).map(({ line }) => line)

type Ending = { readonly code: number | null; readonly complaint: string }

const tocsin = async (...args: string[]): Promise<Ending> => {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: ground.folder,
    env: { ...process.env, DATABASE_URL: '', LOG_LEVEL: 'fatal' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let output = ''
  child.stdout?.on('data', (part: Buffer) => (output += part.toString()))
  child.stderr?.on('data', (part: Buffer) => (output += part.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  running.delete(child)
  return { code, complaint: output }
}

const write = async (change: (text: string) => string): Promise<void> => {
  const changed = change(text)
  expect(changed).not.toBe(text)
  await writeFile(ground.configFile, changed)
}

/** One message of its own, no stack trace, nothing left running. */
const expectClean = async (ending: Ending, code: number, words: RegExp): Promise<void> => {
  expect(ending.complaint).toMatch(words)
  expect(ending.complaint).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m)
  expect(ending.code, ending.complaint).toBe(code)
  expect(await leftovers()).toEqual([])
}

const occupy = async (port: number): Promise<void> => {
  const server: Server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  cleanups.push(() => new Promise((resolve) => server.close(resolve)))
}

test('error: a wrong watchlist: all faults with their places, exit code 2', async () => {
  await write((good) =>
    good.replace('kind: vault', 'kind: vualt').replace('owner: team', 'owner: taem'),
  )
  const ending = await tocsin('start')
  await expectClean(ending, 2, /watchlist\.yaml:\d+:\d+/)
  expect(ending.complaint).toContain('vualt')
  expect(ending.complaint).toContain('taem')
  expect(existsSync(join(ground.dataDir, 'postgres'))).toBe(false)
})

test('error: no watchlist at all: exit code 2', async () => {
  await expectClean(await tocsin('start', '--config', 'nowhere.yaml'), 2, /nowhere\.yaml/)
})

test('error: a threshold out of range: exit code 2', async () => {
  await write((good) =>
    good.replace('tvl-drop: {}', 'tvl-drop: { parameters: { dropBps: 20000 } }'),
  )
  await expectClean(await tocsin('start'), 2, /dropBps/)
})

test('error: an endpoint of another chain: check says so with exit code 3, start refuses', async () => {
  const other = await startAnvil({ chainId: 4_242 })
  cleanups.push(other.stop)
  await write((good) =>
    good.replace(
      `rpc: [{ http: ${ground.anvil.url}, ws: ${ground.anvil.wsUrl} }]`,
      `rpc: [{ http: ${other.url} }]`,
    ),
  )
  await expectClean(await tocsin('check'), 3, /4242/)
})

test('error: an address without code: check says so with exit code 3', async () => {
  await write((good) =>
    good.replace(ground.deployment.vault.address, '0x00000000000000000000000000000000000c0de5'),
  )
  await expectClean(await tocsin('check'), 3, /no (code|contract)/i)
})

test('error: an ABI that does not fit: check says so with exit code 3', async () => {
  const abi = [
    { type: 'function', name: 'neverWritten', stateMutability: 'view', inputs: [], outputs: [] },
  ]
  await writeFile(join(ground.folder, 'wrong.json'), JSON.stringify(abi))
  await write((good) => good.replace('kind: vault,', 'kind: vault, abi: wrong.json,'))
  await expectClean(await tocsin('check'), 3, /ABI/i)
})

test.each([
  [
    'console',
    (port: number) => (good: string) =>
      good.replace('console: { port: 0 }', `console: { port: ${port} }`),
  ],
  ['metrics', (port: number) => (good: string) => good.replace('basePort: 0', `basePort: ${port}`)],
  [
    'indexer',
    (port: number) => (good: string) =>
      good.replace(/indexer: \{ port: \d+ \}/, `indexer: { port: ${port} }`),
  ],
] as const)(
  'error: the port of the %s is taken: exit code 4',
  async (name, change) => {
    const port = await freePort()
    await occupy(port)
    await write(change(port))
    const only = name === 'metrics' ? 'watcher' : name
    await expectClean(await tocsin('start', '--only', only), 4, new RegExp(String(port)))
  },
  120_000,
)

test('error: a data folder of another Postgres version', async () => {
  const cluster = join(ground.dataDir, 'postgres')
  await mkdir(cluster, { recursive: true })
  await writeFile(join(cluster, 'PG_VERSION'), '15\n')
  await writeFile(ground.configFile, text)
  await expectClean(await tocsin('start'), 1, /Postgres 15/)
  expect(await readdir(cluster)).toEqual(['PG_VERSION'])
})

test('error: a database of another chain with the same id: exit code 2', async () => {
  const other = await startAnvil({ timestampS: 1_600_000_000 })
  cleanups.push(other.stop)
  await writeFile(ground.configFile, text)
  const child = spawn(process.execPath, [main, 'start', '--only', 'watcher'], {
    cwd: ground.folder,
    env: { ...process.env, DATABASE_URL: '', LOG_LEVEL: 'fatal' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (part: Buffer) => {
      if (part.toString().includes('Tocsin runs')) resolve()
    })
  })
  await ground.anvil.rpc('evm_mine')
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('close', resolve))
  running.delete(child)
  expect(await leftovers()).toEqual([])

  await write((good) =>
    good.replaceAll(ground.anvil.url, other.url).replaceAll(ground.anvil.wsUrl, other.wsUrl),
  )
  await expectClean(await tocsin('start', '--only', 'watcher'), 2, /another chain/)
}, 120_000)
