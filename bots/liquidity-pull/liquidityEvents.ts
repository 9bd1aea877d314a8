import { type Address, addressOfWord, type ChainLog, decodeLog, type Hex } from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'

/** Topics of Mint and Burn, by variant of pool. */
export const LIQUIDITY_TOPICS: Readonly<Record<'uniswap-v2' | 'uniswap-v3', readonly [Hex, Hex]>> =
  {
    'uniswap-v2': [
      toEventSelector('Mint(address,uint256,uint256)'),
      toEventSelector('Burn(address,uint256,uint256,address)'),
    ],
    'uniswap-v3': [
      toEventSelector('Mint(address,address,int24,int24,uint128,uint256,uint256)'),
      toEventSelector('Burn(address,int24,int24,uint128,uint256,uint256)'),
    ],
  }

/** Liquidity that somebody added (`Mint`) or took out (`Burn`). */
export type LiquidityEvent = {
  readonly name: 'Mint' | 'Burn'
  /** Of v3, the position's owner (often the position manager); of v2, the receiver of a burn or the sender of a mint. */
  readonly owner: Address | undefined
  readonly amount0: bigint
  readonly amount1: bigint
  /** Curve only: of each coin. */
  readonly amounts?: readonly bigint[]
  /** v3 and v4 only. */
  readonly range:
    | { readonly lower: number; readonly upper: number; readonly liquidity: bigint }
    | undefined
  readonly txHash: Hex
  readonly logIndex: number
}

const big = (value: unknown): bigint => (typeof value === 'bigint' ? value : 0n)
const owner = (value: unknown): Address | undefined =>
  typeof value === 'string'
    ? addressOfWord(`0x${value.slice(2).toLowerCase().padStart(64, '0')}`)
    : undefined

/** Reads the Mint and Burn events of a pool; a Burn of nothing only settles fees and is left out. */
export const readLiquidityEvents = (
  variant: 'uniswap-v2' | 'uniswap-v3',
  logs: readonly ChainLog[],
): readonly LiquidityEvent[] =>
  logs.flatMap((log): readonly LiquidityEvent[] => {
    const decoded = decodeLog(variant === 'uniswap-v2' ? uniswapV2PairAbi : uniswapV3PoolAbi, log)
    if (!decoded || (decoded.name !== 'Mint' && decoded.name !== 'Burn')) return []
    const { name, args } = decoded
    const event = {
      name,
      amount0: big(args['amount0']),
      amount1: big(args['amount1']),
      txHash: log.txHash,
      logIndex: log.logIndex,
    } as const
    if (variant === 'uniswap-v2')
      return [
        { ...event, owner: owner(name === 'Burn' ? args['to'] : args['sender']), range: undefined },
      ]
    const liquidity = big(args['amount'])
    if (liquidity === 0n) return []
    const range = { lower: Number(args['tickLower']), upper: Number(args['tickUpper']), liquidity }
    return [{ ...event, owner: owner(args['owner']), range }]
  })
