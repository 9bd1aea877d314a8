import { and, desc, eq, isNotNull, ne } from 'drizzle-orm'
import { type Database, type DatabaseTransaction, tables } from '../store/index.ts'
import type { Claim, Ledger } from './ledger.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { LoadedPolicy } from './types.ts'

const DAY_MS = 86_400_000
const MAX_ROWS = 50_000
/** Without a nonce: how long after its claim an execution may be claimed again. */
const CUT_OFF_MS = 10_000
const IN_FLIGHT: readonly string[] = ['sending', 'sent', 'mined']
/** A claim without an end counts as under way for so long, whatever became of its row. */
const OPEN_MS = 3_600_000
/**
 * Failures after which nothing of it can take effect any more. Of what was signed for, by transactions of the signer's
 * own alone: rows make nothing dead.
 */
const DEAD = {
  own: ['reverted', 'nonce_taken'],
  row: ['reverted', 'nonce_taken', 'forged'],
} as const

/** Something that was signed for, by what the database and the signer's own ledger say of it; the stricter counts. */
export type Deed = {
  readonly execution: string
  readonly action: string
  readonly target: string
  /** When it was signed, by the signer's clock. */
  readonly atMs: number
  /** Block time of its finding. */
  readonly triggeredAtS: number
  readonly costWei: bigint
  readonly isInFlight: boolean
  /** Its effect stands, or may still come. */
  readonly mayHold: boolean
}

/** An amount as a row tells it: never below zero, and nothing for what is no number. */
export const toWei = (text: string | null): bigint =>
  BigInt(/^\d{1,60}/.exec(text ?? '')?.[0] ?? '0')

/** What the claims of an action within 24 hours cost: by receipt of the signer's own endpoint where mined, else at most. */
export const readCosts = async (
  { sender, paid }: Pick<SignerLane, 'sender' | 'paid'>,
  ledger: Ledger,
  action: string,
  nowMs: number,
): Promise<ReadonlyMap<string, bigint>> => {
  const recent = ledger
    .claims()
    .filter((claim) => claim.action === action && claim.atMs > nowMs - DAY_MS)
  const costs = await Promise.all(
    recent.map(async ({ execution, hashes, costWei }): Promise<readonly [string, bigint]> => {
      const known = hashes.flatMap((hash) => paid?.get(hash) ?? [])[0]
      if (known !== undefined) return [execution, known]
      const statuses = await Promise.all(hashes.map((hash) => sender.status(hash)))
      const mined = statuses.find(({ state }) => state === 'mined')
      if (mined?.state !== 'mined') return [execution, costWei]
      paid?.set(mined.hash, mined.feeWei)
      return [execution, mined.feeWei]
    }),
  )
  return new Map(costs)
}

const readRows = (tx: Database | DatabaseTransaction, chainId: number, exceptId: string) => {
  const { execution } = tables
  return tx
    .select({
      id: execution.id,
      action: execution.actionId,
      target: execution.target,
      sendingAt: execution.sendingAt,
      triggeredAtS: execution.triggeredAtS,
      fee: execution.feeWei,
      status: execution.status,
      code: execution.reasonCode,
    })
    .from(execution)
    .where(
      and(
        eq(execution.chainId, chainId),
        isNotNull(execution.sendingAt),
        ne(execution.id, exceptId),
      ),
    )
    .orderBy(desc(execution.sendingAt))
    .limit(MAX_ROWS)
}

type Row = Awaited<ReturnType<typeof readRows>>[number]

const mayHold = (row: Row | undefined, claim: Claim | undefined): boolean => {
  const isDead = (codes: readonly string[], code: string | null | undefined): boolean =>
    codes.includes(code ?? '')
  if (!claim) return !(row?.status === 'failed' && isDead(DEAD.row, row.code))
  return claim.nonce === undefined || !isDead(DEAD.own, claim.failure)
}

/** Whether a claim is one that was cut off before its commit: nothing came of it, and nothing can beside this one. */
export const isCutOff = (claim: Claim, freeNonce: number | undefined): boolean => {
  if (freeNonce === undefined) return true
  if (claim.nonce !== undefined) return claim.nonce >= freeNonce
  return claim.asks.size === 0 && Date.now() - claim.atMs < CUT_OFF_MS
}

const merge = (
  row: Row | undefined,
  claim: Claim | undefined,
  costs: ReadonlyMap<string, bigint>,
  ledger: Ledger,
): Deed => {
  const execution = claim?.execution ?? row?.id ?? ''
  const isOpen =
    claim !== undefined &&
    ledger.endOf(execution) === undefined &&
    Date.now() - claim.atMs < OPEN_MS
  return {
    execution,
    action: claim?.action ?? row?.action ?? '',
    target: (claim?.target ?? row?.target ?? '').toLowerCase(),
    atMs: Math.max(claim?.atMs ?? 0, row?.sendingAt?.getTime() ?? 0),
    triggeredAtS: Math.max(claim?.triggeredAtS ?? 0, row?.triggeredAtS ?? 0),
    costWei: costs.get(execution) ?? claim?.costWei ?? toWei(row?.fee ?? null),
    isInFlight: isOpen || (row !== undefined && IN_FLIGHT.includes(row.status)),
    mayHold: mayHold(row, claim),
  }
}

/**
 * All that was ever signed for on a chain, but for the execution in question. Give the nonce that is free to tell a
 * claim of it that was cut off before its commit from an earlier run whose row somebody took away: while its nonce is
 * free, only one of the two can ever be mined.
 */
export const listDeeds = async (
  tx: Database | DatabaseTransaction,
  ledger: Ledger,
  chainId: number,
  exceptId: string,
  costs: ReadonlyMap<string, bigint>,
  freeNonce?: number,
): Promise<readonly Deed[]> => {
  const rows = await readRows(tx, chainId, exceptId)
  const isSameRun = (claim: Claim): boolean =>
    claim.execution === exceptId && isCutOff(claim, freeNonce)
  const claims = new Map(
    ledger
      .claims()
      .filter((claim) => claim.chain === chainId && !isSameRun(claim))
      .map((claim) => [claim.execution, claim]),
  )
  const known = new Set(rows.map(({ id }) => id))
  return [
    ...rows.map((row) => merge(row, claims.get(row.id), costs, ledger)),
    ...[...claims.values()]
      .filter(({ execution }) => !known.has(execution))
      .map((claim) => merge(undefined, claim, costs, ledger)),
  ]
}

/** Spending of an action within 24 hours. */
export const spentOf = (deeds: readonly Deed[], action: string, nowMs: number): bigint =>
  deeds
    .filter((deed) => deed.action === action && deed.atMs > nowMs - DAY_MS)
    .reduce((sum, { costWei }) => sum + costWei, 0n)

/** What a policy's action has cost within 24 hours beside one execution, at most. */
export const readSpent = async (
  context: Pick<SignerContext, 'db' | 'ledger'>,
  lane: SignerLane,
  policy: Pick<LoadedPolicy, 'id' | 'chain'>,
  besideId: string,
): Promise<bigint> => {
  const nowMs = Date.now()
  const costs = await readCosts(lane, context.ledger, policy.id, nowMs)
  const deeds = await listDeeds(context.db, context.ledger, policy.chain, besideId, costs)
  return spentOf(deeds, policy.id, nowMs)
}
