import { desc, eq, sql } from 'drizzle-orm'
import { stableHash } from '../base/index.ts'
import type { Answer } from '../config/types.ts'
import { type DatabaseTransaction, notify, tables } from '../store/index.ts'
import { isExternal } from './checkTrigger.ts'
import { isAtLeast } from './severity.ts'
import type { LoadedPolicy } from './types.ts'

/** What a request needs to know of a finding; a row of `finding` has it all. */
export type RequestingFinding = Pick<
  typeof tables.finding.$inferSelect,
  'id' | 'botId' | 'alertId' | 'severity' | 'thing' | 'chainId' | 'blockTimestampS'
> & { readonly condition?: string | null; readonly status?: string }

export type RequestOptions = {
  readonly answers: readonly Answer[]
  readonly policies: readonly LoadedPolicy[]
  /** When the head that led here was first heard of (ms since epoch): for the latency figures only. */
  readonly seenAtMs?: number
}

const answersTo = (finding: RequestingFinding, answers: readonly Answer[]): readonly string[] => {
  if (finding.condition === 'ended' || finding.condition === 'unknown') return []
  return answers
    .filter(
      ({ when }) =>
        when.bot.includes(finding.botId) &&
        (when.alertId === undefined || when.alertId.includes(finding.alertId)) &&
        (when.thing === undefined ||
          (finding.thing !== null && when.thing.includes(finding.thing))) &&
        isAtLeast(finding.severity, when.minSeverity),
    )
    .map(({ action }) => action)
}

/** Whether the watchlist answers a finding with any action. */
export const isAnswered = (finding: RequestingFinding, answers: readonly Answer[]): boolean =>
  answersTo(finding, answers).length > 0

const PENDING: readonly string[] = ['pending', 'landed', 'dropped']
const IN_FLIGHT: readonly string[] = ['sending', 'sent', 'mined']

/** The newest execution of an action decides whether this finding belongs to an incident that has been answered. */
const findEpoch = async (
  tx: DatabaseTransaction,
  policy: LoadedPolicy,
  finding: RequestingFinding,
): Promise<number | undefined> => {
  const [last] = await tx
    .select({
      epoch: tables.execution.epoch,
      status: tables.execution.status,
      reasonCode: tables.execution.reasonCode,
      findingId: tables.execution.findingId,
      triggeredAtS: tables.execution.triggeredAtS,
      finalAt: tables.execution.finalAt,
      findingStatus: tables.finding.status,
      findingBotId: tables.finding.botId,
    })
    .from(tables.execution)
    .leftJoin(tables.finding, eq(tables.finding.id, tables.execution.findingId))
    .where(eq(tables.execution.actionId, policy.id))
    .orderBy(desc(tables.execution.epoch))
    .limit(1)
  if (!last) return 1
  const next = last.epoch + 1
  if (last.status === 'refused') {
    // The same finding again is no news, unless its block had been orphaned and came back.
    const isRepeat = last.findingId === finding.id && last.reasonCode !== 'finding_retracted'
    return isRepeat ? undefined : next
  }
  if (last.findingId === finding.id) return undefined
  // The reorg that moved the attack took the reason of an open intent (the signer will refuse that one), and the effect
  // of an answered one that was thought safe. What the signer still minds, it sends again by itself.
  const isMinded =
    IN_FLIGHT.includes(last.status) || (last.status === 'succeeded' && last.finalAt === null)
  if (last.findingStatus === 'retracted' && !isMinded) return next
  // A mined finding says more than the pending one that still waits: the signer drops that one once its transaction is
  // mined.
  const isUndecided = last.status === 'requested' || last.status === 'proposed'
  const isOfPending = PENDING.includes(last.findingStatus ?? '')
  if (isOfPending && isUndecided && finding.status !== 'pending') return next
  // What was only told from outside waits for somebody who found it: whoever did asks himself, and no rumour holds that
  // up for a cooldown. The signer drops the other.
  const isRumour = isExternal({ botId: last.findingBotId ?? '' })
  if (isRumour && last.status === 'requested' && !isExternal(finding)) return next
  const ageS = finding.blockTimestampS - (last.triggeredAtS ?? 0)
  return ageS < policy.cooldownS ? undefined : next
}

/**
 * What an intent is called: an id stands for one answer to one finding, so that neither what people said of it nor what
 * was counted for it can be carried over to another.
 */
export const nameIntent = (
  policy: Pick<LoadedPolicy, 'id' | 'hash' | 'target'>,
  epoch: number,
  findingId: string,
): { readonly id: string; readonly idempotencyKey: string } => {
  const { id, hash, target } = policy
  const idempotencyKey = stableHash('execution', id, hash, target, epoch, findingId)
  return { id: `x_${idempotencyKey.slice(0, 24)}`, idempotencyKey }
}

/** Writes one intent and tells the signer at commit; undefined when it is there already. */
export const insertIntent = async (
  tx: DatabaseTransaction,
  policy: LoadedPolicy,
  finding: RequestingFinding,
  epoch: number,
  seenAtMs: number | undefined,
): Promise<string | undefined> => {
  const { id, idempotencyKey } = nameIntent(policy, epoch, finding.id)
  const inserting = tx
    .insert(tables.execution)
    .values({
      id,
      idempotencyKey,
      actionId: policy.id,
      policyHash: policy.hash,
      mode: policy.mode,
      chainId: policy.chain,
      findingId: finding.id,
      thing: finding.thing,
      status: 'requested',
      target: policy.target,
      calldata: policy.calldata,
      epoch,
      triggeredAtS: finding.blockTimestampS,
      seenAtMs: seenAtMs ?? null,
    })
    .onConflictDoNothing()
    .returning({ id: tables.execution.id })
    .execute()
  const [rows] = await Promise.all([inserting, notify(tx, 'tocsin_execution', id)])
  return rows.length === 0 ? undefined : id
}

/**
 * Writes the intents that findings call for, inside the transaction that commits the findings, and tells the signer
 * at commit. One incident gives one row: further findings within the cooldown, re-detections after a reorg and other
 * watchers change nothing. An action without a policy file is passed over: `tocsin check` reports it.
 * @returns ids of the new executions.
 */
export const requestExecutions = async (
  tx: DatabaseTransaction,
  findings: readonly RequestingFinding[],
  options: RequestOptions,
): Promise<readonly string[]> => {
  const wanted = new Map<string, RequestingFinding[]>()
  for (const finding of findings)
    for (const action of new Set(answersTo(finding, options.answers)))
      wanted.set(action, [...(wanted.get(action) ?? []), finding])
  const created: string[] = []
  // One order for all, so that two watchers cannot wait for each other.
  for (const actionId of [...wanted.keys()].sort()) {
    const policy = options.policies.find(({ id }) => id === actionId)
    if (!policy) continue
    const asking = (wanted.get(actionId) ?? []).filter(
      ({ status }) => status !== 'pending' || policy.pending.answer,
    )
    if (asking.length === 0) continue
    await tx.execute(
      sql`select pg_advisory_xact_lock(hashtextextended(${`tocsin:action:${actionId}`}, 0))`,
    )
    const group = asking.sort(
      (a, b) => a.blockTimestampS - b.blockTimestampS || (a.id < b.id ? -1 : 1),
    )
    for (const finding of group) {
      const epoch = await findEpoch(tx, policy, finding)
      if (epoch === undefined) continue
      const id = await insertIntent(tx, policy, finding, epoch, options.seenAtMs)
      if (id) created.push(id)
    }
  }
  return created
}
