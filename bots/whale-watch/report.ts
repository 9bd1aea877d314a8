import {
  type Address,
  type Finding,
  formatAmount,
  formatBps,
  type Hex,
  showAddress,
  type TokenInfo,
} from 'tocsin'
import { getAddress } from 'viem/utils'
import { isLabelledWhale, type TokenThing, type WhaleContext } from './holders.ts'
import type { HolderVerdict } from './judgeHolder.ts'

export type Counterparty = {
  readonly address: Address
  readonly units: bigint
  readonly txHash: Hex
}

const protocolOf = (thing: TokenThing) =>
  thing.protocol === undefined ? {} : { protocol: thing.protocol }

export const reportWhale = (
  ctx: WhaleContext,
  thing: TokenThing,
  token: TokenInfo,
  whale: Address,
  verdict: HolderVerdict,
  supply: bigint,
  /** Of the largest transfer in this block, on the other side. */
  other: Counterparty | undefined,
  isKept: boolean,
): Finding => {
  const decimals = token.decimals ?? 0
  const show = (units: bigint): string => formatAmount(units, decimals, token.symbol)
  const isOut = verdict.direction === 'out'
  const isLabelled = isLabelledWhale(ctx, whale)
  const { windowS, outBps, inBps } = thing.parameters
  const side = isOut ? 'to' : 'from'
  const with_ = other ? ` The largest part went ${side} ${showAddress(ctx, other.address)}.` : ''
  return {
    alertId: isOut ? 'WHALE-OUT' : 'WHALE-IN',
    name: isOut ? `A whale leaves ${token.symbol}` : `A whale gathers ${token.symbol}`,
    description: isOut
      ? `${showAddress(ctx, whale)} gave away ${show(verdict.units)} within ${windowS} s, ${formatBps(verdict.shareBps)} of what it held: ${show(verdict.before)} before, ${show(verdict.after)} now.${with_}`
      : `${showAddress(ctx, whale)} gathered ${show(verdict.units)} within ${windowS} s, ${formatBps(verdict.shareBps)} of the supply: ${show(verdict.before)} before, ${show(verdict.after)} now.${with_.replace('went', 'came')}`,
    severity: isOut && !isKept ? 'Low' : 'Info',
    type: 'Info',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      direction: verdict.direction,
      whale,
      known: isLabelled ? 'label' : 'holding',
      token: token.address,
      symbol: token.symbol,
      decimals: String(decimals),
      units: verdict.units.toString(),
      amount: formatAmount(verdict.units, decimals),
      before: verdict.before.toString(),
      after: verdict.after.toString(),
      supply: supply.toString(),
      shareBps: String(verdict.shareBps),
      shareOf: isOut ? 'holding' : 'supply',
      thresholdBps: String(isOut ? outBps : inBps),
      windowS: String(windowS),
      ...(other ? { [isOut ? 'recipient' : 'sender']: other.address, tx: other.txHash } : {}),
    },
    addresses: [token.address, whale, ...(other ? [other.address] : [])],
    ...(isLabelled ? { labels: [{ entity: whale, label: 'whale', confidence: 1 }] } : {}),
    ...(other ? { txHash: other.txHash } : {}),
    uniqueKey: `${token.address}:${whale}:${verdict.direction}`,
  }
}

export const reportTogether = (
  ctx: WhaleContext,
  thing: TokenThing,
  token: TokenInfo,
  whales: readonly Address[],
): Finding => ({
  alertId: 'WHALES-LEAVING',
  name: `Several whales leave ${token.symbol}`,
  description: `${whales.length} whales gave away much of their ${token.symbol} within ${thing.parameters.togetherS} s: ${whales
    .slice(0, 5)
    .map((whale) => showAddress(ctx, whale))
    .join(', ')}${whales.length > 5 ? ', …' : ''}.`,
  severity: 'Medium',
  type: 'Suspicious',
  thing: thing.name,
  ...protocolOf(thing),
  metadata: {
    token: token.address,
    symbol: token.symbol,
    whales: whales
      .slice(0, 20)
      .map((whale) => getAddress(whale))
      .join(' '),
    count: String(whales.length),
    threshold: String(thing.parameters.together),
    windowS: String(thing.parameters.togetherS),
  },
  addresses: [token.address, ...whales.slice(0, 20)],
  uniqueKey: `${token.address}:together`,
})
