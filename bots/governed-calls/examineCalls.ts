import type { Address } from 'tocsin'
import { decodeCalls } from './decodeCalls.ts'
import { gradeOf, judgeCalls } from './judgeCalls.ts'
import { readFacts } from './readFacts.ts'
import { callEvidence, sumUp } from './showCalls.ts'
import type { GovernedContext, Grade, JudgedCall, JudgeLimits, RawCall } from './types.ts'

export type Examined = {
  readonly grade: Grade
  /** Continues "it would …"; empty when there is nothing to it. */
  readonly summary: string
  readonly evidence: Readonly<Record<string, string>>
  readonly judged: readonly JudgedCall[]
  /** Targets, and the addresses that the worst calls name. */
  readonly addresses: readonly Address[]
}

/** Decodes, judges and describes what a proposal or an operation would do. */
export const examineCalls = async (
  ctx: GovernedContext,
  calls: readonly RawCall[],
  executor: Address,
  limits: JudgeLimits,
): Promise<Examined> => {
  const decoded = decodeCalls(calls, (address) => ctx.thingAt(address)?.abi)
  const judged = await judgeCalls(decoded, readFacts(ctx, executor, limits))
  const named = judged.flatMap(({ call, grade }) => [
    call.target,
    ...(grade >= 2
      ? call.args.flatMap(({ value }) =>
          typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)
            ? [value.toLowerCase() as Address]
            : [],
        )
      : []),
  ])
  return {
    grade: gradeOf(judged),
    summary: sumUp(judged),
    evidence: callEvidence(ctx, judged),
    judged,
    addresses: [...new Set(named)].slice(0, 8),
  }
}
