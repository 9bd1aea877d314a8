import { messageOf } from '../base/index.ts'
import { claimExecution } from './claimExecution.ts'
import { type ConfirmMemory, confirmExecution, createConfirmMemory } from './confirmExecution.ts'
import { decideExecution } from './decide.ts'
import type { Decision } from './decision.ts'
import { endExecution, noteEnd } from './endExecution.ts'
import {
  type ExecutionRow,
  type FindingRow,
  isKeyed,
  listInFlight,
  listUnsettled,
  listWaiting,
  moveExecution,
  readExecution,
} from './executionStore.ts'
import { pursueExecution, sendClaimed } from './pursueExecution.ts'
import { createPursuitMemory, type PursuitMemory } from './pursuit.ts'
import type { SignerContext, SignerLane } from './signerContext.ts'
import type { SimulationResult } from './simulation/types.ts'

export type LaneMemory = {
  readonly pursuits: Map<string, PursuitMemory>
  readonly confirmations: Map<string, ConfirmMemory>
  /** Last reason for which an execution was put off, so that it is logged once. */
  readonly retries: Map<string, string>
}

export const createLaneMemory = (): LaneMemory => ({
  pursuits: new Map(),
  confirmations: new Map(),
  retries: new Map(),
})

const WAITING = ['requested', 'proposed'] as const

const refuse = (
  context: SignerContext,
  row: ExecutionRow,
  code: string,
  reason: string,
  simulation: SimulationResult | undefined,
): Promise<boolean> =>
  endExecution(context, row, { from: WAITING, status: 'refused', code, reason, simulation })

/** `sent`: the key is busy now. `again`: it could not be told yet. `settled`: decided. */
type Outcome = 'sent' | 'again' | 'settled'

/** Writes down what was decided. */
const carryOut = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  decision: Decision,
  memory: LaneMemory,
): Promise<Outcome> => {
  switch (decision.kind) {
    case 'retry':
      if (memory.retries.get(row.id) !== decision.reason)
        context.log.warn({ execution: row.id }, `Put off: ${decision.reason}`)
      memory.retries.set(row.id, decision.reason)
      return 'again'
    case 'refuse':
      await refuse(context, row, decision.code, decision.reason, decision.simulation)
      return 'settled'
    case 'wait':
      // Its row says that it was approved, and the answers do not prove it.
      await moveExecution(context.db, row, {
        from: ['proposed'],
        patch: { approvedBy: null, approvedAt: null },
        event: 'unproven',
        detail: { reason: decision.reason, claimed: row.approvedBy },
      })
      return 'settled'
    case 'not_needed':
    case 'observe':
    case 'propose': {
      const status = { not_needed: 'not_needed', observe: 'observed', propose: 'proposed' } as const
      await moveExecution(context.db, row, {
        from: WAITING,
        patch: {
          status: status[decision.kind],
          reason: decision.reason,
          simulation: { ...decision.simulation },
          ...(decision.kind === 'propose'
            ? { proposedAt: new Date(), approvedBy: null, approvedAt: null }
            : {}),
        },
        event: status[decision.kind],
        detail: { reason: decision.reason, simulation: decision.simulation },
        also: async () => {
          if (decision.kind !== 'propose') await noteEnd(context, row, status[decision.kind])
        },
      })
      if (decision.kind === 'propose')
        await context.ledger.append({
          kind: 'proposed',
          execution: row.id,
          atMs: Date.now(),
          policyHash: row.policyHash ?? '',
        })
      return 'settled'
    }
    case 'go': {
      const claim = await claimExecution(context, lane, row, decision)
      if (claim.kind === 'refused')
        await refuse(context, row, claim.code, claim.reason, decision.simulation)
      if (claim.kind !== 'claimed') return claim.kind === 'busy' ? 'again' : 'settled'
      const pursuit = createPursuitMemory()
      memory.pursuits.set(row.id, pursuit)
      if (!claim.attempt) {
        // Another sender's key signs it: the own one stays free.
        const claimed = await readExecution(context.db, row.id)
        if (claimed) await pursueExecution(context, lane, claimed, pursuit)
        return 'again'
      }
      await sendClaimed(
        context,
        lane,
        { ...row, status: 'sending', nonce: decision.nonce },
        claim.attempt,
        pursuit,
      )
      return 'sent'
    }
  }
}

/** Decides one and writes it down. What goes wrong with one keeps none of the others waiting. */
const handle = async (
  context: SignerContext,
  lane: SignerLane,
  row: ExecutionRow,
  finding: FindingRow | null,
  memory: LaneMemory,
  ready: Promise<void> | undefined,
): Promise<Outcome> => {
  try {
    const policy = context.getPolicy(row.actionId)
    const decision = await decideExecution(context, lane, row, finding)
    await ready
    // The file was changed, withdrawn or signed while this was decided: decide by what it says now.
    if (context.getPolicy(row.actionId) !== policy) return 'again'
    return await carryOut(context, lane, row, decision, memory)
  } catch (error) {
    context.log.error(
      { execution: row.id, error: messageOf(error) },
      'An execution could not be decided; it is tried again.',
    )
    return 'again'
  }
}

const remember = <T>(map: Map<string, T>, id: string, create: () => T): T => {
  const known = map.get(id) ?? create()
  map.set(id, known)
  return known
}

const forget = (map: Map<string, unknown>, keep: ReadonlySet<string>): void => {
  for (const id of map.keys()) if (!keep.has(id)) map.delete(id)
}

/** Waits for all, and throws what the first of them threw. */
const allDone = async (work: readonly Promise<unknown>[]): Promise<void> => {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

export type LaneTurn = {
  /** The policy files are read again: begun with the turn, and done before anything that was decided is carried out. */
  readonly ready?: Promise<void> | undefined
  /** Whether a new intent may have come since the turn began. */
  readonly isWanted?: (() => boolean) | undefined
}

/** One turn of a lane: what is in flight first, then new intents while nothing is, then what awaits confirmation. Returns whether anything must be looked at again soon. */
export const runLane = async (
  context: SignerContext,
  lane: SignerLane,
  memory: LaneMemory,
  turn: LaneTurn = {},
): Promise<boolean> => {
  if (!context.isHolder()) return false
  const { db, key } = context
  turn.ready?.catch(() => undefined)
  const [inFlight, all] = await Promise.all([
    listInFlight(db, key.address, lane.chainId),
    listWaiting(db, lane.chainId),
  ])
  if (inFlight.length > 0) await turn.ready
  for (const row of inFlight) {
    if (context.signal.aborted) return false
    await pursueExecution(
      context,
      lane,
      row,
      remember(memory.pursuits, row.id, createPursuitMemory),
    )
  }
  let sent = false
  let again = false
  const waiting = inFlight.some(isKeyed) ? [] : all
  for (const { execution, finding } of waiting) {
    if (sent || context.signal.aborted || !context.isHolder()) break
    const outcome = await handle(context, lane, execution, finding, memory, turn.ready)
    sent = outcome === 'sent'
    again ||= outcome === 'again'
  }
  const unsettled = await listUnsettled(db, key.address, lane.chainId)
  await turn.ready
  if (context.signal.aborted) return false
  // Whatever has come meanwhile is answered first.
  if (turn.isWanted?.()) return true
  await allDone(
    unsettled.map((row) =>
      confirmExecution(
        context,
        lane,
        row,
        remember(memory.confirmations, row.id, createConfirmMemory),
      ),
    ),
  )
  forget(
    memory.pursuits,
    new Set([...inFlight.map(({ id }) => id), ...waiting.map(({ execution }) => execution.id)]),
  )
  forget(memory.confirmations, new Set(unsettled.map(({ id }) => id)))
  forget(memory.retries, new Set(waiting.map(({ execution }) => execution.id)))
  return (
    sent ||
    again ||
    inFlight.length > 0 ||
    unsettled.some(({ status, confirmedAt }) => status === 'succeeded' && confirmedAt === null)
  )
}
