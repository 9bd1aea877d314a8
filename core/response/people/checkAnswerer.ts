import { cleanText, TocsinError } from '../../base/index.ts'
import type { LoadedPolicy } from '../types.ts'
import type { ApprovalClaims } from './approvalClaims.ts'
import { nameOf } from './nameOf.ts'
import type { Approver } from './readApprovals.ts'

const isKeyOf = ({ address, chain }: Approver, key: string): boolean =>
  chain === undefined && address?.toLowerCase() === key.toLowerCase()

/** Approvers for a hint: `Ada (guardian, by key)`. */
export const listApprovers = (approvers: readonly Approver[]): string =>
  approvers
    .map(({ name, role, address }) => {
      const facts = [...(role ? [role] : []), ...(address ? ['by key'] : [])]
      return `${cleanText(name, 80)}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`
    })
    .join(', ')

/** An answer or order that the signer would not count, told before it is written. */
export const notCounted = (message: string, hints: readonly string[]): TocsinError =>
  new TocsinError('approval.not_counted', message, { hints, exitCode: 2 })

/**
 * Which of the approvers somebody at the machine is: by the name that was given, else by the key. Undefined where the
 * watchlist names none.
 * @throws TocsinError `approval.not_counted` where the signer would not take the name or the key for theirs.
 */
export const findApprover = (
  approvers: readonly Approver[],
  who: string | undefined,
  key: string | undefined,
): Approver | undefined => {
  if (approvers.length === 0) {
    if (key === undefined) return undefined
    throw notCounted(`The key ${key} proves nothing: the watchlist names no approvers.`, [
      'Leave out --keystore, or name its address under `signer.approvers`.',
    ])
  }
  const hint = `\`signer.approvers\` has: ${listApprovers(approvers)}.`
  const found = approvers.find((each) =>
    who === undefined ? key !== undefined && isKeyOf(each, key) : nameOf(each.name) === nameOf(who),
  )
  if (!found)
    throw notCounted(
      who === undefined
        ? `${key ?? 'Nobody'} is the key of no approver.`
        : `"${cleanText(who, 80)}" is no approver, and would not count.`,
      [hint, 'Say who you are with --by, or with your key by --keystore.'],
    )
  if (key === undefined || isKeyOf(found, key)) return found
  const other = found.address ? `theirs is ${found.address}` : 'they have none'
  throw notCounted(
    found.chain === undefined
      ? `${key} is not the key of ${cleanText(found.name, 80)}: ${other}.`
      : `${cleanText(found.name, 80)} is a contract: no key proves its answer.`,
    [hint],
  )
}

const checkRole = (
  approvers: readonly Approver[],
  { approval: { roles } }: LoadedPolicy,
  who: string,
  role: string,
): void => {
  if (roles.length === 0 || roles.includes(role)) return
  const valid = approvers.filter((each) => roles.includes(each.role ?? ''))
  throw notCounted(
    `The policy takes answers of ${roles.join(', ')}, and "${cleanText(who, 80)}" is ${role ? cleanText(role, 80) : 'none of them'}.`,
    [
      approvers.length === 0
        ? `--role ${roles.join(' | ')}`
        : `Those who may: ${listApprovers(valid) || 'nobody; give an approver that role'}.`,
    ],
  )
}

/**
 * Whose answer to a proposal it will be, with the role that counts.
 * @throws TocsinError `approval.not_counted` with who may answer, where the signer would not count it.
 */
export const checkAnswerer = (
  approvers: readonly Approver[],
  policy: LoadedPolicy,
  answer: {
    /** Left out: whose key it is. */
    readonly who: string | undefined
    readonly role: string | undefined
    readonly decision: ApprovalClaims['decision']
    /** Address of the key that signs. */
    readonly key: string | undefined
  },
): { readonly who: string; readonly role: string | undefined } => {
  const { key, decision } = answer
  const approver = findApprover(approvers, answer.who, key)
  const who = approver?.name ?? answer.who ?? ''
  const role = approver ? approver.role : answer.role
  checkRole(approvers, policy, who, role ?? '')
  // One denial ends a proposal: it must not fail for a key that is not at hand.
  const isKeyed = approver?.address !== undefined && approver.chain === undefined
  if (isKeyed && key === undefined && decision === 'approve')
    throw notCounted(`${cleanText(who, 80)} has a key, and approves with it.`, [
      'Give --keystore FILE with --password-file FILE, or answer by the link or in the console.',
    ])
  return { who, role }
}
