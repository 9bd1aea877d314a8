import { cleanText, type FindingSeverity, showAddress, showValue } from 'tocsin'
import { formatEther } from 'viem/utils'
import { gradeOf } from './judgeCalls.ts'
import type { DecodedCall, GovernedContext, Grade, JudgedCall } from './types.ts'

/** Most calls that a finding shows one by one. */
const MAX_SHOWN = 20

export const SEVERITY: Readonly<Record<Grade, FindingSeverity>> = {
  0: 'Info',
  1: 'Low',
  2: 'Medium',
  3: 'High',
}

/** One call for people: target by name, function, arguments. */
const showCall = (ctx: GovernedContext, call: DecodedCall): string => {
  const target = showAddress(ctx, call.target)
  const value = call.valueWei > 0n ? ` with ${formatEther(call.valueWei)} native coin` : ''
  const shown = call.args
    .slice(0, 10)
    .map(({ name, value: one }) =>
      /^\d+$/.test(name) ? showValue(one) : `${cleanText(name, 40)}: ${showValue(one)}`,
    )
  const what = call.item
    ? `${cleanText(call.item.name, 60)}(${shown.join(', ')})`
    : call.input.length < 10
      ? 'plain payment'
      : `unknown function ${call.input.slice(0, 10)}, ${(call.input.length - 2) / 2} bytes`
  return cleanText(
    `${call.depth > 0 ? 'inside: ' : ''}${call.isDelegatecall ? 'delegatecall ' : ''}${target}: ${what}${value}`,
    500,
  )
}

/** What the calls would do, worst first, in one sentence; empty when there is nothing to it. */
export const sumUp = (judged: readonly JudgedCall[]): string => {
  const reasons = [...judged]
    .sort((a, b) => b.grade - a.grade)
    .flatMap(({ grade, reason }) => (grade > 0 ? [reason] : []))
  const [first, ...rest] = [...new Set(reasons)]
  return first === undefined ? '' : cleanText([first, ...rest.slice(0, 3)].join('; '), 400)
}

/** Every call with its judgement, as evidence. */
export const callEvidence = (
  ctx: GovernedContext,
  judged: readonly JudgedCall[],
): Record<string, string> => {
  const kinds = [...new Set(judged.map(({ call }) => call.category))].filter(
    (kind) => kind !== 'other',
  )
  return {
    calls: String(judged.filter(({ call }) => call.depth === 0).length),
    danger: SEVERITY[gradeOf(judged)],
    ...(kinds.length > 0 ? { kinds: kinds.join(', ') } : {}),
    ...Object.fromEntries(
      judged
        .slice(0, MAX_SHOWN)
        .map(({ call, grade, reason }, index) => [
          `call.${index + 1}`,
          `${showCall(ctx, call)} [${SEVERITY[grade]}: it would ${reason}]`,
        ]),
    ),
    ...(judged.length > MAX_SHOWN ? { 'call.more': String(judged.length - MAX_SHOWN) } : {}),
  }
}
