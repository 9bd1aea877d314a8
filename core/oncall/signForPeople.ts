import type { Config } from '../config/types.ts'
import type { LoadedPolicy, PeopleSecret, SignedClaims } from '../response/index.ts'
import type { Database } from '../store/index.ts'
import { hasRole } from './people.ts'

export type AskConfig = Pick<Config, 'actionsDir' | 'onCall' | 'people' | 'signer'>

/** What a message asks, as it lies in the outbox: whoever may write there may have written it. */
export type ButtonAsk = {
  readonly execution: string
  readonly bytesHash: string
  readonly who: string
  readonly expiresS: number
}

type Answerer = { readonly name: string; readonly role: string }

/** People who may answer by a button: known on call as approvers, and to the signer where it names any. */
const listAnswerers = (config: AskConfig, policy: LoadedPolicy): readonly Answerer[] => {
  const approvers = config.signer?.approvers ?? []
  const names = Object.entries(config.onCall?.people ?? {}).flatMap(([key, person]) =>
    hasRole({ key, person }, 'approver') ? (person.approver ?? []) : [],
  )
  const { roles } = policy.approval
  return [...new Set(names)].flatMap((name) => {
    const approver = approvers.find((one) => one.name === name)
    if (approvers.length > 0 && !approver) return []
    const role = approver?.role ?? ''
    return roles.length === 0 || roles.includes(role) ? { name, role } : []
  })
}

export type SignedForPeople = {
  readonly approve: readonly SignedClaims[]
  readonly deny: readonly SignedClaims[]
  /** Unix seconds. */
  readonly expiresS: number
}

/**
 * Signs beforehand what each approver may say of a proposal by a button: of exactly these bytes of the policy file as
 * it is here, until its time-out, once. Where two people have to approve, a button says yes for nobody but the one whose
 * own channel it goes to, so that one press is never two people.
 * @throws TocsinError `execution.unknown`, `execution.not_proposed`
 */
export const signForPeople = async (options: {
  readonly db: Database
  readonly config: AskConfig
  readonly key: Pick<PeopleSecret, 'sign'>
  readonly ask: ButtonAsk
  readonly channel: string
  readonly nowMs: number
}): Promise<SignedForPeople | undefined> => {
  const { db, config, key, ask, channel, nowMs } = options
  const response = await import('../response/index.ts')
  const row = await response.readProposal(db, ask.execution)
  const { policies } = await response.readPolicies(config.actionsDir)
  const policy = policies.find(({ id }) => id === row.actionId)
  if (!policy || response.bytesHashOf(row.id, policy) !== ask.bytesHash) return undefined
  const nowS = Math.floor(nowMs / 1_000)
  const expiresS = Math.min(ask.expiresS, nowS + policy.approval.timeoutS)
  if (expiresS <= nowS) return undefined
  const sign = (decision: 'approve' | 'deny', people: readonly Answerer[]) =>
    people.map(({ name, role }) => {
      const rest = { who: name, role, decision, via: 'chat', expiresS } as const
      const claims = response.createClaims(row, policy, rest)
      return { claims, proof: response.signClaims(key, claims) }
    })
  const people = listAnswerers(config, policy)
  const isAlone = ({ name }: Answerer): boolean =>
    name === ask.who && config.people?.channels[name] === channel
  return {
    approve: sign('approve', policy.approval.required > 1 ? people.filter(isAlone) : people),
    deny: sign('deny', people),
    expiresS,
  }
}
