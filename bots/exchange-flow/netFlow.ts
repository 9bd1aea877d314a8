import { type Address, exceedsBps, type FindingSeverity } from 'tocsin'
import type { ExchangeFlowParameters } from './parameters.ts'
import type { FlowContext } from './party.ts'

const HOUR_S = 3_600
/** Fewer hours say nothing of what is usual. */
const MIN_HOURS = 6

type Hour = { readonly hour: number; readonly net: bigint }
type Told = { readonly level: number; readonly atS: number; readonly isDeposit: boolean }

export type NetFlow = {
  readonly isDeposit: boolean
  readonly net: bigint
  readonly deposited: bigint
  readonly withdrawn: bigint
  readonly supply: bigint
  /** 99th percentile of the net flow of past hours, either way; undefined while fewer than six hours are known. */
  readonly usual: bigint | undefined
  readonly hoursKnown: number
  readonly thresholdUnits: bigint
  readonly severity: FindingSeverity
}

const size = (value: bigint): bigint => (value < 0n ? -value : value)

/** Nearest-rank 99th percentile. */
const rare = (hours: readonly bigint[]): bigint | undefined => {
  if (hours.length < MIN_HOURS) return undefined
  const sorted = [...hours].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return sorted[Math.ceil(sorted.length * 0.99) - 1]
}

/** Closes the hours that have passed; empty ones count as nothing. Answers the closed ones, at most `historyH`. */
const keepHours = (
  ctx: FlowContext,
  token: Address,
  net: bigint,
  historyH: number,
): readonly bigint[] => {
  const hour = Math.floor(ctx.block.timestampS / HOUR_S)
  const current = ctx.state.get<Hour>(`hour:${token}`)
  let closed = ctx.state.get<readonly bigint[]>(`hours:${token}`) ?? []
  if (current !== undefined && current.hour < hour) {
    const empty = Math.min(hour - current.hour - 1, historyH)
    closed = [...closed, size(current.net), ...Array.from({ length: empty }, () => 0n)].slice(
      -historyH,
    )
    ctx.state.set(`hours:${token}`, closed)
  }
  const before = current !== undefined && current.hour === hour ? current.net : 0n
  ctx.state.set(`hour:${token}`, { hour, net: before + net })
  return closed
}

/**
 * Adds a block's deposits and withdrawals of a token and judges what they come to within the window. Told once, and
 * again for each further `netBps` of the supply. Kept per token: the window's samples, one per block with a flow, and
 * `historyH` sums of hours.
 */
export const followNetFlow = (
  ctx: FlowContext,
  token: Address,
  flow: { readonly deposited: bigint; readonly withdrawn: bigint },
  supply: bigint,
  parameters: ExchangeFlowParameters,
): NetFlow | undefined => {
  const { windowS, netBps } = parameters
  const [ins, outs] = ['in', 'out'].map((side) =>
    ctx.window(`${side}:${token}`, { keepS: windowS }),
  )
  if (!ins || !outs) return undefined
  if (flow.deposited > 0n) ins.add(flow.deposited)
  if (flow.withdrawn > 0n) outs.add(flow.withdrawn)
  const hours = keepHours(ctx, token, flow.deposited - flow.withdrawn, parameters.historyH)
  const [deposited, withdrawn] = [ins.sum(windowS), outs.sum(windowS)]
  const isDeposit = deposited > withdrawn
  const net = size(deposited - withdrawn)
  if (!exceedsBps(net, supply, netBps)) return undefined
  const usual = rare(hours)
  const floor = (supply * BigInt(netBps)) / 10_000n
  const unusual = (usual ?? 0n) * BigInt(parameters.historyFactor)
  if (net <= unusual) return undefined
  const level = Number((net * 10_000n) / (supply * BigInt(netBps)))
  const told = ctx.state.get<Told>(`net:${token}`)
  const isSame =
    told !== undefined && told.isDeposit === isDeposit && ctx.block.timestampS - told.atS < windowS
  if (isSame && level <= told.level) return undefined
  ctx.state.set(`net:${token}`, { level, atS: ctx.block.timestampS, isDeposit })
  const severity = !isDeposit
    ? 'Info'
    : exceedsBps(net, supply, parameters.highBps)
      ? 'High'
      : exceedsBps(net, supply, parameters.mediumBps)
        ? 'Medium'
        : 'Low'
  return {
    isDeposit,
    net,
    deposited,
    withdrawn,
    supply,
    usual,
    hoursKnown: hours.length,
    thresholdUnits: unusual > floor ? unusual : floor,
    severity,
  }
}
