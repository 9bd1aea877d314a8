import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findFreePort } from '../core/base/index.ts'
import { connectDatabase, tables } from '../core/store/index.ts'
import { startAnvil } from '../core/testing/index.ts'
import { type Ground, startGround } from './support/stack.ts'

const main = fileURLToPath(new URL('../dist/core/cli/main.js', import.meta.url))
const EMPTY_ADDRESS = '0x00000000000000000000000000000000000c0de5'

let ground: Ground
let text: string
let taken: number
let otherChain: string
let pageUrl: string
const cleanups: (() => unknown)[] = []
const running = new Set<ChildProcess>()
const childFolders = new WeakMap<ChildProcess, string>()

/** A port on which somebody listens, for as long as the tests run. */
const occupy = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** A web page where a node should be. */
const servePage = async (): Promise<string> => {
  const server = createHttpServer((_, response) => response.end('<html>Welcome</html>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

beforeAll(async () => {
  expect(existsSync(main), 'run `npm run build` first').toBe(true)
  ground = await startGround({ users: 4 })
  cleanups.push(ground.stop)
  const other = await startAnvil({ chainId: 4_242 })
  cleanups.push(other.stop)
  otherChain = `rpc: [{ http: ${other.url} }]`
  taken = await occupy()
  pageUrl = await servePage()
  const indexer = await findFreePort()
  text = `${await readFile(ground.configFile, 'utf8')}indexer: { port: ${indexer} }\n`
}, 120_000)

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  for (const { pid } of ground ? await findOwn(ground.folder) : []) process.kill(pid, 'SIGKILL')
  for (const cleanup of cleanups.reverse()) await cleanup()
})

/** Processes that were started for a folder. */
const findOwn = async (
  folder: string,
): Promise<readonly { readonly pid: number; readonly line: string }[]> => {
  const all = await Promise.all(
    (await readdir('/proc')).filter(Number).map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return { pid: Number(pid), line: line.replaceAll('\0', ' ') }
    }),
  )
  return all.filter(({ line }) => line.includes(folder))
}

type Place = {
  /** Ends with a slash: no other place's folder begins with it. */
  readonly folder: string
  readonly write: (path: string, content: string | Buffer) => Promise<void>
  readonly tocsin: (
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
  ) => Promise<{ readonly code: number | null; readonly output: string }>
  readonly files: () => Promise<readonly string[]>
}

let places = 0
/** A folder of its own with a good watchlist, policy and keystore, so that cases can run side by side. */
const takePlace = async (): Promise<Place> => {
  const folder = `${join(ground.folder, 'places', String(places++))}/`
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  for (const name of ['keystore.json', 'actions'])
    await cp(join(ground.folder, name), join(folder, name), { recursive: true })
  await writeFile(
    join(folder, 'watchlist.yaml'),
    text.replace(ground.dataDir, join(folder, 'data')),
  )
  return {
    folder,
    write: (path, content) => writeFile(join(folder, path), content),
    files: async () => (await readdir(folder)).sort(),
    tocsin: async (args, env = {}) => {
      const child = spawn(process.execPath, [main, ...args], {
        cwd: folder,
        env: { ...process.env, DATABASE_URL: '', LOG_LEVEL: 'fatal', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      running.add(child)
      childFolders.set(child, folder)
      let output = ''
      child.stdout?.on('data', (part: Buffer) => (output += part.toString()))
      child.stderr?.on('data', (part: Buffer) => (output += part.toString()))
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
      running.delete(child)
      return { code, output }
    },
  }
}

type Case = {
  readonly args?: readonly string[]
  /** Edits the watchlist. */
  readonly edit?: (good: string) => string | Buffer
  /** Makes the place otherwise bad. */
  readonly prepare?: (place: Place) => Promise<unknown>
  readonly env?: NodeJS.ProcessEnv
  readonly code: number
  readonly says: RegExp
}

const swap =
  (from: string | RegExp, to: string | (() => string)) =>
  (good: string): string => {
    const changed = good.replace(from, typeof to === 'string' ? to : to())
    if (changed === good) throw new Error(`nothing to change: ${from}`)
    return changed
  }
const vault = (): string => ground.deployment.vault.address
const rpc = /rpc: \[\{ http: .* \}\]/

const cases: Readonly<Record<string, Case>> = {
  'a wrong watchlist: all faults at once, each with its place': {
    edit: (good) => swap('owner: team', 'owner: taem')(swap('kind: vault', 'kind: vualt')(good)),
    code: 2,
    says: /2 faults found; nothing was started\.\n {2}watchlist\.yaml:\d+:\d+: .*taem.*"team"\?\n {2}watchlist\.yaml:\d+:\d+: .*vualt.*"vault"\?\n$/,
  },
  'no watchlist at all': {
    args: ['start', '--config', 'nowhere.yaml'],
    code: 2,
    says: /no watchlist at .*nowhere\.yaml/,
  },
  'an empty watchlist': { edit: () => '', code: 2, says: /watchlist\.yaml:1:1: the file is empty/ },
  'a chain that the watchlist does not have': {
    edit: swap('kind: vault, chain: local', 'kind: vault, chain: locla'),
    code: 2,
    says: /watchlist\.yaml:\d+:\d+: watch\[vault\]\.chain: there is no chain "locla"\. Did you mean "local"\?/,
  },
  'a threshold out of range': {
    edit: swap('tvl-drop: {}', 'tvl-drop: { parameters: { dropBps: 20000 } }'),
    code: 2,
    says: /watchlist\.yaml:\d+:\d+: bots\.tvl-drop\.parameters\.dropBps: the value is too large\. Give at most 10000\./,
  },
  'a secret that is not there': {
    env: { TOCSIN_BENCH_PASSWORD: undefined },
    code: 2,
    says: /signer\.password: the environment variable TOCSIN_BENCH_PASSWORD is not set/,
  },
  'a keystore that is not there': {
    prepare: ({ folder }) => rm(join(folder, 'keystore.json')),
    code: 2,
    says: /The keystore .*keystore\.json cannot be read/,
  },
  'a bot that does not compile': {
    edit: (good) => `${good}botsDir: bots\n`,
    prepare: async ({ folder, write }) => {
      await mkdir(join(folder, 'bots', 'mine'), { recursive: true })
      await write('bots/mine/bot.ts', 'export default defineBot({ id: \n')
    },
    code: 2,
    says: /bots\/mine\/bot\.ts.*2:0.*Unexpected end of file/,
  },
  'an endpoint of another chain': {
    edit: swap(rpc, () => otherChain),
    code: 3,
    says: /watchlist\.yaml:6:9: .*config says 31337, endpoint .* serves 4242/,
  },
  'an endpoint of another chain, asked by check': {
    args: ['check'],
    edit: swap(rpc, () => otherChain),
    code: 3,
    says: /error: watchlist\.yaml:6:9: .*config says 31337, endpoint .* serves 4242/,
  },
  'a web page where the endpoint should be, asked by check': {
    args: ['check'],
    edit: swap(rpc, () => `rpc: [{ http: ${pageUrl} }]`),
    code: 3,
    says: /error: watchlist\.yaml:7:\d+: .*what it answers is not JSON/,
  },
  'an address without code': {
    edit: (good) => swap(vault(), EMPTY_ADDRESS)(good),
    code: 3,
    says: /watchlist\.yaml:\d+:\d+: watch\[vault\]\.address: there is no code at 0x0+c0de5 on local/,
  },
  'an address without code, asked by check': {
    args: ['check'],
    edit: (good) => swap(vault(), EMPTY_ADDRESS)(good),
    code: 3,
    says: /error: watchlist\.yaml:\d+:\d+: watch\[vault\]\.address: there is no code/,
  },
  'an ABI that does not fit': {
    edit: swap('kind: vault,', 'kind: vault, abi: wrong.json,'),
    prepare: ({ write }) =>
      write(
        'wrong.json',
        '[{"type":"function","name":"neverWritten","stateMutability":"view","inputs":[],"outputs":[]}]',
      ),
    code: 3,
    says: /watchlist\.yaml:\d+:\d+: watch\[vault\]\.abi: the ABI does not fit/,
  },
  'a port of the console in use': {
    edit: swap('console: { port: 0 }', () => `console: { port: ${taken} }`),
    code: 4,
    says: /Port \d+ on 127\.0\.0\.1 is taken, so the console cannot be served there/,
  },
  'a port of the metrics in use': {
    edit: swap('basePort: 0', () => `basePort: ${taken}`),
    code: 4,
    says: /Port \d+ on 127\.0\.0\.1 is taken, so the metrics of the watcher cannot be served there/,
  },
  'a port of the indexer in use': {
    edit: swap(/indexer: \{ port: \d+ \}/, () => `indexer: { port: ${taken} }`),
    code: 4,
    says: /Port \d+ on 127\.0\.0\.1 is taken, so the indexer cannot be served there/,
  },
  'one port for two': {
    edit: swap('console: { port: 0 }', () => `console: { port: ${taken} }`),
    prepare: async ({ folder, write }) => {
      const now = await readFile(join(folder, 'watchlist.yaml'), 'utf8')
      await write(
        'watchlist.yaml',
        swap(/indexer: \{ port: \d+ \}/, `indexer: { port: ${taken} }`)(now),
      )
    },
    code: 2,
    says: /Port \d+ is wanted for the console and for the indexer/,
  },
  'a data folder of another Postgres': {
    prepare: async ({ folder, write }) => {
      await mkdir(join(folder, 'data', 'postgres'), { recursive: true })
      await write('data/postgres/PG_VERSION', '15\n')
    },
    code: 2,
    says: /data folder .* belongs to Postgres 15; this is Postgres 18/,
  },
  'a data folder with somebody else’s files': {
    prepare: async ({ folder, write }) => {
      await mkdir(join(folder, 'data', 'postgres'), { recursive: true })
      await write('data/postgres/precious', 'mine')
    },
    code: 2,
    says: /data\/postgres is not empty, and what is in it is no Postgres/,
  },
  'a data folder that is a file': {
    args: ['start', '--data-dir', 'keystore.json'],
    code: 2,
    says: /data folder .*keystore\.json cannot be used: a file stands in its way/,
  },
  'an address of the database that is none': {
    env: { DATABASE_URL: 'mysql://u:sekret@127.0.0.1/x' },
    code: 2,
    says: /address of the database is no postgres:\/\/ URL/,
  },
  'a range that ends before it begins': {
    args: ['backtest', '--chain', 'local', '--from', '5', '--to', '1'],
    code: 2,
    says: /Block 5 comes after block 1/,
  },
  'a range beyond the chain': {
    args: ['backtest', '--chain', 'local', '--from', '5', '--to', '999999'],
    code: 2,
    says: /Block 999999 is not there yet: the chain ends at block \d+/,
  },
  'findings of what never ran': {
    args: ['findings'],
    code: 1,
    says: /Nothing has run in .*data yet\./,
  },
  'an unknown command': { args: ['strat'], code: 2, says: /unknown command 'strat'\n.*start/ },
}

describe.concurrent('error:', () => {
  test.each(Object.entries(cases))(
    '%s',
    async (_, { args = ['start'], edit, prepare, env, code, says }) => {
      const place = await takePlace()
      if (edit) {
        const good = await readFile(join(place.folder, 'watchlist.yaml'), 'utf8')
        await place.write('watchlist.yaml', edit(good))
      }
      await prepare?.(place)
      const before = await place.files()
      const data = await readdir(join(place.folder, 'data', 'postgres')).catch(() => [])
      const { code: ended, output } = await place.tocsin(args, env)

      expect(output).toMatch(says)
      expect(ended, output).toBe(code)
      // One message, no stack trace, no secret.
      expect(output.match(/^(tocsin|error): /gm), output).toHaveLength(1)
      expect(output).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m)
      expect(output).not.toContain('sekret')
      // Nothing runs, and nothing was made or removed.
      expect((await findOwn(place.folder)).map(({ line }) => line)).toEqual([])
      expect(await place.files()).toEqual(before)
      expect(await readdir(join(place.folder, 'data', 'postgres')).catch(() => [])).toEqual(data)
    },
  )

  test('a start that is interrupted ends everything that it began', async () => {
    const place = await takePlace()
    const ending = place.tocsin(['start', '--only', 'watcher', 'notifier', 'console'])
    // The database runs, and the processes are about to.
    await vi.waitFor(() => stat(join(place.folder, 'data', 'postgres', 'postmaster.pid')), {
      timeout: 30_000,
      interval: 20,
    })
    const own = await findOwn(`${place.folder}data/`)
    expect(own.length).toBeGreaterThan(0)
    for (const child of running) if (childFolders.get(child) === place.folder) child.kill('SIGINT')
    const { code, output } = await ending
    expect(code, output).toBe(1)
    expect(output).toBe('tocsin: Stopped while starting.\n')
    expect((await findOwn(place.folder)).map(({ line }) => line)).toEqual([])
  })

  test('a database of another chain with the same id', async () => {
    const place = await takePlace()
    const other = await startAnvil({ timestampS: 1_600_000_000 })
    cleanups.push(other.stop)
    const child = spawn(process.execPath, [main, 'start', '--only', 'watcher'], {
      cwd: place.folder,
      env: { ...process.env, DATABASE_URL: '', LOG_LEVEL: 'fatal' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running.add(child)
    const ended = new Promise((resolve) => child.once('close', resolve))
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (part: Buffer) => {
        if (part.toString().includes('Tocsin runs')) resolve()
      })
      child.once('close', () => reject(new Error('it did not start')))
    })
    const read = (name: string): Promise<string> =>
      readFile(join(place.folder, 'data', `postgres.${name}`), 'utf8')
    const [password, port] = [await read('password'), await read('port')]
    const url = `postgresql://tocsin:${password.trim()}@127.0.0.1:${port.trim()}/tocsin`
    const store = await connectDatabase({ url, name: 'test', poolSize: 1 })
    try {
      await vi.waitFor(
        async () => expect(await store.db.select().from(tables.chainCursor)).toHaveLength(1),
        { timeout: 30_000, interval: 100 },
      )
    } finally {
      await store.stop()
      child.kill('SIGTERM')
      await ended
      running.delete(child)
    }
    expect((await findOwn(place.folder)).map(({ line }) => line)).toEqual([])

    const now = await readFile(join(place.folder, 'watchlist.yaml'), 'utf8')
    await place.write(
      'watchlist.yaml',
      now.replaceAll(ground.anvil.url, other.url).replaceAll(ground.anvil.wsUrl, other.wsUrl),
    )
    const { code, output } = await place.tocsin(['start', '--only', 'watcher', '--unchecked'])
    expect(output).toMatch(/another chain/)
    expect(code, output).toBe(2)
    expect(output.match(/^tocsin: /gm), output).toHaveLength(1)
    expect((await findOwn(place.folder)).map(({ line }) => line)).toEqual([])
  })
})
