import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { encodeDeployData, type Hex } from 'viem'
import { loadBots } from '../../core/cli/loadBots.ts'
import { mergeBotParameters } from '../../core/config/index.ts'
import type { EngineBot, Label } from '../../core/engine/index.ts'
import { type Anvil, makeThing, startAnvil, type ThingInput } from '../../core/testing/index.ts'
import {
  callOf,
  compileContracts,
  createSender,
  type DemoContract,
  type DemoDeployment,
  demoAccount,
  deployDemo,
  FIRST_USER,
  type Sender,
  type SendRequest,
} from '../../demo/contracts/index.ts'
import { planTraffic } from '../../demo/planTraffic.ts'
import { readChain } from '../../demo/readChain.ts'

/** A chain with the demo's contracts, a price feed and a lending market, and all bots that find something to watch there. */
export type FeedScene = {
  readonly anvil: Anvil
  readonly chain: { readonly id: number; readonly name: string }
  readonly bots: readonly EngineBot[]
  readonly labels: readonly Label[]
  readonly things: readonly ThingInput[]
  /** Number of the newest block of the deployment. */
  readonly start: number
  /** Mines the next block: so many transactions of ordinary people with what is watched. */
  readonly mine: (transactions: number) => Promise<void>
  readonly stop: () => Promise<void>
}

const USERS = 48
const BLOCK_TIME_S = 12
/** Every so many blocks the feed speaks, and the market is used. */
const FEED_EVERY = 5
const MARKET_EVERY = 3

/** Sources lie beside this file's folder, or in the package that dist/ belongs to. */
const contractsOf = (bot: string): string => {
  const found = ['../../', '../../../']
    .map((up) => fileURLToPath(new URL(`${up}bots/${bot}/contracts`, import.meta.url)))
    .find((folder) => existsSync(folder))
  if (found === undefined) throw new Error(`the contracts of ${bot} are missing`)
  return found
}

const thingsOf = (d: DemoDeployment, feed: DemoContract, market: DemoContract): ThingInput[] => {
  const { actors } = d
  const of = (contract: DemoContract) => ({
    address: contract.address,
    abi: contract.abi,
    deployBlock: contract.deployBlock,
    protocol: 'demo',
  })
  return [
    { kind: 'vault', name: 'vault', proxy: true, asset: d.usd.address, ...of(d.vault) },
    { kind: 'token', name: 'usd', symbol: 'dUSD', decimals: 6, ...of(d.usd) },
    { kind: 'token', name: 'weth', symbol: 'WETH', decimals: 18, ...of(d.weth) },
    { kind: 'token', name: 'vote', symbol: 'dVOTE', decimals: 18, ...of(d.vote) },
    { kind: 'pool', name: 'pair', variant: 'uniswap-v2', ...of(d.pair) },
    { kind: 'pool', name: 'pool', variant: 'uniswap-v3', ...of(d.pool) },
    { kind: 'contract', name: 'router', ...of(d.v2Router) },
    { kind: 'governor', name: 'governor', ...of(d.governor) },
    { kind: 'timelock', name: 'timelock', ...of(d.timelock) },
    { kind: 'multisig', name: 'safe', ...of(d.safe) },
    { kind: 'oracle', name: 'feed', base: d.weth.address, quote: d.usd.address, ...of(feed) },
    { kind: 'lending-market', name: 'market', variant: 'aave-v3', ...of(market) },
    {
      kind: 'bridge',
      name: 'bridge',
      remote: { chain: 'remote', address: d.vault.address },
      ...of(d.v3Router),
    },
    {
      kind: 'treasury',
      name: 'treasury',
      address: actors.treasury.address,
      tokens: [d.usd.address],
    },
    { kind: 'label', name: 'exchange', address: demoAccount(10).address, tags: ['exchange'] },
    { kind: 'label', name: 'whale', address: actors.whale.address, tags: ['whale'] },
    { kind: 'label', name: 'mixer', address: demoAccount(11).address, tags: ['mixer'] },
  ]
}

const deployMore = async (sender: Sender, owner: Hex) => {
  const [prices, lending] = await Promise.all([
    compileContracts(contractsOf('oracle')),
    compileContracts(contractsOf('utilisation')),
  ])
  const deploy = async (
    artifact: (typeof prices)[string] | undefined,
    args: readonly unknown[] = [],
  ): Promise<DemoContract> => {
    if (!artifact) throw new Error('a contract is missing')
    const data = encodeDeployData({ ...artifact, args })
    const hashes = await sender.send([{ from: owner, data, gas: 6_000_000n }])
    const [receipt] = await sender.wait(hashes)
    if (!receipt?.contractAddress) throw new Error('a contract was not deployed')
    return {
      address: receipt.contractAddress,
      abi: artifact.abi,
      deployBlock: receipt.blockNumber,
    }
  }
  const aggregator = await deploy(prices['TestAggregator'], [10n ** 9n, 10n ** 13n])
  const feed = await deploy(prices['TestFeed'], [aggregator.address, 'ETH / USD'])
  const market = await deploy(lending['MiniMarket'])
  return { aggregator, feed, market }
}

/** All bots of `bots/` with their default parameters, each with the things that it looks at. */
export const bindAll = async (
  things: readonly ThingInput[],
  chain: { readonly id: number; readonly name: string },
): Promise<readonly EngineBot[]> => {
  const definitions = await loadBots()
  const watched = things.map((thing) => makeThing(thing, chain))
  return definitions.flatMap((definition): readonly EngineBot[] => {
    const config = { bots: { [definition.id]: { enabled: true, parameters: {} } } }
    const fitting = watched
      .filter(
        (thing) => definition.kinds.includes(thing.kind) && (definition.accepts?.(thing) ?? true),
      )
      .map((thing) => ({ ...thing, parameters: mergeBotParameters(definition, config, thing) }))
    const parameters = mergeBotParameters(definition, config)
    return fitting.length > 0 ? [{ definition, parameters, things: fitting }] : []
  })
}

export const startFeedScene = async (): Promise<FeedScene> => {
  const anvil = await startAnvil({ accounts: FIRST_USER + USERS })
  try {
    const mineOne = (): Promise<unknown> => anvil.rpc('evm_mine')
    const deployment = await deployDemo({ rpcUrl: anvil.url, users: USERS, mine: mineOne })
    const { actors, users } = deployment
    const sender = await createSender({ rpcUrl: anvil.url, mine: mineOne })
    const owner = actors.deployer.address
    const { aggregator, feed, market } = await deployMore(sender, owner)
    const push = (dollars: number): SendRequest =>
      callOf(owner, aggregator, 'push', [BigInt(dollars) * 10n ** 8n])
    const lend = (what: string, amount: bigint, at: number): SendRequest =>
      callOf(users[at % 2]?.address ?? owner, market, what, [amount])
    const first = [push(2_000), lend('supply', 10n ** 12n, 0), lend('supply', 10n ** 12n, 1)]
    await sender.wait(await sender.send([...first, lend('borrow', 10n ** 11n, 0)]))
    const makerLiquidity = await readChain(anvil.url).positionLiquidity(
      deployment,
      deployment.tokenIds.marketMaker,
    )
    const plan = planTraffic(deployment, { seed: 7, makerLiquidity })
    const chain = { id: anvil.chainId, name: 'local' }
    const things = thingsOf(deployment, feed, market)
    const labels = things.flatMap((thing): readonly Label[] =>
      thing.kind === 'label'
        ? [
            {
              address: thing.address.toLowerCase() as Hex,
              name: thing.name,
              tags: thing['tags'] as readonly string[],
            },
          ]
        : [],
    )
    let block = 0
    return {
      anvil,
      chain,
      things,
      labels,
      bots: await bindAll(things, chain),
      start: Number(await anvil.rpc('eth_blockNumber')),
      mine: async (transactions) => {
        block++
        const extra: SendRequest[] = []
        if (transactions > 2 && block % FEED_EVERY === 0) extra.push(push(2_000 + (block % 3)))
        if (transactions > 2 && block % MARKET_EVERY === 0)
          extra.push(lend(block % 2 ? 'supply' : 'borrow', BigInt(1_000 + block), block))
        const planned = await plan.next(Math.max(0, transactions - extra.length))
        if (transactions > 0)
          await sender.send([...planned.map(({ request }) => request), ...extra])
        await anvil.rpc('evm_increaseTime', [BLOCK_TIME_S - 1])
        await mineOne()
      },
      stop: anvil.stop,
    }
  } catch (error) {
    await anvil.stop()
    throw error
  }
}
