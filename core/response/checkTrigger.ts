import { isAtLeast } from './severity.ts'
import type { Policy } from './types.ts'

export type TriggeringFinding = {
  readonly botId: string
  readonly alertId: string
  readonly severity: string
  readonly thing: string | null
  readonly chainId: number
  /** For alerts of kind `condition`; only one that holds may ask. */
  readonly condition: string | null
}

/** Why a finding may not trigger a policy, or undefined when it may. */
export const checkTrigger = (policy: Policy, finding: TriggeringFinding): string | undefined => {
  if (finding.chainId !== policy.chain)
    return `the finding is of chain ${finding.chainId}, the policy of chain ${policy.chain}`
  if (finding.condition !== null && finding.condition !== 'holds')
    return 'the condition that was found does not hold'
  const fits = policy.triggers.some(
    (trigger) =>
      trigger.bot === finding.botId &&
      (trigger.alertIds === undefined || trigger.alertIds.includes(finding.alertId)) &&
      (trigger.things === undefined ||
        (finding.thing !== null && trigger.things.includes(finding.thing))) &&
      isAtLeast(finding.severity, trigger.minSeverity),
  )
  return fits ? undefined : 'no trigger of the policy fits the finding'
}

/** Bots of this kind repeat what somebody outside told, such as an inbound webhook: one is never enough by itself. */
const EXTERNAL = /^external(-|$)/

export const isExternal = (finding: { readonly botId: string }): boolean =>
  EXTERNAL.test(finding.botId)
