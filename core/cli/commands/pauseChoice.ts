import { cleanText, TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import {
  type ActionDefinition,
  checkInForce,
  formatFault,
  isPause,
  type LoadedPolicy,
  listApprovers,
  loadActions,
  notCounted,
  type PolicyFault,
  policyIdOf,
  readPolicies,
  signaturesRequired,
} from '../../response/index.ts'
import { EXIT } from '../exitCodes.ts'
import { signersOf } from './policySignatures.ts'

export type LeftOut = {
  readonly policy: string
  readonly reason: string
  /** It is a pause of this chain, and whoever ordered them all would have it. */
  readonly isMissed: boolean
}

export type PauseChoice = {
  readonly policies: readonly LoadedPolicy[]
  readonly leftOut: readonly LeftOut[]
  /** Policy files that count as none. */
  readonly faults: readonly PolicyFault[]
}

type Chain = Config['chains'][number]

const whyNone = (action: ActionDefinition | undefined, policy: LoadedPolicy): string => {
  if (!action) return `the action type "${cleanText(policy.action, 80)}" is unknown`
  return action.isIrreversible?.(policy)
    ? 'no pause: it cannot be undone'
    : 'no pause: a second run of it is not harmless'
}

const whyNotTheirs = (
  { approval: { roles } }: LoadedPolicy,
  role: string | undefined,
): string | undefined =>
  roles.length === 0 || roles.includes(role ?? '')
    ? undefined
    : `it takes orders of an approver with the role ${roles.join(' or ')} alone`

/** Why a pause of the chain cannot go, as far as the files tell; the signer judges again. */
const whyNotNow = (
  config: Config,
  policy: LoadedPolicy,
  role: string | undefined,
): string | undefined => {
  const foreign = whyNotTheirs(policy, role)
  if (foreign) return foreign
  const context = { signaturesRequired: signaturesRequired(config.signer) }
  const refusal = checkInForce(context, policy, Date.now())
  // A contract that could not be asked here may answer the signer.
  const hasContracts = config.signer?.approvers?.some(({ chain }) => chain !== undefined) ?? false
  return refusal?.code === 'unsigned' && hasContracts ? undefined : refusal?.reason
}

/** Every approved pause of a chain that could go now, and what is left out and why. */
export const chooseAll = async (
  config: Config,
  chain: Chain,
  role: string | undefined,
): Promise<PauseChoice> => {
  const actions = await loadActions()
  const { policies, faults } = await readPolicies(config.actionsDir, actions, signersOf(config))
  const leftOut: LeftOut[] = []
  const chosen = policies.filter((policy) => {
    const leave = (reason: string, isMissed: boolean): false => {
      leftOut.push({ policy: policy.id, reason, isMissed })
      return false
    }
    if (policy.chain !== chain.id) {
      const other = config.chains.find(({ id }) => id === policy.chain)?.name ?? policy.chain
      return leave(`of the chain ${other}`, false)
    }
    const action = actions.find(({ id }) => id === policy.action)
    if (!action || !isPause(action, policy)) return leave(whyNone(action, policy), false)
    const reason = whyNotNow(config, policy, role)
    return reason === undefined || leave(reason, true)
  })
  return { policies: chosen, leftOut, faults }
}

/**
 * The policies that were named.
 * @throws TocsinError `policy.unknown` with what is wrong with its file, `approval.not_counted` where it is not for the
 * role of who orders
 */
export const chooseNamed = async (
  config: Config,
  chain: Chain,
  ids: readonly string[],
  role: string | undefined,
): Promise<PauseChoice> => {
  const { policies, faults } = await readPolicies(config.actionsDir)
  const missing = ids.find(
    (id) => !policies.some((each) => each.id === id && each.chain === chain.id),
  )
  if (missing === undefined) {
    const chosen = policies.filter(({ id }) => ids.includes(id))
    for (const policy of chosen) {
      const foreign = whyNotTheirs(policy, role)
      const { approvers } = config.signer ?? { approvers: [] }
      const may = approvers.filter((each) => whyNotTheirs(policy, each.role) === undefined)
      if (foreign)
        throw notCounted(`"${policy.id}" would not be paused: ${foreign}.`, [
          `Those who may order it: ${listApprovers(may) || 'nobody; give an approver that role'}.`,
        ])
    }
    return { policies: chosen, leftOut: [], faults: [] }
  }
  const elsewhere = policies.find(({ id }) => id === missing)
  const other = config.chains.find(({ id }) => id === elsewhere?.chain)
  throw new TocsinError(
    'policy.unknown',
    `There is no approved policy "${cleanText(missing, 80)}" on ${chain.name}.`,
    {
      hints: [
        ...faults.filter(({ file }) => policyIdOf(file) === missing).map(formatFault),
        ...(other ? [`It is of another chain: --chain ${other.name}.`] : []),
        '`tocsin actions list` shows them.',
      ],
      exitCode: EXIT.invalid,
    },
  )
}
