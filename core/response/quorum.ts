import { and, desc, eq, gte, inArray, isNull, ne, or } from 'drizzle-orm'
import { type Database, tables } from '../store/index.ts'
import { checkTrigger, isExternal } from './checkTrigger.ts'
import type { FindingRow } from './executionStore.ts'
import type { LoadedPolicy } from './types.ts'

/** Of each bot the newest so many are looked at: a flood by one cannot hide another. */
const PER_BOT = 20

/** How many different bots must have found it. What was only told from outside is never enough by itself. */
export const botsNeeded = (policy: LoadedPolicy, finding: Pick<FindingRow, 'botId'>): number =>
  isExternal(finding) ? Math.max(2, policy.quorum.bots) : policy.quorum.bots

const addressesOf = (finding: FindingRow): readonly string[] =>
  finding.addresses.map((address) => address.toLowerCase())

/** Whether two findings speak of the same: one watched thing, or one address; the target counts for both. */
const isSameMatter = (policy: LoadedPolicy, finding: FindingRow, other: FindingRow): boolean => {
  if (finding.thing !== null && finding.thing === other.thing) return true
  const known = new Set([...addressesOf(finding), policy.target])
  return addressesOf(other).some((address) => known.has(address))
}

/** Where the window of a quorum begins. */
export type Since = { readonly blockNumber: number; readonly timestampS: number }

/**
 * Findings of other bots that say the same as the triggering one, newest first: each may trigger the policy itself,
 * stands, is within the window, and speaks of the same matter. Whether their blocks are on chain is not looked at.
 */
export const listAgreeing = async (
  db: Database,
  policy: LoadedPolicy,
  finding: FindingRow,
  since: Since,
): Promise<readonly FindingRow[]> => {
  const bots = new Set(policy.triggers.map(({ bot }) => bot))
  bots.delete(finding.botId)
  const { finding: table } = tables
  const perBot = await Promise.all(
    [...bots].map((bot) =>
      db
        .select()
        .from(table)
        .where(
          and(
            eq(table.botId, bot),
            eq(table.chainId, policy.chain),
            ne(table.id, finding.id),
            inArray(table.status, [
              'provisional',
              'final',
              ...(policy.pending.answer ? ['pending' as const] : []),
            ]),
            or(isNull(table.condition), eq(table.condition, 'holds')),
            gte(table.blockNumber, Math.floor(since.blockNumber)),
            gte(table.blockTimestampS, Math.floor(since.timestampS)),
          ),
        )
        .orderBy(desc(table.blockNumber), desc(table.seq))
        .limit(PER_BOT),
    ),
  )
  return perBot
    .flat()
    .filter((other) => !checkTrigger(policy, other) && isSameMatter(policy, finding, other))
}
