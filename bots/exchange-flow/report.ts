import {
  type Address,
  bpsOf,
  type Finding,
  formatAmount,
  formatBps,
  type Hex,
  showAddress,
  type TokenInfo,
} from 'tocsin'
import type { NetFlow } from './netFlow.ts'
import type { Direction, FlowContext, FlowThing, Role } from './party.ts'
import type { PartyFlow } from './partyFlow.ts'

const protocolOf = (thing: FlowThing | undefined) =>
  thing?.protocol === undefined ? {} : { protocol: thing.protocol }

export const reportNet = (
  ctx: FlowContext,
  thing: FlowThing,
  token: TokenInfo,
  flow: NetFlow,
  largest: {
    readonly from: Address
    readonly to: Address
    readonly units: bigint
    readonly txHash: Hex
  },
): Finding => {
  const decimals = token.decimals ?? 0
  const show = (units: bigint): string => formatAmount(units, decimals, token.symbol)
  const { windowS, netBps, historyFactor } = thing.parameters
  const share = bpsOf(flow.net, flow.supply)
  const [verb, name] = flow.isDeposit
    ? ['went to', 'Much goes to exchanges']
    : ['left', 'Much leaves exchanges']
  return {
    alertId: 'EXCHANGE-NET-FLOW',
    name,
    description: `${show(flow.net)} more ${verb} labelled exchanges within ${windowS} s than the other way, ${formatBps(share)} of the supply of ${thing.name}. The threshold is ${show(flow.thresholdUnits)}. The largest of this block went from ${showAddress(ctx, largest.from)} to ${showAddress(ctx, largest.to)}.`,
    severity: flow.severity,
    type: 'Suspicious',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      direction: flow.isDeposit ? 'deposit' : 'withdrawal',
      token: token.address,
      symbol: token.symbol,
      decimals: String(decimals),
      net: flow.net.toString(),
      amount: formatAmount(flow.net, decimals),
      deposited: flow.deposited.toString(),
      withdrawn: flow.withdrawn.toString(),
      supply: flow.supply.toString(),
      shareBps: String(share),
      windowS: String(windowS),
      thresholdUnits: flow.thresholdUnits.toString(),
      threshold:
        flow.usual === undefined
          ? `${netBps} bps of the supply (fewer than six hours are known)`
          : `the greater of ${netBps} bps of the supply and ${historyFactor} times the 99th percentile of ${flow.hoursKnown} hours`,
      ...(flow.usual === undefined ? {} : { usualUnits: flow.usual.toString() }),
      from: largest.from,
      to: largest.to,
      tx: largest.txHash,
    },
    addresses: [token.address, largest.from, largest.to],
    txHash: largest.txHash,
    uniqueKey: `${thing.name}:net`,
  }
}

export const reportParty = (
  ctx: FlowContext,
  party: { readonly thing: FlowThing; readonly role: Role },
  unit: { readonly asset: Address | 'native'; readonly decimals: number; readonly symbol: string },
  flow: PartyFlow,
  move: { readonly exchange: Address; readonly units: bigint; readonly txHash: Hex },
): Finding => {
  const { thing, role } = party
  const show = (units: bigint): string => formatAmount(units, unit.decimals, unit.symbol)
  const isDeposit = flow.direction === ('deposit' satisfies Direction)
  const exchange = showAddress(ctx, move.exchange)
  return {
    alertId: isDeposit ? 'EXCHANGE-DEPOSIT' : 'EXCHANGE-WITHDRAWAL',
    name: isDeposit
      ? `${thing.name} sends to an exchange`
      : `${thing.name} is funded from an exchange`,
    description: isDeposit
      ? `${thing.name} (${role}) sent ${show(flow.moved)} to exchanges within ${thing.parameters.partyWindowS} s, ${formatBps(flow.shareBps)} of the ${show(flow.base)} it held; the last ${show(move.units)} went to ${exchange}.`
      : `${thing.name} (${role}) had ${show(flow.moved)} from exchanges within ${thing.parameters.partyWindowS} s, ${formatBps(flow.shareBps)} of the ${show(flow.base)} it holds; the last ${show(move.units)} came from ${exchange}.`,
    severity: flow.severity,
    type: isDeposit ? 'Suspicious' : 'Info',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      direction: flow.direction,
      role,
      asset: unit.asset,
      symbol: unit.symbol,
      decimals: String(unit.decimals),
      moved: flow.moved.toString(),
      amount: formatAmount(flow.moved, unit.decimals),
      before: flow.base.toString(),
      ...(isDeposit ? { after: (flow.base - flow.moved).toString() } : {}),
      shareBps: String(flow.shareBps),
      windowS: String(thing.parameters.partyWindowS),
      thresholdBps: String(thing.parameters.partyBps),
      exchange: move.exchange,
      lastUnits: move.units.toString(),
      tx: move.txHash,
    },
    addresses: [thing.address, move.exchange, ...(unit.asset === 'native' ? [] : [unit.asset])],
    labels: [{ entity: move.exchange, label: 'exchange', confidence: 1 }],
    txHash: move.txHash,
    uniqueKey: `${thing.name}:${flow.direction}:${unit.asset}`,
  }
}
