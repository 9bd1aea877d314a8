import { and, eq, gt } from 'drizzle-orm'
import { isTocsinError, messageOf } from '../base/index.ts'
import { tables } from '../store/index.ts'
import { adaptPolicy } from './adaptCalldata.ts'
import { type BlockSight, readBlockSight } from './blockSight.ts'
import { checkFile } from './checkFile.ts'
import { checkAge, checkFinding } from './checkFinding.ts'
import { checkSight, checkVotes, readVotes, type Votes } from './checkQuorum.ts'
import { isExternal } from './checkTrigger.ts'
import { type Decision, lowerMode, type Refusal, refuse, retry } from './decision.ts'
import {
  type Attempt,
  type ExecutionRow,
  type FindingRow,
  listAttemptsAt,
} from './executionStore.ts'
import type { FeeMarket } from './fees.ts'
import { checkPendingSight, type PendingSight, readPendingSight } from './pendingAttack.ts'
import {
  checkCode,
  type Head,
  readBalance,
  readEffectBy,
  readFees,
  readHead,
  readNonce,
} from './readTarget.ts'
import { readRelease } from './release.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import { checkSimulation } from './simulation/checkSimulation.ts'
import { simulateAction } from './simulation/simulateAction.ts'
import type { SimulationResult } from './simulation/types.ts'
import type { ActionDefinition, LoadedPolicy } from './types.ts'

/** What the signer's own files say of it. */
type Draft = {
  readonly context: SignerContext
  readonly lane: SignerLane
  readonly policy: LoadedPolicy
  readonly action: ActionDefinition
  readonly nowMs: number
}

/** What is decided upon. */
type Case = Draft & {
  readonly finding: FindingRow
  /** People released it (or their time ran out, where the policy says that this releases it). */
  readonly isReleased: boolean
  readonly approvedBy: readonly string[]
  /** A person ordered it: no bot has to agree. */
  readonly isOrdered: boolean
}

type Reads = {
  readonly head: Head
  readonly sight: BlockSight
  readonly votes: Votes
  readonly codeFault: string | undefined
  readonly effective: boolean
  readonly step: number
  readonly simulation: SimulationResult
  readonly nonce: number
  readonly signed: readonly Attempt[]
  readonly market: FeeMarket
  readonly balanceWei: bigint
  readonly pending: PendingSight | undefined
}

type Play = { readonly step: number; readonly simulation: SimulationResult }

/** The action as one sender of the policy would do it: with the rights of whoever sends. */
const play = async (subject: Case, step: number): Promise<Play> => {
  const { context, lane, policy, action, finding, isOrdered } = subject
  const own = context.key.address
  const from = (await lane.senders?.actorOf(policy, own, step)) ?? own
  // What people order rests on no transaction.
  const evidence = isOrdered ? undefined : finding
  const { rpc, tenderly } = lane
  return {
    step,
    simulation: await simulateAction({ rpc, tenderly, action, policy, from, evidence }),
  }
}

/** By the first sender for whom it does not revert: one that lost its right must not keep the others from it. */
const playFirstAble = async (subject: Case): Promise<Play> => {
  const first = await play(subject, 0)
  if (!subject.action.isIdempotent) return first
  let last = first
  for (let step = 1; step < subject.policy.senders.length; step++) {
    if (last.simulation.outcome !== 'reverted') return last
    last = await play(subject, step)
  }
  return last.simulation.outcome === 'reverted' ? first : last
}

/** Everything that the chain and the other findings must say, read at once. */
const readAll = async (subject: Case): Promise<Reads> => {
  const { context, lane, policy, action, finding, isReleased, nowMs } = subject
  const { rpc } = lane
  const signer = context.key.address
  const head = readHead(rpc)
  // Freshness is over when people have released it: then the others must have found it when it was found.
  const readSince = async () => ({
    blockNumber: (isReleased ? finding.blockNumber : (await head).number) - policy.freshness.blocks,
    timestampS: (isReleased ? finding.blockTimestampS : nowMs / 1000) - policy.freshness.seconds,
  })
  const readSigned = async () => {
    const nonce = await readNonce(rpc, signer)
    return { nonce, signed: await listAttemptsAt(context.db, signer, lane.chainId, nonce) }
  }
  const [at, sight, votes, codeFault, effective, played, own, market, balanceWei, pending] =
    await Promise.all([
      head,
      // Whoever tells from outside names the block and seldom its time.
      readBlockSight(rpc, { ...finding, isTimeless: isExternal(finding) }, policy.quorum.endpoints),
      readVotes(context, lane, policy, finding, readSince),
      checkCode(rpc, policy),
      readEffectBy(rpc, action, policy, policy.quorum.endpoints),
      playFirstAble(subject),
      readSigned(),
      readFees(rpc),
      readBalance(rpc, signer),
      readPendingSight(rpc, finding),
    ])
  return {
    head: at,
    sight,
    votes,
    codeFault,
    effective,
    ...played,
    ...own,
    market,
    balanceWei,
    pending,
  }
}

/** Whether the signer's own endpoints, and enough bots, agree with the finding. */
const checkEvidence = (
  { policy, finding, isReleased, isOrdered }: Case,
  reads: Reads,
): Decision | undefined => {
  const stale = checkAge(policy, finding, reads.head, isReleased)
  if (stale?.code === 'future') return { kind: 'refuse', ...stale, code: 'stale' }
  const unseen = checkSight(policy, finding, reads.sight)
  if (unseen) return 'kind' in unseen ? unseen : { kind: 'refuse', ...unseen }
  if (stale) return { kind: 'refuse', ...stale }
  const unripe = checkPendingSight(reads.pending)
  if (unripe) return 'kind' in unripe ? unripe : { kind: 'refuse', ...unripe }
  const lacking = isOrdered ? undefined : checkVotes(reads.votes)
  return lacking === undefined ? undefined : retry(`The quorum is not reached: ${lacking}.`)
}

/** What follows from a chain that agrees with the finding. */
const judge = (subject: Case, reads: Reads): Decision => {
  const { context, policy, action, finding, isReleased, isOrdered, approvedBy } = subject
  const { codeFault, simulation, votes } = reads
  if (codeFault) {
    const fault = refuse('code', `The target changed since the approval: ${codeFault}.`)
    return { kind: 'refuse', ...fault, simulation }
  }
  // An endpoint that lags may still show the effect of another time.
  const isBehind = finding.status !== 'pending' && reads.head.number < finding.blockNumber
  if (reads.effective && isBehind)
    return retry("The signer's endpoint is behind the block of the finding.")
  if (reads.effective || simulation.outcome === 'already_effective')
    return {
      kind: 'not_needed',
      reason: `Already so: ${action.postcondition.description}.`,
      simulation,
    }
  const misfire = checkSimulation(policy, simulation)
  if (misfire) return { kind: 'refuse', ...misfire, simulation }
  const mode = lowerMode(context.mode, policy.mode)
  if (mode === 'observe')
    return { kind: 'observe', reason: 'Mode observe: it would have been sent.', simulation }
  if (mode === 'propose' && !isReleased)
    return { kind: 'propose', reason: 'Waits for people to approve it.', simulation }
  const quorum = votes.findings
  const attack = typeof reads.pending === 'object' ? reads.pending : undefined
  const evidence = { finding, quorum, approvedBy, isOrdered, attack }
  return { kind: 'go', policy, action, ...evidence, ...reads }
}

/** Where too few bots found it in time, that is the reason, and not that time passed. */
const explainStale = async (subject: Draft, finding: FindingRow, stale: Refusal) => {
  const { context, lane, policy } = subject
  const since = {
    blockNumber: finding.blockNumber - policy.freshness.blocks,
    timestampS: finding.blockTimestampS - policy.freshness.seconds,
  }
  const votes = await readVotes(context, lane, policy, finding, async () => since)
  const lacking = checkVotes(votes)
  if (lacking === undefined) return stale
  const code = votes.own === 0 ? 'unconfirmed' : 'quorum'
  return refuse(code, `The quorum was not reached in time: ${lacking}.`)
}

/** What was only told from outside gives way to whoever asked for the same since. */
const checkRumour = async (
  { db }: SignerContext,
  row: ExecutionRow,
  finding: FindingRow,
): Promise<Refusal | undefined> => {
  if (!isExternal(finding) || row.status !== 'requested') return undefined
  const { execution } = tables
  const later = await db
    .select({ id: execution.id })
    .from(execution)
    .where(and(eq(execution.actionId, row.actionId), gt(execution.epoch, row.epoch)))
    .limit(1)
  if (later.length === 0) return undefined
  return refuse('superseded', 'It was only told from outside; a bot that found it asks by itself.')
}

const decide = async (
  draft: Draft,
  row: ExecutionRow,
  finding: FindingRow | null,
): Promise<Decision> => {
  const { context, lane, policy, action, nowMs } = draft
  const release = await readRelease(context, row, policy, nowMs)
  if (release.kind === 'wait' || release.kind === 'refuse') return release
  const order = await context.readOrder(finding, policy, action, nowMs)
  if (order.kind === 'refuse') return order
  const isOrdered = order.kind === 'ordered'
  const isReleased = release.kind === 'released' || (isOrdered && policy.approval.required <= 1)
  const unfit = checkFinding(policy, finding, { isReleased, isOrdered }, nowMs)
  if (!finding)
    return { kind: 'refuse', ...(unfit ?? refuse('finding_missing', 'There is no finding.')) }
  const early = unfit ?? (await checkRumour(context, row, finding))
  if (early) {
    const why = early.code === 'stale' ? await explainStale(draft, finding, early) : early
    return { kind: 'refuse', ...why }
  }
  const adapted = await adaptPolicy(lane.rpc, action, policy, context.key.address)
  if (!adapted)
    return { kind: 'refuse', ...refuse('adapt', 'What stands on the target cannot be read.') }
  const approvedBy = [
    ...(release.kind === 'released' ? release.by : []),
    ...(isOrdered ? [order.by] : []),
  ]
  const subject = { ...draft, policy: adapted, finding, isReleased, isOrdered, approvedBy }
  const reads = await readAll(subject)
  // A bot's finding and what it asks for are committed together: whoever was heard as a voice has asked by now.
  const overtaken = await checkRumour(context, row, finding)
  if (overtaken) return { kind: 'refuse', ...overtaken }
  return checkEvidence(subject, reads) ?? judge(subject, reads)
}

/**
 * Re-validates an intent from the signer's own files and endpoints. The intent's own target, calldata and mode are
 * never used. All reads travel together, so the answer takes about one round trip.
 */
export const decideExecution = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  finding: FindingRow | null,
): Promise<Decision> => {
  const nowMs = Date.now()
  const policy = context.getPolicy(row.actionId)
  const fault = checkFile(context, row, policy, nowMs)
  if (fault) return { kind: 'refuse', ...fault }
  const action = policy && context.getAction(policy.action)
  if (!policy || !action)
    return { kind: 'refuse', ...refuse('policy_missing', 'The action type is unknown.') }
  try {
    return await decide({ context, lane, policy, action, nowMs }, row, finding)
  } catch (error) {
    if (isTocsinError(error) && error.code.startsWith('rpc.')) return retry(messageOf(error))
    throw error
  }
}
