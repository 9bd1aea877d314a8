import {
  type Address,
  type BotContext,
  type BotThing,
  type Finding,
  formatAmount,
  formatBps,
  type Hex,
  readToken,
  showAddress,
  type TokenInfo,
} from 'tocsin'
import { uniswapV2PairAbi } from '../../abis/index.ts'
import type { Verdict } from './judgeBlock.ts'
import type { PriceManipulationParameters } from './parameters.ts'

export type PriceContext = BotContext<PriceManipulationParameters>
export type PoolThing = BotThing<PriceManipulationParameters> & { readonly kind: 'pool' }
type Tokens = readonly [TokenInfo, TokenInfo] | undefined

const readTokens = async (ctx: PriceContext, thing: PoolThing): Promise<Tokens> => {
  const key = `tokens:${thing.name}`
  let pair = ctx.state.get<readonly [Address, Address]>(key)
  if (!pair) {
    const read = (functionName: string) =>
      ctx.read.call<Address>({ address: thing.address, abi: uniswapV2PairAbi, functionName })
    const [token0, token1] = await Promise.all([read('token0'), read('token1')])
    if (!token0.ok || !token1.ok) return undefined
    pair = [token0.value.toLowerCase() as Address, token1.value.toLowerCase() as Address]
    ctx.state.set(key, pair)
  }
  return Promise.all([readToken(ctx, pair[0]), readToken(ctx, pair[1])])
}

/** Price of one whole token0 in token1; of one token1 in token0 where that has more digits. */
const showPrice = (tokens: Tokens, price: bigint): string => {
  const [a, b] = tokens ?? []
  if (a?.decimals === undefined || b?.decimals === undefined || price === 0n)
    return `${price} / 2^128 token1 for token0`
  const direct = (price * 10n ** BigInt(a.decimals)) >> 128n
  if (direct > 10n ** BigInt(b.decimals))
    return `${formatAmount(direct, b.decimals, b.symbol)} for 1 ${a.symbol}`
  const inverse = ((10n ** BigInt(b.decimals)) << 128n) / price
  return `${formatAmount(inverse, a.decimals, a.symbol)} for 1 ${b.symbol}`
}

const about = (thing: PoolThing) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
})

const NAMES = {
  manipulation: ['PRICE-MANIPULATION', 'Price moved to use it'],
  sandwich: ['SANDWICH', 'Trade of a watched thing sandwiched'],
  'round trip': ['PRICE-ROUND-TRIP', 'Price moved and brought back'],
} as const

export const reportVerdict = async (
  ctx: PriceContext,
  thing: PoolThing,
  verdict: Verdict,
): Promise<Finding> => {
  const { kind, severity, path, tx, backTx, victim, victimTx } = verdict
  const tokens = await readTokens(ctx, thing)
  const [alertId, name] = NAMES[kind]
  const far = path.isRoundTrip ? path.peak : path.end
  const way = `from ${showPrice(tokens, path.start)} to ${showPrice(tokens, far)}`
  const back = path.isRoundTrip ? ` and back to ${showPrice(tokens, path.end)}` : ''
  const where = backTx ? 'two transactions of one block' : 'one transaction'
  const whom = victim ? showAddress(ctx, victim) : ''
  const use = {
    manipulation: ` In between or after it ${whom} acted, which may rely on that price.`,
    sandwich: ` In between ${whom} traded at the worse price.`,
    'round trip': ' Nothing that is watched acted in between.',
  }[kind]
  const bps = path.isRoundTrip ? path.peakBps : path.endBps
  return {
    alertId,
    name,
    description: `The price of ${thing.name} was moved by ${formatBps(bps)} in ${where}, ${way}${back}, by ${showAddress(ctx, tx.from)}.${use}`,
    severity,
    type: kind === 'manipulation' ? 'Exploit' : kind === 'sandwich' ? 'Suspicious' : 'Info',
    ...about(thing),
    metadata: {
      priceBefore: showPrice(tokens, path.start),
      pricePeak: showPrice(tokens, path.peak),
      priceAfter: showPrice(tokens, path.end),
      movedBps: String(bps),
      leftBps: String(path.endBps),
      thresholdBps: String(verdict.thresholdBps),
      variant: thing.variant,
      caller: tx.from,
      ...(tx.to ? { target: tx.to } : {}),
      tx: tx.hash,
      ...(backTx ? { backTx: backTx.hash } : {}),
      ...(victim ? { touched: ctx.thingAt(victim)?.name ?? victim, touchedAddress: victim } : {}),
      ...(victimTx ? { touchedTx: victimTx } : {}),
    },
    addresses: [
      ...new Set([thing.address, tx.from, ...(tx.to ? [tx.to] : []), ...(victim ? [victim] : [])]),
    ],
    txHash: tx.hash,
    uniqueKey: thing.name,
  }
}

export const reportOffAverage = async (
  ctx: PriceContext,
  thing: PoolThing,
  facts: {
    readonly price: bigint
    readonly average: bigint
    readonly bps: number
    readonly severity: Finding['severity']
    readonly condition: 'holds' | 'ended'
    readonly txHash: Hex | undefined
    readonly mover: Address | undefined
  },
): Promise<Finding> => {
  const { price, average, bps, condition, txHash, mover } = facts
  const tokens = await readTokens(ctx, thing)
  const { twapS, offTwapBps } = thing.parameters
  const holds = condition === 'holds'
  const by = holds && mover ? ` Most of it by ${showAddress(ctx, mover)}.` : ''
  return {
    alertId: 'PRICE-OFF-TWAP',
    name: holds ? 'Price off its average' : 'Price near its average again',
    description: holds
      ? `The price of ${thing.name}, ${showPrice(tokens, price)}, is ${formatBps(bps)} off its average of the last ${twapS} s, ${showPrice(tokens, average)}.${by}`
      : `The price of ${thing.name}, ${showPrice(tokens, price)}, and its average of the last ${twapS} s, ${showPrice(tokens, average)}, are near each other again.`,
    severity: holds ? facts.severity : 'Info',
    type: holds && facts.severity === 'Medium' ? 'Suspicious' : 'Info',
    ...about(thing),
    metadata: {
      price: showPrice(tokens, price),
      average: showPrice(tokens, average),
      offBps: String(bps),
      thresholdBps: String(offTwapBps),
      windowS: String(twapS),
      ...(mover ? { caller: mover } : {}),
    },
    addresses: [thing.address, ...(holds && mover ? [mover] : [])],
    ...(holds && txHash ? { txHash } : {}),
    uniqueKey: thing.name,
    condition,
  }
}

export const reportSkew = async (
  ctx: PriceContext,
  thing: PoolThing,
  facts: {
    readonly index: 0 | 1
    readonly before: bigint
    readonly after: bigint
    readonly txHash: Hex
    readonly logIndex: number
    readonly sender: Address | undefined
  },
): Promise<Finding> => {
  const { index, before, after, txHash, logIndex, sender } = facts
  const token = (await readTokens(ctx, thing))?.[index]
  const show = (units: bigint): string =>
    token?.decimals === undefined
      ? `${units} smallest units of token${index}`
      : formatAmount(units, token.decimals, token.symbol)
  const lostBps = Number(((before - after) * 10_000n) / before)
  return {
    alertId: 'RESERVES-SKEW',
    name: 'A reserve vanished',
    description: `A reserve of ${thing.name} fell by ${formatBps(lostBps)}, from ${show(before)} to ${show(after)}, without a swap or a withdrawal: the tokens left the pair by a way of the token's own, and sync() made that its price.${sender ? ` Sent by ${showAddress(ctx, sender)}.` : ''}`,
    severity: lostBps > 5_000 ? 'Critical' : 'High',
    type: 'Exploit',
    ...about(thing),
    metadata: {
      before: before.toString(),
      after: after.toString(),
      lost: show(before - after),
      lostBps: String(lostBps),
      thresholdBps: String(thing.parameters.skewBps),
      token: token?.address ?? `token${index}`,
      tx: txHash,
      ...(sender ? { caller: sender } : {}),
    },
    addresses: [thing.address, ...(sender ? [sender] : [])],
    txHash,
    uniqueKey: `${thing.name}:${logIndex}`,
  }
}
