import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { encodeDeployData, getContractAddress } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  type ContractArtifacts,
  callOf,
  compileContracts,
  createSender,
  type DemoDeployment,
  deployDemo,
  FIRST_USER,
  type Sender,
  USD,
} from '../../demo/contracts/index.ts'
import { tvlDrop } from '../tvl-drop/bot.ts'
import { flashLoan } from './bot.ts'

let anvil: Anvil
let demo: DemoDeployment
let artifacts: ContractArtifacts
let sender: Sender
let snapshot: unknown
let start = 0
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const contracts = new Map<string, { address: `0x${string}`; abi: DemoDeployment['usd']['abi'] }>()
const contract = (name: string) => {
  const found = contracts.get(name)
  if (!found) throw new Error(`${name} is not deployed.`)
  return found
}

/** One transaction of the attacker in a block of its own. */
const call = async (to: Parameters<typeof callOf>[1], name: string, args: readonly unknown[]) => {
  const thief = demo.actors.attacker.address
  const [hash] = await sender.send([callOf(thief, to, name, args, { gas: 2_000_000n })])
  await mine()
  const [receipt] = await sender.wait(hash ? [hash] : [])
  expect(receipt?.status).toBe('success')
  return receipt
}
const give = async (to: string, amount: bigint): Promise<void> => {
  const { treasury } = demo.actors
  const request = callOf(treasury.address, demo.usd, 'transfer', [to, amount], { gas: 100_000n })
  const [hash] = await sender.send([request])
  await mine()
  const [receipt] = await sender.wait(hash ? [hash] : [])
  expect(receipt?.status).toBe('success')
}

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 2 })
  demo = await deployDemo({ rpcUrl: anvil.url, users: 2, mine })
  artifacts = await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))
  sender = await createSender({ rpcUrl: anvil.url })
  const from = demo.actors.attacker.address
  for (const name of ['LeakyTreasury', 'FlashMintToken', 'FlashBorrower']) {
    const artifact = artifacts[name]
    if (!artifact) throw new Error(`${name} was not compiled.`)
    const nonce = BigInt(await anvil.rpc<string>('eth_getTransactionCount', [from, 'latest']))
    const data = encodeDeployData({ ...artifact, args: [] })
    const [hash] = await sender.send([{ from, data, gas: 3_000_000n }])
    await mine()
    await sender.wait(hash ? [hash] : [])
    const address = getContractAddress({ from, nonce })
    contracts.set(name, { address: address.toLowerCase() as `0x${string}`, abi: artifact.abi })
  }
  await give(contract('LeakyTreasury').address, 100_000n * USD)
  await give(contract('FlashBorrower').address, 10_000n * USD)
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  await mine()
  await mine()
})

const run = () =>
  runBotOnAnvil(flashLoan, anvil, {
    things: [
      {
        kind: 'treasury',
        name: 'treasury',
        address: contract('LeakyTreasury').address,
        tokens: [demo.usd.address],
      },
      { kind: 'pool', name: 'pair', address: demo.pair.address, variant: 'uniswap-v2' },
      { kind: 'pool', name: 'pool', address: demo.pool.address, variant: 'uniswap-v3' },
    ],
    from: start,
    beside: [tvlDrop],
  })
const plan = (loot: bigint) => ({
  token: demo.usd.address,
  amount: 50_000n * USD,
  fee: 1_000n * USD,
  victim: contract('LeakyTreasury').address,
  loot,
})
const isFirst = (): boolean => demo.usd.address < demo.weth.address

const lenders: readonly (readonly [string, (loot: bigint) => ReturnType<typeof call>])[] = [
  [
    'uniswap-v2',
    (loot) =>
      call(contract('FlashBorrower'), 'viaPair', [demo.pair.address, isFirst(), plan(loot)]),
  ],
  [
    'uniswap-v3',
    (loot) =>
      call(contract('FlashBorrower'), 'viaPool', [demo.pool.address, isFirst(), plan(loot)]),
  ],
  [
    'erc-3156',
    (loot) =>
      call(contract('FlashBorrower'), 'viaMint', [
        contract('FlashMintToken').address,
        10n ** 24n,
        plan(loot),
      ]),
  ],
]

test.each(lenders)(
  'behavior: %s: a drain with a flash loan is raised in its block, a loan without effect is not',
  async (by, borrow) => {
    await borrow(0n)
    const theft = await borrow(60_000n * USD)
    const found = await run()
    expect(found).toMatchObject([
      {
        alertId: 'FLASH-LOAN',
        severity: 'Critical',
        thing: 'treasury',
        blockNumber: theft?.blockNumber,
        txHash: theft?.hash,
        metadata: { findingBot: 'tvl-drop', loanCount: '1' },
      },
    ])
    expect(found[0]?.metadata['loans']).toContain(`${by}, lender `)
  },
)

test('behavior: the same drain without a loan is the other bot’s alone', async () => {
  await call(contract('LeakyTreasury'), 'leak', [demo.usd.address, 60_000n * USD])
  expect(await run()).toEqual([])
})
