import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import type { Anvil } from '../../core/testing/index.ts'

const require = createRequire(import.meta.url)
const SDK = dirname(require.resolve('forta-agent/package.json'))

/** The token that the SDK's starter bots look at. */
export const TETHER = '0xdac17f958d2ee523a2206206994597c13d831ec7'
const TRANSFER = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const at = (n: number): string => `0x${n.toString(16).padStart(40, '0')}`
const [PING, PONG, REVERTER, SWALLOWER, FACTORY, DEATH] = [
  at(0xf001),
  at(0xf002),
  at(0xf003),
  at(0xf004),
  at(0xf005),
  at(0xf006),
]
/** `n = calldata; if n > 0 call other with n - 1`. */
const bounce = (other: string): string =>
  `0x60003580156032576001900360005260006000602060006000${`73${other.slice(2)}`}5af150005b00`
/** Calls the other with nothing and takes no notice of what came of it. */
const swallow = (other: string): string => `0x60006000600060006000${`73${other.slice(2)}`}5af15000`
/** Creates a contract whose code is one STOP. */
const INIT = '6001600c60003960016000f300'
const CODE: Readonly<Record<string, string>> = {
  [TETHER]: `0x602435600052600435337f${TRANSFER}60206000a300`,
  [PING]: bounce(PONG),
  [PONG]: bounce(PING),
  [REVERTER]: '0x60006000fd',
  [SWALLOWER]: swallow(REVERTER),
  [FACTORY]: `0x6c${INIT}600052600d60136000f05000`,
  [DEATH]: '0x33ff',
  [at(0xf007)]: '0x4360005260206000f3',
}
const word = (value: bigint): string => value.toString(16).padStart(64, '0')

export type Sent = Readonly<Record<string, string>>
/** Moves so many whole Tether. */
export const transfer = (amount: bigint): Sent => ({
  to: TETHER,
  data: `0xa9059cbb${word(0xbeefn)}${word(amount * 1_000_000n)}`,
})

/** One transaction of every kind that events are made of. */
export const everyKind = (): readonly Sent[] => [
  transfer(5n),
  transfer(20_000n),
  { to: at(0xabc), value: '0x1' },
  { data: `0x${INIT}` },
  { data: '0x60006000fd' },
  { to: PING, data: `0x${word(5n)}` },
  { to: REVERTER },
  { to: SWALLOWER, data: '0x12345678' },
  { to: FACTORY },
  { to: DEATH, value: '0x5' },
]

export const prepareChain = async (anvil: Anvil): Promise<void> => {
  for (const [address, code] of Object.entries(CODE))
    await anvil.rpc('anvil_setCode', [address, code])
}

/** One block with these transactions; its number. */
export const mineBlock = async (anvil: Anvil, sent: readonly Sent[]): Promise<number> => {
  const [from] = await anvil.rpc<string[]>('eth_accounts')
  for (const tx of sent) await anvil.rpc('eth_sendTransaction', [{ from, gas: '0x100000', ...tx }])
  await anvil.rpc('evm_mine')
  return Number(await anvil.rpc('eth_blockNumber'))
}

export type BotFolder = { readonly dir: string; readonly remove: () => Promise<void> }

/** Answers every call with the number of the block that it is asked at. */
export const CLOCK = at(0xf007)

const makeFolder = async (fill: (dir: string) => Promise<void>): Promise<BotFolder> => {
  const dir = await mkdtemp(join(tmpdir(), 'tocsin-forta-test-'))
  await symlink(dirname(SDK), join(dir, 'node_modules'))
  await fill(dir)
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}

/** A starter bot as the SDK ships it; the TypeScript one built by its own settings. */
export const starterBot = (language: 'js' | 'ts'): Promise<BotFolder> =>
  makeFolder(async (dir) => {
    await cp(join(SDK, 'dist', 'starter-project', language), dir, { recursive: true })
    if (language === 'js') return
    const { config } = ts.readConfigFile(join(dir, 'tsconfig.json'), ts.sys.readFile)
    const { outputText } = ts.transpileModule(
      await readFile(join(dir, 'src', 'agent.ts'), 'utf8'),
      { compilerOptions: { ...config.compilerOptions, target: 1, module: 1 } },
    )
    await mkdir(join(dir, 'dist'))
    await writeFile(join(dir, 'dist', 'agent.js'), outputText)
  })

/** A bot of one file. */
export const writtenBot = (source: string, chainIds: readonly number[] = [1]): Promise<BotFolder> =>
  makeFolder(async (dir) => {
    await mkdir(join(dir, 'src'))
    await writeFile(
      join(dir, 'package.json'),
      JSON.stringify({ name: 'written-bot', version: '1.2.3', chainIds }),
    )
    await writeFile(join(dir, 'src', 'agent.js'), source)
  })

/** A bot of several files, by their paths. */
export const filedBot = (
  files: Readonly<Record<string, string>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<BotFolder> =>
  makeFolder(async (dir) => {
    const pack = { name: 'filed-bot', version: '1.0.0', chainIds: [1], ...more }
    for (const [path, text] of Object.entries({ ...files, 'package.json': JSON.stringify(pack) })) {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await writeFile(join(dir, path), text)
    }
  })

/** A bot of the second SDK. */
export const nextBot = (source: string): Promise<BotFolder> =>
  filedBot(
    { 'src/main.js': source },
    { main: 'src/main.js', dependencies: { '@fortanetwork/forta-bot': '0.2.3' } },
  )

/** Reports everything that it is given, word by word. */
export const DUMP_BOT = `
const { Finding, getTransactionReceipt, getEthersProvider, ethers } = require('forta-agent')
const provider = getEthersProvider()
const tell = (alertId, value, rest = {}) => Finding.fromObject({
  name: 'seen', description: JSON.stringify(value), alertId, severity: 1, type: 4, ...rest,
})
module.exports = {
  handleBlock: async (event) => [
    tell('BLOCK', { ...event, hash: event.blockHash, number: event.blockNumber, network: event.network }),
  ],
  handleTransaction: async (event) => {
    const receipt = await getTransactionReceipt(event.hash)
    const balance = await provider.getBalance(event.from, event.blockNumber - 1)
    return [
      tell('TRANSACTION', {
        ...event, addresses: Object.keys(event.addresses).sort(), created: event.contractAddress,
        status: receipt.status, balance: balance.toString(),
        transfers: event.filterLog('event Transfer(address indexed from, address indexed to, uint256 value)').map((log) => [log.args.value.toString(), log.address, log.logIndex]),
        other: event.filterLog(['event Approval(address indexed a, address indexed b, uint256 c)']).length,
        calls: event.filterFunction('function transfer(address to, uint256 value)').map((call) => [call.args.value.toString(), call.address]),
      }, {
        addresses: [event.from],
        labels: [{ entityType: 1, entity: event.from, label: 'sender', confidence: 0.5, metadata: { a: 'b' } }],
        uniqueKey: ethers.utils.id(event.hash),
      }),
    ]
  },
}
`
