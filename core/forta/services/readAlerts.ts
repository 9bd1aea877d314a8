import {
  and,
  arrayOverlaps,
  asc,
  desc,
  eq,
  gte,
  inArray,
  lte,
  notInArray,
  type SQL,
  sql,
} from 'drizzle-orm'
import { type Store, tables } from '../../store/index.ts'

export type StoredFinding = typeof tables.finding.$inferSelect

/** What a bot asked for, in Tocsin's words; what is left out does not narrow. */
export type FindingFilter = {
  readonly chainId?: number | undefined
  readonly botIds?: readonly string[] | undefined
  readonly alertIds?: readonly string[] | undefined
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly addresses?: readonly string[] | undefined
  readonly severities?: readonly string[] | undefined
  readonly txHash?: string | undefined
  readonly fromBlock?: number | undefined
  readonly toBlock?: number | undefined
  /** Block time, seconds. */
  readonly fromS?: number | undefined
  readonly toS?: number | undefined
  readonly isLabelled?: boolean | undefined
  /** Labels about any of these. */
  readonly entities?: readonly string[] | undefined
  /** Where the page before ended. */
  readonly after?: { readonly blockNumber: number; readonly id: string } | undefined
  readonly order: 'asc' | 'desc'
  readonly limit: number
}

const { finding } = tables

/** Findings that stand: neither retracted nor of transactions that are not mined. */
const STANDING: SQL = notInArray(finding.status, ['retracted', 'pending', 'landed', 'dropped'])

const anyOf = (filter: FindingFilter): readonly (SQL | undefined)[] => [
  filter.botIds && inArray(finding.botId, [...filter.botIds]),
  filter.alertIds && inArray(finding.alertId, [...filter.alertIds]),
  filter.severities && inArray(finding.severity, [...filter.severities]),
  filter.addresses && arrayOverlaps(finding.addresses, [...filter.addresses]),
  filter.entities &&
    sql`exists (select 1 from jsonb_array_elements(${finding.labels}) as l where lower(l->>'entity') in ${[...filter.entities]})`,
]

const exactly = (filter: FindingFilter): readonly (SQL | undefined)[] => [
  filter.chainId === undefined ? undefined : eq(finding.chainId, filter.chainId),
  filter.id === undefined ? undefined : eq(finding.id, filter.id),
  filter.name === undefined ? undefined : eq(finding.name, filter.name),
  filter.txHash === undefined ? undefined : eq(finding.txHash, filter.txHash),
  filter.fromBlock === undefined ? undefined : gte(finding.blockNumber, filter.fromBlock),
  filter.toBlock === undefined ? undefined : lte(finding.blockNumber, filter.toBlock),
  filter.fromS === undefined ? undefined : gte(finding.blockTimestampS, filter.fromS),
  filter.toS === undefined ? undefined : lte(finding.blockTimestampS, filter.toS),
  filter.isLabelled ? sql`jsonb_array_length(${finding.labels}) > 0` : undefined,
]

/** Findings in the order of blocks, by identity within one. */
export const readFindings = (
  store: Pick<Store, 'db'>,
  filter: FindingFilter,
): Promise<readonly StoredFinding[]> => {
  const { after, order } = filter
  const place = sql`(${finding.blockNumber}, ${finding.id})`
  const rest =
    after &&
    (order === 'asc'
      ? sql`${place} > (${after.blockNumber}, ${after.id})`
      : sql`${place} < (${after.blockNumber}, ${after.id})`)
  const by = order === 'asc' ? asc : desc
  return store.db
    .select()
    .from(finding)
    .where(and(STANDING, ...exactly(filter), ...anyOf(filter), rest))
    .orderBy(by(finding.blockNumber), by(finding.id))
    .limit(filter.limit)
}
