import { fileURLToPath } from 'node:url'
import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import type { Abi, Address } from 'viem'
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
  USD,
  V3_FEE,
} from '../../demo/contracts/index.ts'
import { playTraffic } from '../../demo/traffic.ts'
import { priceManipulation } from './bot.ts'

let anvil: Anvil
let demo: DemoDeployment
let sender: Sender
let snapshot: unknown
let start = 0
let caller: { readonly address: Address; readonly abi: Abi }
const mine = (): Promise<unknown> => anvil.rpc('evm_mine')
const thief = (): Address => demo.actors.attacker.address
const whale = (): Address => demo.actors.whale.address

const block = async (requests: readonly SendRequest[]) => {
  const hashes = await sender.send(requests)
  await mine()
  const receipts = await sender.wait(hashes)
  expect(receipts.map(({ status }) => status)).toEqual(requests.map(() => 'success'))
  expect(new Set(receipts.map(({ blockNumber }) => blockNumber)).size).toBe(1)
  return receipts
}
const swapV2 = (from: Address, amount: bigint, isBuy = true) =>
  callOf(from, demo.v2Router, 'swapExactTokensForTokens', [
    amount,
    0n,
    isBuy ? [demo.usd.address, demo.weth.address] : [demo.weth.address, demo.usd.address],
    from,
    FOREVER,
  ])
const swapV3 = (from: Address, amountIn: bigint, isBuy = true) => {
  const [tokenIn, tokenOut] = isBuy
    ? [demo.usd.address, demo.weth.address]
    : [demo.weth.address, demo.usd.address]
  const path = { tokenIn, tokenOut, fee: V3_FEE, recipient: from, deadline: FOREVER }
  const limits = { amountIn, amountOutMinimum: 0n, sqrtPriceLimitX96: 0n }
  return callOf(from, demo.v3Router, 'exactInputSingle', [{ ...path, ...limits }])
}
/** Several calls of the attacker's contract in one transaction. */
const together = (requests: readonly SendRequest[]) =>
  callOf(thief(), caller, 'run', [requests.map(({ to }) => to), requests.map(({ data }) => data)], {
    gas: 3_000_000n,
  })

beforeAll(async () => {
  anvil = await startAnvil({ accounts: FIRST_USER + 4 })
  demo = await deployDemo({ rpcUrl: anvil.url, users: 4, mine })
  sender = await createSender({ rpcUrl: anvil.url })
  const { Caller } = await compileContracts(fileURLToPath(new URL('contracts', import.meta.url)))
  if (!Caller) throw new Error('no Caller')
  const [created] = await block([{ from: thief(), data: Caller.bytecode, gas: 2_000_000n }])
  if (!created?.contractAddress) throw new Error('no contract')
  caller = { address: created.contractAddress, abi: Caller.abi }
  const { usd, weth, v2Router, v3Router, vault } = demo
  await block([
    callOf(whale(), usd, 'transfer', [caller.address, 1_500_000n * USD]),
    together([
      ...[v2Router, v3Router, vault].map(({ address }) =>
        callOf(caller.address, usd, 'approve', [address, 2n ** 255n]),
      ),
      ...[v2Router, v3Router].map(({ address }) =>
        callOf(caller.address, weth, 'approve', [address, 2n ** 255n]),
      ),
    ]),
  ])
  snapshot = await anvil.rpc('evm_snapshot')
})
afterAll(() => anvil?.stop())
beforeEach(async () => {
  await anvil.rpc('evm_revert', [snapshot])
  snapshot = await anvil.rpc('evm_snapshot')
  sender = await createSender({ rpcUrl: anvil.url })
  start = Number(await anvil.rpc<string>('eth_blockNumber')) + 1
  for (const user of demo.users.slice(0, 3))
    await block([swapV2(user.address, USD), swapV3(user.address, USD)])
  await mine()
})

const found = () =>
  runBotOnAnvil(priceManipulation, anvil, {
    things: [
      { kind: 'pool', name: 'pair', variant: 'uniswap-v2', address: demo.pair.address },
      { kind: 'pool', name: 'pool', variant: 'uniswap-v3', address: demo.pool.address },
      { kind: 'vault', name: 'vault', address: demo.vault.address },
    ],
    from: start,
  })
const brief = (rows: Awaited<ReturnType<typeof found>>) =>
  rows.map(({ alertId, severity, thing }) => [alertId, severity, thing])

test('behavior: ordinary traffic raises nothing above Low', async () => {
  await playTraffic({ deployment: demo, seconds: 15, ratePerS: 10, seed: 4, mine })
  expect(brief(await found()).filter(([, severity]) => severity !== 'Low')).toEqual([])
})

test.each([
  ['pair', swapV2, 200_000n * USD],
  ['pool', swapV3, 300_000n * USD],
] as const)(
  'behavior: %s moved, the vault used, and moved back in one transaction',
  async (name, swap, amount) => {
    const own = caller.address
    const [bought] = await block([together([swap(own, amount)])])
    expect(bought?.status).toBe('success')
    await anvil.rpc('evm_revert', [snapshot])
    snapshot = await anvil.rpc('evm_snapshot')
    sender = await createSender({ rpcUrl: anvil.url })
    for (const user of demo.users.slice(0, 3))
      await block([swapV2(user.address, USD), swapV3(user.address, USD)])
    await mine()
    const got = BigInt(
      bought?.logs.find(
        ({ address, topics }) =>
          address === demo.weth.address && topics[2]?.endsWith(own.slice(2)) === true,
      )?.data ?? 0,
    )
    const deposit = callOf(own, demo.vault, 'deposit', [10n * USD, own])
    await block([together([swap(own, amount), deposit, swap(own, got, false)])])
    const rows = await found()
    expect(brief(rows)).toEqual([['PRICE-MANIPULATION', 'Critical', name]])
    expect(rows[0]?.metadata).toMatchObject({ touched: 'vault', caller: thief(), target: own })
  },
)

test('behavior: the same without the vault is a round trip at most', async () => {
  const own = caller.address
  await block([together([swapV2(own, 60_000n * USD), swapV2(own, 25n * ETHER, false)])])
  expect(brief(await found())).toEqual([])
})

test('behavior: a whale that sells far into the pair is Medium at most, and only once', async () => {
  await block([swapV2(whale(), 180n * ETHER, false)])
  await mine()
  expect(brief(await found())).toEqual([['PRICE-OFF-TWAP', 'Medium', 'pair']])
})
