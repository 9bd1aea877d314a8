import {
  type CallTrace,
  type ConditionWord,
  type Finding,
  formatAmount,
  formatBps,
  showAddress,
} from 'tocsin'
import { toFunctionSelector, toFunctionSignature } from 'viem/utils'
import { RECENT, type Shift, type UsualGas } from './meter.ts'
import type { GasContext, GasThing } from './types.ts'

/** A function of a thing, seen from outside or as an internal call. */
export type Metered = { readonly selector: string; readonly isInternal: boolean }

const nameOf = (thing: GasThing, { selector, isInternal }: Metered): string => {
  const item = thing.abi?.find(
    (one) => one.type === 'function' && toFunctionSelector(one) === selector,
  )
  const name =
    selector === '0x'
      ? 'a plain payment'
      : item?.type === 'function'
        ? toFunctionSignature(item)
        : selector
  return isInternal ? `${name} (internal)` : name
}

const gasText = (gas: number): string => formatAmount(BigInt(Math.round(gas)), 0, 'gas')

const common = (thing: GasThing, what: Metered, usual: UsualGas) => ({
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  uniqueKey: `${thing.name}:${what.selector}${what.isInternal ? ':internal' : ''}`,
  facts: {
    function: nameOf(thing, what),
    selector: what.selector,
    usualGas: String(Math.round(usual.median)),
    highestDailyMedian: String(Math.round(usual.highestDay)),
    mostGas: String(usual.most),
    windowS: String(28 * 86_400),
    days: String(usual.days),
    calls: String(usual.calls),
  },
})

/** Calls of a function use more gas than they used to, or no longer do. */
export const reportShift = (
  thing: GasThing,
  what: Metered,
  usual: UsualGas,
  shift: Shift,
  { condition, severity }: ConditionWord,
): Finding => {
  const { facts, ...rest } = common(thing, what, usual)
  const holds = condition === 'holds'
  return {
    ...rest,
    alertId: 'GAS-SHIFT',
    name: 'Function uses more gas than it used to',
    description: holds
      ? `Calls of ${facts.function} on ${thing.name} use ${gasText(shift.median)}, by the median of the last ${RECENT}; ${gasText(usual.median)} were usual over ${usual.days} days, ${gasText(usual.highestDay)} on the highest of them.`
      : `Calls of ${facts.function} on ${thing.name} use ${gasText(shift.median)} now, which is no longer far above what its days have: it has come back, or has become usual.`,
    severity,
    type: holds ? 'Suspicious' : 'Info',
    metadata: {
      ...facts,
      gas: String(Math.round(shift.median)),
      z: String(Math.round(shift.z * 100) / 100),
      senders: String(shift.senders),
      threshold: `${formatBps(thing.parameters.shiftBps)} above the highest daily median and z >= ${thing.parameters.zLimit}`,
      thresholdFrom: 'daily medians of the function over up to four weeks',
    },
    addresses: [thing.address],
    condition,
  }
}

/** One call used many times the most gas that the function ever did. */
export const reportSpike = (
  ctx: GasContext,
  thing: GasThing,
  what: Metered,
  usual: UsualGas,
  call: CallTrace,
): Finding => {
  const { facts, ...rest } = common(thing, what, usual)
  return {
    ...rest,
    alertId: 'GAS-SPIKE',
    name: 'Call used far more gas than any before',
    description: `A call of ${facts.function} on ${thing.name} by ${showAddress(ctx, call.from)} used ${gasText(Number(call.gasUsed))}; the most of ${usual.calls} calls in ${usual.days} days was ${gasText(usual.most)}.`,
    severity: 'Low',
    type: 'Suspicious',
    metadata: {
      ...facts,
      gas: call.gasUsed.toString(),
      threshold: `${thing.parameters.spikeFactor} times the most, and ${thing.parameters.minSpikeGas} gas`,
      thresholdFrom: 'the most gas of any call of the function in four weeks',
      tx: call.txHash,
      caller: call.from,
    },
    addresses: [thing.address, call.from],
    txHash: call.txHash,
  }
}
