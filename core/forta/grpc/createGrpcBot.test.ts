import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Server as GrpcServer, type Server, ServerCredentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type BotFolder,
  everyKind,
  mineBlock,
  prepareChain,
  starterBot,
  TETHER,
  transfer,
  writtenBot,
} from '../../../test/support/fortaScene.ts'
import { findFreePort } from '../../base/index.ts'
import { createRpcPool, type RpcPool } from '../../chain/index.ts'
import { type Anvil, startAnvil } from '../../testing/index.ts'
import { createHostedChain } from '../host/createHostedChain.ts'
import { createRawBlocks, type RawBlock } from '../host/createRawBlocks.ts'
import { inspectBot } from '../host/inspectBot.ts'
import { mapFindings } from '../host/mapFinding.ts'
import { agentService } from './agentService.ts'
import { createGrpcBot } from './createGrpcBot.ts'

// The SDK's own server is started here, on a machine that others use as well.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

const SDK = dirname(createRequire(import.meta.url).resolve('forta-agent/package.json'))
const undo: (() => unknown)[] = []
let anvil: Anvil
let pool: RpcPool
let blocks: readonly RawBlock[] = []

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 1 })
  undo.push(() => anvil.stop())
  pool = createRpcPool({
    chainId: 1,
    chainName: 'main',
    endpoints: [{ name: 'anvil', http: anvil.url }],
  })
  undo.push(() => pool.stop())
  await prepareChain(anvil)
  await mineBlock(anvil, everyKind())
  await mineBlock(anvil, [])
  const last = await mineBlock(anvil, [transfer(10_001n), ...everyKind()])
  blocks = await createRawBlocks(pool, { traces: 'debug' }).byNumbers(
    Array.from({ length: last }, (_, index) => index + 1),
  )
})
afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

const keep = async (making: Promise<BotFolder>): Promise<string> => {
  const folder = await making
  undo.push(folder.remove)
  return folder.dir
}
/** `forta-agent run --prod`: the server that the SDK runs in every image. */
const serveSdk = (dir: string, port: number, rpcPort = 1): ChildProcess => {
  const child = spawn(process.execPath, [join(SDK, 'dist', 'cli', 'index.js'), 'run', '--prod'], {
    cwd: dir,
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      HOME: dir,
      AGENT_GRPC_PORT: String(port),
      NODE_ENV: 'production',
      JSON_RPC_HOST: '127.0.0.1',
      JSON_RPC_PORT: String(rpcPort),
    },
  })
  undo.push(() => child.kill('SIGKILL'))
  return child
}

/** Everything of an event that both ways of hosting show a bot. */
const SHOW_BOT = `
const { Finding, getTransactionReceipt } = require('forta-agent')
const tell = (alertId, value, rest = {}) => [Finding.fromObject({
  name: 'seen', description: JSON.stringify(value), alertId, severity: 3, type: 2, ...rest,
})]
let blocks = 0
module.exports = {
  initialize: async () => ({ alertConfig: { subscriptions: [{ botId: 'other', alertIds: ['A'], chainId: 1 }] } }),
  handleBlock: async (event) => tell('BLOCK', [++blocks, event.type, event.network, event.block]),
  handleTransaction: async (event) => tell('TX', [
    event.type, event.network, event.transaction, event.traces, Object.keys(event.addresses).sort(),
    event.block, event.logs, event.contractAddress,
    (await getTransactionReceipt(event.hash)).status,
  ], {
    addresses: [event.from], uniqueKey: event.hash, metadata: { b: '1', a: '2' }, protocol: 'tether',
    labels: [{ entityType: 1, entity: event.from, label: 'sender', confidence: 0.9, metadata: { a: 'b=c' } }],
    source: { transactions: [{ chainId: 1, hash: event.hash }] },
  }),
  handleAlert: async ({ alert }) => tell('ALERT', [alert.alertId, alert.source.bot.id, alert.labels[0].metadata, alert.chainId]),
  healthCheck: async () => ['a complaint'],
}
`

test('behavior: unmodified bots served by their own SDK find what they find in a process of ours', async () => {
  const starter = await keep(starterBot('js'))
  const shower = await keep(writtenBot(SHOW_BOT))
  const first = await findFreePort(3)
  const [second, rpcPort] = [first + 1, first + 2]
  serveSdk(starter, first)
  serveSdk(shower, second, rpcPort)
  const chain = await createHostedChain({
    chain: { id: 1, name: 'main', rpc: [], traces: 'debug' },
    pool,
    rpcPort,
    bots: [
      { bot: { id: 'a', dir: starter, compat: 'node' }, pack: inspectBot(starter) },
      { grpc: { id: 'a', address: `127.0.0.1:${first}`, parallel: 4, patienceMs: 60_000 } },
      { bot: { id: 'b', dir: shower, compat: 'node' }, pack: inspectBot(shower) },
      { grpc: { id: 'b', address: `127.0.0.1:${second}`, patienceMs: 60_000 } },
    ],
  })
  undo.push(() => chain.stop())
  const found: unknown[][] = [[], [], [], []]
  for (const block of blocks) {
    const shared = chain.take(block)
    for (const [index, bot] of chain.bots.entries()) {
      const run = await chain.runShared(bot, shared)
      expect(run.faults).toEqual([])
      found[index]?.push(mapFindings(run.findings))
    }
  }
  expect(found[0]?.flat()).toHaveLength(3)
  expect(found[1]).toEqual(found[0])
  expect(found[2]?.flat().length).toBe(
    blocks.length + blocks.reduce((sum, { hashes }) => sum + hashes.length, 0),
  )
  expect(found[3]).toEqual(found[2])
  const [, , process, grpc] = chain.bots
  expect((await grpc?.start())?.subscriptions).toEqual((await process?.start())?.subscriptions)
  const alert = {
    alertId: 'A',
    hash: '0x1',
    name: 'n',
    description: 'd',
    severity: 'HIGH',
    findingType: 'EXPLOIT',
    createdAt: '2026-01-01T00:00:00.000Z',
    chainId: 1,
    addresses: [],
    labels: [
      { label: 'l', entity: 'e', entityType: 'ADDRESS', confidence: 1, metadata: { k: 'v' } },
    ],
    metadata: {},
    source: { bot: { id: 'other' }, block: { number: 1, hash: '0x2', chainId: 1 } },
  }
  const answer = await grpc?.runAlert(alert)
  expect(answer?.faults).toEqual([])
  expect(answer?.findings[0]?.finding['description']).toContain('"A","other"')
  expect(await grpc?.healthCheck()).toEqual(['a complaint'])
})

/** A bot of a few lines, for what the SDK's server never does. */
const serve = async (
  port: number,
  calls: Readonly<Record<string, (request: never, answer: (value: unknown) => void) => void>>,
): Promise<Server> => {
  const server = new GrpcServer()
  const handlers = Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      (
        { request }: { readonly request: never },
        callback: (error: unknown, value: unknown) => void,
      ) =>
        call(request, (value) =>
          value instanceof Error ? callback(value, null) : callback(null, value),
        ),
    ]),
  )
  server.addService(agentService(), handlers as never)
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  )
  undo.push(() => server.forceShutdown())
  return server
}
const finding = (description: string) => ({
  findings: [{ alertId: 'A', name: 'n', description, severity: 5, type: 1 }],
  status: 2,
})

test('error: a call that hangs, fails or ends the bot costs that call, and a bot started anew is set up anew', async () => {
  const port = await findFreePort()
  const block = blocks[blocks.length - 1]
  if (!block) throw new Error('There is no block.')
  const [first, second, third] = block.hashes
  let initialized = 0
  let server: Server | undefined
  let deaths = 0
  const calls = {
    Initialize: (_: never, answer: (value: unknown) => void) => {
      initialized++
      answer({ status: 2 })
    },
    EvaluateBlock: (_: never, answer: (value: unknown) => void) => answer(finding('block')),
    EvaluateTx: (
      request: { readonly event: { readonly transaction: { readonly hash: string } } },
      answer: (value: unknown) => void,
    ) => {
      const { hash } = request.event.transaction
      if (hash === first) return
      if (hash === second) return answer({ status: 1, errors: [{ message: 'no key' }] })
      if (hash === third) {
        deaths++
        server?.forceShutdown()
        setTimeout(() => void serve(port, calls as never).then((made) => (server = made)), 100)
        return
      }
      answer(finding(hash))
    },
  }
  server = await serve(port, calls as never)
  const ends: string[] = []
  const bot = createGrpcBot({
    bot: { id: 'bot', address: `127.0.0.1:${port}`, timeoutMs: 1_000, patienceMs: 20_000 },
    chainId: 1,
    onEnd: (reason) => ends.push(reason),
  })
  undo.push(() => bot.stop())
  const run = await bot.runRaw?.(block.payload, block.hashes)
  expect(run?.faults).toEqual([
    `handleTransaction(${first}) took longer than 1000 ms and was left out`,
    `handleTransaction(${second}) failed: no key`,
    expect.stringContaining(`handleTransaction(${third}) failed twice and was left out`),
  ])
  expect(run?.findings.map(({ txHash }) => txHash)).toEqual([undefined, ...block.hashes.slice(3)])
  expect(deaths).toBe(2)
  expect(initialized).toBe(3)
  expect(bot.restarts()).toBe(2)
  expect(ends.length).toBeGreaterThan(0)
  // Between two blocks, too, a new bot is set up before it is asked.
  server.forceShutdown()
  await vi.waitFor(() => expect(bot.isReady()).toBe(false), 10_000)
  server = await serve(port, calls as never)
  expect(
    (
      await bot.runRaw?.(
        { ...block.payload, block: { ...block.payload.block, transactions: [] } },
        [],
      )
    )?.findings,
  ).toHaveLength(1)
  expect(initialized).toBe(4)
  await bot.stop()
})

test('error: a bot that is not there is reported, and soon keeps nobody waiting', async () => {
  const bot = createGrpcBot({
    bot: { id: 'bot', address: `127.0.0.1:${await findFreePort()}`, patienceMs: 300 },
    chainId: 1,
  })
  undo.push(() => bot.stop())
  for (let times = 0; times < 2; times++) {
    const run = await bot.runBlock(JSON.stringify(blocks[0]?.payload), [])
    expect([run.findings, run.faults.length]).toEqual([[], 1])
  }
  expect((await bot.healthCheck())[0]).toBeDefined()
  await expect(bot.start()).rejects.toMatchObject({ code: 'forta.start_failed' })
})

const hasPython = (): boolean =>
  spawnSync('/usr/bin/python3', ['-c', 'import grpc, grpc_tools']).status === 0

// Debian: apt-get install python3-grpcio python3-grpc-tools
test.runIf(process.env['TOCSIN_LONG'] && hasPython())(
  'behavior: a bot in Python, which no SDK of ours or theirs serves',
  async () => {
    const port = await findFreePort(2)
    const python = spawn(
      '/usr/bin/python3',
      [
        fileURLToPath(new URL('../../../test/support/pythonBot/bot.py', import.meta.url)),
        join(SDK, 'dist', 'cli', 'commands', 'run', 'server'),
      ],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
        env: {
          PATH: process.env['PATH'],
          AGENT_GRPC_PORT: String(port),
          JSON_RPC_HOST: '127.0.0.1',
          JSON_RPC_PORT: String(port + 1),
        },
      },
    )
    undo.push(() => python.kill('SIGKILL'))
    const chain = await createHostedChain({
      chain: { id: 1, name: 'main', rpc: [], traces: 'debug' },
      bots: [{ grpc: { id: 'python', address: `127.0.0.1:${port}`, patienceMs: 60_000 } }],
      pool,
      rpcPort: port + 1,
    })
    undo.push(chain.stop)
    const [hosted] = chain.bots
    if (!hosted) throw new Error('There is no bot.')
    const told: (readonly [string, string])[] = []
    for (const block of blocks) {
      const run = await chain.runShared(hosted, chain.take(block))
      expect(run.faults).toEqual([])
      for (const { alertId, description } of mapFindings(run.findings))
        told.push([alertId, description])
    }
    const transactions = blocks.map(({ hashes }) => hashes.length)
    const { length: codeLength } = await anvil.rpc<string>('eth_getCode', [TETHER, 'latest'])
    expect(told.filter(([alertId]) => alertId === 'PY-TETHER').map(([, text]) => text)).toEqual([
      '20000 moved, 1 traces, status 0x1',
      '10001 moved, 1 traces, status 0x1',
      '20000 moved, 1 traces, status 0x1',
    ])
    expect(told.filter(([alertId]) => alertId === 'PY-BLOCK').map(([, text]) => text)).toEqual(
      blocks.map(
        ({ number }, at) =>
          `block ${number} after ${transactions.slice(0, at).reduce((sum, one) => sum + one, 0)} transactions, code of ${codeLength}`,
      ),
    )
  },
)
