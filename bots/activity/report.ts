import { type ConditionWord, type Finding, formatBps, showAddress } from 'tocsin'
import { toFunctionSelector, toFunctionSignature } from 'viem/utils'
import { pausableAbi } from '../../abis/index.ts'
import { type FailingFunction, usualShare } from './failures.ts'
import type { ClosedHour, Measure } from './hours.ts'
import type { ActivityContext, ActivityThing } from './types.ts'

const protocolOf = (thing: ActivityThing) =>
  thing.protocol === undefined ? {} : { protocol: thing.protocol }

const round = (value: number): string => String(Math.round(value * 100) / 100)
const hourText = (startS: number): string =>
  `${new Date(startS * 1_000).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const measureText = ({ name, value, usual }: Measure): string =>
  `${value} ${name}, where about ${Math.round(usual)} are usual`

/** An hour with far fewer, or far more, users or transactions than this hour of the week has. */
export const reportHour = (
  thing: ActivityThing,
  kind: 'drop' | 'surge',
  { startS, measures }: ClosedHour,
  { condition, severity }: ConditionWord,
): Finding => {
  const isDrop = kind === 'drop'
  const ended = isDrop ? 'has users again' : 'is as busy as usual again'
  const facts = measures.map(measureText).join('; ')
  const { zLimit, dropBps, surgeFactor, minSamples } = thing.parameters
  return {
    alertId: isDrop ? 'ACTIVITY-DROP' : 'ACTIVITY-SURGE',
    name: isDrop ? 'Users or transactions missing' : 'Far more users or transactions than usual',
    description:
      condition === 'ended'
        ? `${thing.name} ${ended}: in the hour from ${hourText(startS)} it had ${facts}.`
        : `${thing.name} had, in the hour from ${hourText(startS)}, ${facts} at this hour of the week.${isDrop ? ' A broken or hijacked frontend looks like this.' : ''}`,
    severity,
    type: condition === 'ended' ? 'Info' : isDrop ? 'Suspicious' : 'Info',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      hour: new Date(startS * 1_000).toISOString(),
      windowS: '3600',
      ...Object.fromEntries(
        measures.flatMap(({ name, value, usual, z, samples }) => [
          [name, String(value)],
          [`${name}Usual`, round(usual)],
          [`${name}Z`, round(z)],
          [`${name}Samples`, String(samples)],
        ]),
      ),
      threshold: isDrop
        ? `z <= -${zLimit} and ${formatBps(dropBps)} missing`
        : `z >= ${zLimit} and ${surgeFactor} times the usual`,
      thresholdFrom: `median of this hour of the week and its neighbours over up to 8 weeks (at least ${minSamples} hours), at the level of the last day`,
    },
    addresses: [thing.address],
    uniqueKey: `${kind}:${thing.name}`,
    condition,
  }
}

const nameOf = (thing: ActivityThing, selector: string): string => {
  if (selector === '0x') return 'a plain payment'
  const item = thing.abi?.find(
    (one) => one.type === 'function' && toFunctionSelector(one) === selector,
  )
  return item?.type === 'function' ? toFunctionSignature(item) : selector
}

const isPaused = async (ctx: ActivityContext, thing: ActivityThing): Promise<boolean> => {
  const answer = await ctx.read.call<boolean>({
    address: thing.address,
    abi: pausableAbi,
    functionName: 'paused',
  })
  return answer.ok && answer.value === true
}

const failingText = (
  ctx: ActivityContext,
  thing: ActivityThing,
  { calls, standing, example }: FailingFunction,
  name: string,
  paused: boolean,
): string => {
  const what = `Calls of ${name} on ${thing.name}`
  if (standing === 'ended') return `${what} succeed again.`
  if (standing === 'retired')
    return `${what} have failed for ${thing.parameters.failForgetDays} days: it is taken as retired.`
  const why = paused ? ' The contract says that it is paused.' : ''
  const who = example ? ` The newest came from ${showAddress(ctx, example.from)}.` : ''
  return `${what} fail: ${calls.failing.length} different senders failed in a row or nearly so, where ${calls.failed} of ${calls.calls} calls did until now.${why}${who}`
}

/** A function that used to work and now fails, works again, or has failed for so long that it must be meant to. */
export const reportFailing = async (
  ctx: ActivityContext,
  thing: ActivityThing,
  failing: FailingFunction,
): Promise<Finding> => {
  const { selector, calls, standing, example } = failing
  const name = nameOf(thing, selector)
  const paused = standing === 'holds' && (await isPaused(ctx, thing))
  const usualBps = Math.round(usualShare(calls) * 10_000)
  const { failLimit, failMinSenders } = thing.parameters
  return {
    alertId: 'FUNCTION-FAILING',
    name: standing === 'holds' ? 'Function fails that used to work' : 'Function failed',
    description: failingText(ctx, thing, failing, name, paused),
    severity: standing === 'holds' ? (paused ? 'Low' : 'Medium') : 'Info',
    type: standing === 'holds' ? 'Degraded' : 'Info',
    thing: thing.name,
    ...protocolOf(thing),
    metadata: {
      function: name,
      selector,
      usualFailBps: String(usualBps),
      calls: String(calls.calls),
      succeeded: String(calls.calls - calls.failed),
      failingSenders: String(calls.failing.length),
      sum: round(calls.sum),
      threshold: `cumulative sum ${failLimit}, ${failMinSenders} senders`,
      thresholdFrom: 'its own share of failed calls',
      ...(standing === 'holds' ? { paused: paused ? 'yes' : 'no' } : {}),
      ...(example ? { tx: example.txHash, caller: example.from } : {}),
    },
    addresses: [thing.address, ...(example ? [example.from] : [])],
    ...(example && standing === 'holds' ? { txHash: example.txHash } : {}),
    uniqueKey: `${thing.name}:${selector}`,
    condition: standing === 'holds' ? 'holds' : 'ended',
  }
}
