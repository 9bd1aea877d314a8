import { and, eq } from 'drizzle-orm'
import { recoverTypedDataAddress } from 'viem/utils'
import type { Hex } from '../../base/index.ts'
import { type Database, type DatabaseTransaction, tables } from '../../store/index.ts'
import type { LoadedPolicy } from '../types.ts'
import {
  type ApprovalClaims,
  approvalTypedData,
  bytesHashOf,
  verifyClaims,
} from './approvalClaims.ts'
import { nameOf } from './nameOf.ts'
import type { PeopleSecret } from './peopleSecret.ts'

/** Somebody of `signer.approvers`. */
export type Approver = {
  readonly name: string
  readonly address?: string | undefined
  readonly role?: string | undefined
  /** Where the address is a contract that signs (ERC-1271); left out, it is of a key. */
  readonly chain?: string | undefined
}

/** Who may answer, and how their answers are proven. */
export type People = {
  readonly secret: PeopleSecret
  /** When there are any, nobody else's answer counts. */
  readonly approvers: readonly Approver[]
}

export type Approvals = {
  /** Names of the different people whose approval is proven, in the order they came. */
  readonly approvedBy: readonly string[]
  /** Names of those whose denial is proven. */
  readonly deniedBy: readonly string[]
}

const MOST_ANSWERS = 200

type Row = typeof tables.executionApproval.$inferSelect

const claimsOf = (row: Row): ApprovalClaims => ({
  execution: row.executionId,
  bytesHash: row.bytesHash,
  who: row.who,
  role: row.role,
  decision: row.decision,
  nonce: row.nonce,
  expiresS: Math.floor(row.expiresAt.getTime() / 1000),
  via: row.via,
})

const isProven = async (
  people: People,
  approver: Approver | undefined,
  row: Row,
  chainId: number,
): Promise<boolean> => {
  const claims = claimsOf(row)
  if (row.via !== 'key') return verifyClaims(people.secret, claims, row.proof)
  if (!approver?.address) return false
  try {
    const signer = await recoverTypedDataAddress({
      ...approvalTypedData(claims, chainId),
      signature: row.proof as Hex,
    })
    return signer.toLowerCase() === approver.address.toLowerCase()
  } catch {
    return false
  }
}

/** Whether a row is a proven answer of somebody who may answer, to exactly this. */
const counts = async (
  people: People,
  policy: LoadedPolicy,
  row: Row,
  bytesHash: string,
): Promise<boolean> => {
  if (row.bytesHash !== bytesHash || row.at.getTime() > row.expiresAt.getTime()) return false
  const approver = people.approvers.find(({ name }) => nameOf(name) === nameOf(row.who))
  if (people.approvers.length > 0 && !approver) return false
  const role = approver ? (approver.role ?? '') : row.role
  const { roles } = policy.approval
  if (roles.length > 0 && !roles.includes(role)) return false
  return isProven(people, approver, row, policy.chain)
}

/**
 * The answers to a proposal that are proven: of the signer's own policy file, by people who may, each person once.
 * Whoever sits at the machine is one person, whatever names are given: of several approvals by the command line
 * without a key the first counts.
 */
export const readApprovals = async (
  db: Database | DatabaseTransaction,
  people: People,
  execution: { readonly id: string },
  policy: LoadedPolicy,
): Promise<Approvals> => {
  const { executionApproval } = tables
  const rows = await db
    .select()
    .from(executionApproval)
    .where(and(eq(executionApproval.executionId, execution.id)))
    .orderBy(executionApproval.at, executionApproval.id)
    .limit(MOST_ANSWERS + 1)
  // Nobody answers so often: whoever fills the table might hide a denial.
  if (rows.length > MOST_ANSWERS)
    return { approvedBy: [], deniedBy: [`nobody: more than ${MOST_ANSWERS} answers were written`] }
  const bytesHash = bytesHashOf(execution.id, policy)
  const approvedBy = new Map<string, string>()
  const deniedBy = new Map<string, string>()
  let isMachineCounted = false
  for (const row of rows) {
    if (!(await counts(people, policy, row, bytesHash))) continue
    if (row.decision === 'deny') deniedBy.set(nameOf(row.who), row.who)
    else if (row.via !== 'cli' || !isMachineCounted) {
      isMachineCounted ||= row.via === 'cli'
      approvedBy.set(nameOf(row.who), row.who)
    }
  }
  return { approvedBy: [...approvedBy.values()], deniedBy: [...deniedBy.values()] }
}
