import type {
  ActionDefinition,
  Policy,
  SimulationAssertions,
  SimulationProvider,
} from '../types.ts'
import { bounded } from './readAnswers.ts'
import type { AssertionResult, SimulationAnswer, SimulationResult, StorageChange } from './types.ts'

/** What of the plan's probes was what. */
export type ProbeMeanings = {
  /** Why there is no replay, or undefined where the first probe is it. Null: nothing is suspected. */
  readonly suspicious: string | undefined | null
}

const judgeSuspicious = (
  wish: SimulationAssertions['suspiciousReverts'],
  missing: string | undefined,
  probe: SimulationAnswer['probes'][number] | undefined,
): AssertionResult => {
  const base = { name: 'suspicious-reverts', isRequired: wish === 'required' }
  if (missing !== undefined || !probe?.after)
    return {
      ...base,
      outcome: 'unknown',
      detail: `The suspicious call was not replayed: ${missing ?? 'the provider cannot'}.`,
    }
  if (probe.after.success)
    return { ...base, outcome: 'failed', detail: 'The suspicious call still succeeds after it.' }
  const detail =
    probe.before && !probe.before.success
      ? 'The suspicious call reverts after it, and now reverts without it as well.'
      : 'The suspicious call reverts after it.'
  return { ...base, outcome: 'held', detail }
}

const judgeCanaries = (
  { canaries }: SimulationAssertions,
  probes: SimulationAnswer['probes'],
): readonly AssertionResult[] =>
  canaries.map(({ name, expect }, index) => {
    const after = probes[index]?.after
    const base = { name: `canary:${name}`, isRequired: true }
    if (!after)
      return { ...base, outcome: 'unknown', detail: `The canary ${name} could not be played.` }
    const isHeld = after.success === (expect === 'succeeds')
    const did = after.success ? 'succeeds' : 'reverts'
    return {
      ...base,
      outcome: isHeld ? 'held' : 'failed',
      detail: isHeld
        ? `The canary ${name} ${did}, as stated.`
        : `The canary ${name} ${did} after it; stated was that it ${expect}.`,
    }
  })

const findForeign = (
  allowed: NonNullable<SimulationAssertions['storage']>,
  changes: readonly StorageChange[],
): string | undefined => {
  for (const { address, slots, isCodeChanged } of changes) {
    if (isCodeChanged) return `the code of ${address}`
    const entries = allowed.filter((entry) => entry.address.toLowerCase() === address.toLowerCase())
    if (entries.some((entry) => entry.slots === undefined)) continue
    const known = new Set(entries.flatMap((entry) => entry.slots ?? []).map(BigInt))
    const foreign = slots.find((slot) => !known.has(BigInt(slot)))
    if (foreign) return `slot ${foreign} of ${address}`
  }
  return undefined
}

const judgeStorage = (
  { storage }: SimulationAssertions,
  changes: readonly StorageChange[] | undefined,
): readonly AssertionResult[] => {
  if (!storage) return []
  const base = { name: 'storage', isRequired: true }
  if (!changes)
    return [
      { ...base, outcome: 'unknown', detail: 'What it changes in storage could not be read.' },
    ]
  const foreign = findForeign(storage, changes)
  return [
    foreign
      ? {
          ...base,
          outcome: 'failed',
          detail: `It changes ${foreign}, which the policy does not allow.`,
        }
      : { ...base, outcome: 'held', detail: 'It changes only the storage that the policy allows.' },
  ]
}

/** What an answer means for a policy: the action, then the post-condition, then the assertions. */
export const judgeSimulation = (
  action: ActionDefinition,
  policy: Policy,
  method: SimulationProvider,
  answer: SimulationAnswer,
  { suspicious }: ProbeMeanings,
): SimulationResult => {
  const { assertions: wishes } = policy.simulation
  const result = (
    outcome: SimulationResult['outcome'],
    detail: string,
    assertions: AssertionResult[] = [],
  ): SimulationResult => ({
    outcome,
    method,
    detail: bounded(detail),
    assertions,
    block: answer.block ?? null,
  })
  if (!answer.action.success)
    return result(
      action.isAlreadyEffective(answer.action.data) ? 'already_effective' : 'reverted',
      answer.action.data,
    )
  if (answer.checks) {
    const data = answer.checks.flatMap((check) => (check.success ? [check.data] : []))
    const isComplete = data.length === action.postcondition.calls(policy).length
    if (!isComplete || !action.postcondition.holds(data, policy))
      return result('postcondition_failed', data.join(' '))
  }
  const hasReplay = suspicious === undefined
  const assertions = [
    ...(suspicious === null || wishes.suspiciousReverts === 'off'
      ? []
      : [judgeSuspicious(wishes.suspiciousReverts, suspicious, answer.probes[0])]),
    ...judgeCanaries(wishes, answer.probes.slice(hasReplay ? 1 : 0)),
    ...judgeStorage(wishes, answer.changes),
  ]
  const failed = assertions.find(({ isRequired, outcome }) => isRequired && outcome === 'failed')
  if (failed) return result('assertion_failed', failed.detail, assertions)
  const open = assertions.find(({ isRequired, outcome }) => isRequired && outcome === 'unknown')
  if (open) return result('unavailable', open.detail, assertions)
  return result('passed', answer.checks ? '' : 'the post-condition was not simulated', assertions)
}
