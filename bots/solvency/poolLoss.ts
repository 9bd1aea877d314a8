import { type Address, type BotBlock, decodeLog, type ReadResult } from 'tocsin'
import { erc20Abi, uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { type Kind, movesOf, type SolvencyContext } from './line.ts'
import { balanceOf, namedBy } from './readLines.ts'

/** What left a pool in one block and no event of the pool explains. */
export type PoolLoss = {
  readonly lossBps: number
  readonly before: bigint
  readonly after: bigint
  readonly token: Address | undefined
  readonly unit: string
  /** The token changed its balances itself: no transfer moved them. */
  readonly isRebase: boolean
}

const isqrt = (value: bigint): bigint => {
  if (value < 2n) return value
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (x + value / x) >> 1n
    if (next >= x) return x
    x = next
  }
}

const netMoved = (block: BotBlock, pool: Address, token: Address): bigint => {
  let net = 0n
  for (const move of movesOf(block, pool))
    if (move.token === token) net += move.isOut ? -move.units : move.units
  return net
}

/** True when a fall of a balance was not made by transfers. */
const isRebased = (block: BotBlock, pool: Address, token: Address, change: bigint): boolean => {
  if (change >= 0n) return false
  const moved = netMoved(block, pool, token)
  return moved > 0n || -moved * 2n < -change
}

type Pair = readonly [bigint, bigint, number]

/** The liquidity behind one share of a v2 pair, before and after: trades and burns never lower it. */
export const findPairLoss = async (
  ctx: SolvencyContext,
  block: BotBlock,
  thing: Kind<'pool'>,
): Promise<PoolLoss | undefined> => {
  const read = <T>(functionName: string, at: 'block' | 'parent'): Promise<ReadResult<T>> =>
    ctx.read.call<T>({
      address: thing.address,
      abi: functionName === 'totalSupply' ? erc20Abi : uniswapV2PairAbi,
      functionName,
      at,
    })
  const [was, is, sharesWas, sharesAre] = await Promise.all([
    read<Pair>('getReserves', 'parent'),
    read<Pair>('getReserves', 'block'),
    read<bigint>('totalSupply', 'parent'),
    read<bigint>('totalSupply', 'block'),
  ])
  if (!was.ok || !is.ok || !sharesWas.ok || !sharesAre.ok) return undefined
  // Scaled, so that the root of small pools is exact enough.
  const scale = 10n ** 24n
  const before = isqrt(was.value[0] * was.value[1] * scale) * sharesAre.value
  const after = isqrt(is.value[0] * is.value[1] * scale) * sharesWas.value
  if (sharesWas.value === 0n || sharesAre.value === 0n || after >= before) return undefined
  const [token0, token1] = await Promise.all([
    namedBy(ctx, thing.address, 'token0'),
    namedBy(ctx, thing.address, 'token1'),
  ])
  const isRebase =
    (token0 !== undefined && isRebased(block, thing.address, token0, is.value[0] - was.value[0])) ||
    (token1 !== undefined && isRebased(block, thing.address, token1, is.value[1] - was.value[1]))
  return {
    lossBps: Number(((before - after) * 10_000n) / before),
    before: before / sharesAre.value / 10n ** 12n,
    after: after / sharesWas.value / 10n ** 12n,
    token: undefined,
    unit: 'liquidity (root of the product of the reserves) behind the shares',
    isRebase,
  }
}

/** What the events of a v3 pool say came in, less what they say went out. */
const explained = (block: BotBlock, pool: Address, index: 0 | 1): bigint => {
  let net = 0n
  for (const log of block.logs) {
    if (log.address !== pool) continue
    const event = decodeLog(uniswapV3PoolAbi, log)
    const take = (name: string): bigint => {
      const value = event?.args[`${name}${index}`]
      return typeof value === 'bigint' ? value : 0n
    }
    if (event?.name === 'Swap' || event?.name === 'Mint') net += take('amount')
    else if (event?.name === 'Collect' || event?.name === 'CollectProtocol') net -= take('amount')
    else if (event?.name === 'Flash') net += take('paid')
  }
  return net
}

const lossOf = async (
  ctx: SolvencyContext,
  block: BotBlock,
  thing: Kind<'pool'>,
  index: 0 | 1,
): Promise<PoolLoss | undefined> => {
  const token = await namedBy(ctx, thing.address, index === 0 ? 'token0' : 'token1')
  if (!token) return undefined
  const [was, is] = await Promise.all([
    balanceOf(ctx, token, thing.address, 'parent'),
    balanceOf(ctx, token, thing.address),
  ])
  if (!was.ok || !is.ok) return undefined
  const net = explained(block, thing.address, index)
  const before = was.value + net
  const lost = before - is.value
  // What a pool holds at its fullest within the block, as far as its events tell.
  const whole = net > 0n ? before : was.value
  if (whole <= 0n || lost <= BigInt(thing.parameters.roundingUnits)) return undefined
  return {
    lossBps: Number((lost * 10_000n) / whole),
    before,
    after: is.value,
    token,
    unit: 'smallest units',
    isRebase: isRebased(block, thing.address, token, is.value - was.value),
  }
}

/** The balances of a v3 pool, before and after, against its events: the greater loss of the two. */
export const findConcentratedLoss = async (
  ctx: SolvencyContext,
  block: BotBlock,
  thing: Kind<'pool'>,
): Promise<PoolLoss | undefined> => {
  const [first, second] = await Promise.all([
    lossOf(ctx, block, thing, 0),
    lossOf(ctx, block, thing, 1),
  ])
  return (second?.lossBps ?? -1) > (first?.lossBps ?? -1) ? second : first
}
