import { type Address, type BotBlock, listReserves, type ReadResult, readReserve } from 'tocsin'
import { parseAbi } from 'viem/utils'
import { erc20Abi, erc4626Abi, uniswapV2PairAbi } from '../../abis/index.ts'
import {
  hasOutflow,
  type Kind,
  type Line,
  movesOf,
  type Reader,
  type SolvencyContext,
} from './line.ts'

const deficitAbi = parseAbi(['function getReserveDeficit(address asset) view returns (uint256)'])

export const balanceOf = (
  ctx: SolvencyContext,
  token: Address,
  holder: Address,
  at: 'block' | 'parent' = 'block',
): Promise<ReadResult<bigint>> =>
  ctx.read.call<bigint>({
    address: token,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [holder],
    at,
  })

/** An address that the thing names by a function without arguments; asked once. */
export const namedBy = async (
  ctx: SolvencyContext,
  address: Address,
  functionName: 'asset' | 'token0' | 'token1',
): Promise<Address | undefined> => {
  const key = `${functionName}:${address}`
  const known = ctx.state.get<Address>(key)
  if (known) return known
  const abi = functionName === 'asset' ? erc4626Abi : uniswapV2PairAbi
  const answer = await ctx.read.call<Address>({ address, abi, functionName })
  if (!answer.ok) return undefined
  const named = answer.value.toLowerCase() as Address
  ctx.state.set(key, named)
  return named
}

/** What a strategy has of the vault's: what its shares are worth, else its balance of the asset. */
const heldBy = async (
  ctx: SolvencyContext,
  strategy: Address,
  vault: Address,
  asset: Address,
): Promise<bigint> => {
  const shares = await balanceOf(ctx, strategy, vault)
  if (shares.ok && shares.value > 0n) {
    const worth = await ctx.read.call<bigint>({
      address: strategy,
      abi: erc4626Abi,
      functionName: 'convertToAssets',
      args: [shares.value],
    })
    return worth.ok ? worth.value : shares.value
  }
  const balance = await balanceOf(ctx, asset, strategy)
  return balance.ok ? balance.value : 0n
}

/** Assets that left in a transaction which gave the vault about as much of another token: lent out, not taken. */
const isInvested = async (
  ctx: SolvencyContext,
  moves: ReturnType<typeof movesOf>,
  asset: Address,
): Promise<boolean> => {
  let out = 0n
  let claims = 0n
  for (const move of moves) {
    if (move.token === asset) {
      if (move.isOut) out += move.units
      continue
    }
    if (move.isOut || !moves.some((one) => one.txHash === move.txHash && one.isOut)) continue
    const worth = await ctx.read.call<bigint>({
      address: move.token,
      abi: erc4626Abi,
      functionName: 'convertToAssets',
      args: [move.units],
    })
    claims += worth.ok ? worth.value : move.units
  }
  return out > 0n && claims * 100n >= out * 95n
}

const assetOf = async (ctx: SolvencyContext, thing: Kind<'vault'>): Promise<Address | undefined> =>
  (thing.asset?.toLowerCase() as Address | undefined) ?? namedBy(ctx, thing.address, 'asset')

const call = (
  ctx: SolvencyContext,
  address: Address,
  functionName: 'totalAssets' | 'totalSupply',
): Promise<ReadResult<bigint>> => ctx.read.call<bigint>({ address, abi: erc4626Abi, functionName })

/** What all shares are worth against the assets that there are. */
const shareLine = async (
  ctx: SolvencyContext,
  vault: Address,
  token: Address,
  total: bigint,
): Promise<readonly Line[]> => {
  const supply = await call(ctx, vault, 'totalSupply')
  if (!supply.ok || supply.value === 0n) return []
  const worth = await ctx.read.call<bigint>({
    address: vault,
    abi: erc4626Abi,
    functionName: 'convertToAssets',
    args: [supply.value],
  })
  if (!worth.ok) return []
  const owedAs = 'what its shares are worth'
  return [{ key: 'shares', owedAs, owed: worth.value, held: total, token, isMoved: true }]
}

const backs = (held: bigint, owed: bigint): boolean | undefined =>
  owed > 0n ? held * 100n >= owed * 99n : undefined

/** A vault whose own balance backs `totalAssets()`, with what its declared strategies hold. */
export const readVault =
  (thing: Kind<'vault'>): Reader =>
  async (ctx, block, memory) => {
    const { address, parameters } = thing
    const token = await assetOf(ctx, thing)
    if (!token) return { lines: [], failed: ['asset()'] }
    const [total, own] = await Promise.all([
      call(ctx, address, 'totalAssets'),
      balanceOf(ctx, token, address),
    ])
    if (!total.ok) return { lines: [], failed: ['totalAssets()'] }
    if (!own.ok) return { lines: [], failed: ['the balance of the asset'] }
    const elsewhere = await Promise.all(
      parameters.strategies.map((strategy) => heldBy(ctx, strategy, address, token)),
    )
    const held = elsewhere.reduce((sum, units) => sum + units, own.value)
    const owed = total.value
    const moves = movesOf(block, address)
    const isMoved = moves.some((move) => move.isOut && move.token === token)
    const lines = await shareLine(ctx, address, token, owed)
    const isLent = held < owed && (await isInvested(ctx, moves, token))
    const isBacked = isLent ? false : (memory.isBacked ?? backs(held, owed))
    if (isBacked === undefined) return { lines, failed: [] }
    const line: Line = { key: 'assets', owedAs: 'what its books say', owed, held, token, isMoved }
    return { lines: isBacked ? [line, ...lines] : lines, failed: [], isBacked }
  }

/** The reserves that a v2 pair counts with against its balances. */
export const readPair =
  (thing: Kind<'pool'>): Reader =>
  async (ctx, block) => {
    const [token0, token1, reserves] = await Promise.all([
      namedBy(ctx, thing.address, 'token0'),
      namedBy(ctx, thing.address, 'token1'),
      ctx.read.call<readonly [bigint, bigint, number]>({
        address: thing.address,
        abi: uniswapV2PairAbi,
        functionName: 'getReserves',
      }),
    ])
    if (!token0 || !token1 || !reserves.ok) return { lines: [], failed: ['getReserves()'] }
    const lines: Line[] = []
    const failed: string[] = []
    for (const [index, token] of [token0, token1].entries()) {
      const balance = await balanceOf(ctx, token, thing.address)
      if (!balance.ok) failed.push(`the balance of ${token}`)
      else
        lines.push({
          key: token,
          owedAs: 'its reserve',
          owed: reserves.value[index === 0 ? 0 : 1],
          held: balance.value,
          token,
          isMoved: hasOutflow(block, thing.address, token),
        })
    }
    return { lines, failed }
  }

/** What depositors are owed of each reserve against cash and loans; a deficit that the market admits is left out. */
export const readMarket =
  (thing: Kind<'lending-market'>): Reader =>
  async (ctx) => {
    const reserves = await listReserves(ctx, thing.address)
    if (!reserves) return { lines: [], failed: ['the list of reserves'] }
    const lines: Line[] = []
    const failed: string[] = []
    await Promise.all(
      reserves.map(async (reserve) => {
        const [state, deficit] = await Promise.all([
          readReserve(ctx, reserve),
          ctx.read.call<bigint>({
            address: thing.address,
            abi: deficitAbi,
            functionName: 'getReserveDeficit',
            args: [reserve.asset],
          }),
        ])
        if (!state) failed.push(`the reserve ${reserve.asset}`)
        else
          lines.push({
            key: reserve.asset,
            owedAs: 'its deposits',
            owed: state.supplied,
            held: state.cash + state.debt + (deficit.ok ? deficit.value : 0n),
            token: reserve.asset,
            isMoved: true,
          })
      }),
    )
    lines.sort((a, b) => (a.key < b.key ? -1 : 1))
    return { lines, failed: failed.sort() }
  }

const DEPOSIT = '0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c'
const WITHDRAWAL = '0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65'

/** Native coin that a wrapper took, less what it gave back, by its events in this block. */
const wrapped = (block: BotBlock, token: Address): bigint => {
  let net = 0n
  for (const { address, topics, data } of block.logs) {
    if (address !== token || data.length !== 66) continue
    if (topics[0] === DEPOSIT) net += BigInt(data)
    else if (topics[0] === WITHDRAWAL) net -= BigInt(data)
  }
  return net
}

/**
 * What the wrapper's events say it must hold. Wrapped ether tells its own balance as its supply, so its supply alone
 * would never show that coin is missing. Begins anew where blocks were not seen.
 */
const expectNative = async (
  ctx: SolvencyContext,
  block: BotBlock,
  token: Address,
  held: bigint,
): Promise<bigint> => {
  const key = `native:${token}`
  const known = ctx.state.get<{ readonly block: number; readonly units: bigint }>(key)
  const before =
    known?.block === block.number - 1 ? known.units : await ctx.read.balance(token, 'parent')
  const expected = before + wrapped(block, token)
  ctx.state.set(key, { block: block.number, units: expected > held ? expected : held })
  return expected
}

/** A token that native coin backs one to one, such as wrapped ether: recognised by that. */
export const readWrapped =
  (thing: Kind<'token'>): Reader =>
  async (ctx, block, memory) => {
    if (memory.isBacked === false) return { lines: [], failed: [] }
    const token = thing.address
    const [answer, held] = await Promise.all([
      ctx.read.call<bigint>({ address: token, abi: erc20Abi, functionName: 'totalSupply' }),
      ctx.read.balance(token),
    ])
    // A token that does not say its supply is none that could be judged.
    if (!answer.ok) return { lines: [], failed: memory.isBacked ? ['totalSupply()'] : [] }
    const supply = answer.value
    if (supply === 0n && memory.isBacked === undefined) return { lines: [], failed: [] }
    const isBacked = memory.isBacked ?? held >= supply
    if (!isBacked) return { lines: [], failed: [], isBacked }
    const expected = await expectNative(ctx, block, token, held)
    const line = { key: 'native', owedAs: 'its supply', held, token, isMoved: true }
    const lines = [{ ...line, owed: supply }]
    if (expected > supply) lines.push({ ...line, owed: expected })
    return { lines: lines.slice(-1), failed: [], isBacked }
  }
