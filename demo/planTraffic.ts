import { encodeAbiParameters, keccak256, toHex } from 'viem'
import type { Address } from '../core/base/index.ts'
import {
  callOf,
  type DemoDeployment,
  ETHER,
  PRICE_USD,
  type SendRequest,
  USD,
  V3_FEE,
} from './contracts/index.ts'
import { createRandom, type Random } from './random.ts'
import { safeTransaction, transferData } from './safeTransaction.ts'

export type PlannedTransaction = { readonly what: string; readonly request: SendRequest }

export type TrafficPlan = {
  /** The next `count` transactions. Two plans of one deployment and seed say the same for ever. */
  readonly next: (count: number) => Promise<readonly PlannedTransaction[]>
}

const FOREVER = 4_000_000_000n
const TINY_SQRT_PRICE = 4_295_128_740n
const HUGE_SQRT_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341n
/** LP tokens per millionth of a dollar put into the demo's v2 pair: sqrt(2e12 * 1e21) / 2e12, rounded down. */
const LP_PER_USD_UNIT = 22_000n
const SAFE_EVERY = 90
const PROPOSAL_AT = 12
// Late enough for the proposal to be open at any sensible rate.
const VOTES_FROM = 80
const VOTE_EVERY = 40

const usd = (random: Random, from: number, to: number): bigint =>
  (BigInt(random.skewed(from * 100, to * 100)) * USD) / 100n
const ether = (random: Random, from: number, to: number): bigint =>
  (BigInt(random.skewed(from * 10_000, to * 10_000)) * ETHER) / 10_000n

type Move = (random: Random, user: Address) => PlannedTransaction

/**
 * What ordinary people do on an ordinary day: deposits, withdrawals, payments, swaps both ways, a little liquidity in
 * and out, approvals, a Safe payment now and then, a proposal and votes. No amount depends on the chain's state, and
 * none comes near a threshold of the demo's watchlist; nobody touches a role.
 * A sequel (`firstSafeNonce` above 0) leaves the governor alone: it has its proposal.
 * @param makerLiquidity Liquidity of the market maker's v3 position; at most 0.2 % of it moves at once.
 */
export const planTraffic = (
  deployment: DemoDeployment,
  options: {
    readonly seed: number
    readonly makerLiquidity: bigint
    readonly firstSafeNonce?: bigint
  },
): TrafficPlan => {
  const random = createRandom(options.seed)
  const { usd: dollar, weth, vault, v2Router, v3Router, positions, actors } = deployment
  const people = deployment.users.map((user) => user.address)
  const other = (user: Address): Address =>
    random.pick(people.filter((address) => address !== user))
  const deposited = new Map<Address, bigint>(people.map((user) => [user, 100_000n * USD]))
  const provided = new Map<Address, bigint>()

  const deposit: Move = (_, user) => {
    const units = usd(random, 50, 9_000)
    deposited.set(user, (deposited.get(user) ?? 0n) + units)
    return { what: 'deposit', request: callOf(user, vault, 'deposit', [units, user]) }
  }
  const withdraw: Move = (_, user) => {
    const units = usd(random, 50, 7_000)
    const left = (deposited.get(user) ?? 0n) - units
    // Nobody leaves altogether.
    if (left < 50_000n * USD) return deposit(random, user)
    deposited.set(user, left)
    return { what: 'withdrawal', request: callOf(user, vault, 'withdraw', [units, user, user]) }
  }
  const pay: Move = (_, user) => ({
    what: 'payment',
    request: callOf(user, dollar, 'transfer', [other(user), usd(random, 1, 12_000)], {
      gas: 100_000n,
    }),
  })
  const payWeth: Move = (_, user) => ({
    what: 'payment',
    request: callOf(user, weth, 'transfer', [other(user), ether(random, 0.01, 2)], {
      gas: 100_000n,
    }),
  })
  const swapV2: Move = (_, user) => {
    const buys = random.next() < 0.5
    const path = buys ? [dollar.address, weth.address] : [weth.address, dollar.address]
    const amount = buys ? usd(random, 20, 5_000) : ether(random, 0.01, 2.5)
    return {
      what: 'v2 swap',
      request: callOf(user, v2Router, 'swapExactTokensForTokens', [
        amount,
        0n,
        path,
        user,
        FOREVER,
      ]),
    }
  }
  const swapV3: Move = (_, user) => {
    const buys = random.next() < 0.5
    const [tokenIn, tokenOut] = buys
      ? [dollar.address, weth.address]
      : [weth.address, dollar.address]
    const order = {
      tokenIn,
      tokenOut,
      fee: V3_FEE,
      recipient: user,
      deadline: FOREVER,
      amountIn: buys ? usd(random, 20, 5_000) : ether(random, 0.01, 2.5),
      amountOutMinimum: 0n,
      sqrtPriceLimitX96: tokenIn < tokenOut ? TINY_SQRT_PRICE : HUGE_SQRT_PRICE,
    }
    return { what: 'v3 swap', request: callOf(user, v3Router, 'exactInputSingle', [order]) }
  }
  const addV2: Move = (_, user) => {
    const units = usd(random, 100, 6_000)
    provided.set(user, (provided.get(user) ?? 0n) + units)
    const wei = (units * ETHER) / (PRICE_USD * USD)
    return {
      what: 'v2 liquidity in',
      request: callOf(user, v2Router, 'addLiquidity', [
        dollar.address,
        weth.address,
        units,
        wei,
        0n,
        0n,
        user,
        FOREVER,
      ]),
    }
  }
  const removeV2: Move = (_, user) => {
    const units = (provided.get(user) ?? 0n) / 2n
    if (units < USD) return addV2(random, user)
    provided.set(user, units)
    // 90 %: the price may have moved since.
    const lp = (units * LP_PER_USD_UNIT * 9n) / 10n
    return {
      what: 'v2 liquidity out',
      request: callOf(user, v2Router, 'removeLiquidity', [
        dollar.address,
        weth.address,
        lp,
        0n,
        0n,
        user,
        FOREVER,
      ]),
    }
  }
  const maker = actors.marketMaker.address
  const adjustV3: Move = () => {
    const tokenId = deployment.tokenIds.marketMaker
    if (random.next() < 0.6) {
      const units = usd(random, 500, 8_000)
      const wei = (units * ETHER) / (PRICE_USD * USD)
      const [amount0Desired, amount1Desired] =
        dollar.address < weth.address ? [units, wei] : [wei, units]
      const order = {
        tokenId,
        amount0Desired,
        amount1Desired,
        amount0Min: 0n,
        amount1Min: 0n,
        deadline: FOREVER,
      }
      return {
        what: 'v3 liquidity in',
        request: callOf(maker, positions, 'increaseLiquidity', [order]),
      }
    }
    const liquidity = (options.makerLiquidity * BigInt(random.int(1, 20))) / 10_000n
    const order = { tokenId, liquidity, amount0Min: 0n, amount1Min: 0n, deadline: FOREVER }
    return {
      what: 'v3 liquidity out',
      request: callOf(maker, positions, 'decreaseLiquidity', [order]),
    }
  }
  const approve: Move = (_, user) => ({
    what: 'approval',
    request: callOf(user, dollar, 'approve', [other(user), usd(random, 10, 10_000)], {
      gas: 100_000n,
    }),
  })
  const moves: readonly (readonly [number, Move])[] = [
    [20, deposit],
    [15, withdraw],
    [22, pay],
    [8, payWeth],
    [13, swapV2],
    [12, swapV3],
    [3, addV2],
    [2, removeV2],
    [2, adjustV3],
    [3, approve],
  ]
  const total = moves.reduce((sum, [weight]) => sum + weight, 0)
  const choose = (): Move => {
    let at = random.next() * total
    for (const [weight, move] of moves) {
      at -= weight
      if (at < 0) return move
    }
    return pay
  }

  const proposal = {
    data: transferData(deployment, actors.treasury.address, 0n),
    text: 'Nothing in particular',
  }
  const proposalId = BigInt(
    keccak256(
      encodeAbiParameters(
        [{ type: 'address[]' }, { type: 'uint256[]' }, { type: 'bytes[]' }, { type: 'bytes32' }],
        [[dollar.address], [0n], [proposal.data], keccak256(toHex(proposal.text))],
      ),
    ),
  )
  let place = 0
  const isSequel = (options.firstSafeNonce ?? 0n) > 0n
  let safeNonce = options.firstSafeNonce ?? 0n
  let voters = 0
  /** What happens at fixed places of the plan. */
  const special = async (): Promise<PlannedTransaction | undefined> => {
    if (place === PROPOSAL_AT && !isSequel) {
      const args = [[dollar.address], [0n], [proposal.data], proposal.text]
      return {
        what: 'proposal',
        request: callOf(actors.delegate.address, deployment.governor, 'propose', args),
      }
    }
    if (place % SAFE_EVERY === SAFE_EVERY / 2) {
      const data = transferData(deployment, random.pick(people), usd(random, 500, 9_000))
      return {
        what: 'Safe payment',
        request: await safeTransaction(deployment, {
          to: dollar.address,
          data,
          nonce: safeNonce++,
        }),
      }
    }
    if (isSequel || place % VOTE_EVERY !== 0 || place < VOTES_FROM) return undefined
    const voter = [actors.delegate.address, ...people.slice(0, 8)][voters++]
    if (voter === undefined) return undefined
    return {
      what: 'vote',
      request: callOf(voter, deployment.governor, 'castVote', [proposalId, 1]),
    }
  }
  return {
    next: async (count) => {
      const planned: PlannedTransaction[] = []
      for (let i = 0; i < count; i++) {
        place++
        planned.push((await special()) ?? choose()(random, random.pick(people)))
      }
      return planned
    },
  }
}
