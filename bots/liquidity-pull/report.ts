import {
  type Address,
  type BotBlock,
  type Finding,
  formatAmount,
  formatBps,
  type Hex,
  showAddress,
  type TokenInfo,
} from 'tocsin'
import { curveCoins } from './curve.ts'
import type { Pull } from './judgePull.ts'
import type { LiquidityEvent } from './liquidityEvents.ts'
import type { Removal } from './measureRemoval.ts'
import { type PoolThing, type PullContext, poolTokens } from './pool.ts'

/** What one sender took out of a pool in a block, net. */
type Share = {
  readonly sender: Address
  readonly owners: readonly Address[]
  readonly amount0: bigint
  readonly amount1: bigint
  /** Transaction of its largest burn. */
  readonly txHash: Hex
}

/**
 * Who took how much, the most first. By the sender of the transaction: the owner in the events is mostly a router or
 * position manager.
 */
const sharesOf = (
  events: readonly LiquidityEvent[],
  block: Pick<BotBlock, 'transactions'>,
): readonly Share[] => {
  const senders = new Map(block.transactions.map((tx) => [tx.hash, tx.from]))
  const shares = new Map<Address, Share & { readonly weight: bigint; readonly largest: bigint }>()
  for (const event of events) {
    const sender = senders.get(event.txHash)
    if (!sender) continue
    const sign = event.name === 'Burn' ? 1n : -1n
    const size = sign * (event.range?.liquidity ?? event.amount0)
    const none = { sender, owners: [], amount0: 0n, amount1: 0n, weight: 0n }
    const old = shares.get(sender) ?? { ...none, largest: size, txHash: event.txHash }
    const owners = new Set([...old.owners, ...(event.owner ? [event.owner] : [])])
    shares.set(sender, {
      sender,
      owners: [...owners].slice(0, 8),
      amount0: old.amount0 + sign * event.amount0,
      amount1: old.amount1 + sign * event.amount1,
      weight: old.weight + size,
      ...(size > old.largest
        ? { largest: size, txHash: event.txHash }
        : { largest: old.largest, txHash: old.txHash }),
    })
  }
  return [...shares.values()].sort((a, b) => (a.weight > b.weight ? -1 : 1))
}

const net = (
  events: readonly LiquidityEvent[],
): { readonly amount0: bigint; readonly amount1: bigint } =>
  events.reduce(
    (sum, { name, amount0, amount1 }) => {
      const sign = name === 'Burn' ? 1n : -1n
      return { amount0: sum.amount0 + sign * amount0, amount1: sum.amount1 + sign * amount1 }
    },
    { amount0: 0n, amount1: 0n },
  )

/** Of each coin of a Curve pool: what was taken out, less what came in. */
const netOfCoins = (events: readonly LiquidityEvent[]): readonly bigint[] =>
  events.reduce<readonly bigint[]>((sum, { name, amounts = [] }) => {
    const longer = amounts.length > sum.length ? amounts : sum
    return longer.map((_, index) => {
      const amount = amounts[index] ?? 0n
      return (sum[index] ?? 0n) + (name === 'Burn' ? amount : -amount)
    })
  }, [])

const showCoins = (amounts: readonly bigint[], coins: readonly TokenInfo[]): string => {
  const shown = amounts.flatMap((units, index) => {
    const coin = coins[index]
    if (units === 0n) return []
    return coin?.decimals === undefined
      ? [`${units} smallest units of coin ${index}`]
      : [formatAmount(units, coin.decimals, coin.symbol)]
  })
  return shown.length > 0 ? shown.join(', ') : 'of a coin that the event does not name'
}

const about = (thing: PoolThing) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
})

export const reportPull = async (
  ctx: PullContext,
  block: BotBlock,
  thing: PoolThing,
  facts: {
    readonly events: readonly LiquidityEvent[]
    readonly removal: Removal
    readonly pull: Pull
  },
): Promise<Finding> => {
  const { events, removal, pull } = facts
  const tokens = await poolTokens(ctx, thing)
  const { amount0, amount1 } = net(events)
  const coins = thing.variant === 'curve' ? await curveCoins(ctx, thing) : []
  const show = (units: bigint, index: 0 | 1): string => {
    const token = tokens?.[index]
    return token?.decimals === undefined
      ? `${units} smallest units of token${index}`
      : formatAmount(units, token.decimals, token.symbol)
  }
  const shares = sharesOf(events, block)
  const [first] = shares
  const isPair = thing.variant === 'uniswap-v2' || thing.variant === 'uniswap-v3'
  const detail = (units0: bigint, units1: bigint): string =>
    isPair ? `: ${show(units0, 0)} and ${show(units1, 1)}` : ''
  const byWhom = first
    ? ` Most of it by ${showAddress(ctx, first.sender)}${detail(first.amount0, first.amount1)}.`
    : ''
  const all = isPair
    ? `${show(amount0, 0)} and ${show(amount1, 1)}`
    : thing.variant === 'curve'
      ? showCoins(netOfCoins(events), coins)
      : `${removal.removed} of ${removal.before} units of liquidity in range`
  return {
    alertId: 'LIQUIDITY-PULL',
    name: `Liquidity pulled from ${thing.name}`,
    description: `${formatBps(pull.bps)} of the liquidity of ${thing.name} was taken out in block ${block.number}, ${all}, net of what came back in the block.${byWhom}`,
    severity: pull.severity,
    type: 'Suspicious',
    ...about(thing),
    metadata: {
      before: removal.before.toString(),
      after: (removal.before - removal.removed).toString(),
      removed: removal.removed.toString(),
      removedBps: String(pull.bps),
      thresholdBps: String(thing.parameters.removeBps),
      measuredBy: removal.by,
      variant: thing.variant,
      ...(isPair ? { amount0: amount0.toString(), amount1: amount1.toString() } : {}),
      ...(thing.poolId ? { poolId: thing.poolId } : {}),
      ...(coins.length > 0
        ? {
            coins: coins.map(({ address }) => address).join(', '),
            amounts: netOfCoins(events).join(', '),
          }
        : {}),
      ...(tokens
        ? {
            token0: tokens[0].address,
            token1: tokens[1].address,
            value0: show(amount0, 0),
            value1: show(amount1, 1),
          }
        : {}),
      ...(first ? { caller: first.sender, owners: first.owners.join(','), tx: first.txHash } : {}),
      senders: String(shares.length),
      byOwner: shares
        .slice(0, 5)
        .map((share) =>
          isPair ? `${share.sender}: ${share.amount0}, ${share.amount1}` : share.sender,
        )
        .join('; '),
    },
    addresses: [
      ...new Set([
        thing.address,
        ...shares.slice(0, 5).map(({ sender }) => sender),
        ...(first?.owners ?? []),
      ]),
    ],
    ...(first ? { txHash: first.txHash } : {}),
    uniqueKey: thing.name,
  }
}

export const reportDrain = (
  thing: PoolThing,
  facts: { readonly pull: Pull; readonly blocks: number; readonly condition: 'holds' | 'ended' },
): Finding => {
  const { pull, blocks, condition } = facts
  const { windowS, removeBps, windowFactor } = thing.parameters
  const limit = removeBps * windowFactor
  return {
    alertId: 'LIQUIDITY-DRAIN',
    name:
      condition === 'holds'
        ? `Liquidity leaving ${thing.name}`
        : `Liquidity of ${thing.name} steady again`,
    description:
      condition === 'holds'
        ? `Providers took ${formatBps(pull.bps)} of the liquidity out of ${thing.name} within ${windowS} s, net of what they added, in ${blocks} blocks.`
        : `Net removals from ${thing.name} within ${windowS} s are no longer above ${formatBps(limit)}.`,
    severity: condition === 'holds' ? pull.severity : 'Info',
    type: condition === 'holds' ? 'Suspicious' : 'Info',
    ...about(thing),
    metadata: {
      removedBps: String(pull.bps),
      thresholdBps: String(limit),
      windowS: String(windowS),
      blocks: String(blocks),
    },
    addresses: [thing.address],
    uniqueKey: thing.name,
    condition,
  }
}
