import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { type Abi, type Address, encodeDeployData } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  callOf,
  compileContracts,
  createSender,
  type DemoDeployment,
  deployDemo,
  ETHER,
  FIRST_USER,
  FOREVER,
  type Sender,
  type SendRequest,
} from '../../demo/contracts/index.ts'
import { oracle } from './bot.ts'

type Contract = { readonly address: Address; readonly abi: Abi }
let anvil: Anvil
let demo: DemoDeployment
let sender: Sender
let snapshot: unknown
let start = 0
let aggregator: Contract
let next: Contract
let feed: Contract
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const owner = (): Address => demo.actors.deployer.address
const whale = (): Address => demo.actors.whale.address

const block = async (requests: readonly SendRequest[], afterS = 12) => {
  await anvil.rpc('evm_increaseTime', [afterS])
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  return receipts
}
const push = (dollars: number, to = aggregator) =>
  callOf(owner(), to, 'push', [BigInt(Math.round(dollars * 1e8))])
const sell = (wei: bigint) =>
  callOf(whale(), demo.v2Router, 'swapExactTokensForTokens', [
    wei,
    0n,
    [demo.weth.address, demo.usd.address],
    whale(),
    FOREVER,
  ])

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 2 })
  demo = await deployDemo({ rpcUrl: anvil.url, users: 2, mine })
  sender = await createSender({ rpcUrl: anvil.url })
  const { TestAggregator, TestFeed } = await compileContracts(
    fileURLToPath(new URL('contracts', import.meta.url)),
  )
  if (!TestAggregator || !TestFeed) throw new Error('not compiled')
  const deploy = async (artifact: typeof TestFeed, args: readonly unknown[]): Promise<Contract> => {
    const data = encodeDeployData({ ...artifact, args })
    const [receipt] = await block([{ from: owner(), data, gas: 2_000_000n }])
    if (!receipt?.contractAddress) throw new Error('not deployed')
    return { address: receipt.contractAddress, abi: artifact.abi }
  }
  const bounds = [10n * 10n ** 8n, 100_000n * 10n ** 8n]
  aggregator = await deploy(TestAggregator, bounds)
  next = await deploy(TestAggregator, bounds)
  feed = await deploy(TestFeed, [aggregator.address, 'ETH / USD'])
  await block([push(2_000)])
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  for (let i = 0; i < 7; i++) await block([push(2_000 + i)])
})

const found = (more: Readonly<Record<string, unknown>> = {}) =>
  runBotOnAnvil(oracle, anvil, {
    things: [
      { kind: 'oracle', name: 'feed', address: feed.address, heartbeatS: 3_600, ...more },
      { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: demo.pair.address },
    ],
    from: start,
  })
const brief = (rows: Awaited<ReturnType<typeof found>>) =>
  rows.map(({ alertId, severity, condition }) => [alertId, severity, condition])
const named = () => ({ base: demo.weth.address, quote: demo.usd.address })

test('behavior: a market that falls, and the feed with it, is Low; a migrated aggregator too', async () => {
  await block([sell(60n * ETHER)])
  await block([push(1_785)])
  await block([push(1_790, next), callOf(owner(), feed, 'change', [next.address])])
  expect(brief(await found(named()))).toEqual([
    ['ORACLE-JUMP', 'Low', null],
    ['ORACLE-AGGREGATOR', 'Low', null],
  ])
})

test('behavior: a feed that leaves the pool of its pair, named or found by its price', async () => {
  await block([push(2_500)])
  await block([push(2_002)])
  const rows = await found(named())
  expect(brief(rows)).toEqual([
    ['ORACLE-DEVIATION', 'Critical', 'holds'],
    ['ORACLE-DEVIATION', 'Info', 'ended'],
    ['ORACLE-JUMP', 'Low', null],
  ])
  expect(rows[0]?.metadata).toMatchObject({ other: 'pair', answer: '2,500' })
  expect(brief(await found())[0]).toEqual(['ORACLE-DEVIATION', 'High', 'holds'])
})

test('behavior: silence, a bound, an old round, and an aggregator that lies', async () => {
  await block([], 4_000)
  await block([push(2_000)])
  await block([push(10)])
  await block([push(2_000)])
  await block([callOf(owner(), aggregator, 'set', [3n, 2_000n * 10n ** 8n, 1_000_000n])])
  await block([push(2_001), push(2_700, next), callOf(owner(), feed, 'change', [next.address])])
  expect(brief(await found()).map(([id, severity]) => `${id} ${severity}`)).toEqual([
    'ORACLE-STALE Medium',
    'ORACLE-STALE Info',
    'ORACLE-INVALID Critical',
    'ORACLE-INVALID Info',
    'ORACLE-JUMP Low',
    'ORACLE-ROUND High',
    'ORACLE-STALE High',
    'ORACLE-AGGREGATOR High',
    'ORACLE-STALE Info',
    'ORACLE-DEVIATION High',
  ])
})
