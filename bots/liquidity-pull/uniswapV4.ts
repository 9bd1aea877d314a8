import { type ChainLog, decodeLog, type Hex } from 'tocsin'
import { encodeAbiParameters, keccak256, toEventSelector, toHex } from 'viem/utils'
import { uniswapV4PoolManagerAbi, V4_LIQUIDITY_OFFSET, V4_POOLS_SLOT } from '../../abis/index.ts'
import type { LiquidityEvent } from './liquidityEvents.ts'
import type { PoolThing, PullContext } from './pool.ts'

export const MODIFY_LIQUIDITY = toEventSelector(
  'ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)',
)

/** Lower case; of a thing without one an id that no pool has. */
export const poolIdOf = ({ poolId }: Pick<PoolThing, 'poolId'>): Hex =>
  (poolId?.toLowerCase() ?? `0x${'0'.repeat(64)}`) as Hex

/** What providers did in one pool of the manager; a change of nothing only settles fees. */
export const readV4Events = (poolId: Hex, logs: readonly ChainLog[]): readonly LiquidityEvent[] =>
  logs.flatMap((log): readonly LiquidityEvent[] => {
    if (log.topics[1] !== poolId) return []
    const decoded = decodeLog(uniswapV4PoolManagerAbi, log)
    const delta = decoded?.args['liquidityDelta']
    if (decoded?.name !== 'ModifyLiquidity' || typeof delta !== 'bigint' || delta === 0n) return []
    const { args } = decoded
    return [
      {
        name: delta > 0n ? 'Mint' : 'Burn',
        // Who called the manager, mostly the position manager.
        owner: String(args['sender']).toLowerCase() as `0x${string}`,
        amount0: 0n,
        amount1: 0n,
        range: {
          lower: Number(args['tickLower']),
          upper: Number(args['tickUpper']),
          liquidity: delta > 0n ? delta : -delta,
        },
        txHash: log.txHash,
        logIndex: log.logIndex,
      },
    ]
  })

/** Tick and liquidity in range of a pool, out of the manager's storage; undefined when there is no such pool. */
export const readV4Range = async (
  ctx: PullContext,
  thing: PoolThing,
  at: 'block' | 'parent',
): Promise<{ readonly tick: number; readonly liquidity: bigint } | undefined> => {
  const base = BigInt(
    keccak256(
      encodeAbiParameters(
        [{ type: 'bytes32' }, { type: 'uint256' }],
        [poolIdOf(thing), V4_POOLS_SLOT],
      ),
    ),
  )
  const slot = (offset: bigint): Hex => toHex(base + offset, { size: 32 })
  const [slot0, liquidity] = await Promise.all([
    ctx.read.storage(thing.address, slot(0n), at),
    ctx.read.storage(thing.address, slot(V4_LIQUIDITY_OFFSET), at),
  ])
  const word = BigInt(slot0)
  if (word === 0n) return undefined
  // 160 bits of price, then 24 of the tick, signed.
  return {
    tick: Number(BigInt.asIntN(24, word >> 160n)),
    liquidity: BigInt(liquidity) & ((1n << 128n) - 1n),
  }
}
