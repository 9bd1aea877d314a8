import {
  type Address,
  bpsOf,
  type CallTrace,
  cleanText,
  decodeCall,
  type Finding,
  type FindingSeverity,
  formatBps,
  type Hex,
  showAddress,
} from 'tocsin'
import { formatEther } from 'viem/utils'
import { type Reentry, selectorOf } from './frames.ts'
import type { Loss } from './measure.ts'
import type { ReentrancyContext, ReentrancyThing } from './types.ts'

const nameOf = (ctx: ReentrancyContext, call: CallTrace): string => {
  const abi = call.to === null ? undefined : ctx.thingAt(call.to)?.abi
  const name = abi ? decodeCall(abi, call.input)?.name : undefined
  return cleanText(name ? `${name}()` : selectorOf(call), 60)
}

const showLoss = (ctx: ReentrancyContext, { token, amountUnits, beforeUnits }: Loss): string => {
  const what = token
    ? `${amountUnits} units of ${showAddress(ctx, token)}`
    : `${formatEther(amountUnits)} of the native coin`
  return beforeUnits > 0n
    ? `${what} (${formatBps(bpsOf(amountUnits, beforeUnits))} of what it held)`
    : what
}

export type Case = {
  readonly txHash: Hex
  readonly sender: Address | undefined
  readonly reentries: readonly [Reentry, ...Reentry[]]
  readonly losses: readonly Loss[]
  readonly severity: FindingSeverity
  readonly isFamiliar: boolean
}

const common = (
  thing: ReentrancyThing,
  one: Case,
): Pick<Finding, 'thing' | 'protocol' | 'txHash' | 'addresses' | 'type'> => ({
  type: one.severity === 'Low' ? 'Info' : 'Exploit',
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  txHash: one.txHash,
  addresses: [
    ...new Set([
      thing.address,
      ...one.reentries.map(({ inner }) => inner.from),
      ...(one.sender ? [one.sender] : []),
    ]),
  ].slice(0, 8),
})

const evidence = (ctx: ReentrancyContext, one: Case): Record<string, string> => {
  const [{ outer, inner }] = one.reentries
  return {
    callPath: cleanText(
      `${showAddress(ctx, outer.from)} > ${nameOf(ctx, outer)} > … > ${showAddress(ctx, inner.from)} > ${nameOf(ctx, inner)}`,
      400,
    ),
    outer: selectorOf(outer),
    inner: selectorOf(inner),
    outerPath: outer.path.join('.') || 'top',
    innerPath: inner.path.join('.'),
    intruder: inner.from,
    times: String(one.reentries.length),
    ...(one.sender ? { sender: one.sender } : {}),
    ...Object.fromEntries(
      one.losses.slice(0, 6).map((loss, index) => [`loss.${index + 1}`, showLoss(ctx, loss)]),
    ),
  }
}

/** Somebody came back into a thing and changed its state while it was at work. */
export const reportReentry = (
  ctx: ReentrancyContext,
  thing: ReentrancyThing,
  one: Case,
): Finding => {
  const [{ outer, inner }] = one.reentries
  const lost = one.losses.filter(({ toIntruder }) => toIntruder)
  return {
    ...common(thing, one),
    alertId: 'REENTRANCY',
    name: `Re-entered: ${thing.name}`,
    description: cleanText(
      `${thing.name}: while ${nameOf(ctx, outer)} was at work, ${showAddress(ctx, inner.from)} came back in by ${nameOf(ctx, inner)}${one.reentries.length > 1 ? `, ${one.reentries.length} times` : ''}.${lost.length > 0 ? ` It left with ${lost.map((loss) => showLoss(ctx, loss)).join(', ')}.` : ''}${one.isFamiliar ? ' It has done so before, without taking anything.' : ''}`,
      900,
    ),
    severity: one.severity,
    uniqueKey: `${thing.name}:reentry`,
    metadata: evidence(ctx, one),
  }
}

/** Somebody looked at a thing while it was at work: what it says of itself is not true then. */
export const reportReading = (
  ctx: ReentrancyContext,
  thing: ReentrancyThing,
  one: Case,
  consumer: CallTrace | undefined,
): Finding => {
  const [{ outer, inner }] = one.reentries
  const who = consumer?.to ? ` on behalf of ${showAddress(ctx, consumer.to)}` : ''
  return {
    ...common(thing, one),
    alertId: 'READ-ONLY-REENTRANCY',
    name: `Read while at work: ${thing.name}`,
    description: cleanText(
      `${thing.name}: while ${nameOf(ctx, outer)} was at work, ${showAddress(ctx, inner.from)} read ${nameOf(ctx, inner)}${who}. What it says in the middle of that is not what it is worth.`,
      900,
    ),
    severity: one.severity,
    uniqueKey: `${thing.name}:reading`,
    metadata: {
      ...evidence(ctx, one),
      ...(consumer?.to ? { consumer: consumer.to, consumerCall: nameOf(ctx, consumer) } : {}),
    },
  }
}
