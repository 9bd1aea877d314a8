import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runAttack } from '../../demo/attack.ts'
import { type DemoDeployment, deployDemo, FIRST_USER } from '../../demo/contracts/index.ts'
import { writeDemoWatchlist } from '../../demo/writeWatchlist.ts'
import { createScanNode } from '../../test/support/scanNode.ts'
import { findFreePort } from '../base/index.ts'
import { createRangeSource, createRpcPool, type RpcPool } from '../chain/index.ts'
import { findBotFile, loadBots } from '../cli/loadBots.ts'
import { type Config, loadConfig } from '../config/index.ts'
import {
  type BotDefinition,
  bindBots,
  type FindingRow,
  listLabels,
  runBacktest,
} from '../engine/index.ts'
import { agentService } from '../forta/lightGrpc.ts'
import { type Anvil, startAnvil } from '../testing/index.ts'
import { buildFortaBot, packWatch } from './buildFortaBot.ts'
import { createAgent } from './createAgent.ts'
import { findRefusals } from './findRefusals.ts'
import { decodePacked, encodePacked } from './packedJson.ts'
import { serveAgent } from './serveAgent.ts'
import { toFortaFinding } from './toFortaFinding.ts'

// A chain, a deployment and programs start here, on a machine that others use as well.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

/** The first of the well-known ones. */
const ANVIL_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const log = pino({ level: 'silent' })
const undo: (() => unknown)[] = []
let anvil: Anvil
let demo: DemoDeployment
let pool: RpcPool
let config: Config
let definitions: readonly BotDefinition<unknown>[] = []
let folder: string
let from = 0
let to = 0
let told: readonly FindingRow[] = []

const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const fileOf = (bot: BotDefinition<unknown>): string =>
  fileURLToPath(findBotFile(bot) ?? 'file:///')
const byId = (id: string): BotDefinition<unknown> => {
  const bot = definitions.find((one) => one.id === id)
  if (!bot) throw new Error(`There is no bot ${id}.`)
  return bot
}
const head = async (): Promise<number> => Number(await anvil.rpc<string>('eth_blockNumber'))

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 4 })
  undo.push(() => anvil.stop())
  demo = await deployDemo({ rpcUrl: anvil.url, users: 4, mine })
  from = (await head()) + 1
  await mine()
  await mine()
  await runAttack({ deployment: demo, drains: 3, mine })
  to = await head()
  pool = createRpcPool({
    chainId: anvil.chainId,
    chainName: 'demo',
    endpoints: [{ name: 'anvil', http: anvil.url }],
  })
  undo.push(() => pool.stop())
  folder = await mkdtemp(join(tmpdir(), 'tocsin-forta-out-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const { configFile: file } = await writeDemoWatchlist(demo, {
    dir: join(folder, 'watchlist'),
    dataDir: join(folder, 'data'),
    rpcUrl: anvil.url,
    wsUrl: anvil.wsUrl,
    webhookUrl: 'http://127.0.0.1:9/tocsin',
    ports: { console: 1, indexer: 2, metrics: 0 },
  })
  config = await loadConfig({ file, secrets: 'none' })
  definitions = await loadBots()
  const range = createRangeSource(pool, { from, to })
  const rows: FindingRow[] = []
  await runBacktest({
    chain: { id: anvil.chainId, name: 'demo' },
    bots: bindBots(config, definitions, 'demo'),
    source: range.source,
    blocks: range,
    labels: listLabels(config, 'demo'),
    log,
    onFinding: (finding) => rows.push(finding),
  })
  told = rows
})
afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

type Raw = Readonly<Record<string, unknown>>
/** As it looks when it has been written and read once. */
const wire = (finding: Raw): Raw => {
  const definition = agentService()['EvaluateTx']
  if (!definition) throw new Error('no such call')
  const { findings } = definition.responseDeserialize(
    definition.responseSerialize({ findings: [finding] }),
  ) as unknown as { readonly findings: readonly Raw[] }
  return findings[0] ?? {}
}
const inOrder = (findings: readonly Raw[]): readonly Raw[] =>
  findings.toSorted((a, b) => String(a['uniqueKey']).localeCompare(String(b['uniqueKey'])))
const expected = (id: string): readonly Raw[] =>
  inOrder(told.filter(({ botId }) => botId === id).map((row) => wire(toFortaFinding(row))))

test.each([
  'tvl-drop',
  'large-transfer',
  'admin-call',
  'liquidity-pull',
  'share-price',
  'whale-watch',
])('behavior: %s tells a scan node what it tells us of an attack', async (id) => {
  const bot = byId(id)
  const agent = createAgent({
    watch: decodePacked(encodePacked(packWatch(config, bot, []))),
    definitions: [bot],
    rpcUrl: anvil.url,
    log,
  })
  const server = await serveAgent(agent, { host: '127.0.0.1', port: 0 })
  const node = createScanNode(`127.0.0.1:${server.port}`, pool)
  try {
    expect(await node.ask('Initialize', { agentId: '0x1' })).toMatchObject({ status: 2 })
    const found = await node.scan(
      from,
      to,
      id === 'tvl-drop' ? 'transactions first' : 'blocks first',
    )
    expect(expected(id).length).toBeGreaterThan(0)
    expect(inOrder(found)).toEqual(expected(id))
    expect(await node.ask('HealthCheck', {})).toMatchObject({ status: 2, errors: [] })
    // Asked again, it says the same again.
    expect(inOrder(await node.scan(to - 1, to))).toEqual(
      expected(id).filter((one) =>
        JSON.stringify(one).match(new RegExp(`"number":(${to - 1}|${to})\\b`)),
      ),
    )
  } finally {
    node.close()
    await server.stop()
  }
})

test('behavior: what a packed bot remembers lasts over a restart, also over a kill', async () => {
  const bot = byId('tvl-drop')
  const stateDir = join(folder, 'state')
  const watch = packWatch(config, bot, [])
  const open = async (dir: string | undefined) => {
    const agent = createAgent({
      watch,
      definitions: [bot],
      rpcUrl: anvil.url,
      stateDir: dir,
      log,
    })
    undo.push(() => agent.stop())
    const server = await serveAgent(agent, { host: '127.0.0.1', port: 0 })
    const node = createScanNode(`127.0.0.1:${server.port}`, pool, false)
    return { node, stop: () => server.stop().then(() => node.close()) }
  }
  const mid = Math.floor((from + to) / 2)
  const first = await open(stateDir)
  const found = [...(await first.node.scan(from, mid))]
  // The second one begins at what was saved some blocks ago: as after a kill, the blocks since are run again.
  const second = await open(stateDir)
  const again = await second.node.scan(mid, mid)
  expect(inOrder(again)).toEqual(inOrder(await first.node.scan(mid, mid)))
  await first.stop()
  found.push(...(await second.node.scan(mid + 1, to)))
  expect(inOrder(found)).toEqual(expected('tvl-drop'))
  await second.stop()

  const file = join(stateDir, `chain-${anvil.chainId}.json`)
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    kept: { cursor: { number: to } },
  })
  const third = await open(stateDir)
  // It stands at the end, and asked about what was before it says what was said.
  const told = await third.node.scan(to - 1, to)
  expect(told.length).toBeGreaterThan(0)
  expect(inOrder(told)).toEqual(
    expected('tvl-drop').filter((one) =>
      JSON.stringify(one).match(new RegExp(`"number":(${to - 1}|${to})\\b`)),
    ),
  )
  await third.stop()

  // What is damaged, of another chain or of another bot is left alone: the bot begins anew.
  for (const text of ['{"of":', '{"of":"another","kept":{}}']) {
    await writeFile(file, text)
    const fresh = await open(stateDir)
    expect(inOrder(await fresh.node.scan(from, to))).toEqual(expected('tvl-drop'))
    await fresh.stop()
  }
})

const served = async (
  dir: string,
): Promise<{ readonly child: ChildProcess; readonly port: number }> => {
  const port = await findFreePort()
  const { port: rpcPort, hostname } = new URL(anvil.url)
  const child = spawn(process.execPath, ['bot.mjs'], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      AGENT_GRPC_PORT: String(port),
      AGENT_GRPC_HOST: '127.0.0.1',
      JSON_RPC_HOST: hostname,
      JSON_RPC_PORT: rpcPort,
    },
  })
  undo.push(() => child.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('The bot is served')) resolve()
    })
    child.on('exit', () => reject(new Error(said)))
  })
  return { child, port }
}

/** What the SDK's own publishing makes of a folder, without the network: its checks are run, and the manifest is signed. */
const publish = async (dir: string): Promise<Raw> => {
  const require = createRequire(import.meta.url)
  const { default: provide } =
    require('forta-agent/dist/cli/commands/publish/upload.manifest.js') as {
      default: (...parts: readonly unknown[]) => (image: string, key: string) => Promise<string>
    }
  const pack = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
  const texts: string[] = []
  const upload = provide(
    fs,
    async (text: string) => String(texts.push(text)),
    pack.name,
    pack.displayName,
    pack.description,
    pack.longDescription,
    `0x${'1'.repeat(64)}`,
    pack.version,
    join(dir, 'README.md'),
    pack.repository,
    pack.licenseUrl,
    pack.promoUrl,
    '0.1.48',
    pack.chainIds,
    false,
    undefined,
  )
  await upload('bafy@sha256:0', ANVIL_KEY)
  return JSON.parse(texts[1] ?? '{}').manifest
}

test('behavior: a packed folder is a bot of the network: it runs alone, fills gaps, and follows another history', async () => {
  const out = join(folder, 'packed')
  const built = await buildFortaBot({
    bot: { definition: byId('tvl-drop'), file: fileOf(byId('tvl-drop')) },
    config,
    out,
    parameters: [{ name: 'x', default: 1, description: 'y', source: 'z' }],
  })
  expect(built.files).toEqual(
    expect.arrayContaining(['bot.mjs', 'watch.json', 'Dockerfile', 'package.json', 'README.md']),
  )
  const pack = JSON.parse(await readFile(join(out, 'package.json'), 'utf8'))
  expect(pack).toMatchObject({
    name: 'tocsin-tvl-drop',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    description: expect.stringMatching(/./),
    chainIds: [anvil.chainId],
  })
  expect(await readFile(join(out, 'README.md'), 'utf8')).toContain('TVL-DROP-BLOCK')
  const manifest = await publish(out)
  expect(manifest).toMatchObject({ agentId: 'tocsin-tvl-drop', chainIds: [anvil.chainId] })
  const { child, port } = await served(out)
  const node = createScanNode(`127.0.0.1:${port}`, pool, false)
  try {
    expect(await node.ask('Initialize', {})).toMatchObject({ status: 2 })
    // The node names the first block, and then only the last: what lies between is filled in.
    await node.scan(from, from)
    await node.scan(to, to)
    expect(inOrder(await node.scan(from, to))).toEqual(expected('tvl-drop'))
    const snapshot = await anvil.rpc('evm_snapshot')
    await mine()
    await mine()
    await node.scan(to + 1, to + 2)
    await anvil.rpc('evm_revert', [snapshot])
    await anvil.rpc('anvil_mine', ['0x3', '0x7'])
    expect(await node.scan(to + 1, to + 3)).toEqual([])
    expect(await node.ask('HealthCheck', {})).toMatchObject({ status: 2 })
  } finally {
    node.close()
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await gone
  }
})

/** Bots that need what a scan node does not have. */
const REFUSED: Readonly<Record<string, string>> = {
  'attacker-preparation': 'alerts',
  bridge: 'remote',
  correlation: 'alerts',
  'flash-loan': 'alerts',
  'rug-pull': 'alerts',
}

test('behavior: every bot of the catalogue is set up for a scan node, or is refused for a need that is named', async () => {
  const refused: Record<string, string> = {}
  for (const bot of definitions) {
    const watch = packWatch(config, bot, [])
    const refusals = await findRefusals({ bot, file: fileOf(bot), beside: [], watch })
    // Nothing of its kind is in the demo; that is no fault of the bot.
    const needs = refusals.filter((one) => !one.startsWith('watch:'))
    if (needs[0]) {
      refused[bot.id] = needs[0].split(':')[0] ?? ''
      continue
    }
    const agent = createAgent({ watch, definitions: [bot], rpcUrl: anvil.url, log })
    expect([bot.id, await agent.initialize()]).toEqual([bot.id, { status: 2 }])
    await agent.stop()
  }
  expect(refused).toEqual(REFUSED)
})

test.runIf(process.env['TOCSIN_LONG'])(
  'behavior: every bot that can be shipped is packed, served by itself, and tells what it tells us',
  async () => {
    for (const definition of definitions) {
      const bot = { definition, file: fileOf(definition) }
      const out = join(folder, `long-${definition.id}`)
      const watch = packWatch(config, definition, [])
      if ((await findRefusals({ ...bot, bot: definition, beside: [], watch })).length > 0) continue
      await buildFortaBot({ bot, config, out, parameters: [] })
      const { child, port } = await served(out)
      const node = createScanNode(`127.0.0.1:${port}`, pool)
      expect(await node.ask('Initialize', {})).toMatchObject({ status: 2 })
      const found = inOrder(await node.scan(from, to))
      expect([definition.id, found]).toEqual([definition.id, expected(definition.id)])
      process.stderr.write(`${definition.id}: ${found.length} findings\n`)
      node.close()
      child.kill('SIGKILL')
    }
  },
  600_000,
)

test('behavior: a bot that reads findings is packed with the bots that make them', async () => {
  const beside = ['tvl-drop', 'admin-call', 'outflow-cap', 'liquidity-pull', 'large-transfer'].map(
    byId,
  )
  const bot = byId('correlation')
  const watch = packWatch(config, bot, beside)
  expect(await findRefusals({ bot, file: fileOf(bot), beside, watch })).toEqual([])
  const agent = createAgent({ watch, definitions: [bot, ...beside], rpcUrl: anvil.url, log })
  const server = await serveAgent(agent, { host: '127.0.0.1', port: 0 })
  const node = createScanNode(`127.0.0.1:${server.port}`, pool, false)
  const found = await node.scan(from, to)
  node.close()
  await server.stop()
  expect(found.length).toBeGreaterThan(0)
  expect(new Set(found.map(({ alertId }) => alertId))).toEqual(
    new Set(bot.alerts.map(({ id }) => id)),
  )
})

test('error: what a scan node cannot give is refused by name, and another chain too', async () => {
  const build = (id: string) =>
    buildFortaBot({
      bot: { definition: byId(id), file: fileOf(byId(id)) },
      config,
      out: join(folder, id),
      parameters: [],
    })
  await expect(build('flash-loan')).rejects.toMatchObject({
    code: 'forta_out.refused',
    message: expect.stringContaining('alerts: it reads findings of other bots'),
  })
  await expect(build('bridge')).rejects.toMatchObject({
    message: expect.stringMatching(/The bot bridge cannot be shipped to Forta: .*remote: /),
  })
  const agent = createAgent({
    watch: packWatch(config, byId('tvl-drop'), []),
    definitions: [byId('tvl-drop')],
    rpcUrl: anvil.url,
    log,
  })
  expect(
    await agent.evaluateBlock({ event: { network: { chainId: '0x1' }, block: { hash: '0x' } } }),
  ).toMatchObject({
    status: 1,
    errors: [{ message: expect.stringContaining('not for 1') }],
  })
  await agent.stop()
})
