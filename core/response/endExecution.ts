import { eq } from 'drizzle-orm'
import { cleanText } from '../base/index.ts'
import { type DatabaseTransaction, tables } from '../store/index.ts'
import { recordSelfFinding } from '../telemetry/index.ts'
import { lowerMode } from './decision.ts'
import { type ExecutionRow, type ExecutionStatus, moveExecution } from './executionStore.ts'
import type { SignerContext } from './signerContext.ts'
import { heardBy } from './tellSuccess.ts'

export type ExecutionEnd = {
  readonly from: readonly ExecutionStatus[]
  readonly status: 'refused' | 'failed'
  readonly code: string
  readonly reason: string
  readonly simulation?: object | undefined
}

/**
 * What nobody needs to be woken for: there is nothing left to answer, or it was a rumour that no bot confirmed, of which
 * people heard when it came.
 */
const QUIET = ['finding_retracted', 'pending_over', 'superseded', 'unconfirmed']
/** What must be known whatever the mode: the answer would not have worked, or somebody tampers. */
const LOUD = [
  'expired',
  'unsigned',
  'used',
  'approval_timeout',
  'forged',
  'policy_missing',
  'policy_mismatch',
]

/** Whether people are paged for an end, and how gravely. */
const gravityOf = (
  context: SignerContext,
  row: ExecutionRow,
  { status, code }: ExecutionEnd,
): 'Critical' | 'High' | undefined => {
  if (QUIET.includes(code)) return undefined
  if (status === 'failed') return 'Critical'
  const policy = context.getPolicy(row.actionId)
  const isAuto = (policy ? lowerMode(context.mode, policy.mode) : row.mode) === 'auto'
  if (isAuto) return 'Critical'
  return LOUD.includes(code) || code.startsWith('simulation_') ? 'High' : undefined
}

/** The finding that asked, for the page; an intent may name one that does not exist. */
const readTrigger = async (tx: DatabaseTransaction, row: ExecutionRow) => {
  const [finding] = await tx
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.id, row.findingId))
    .limit(1)
  return finding
}

/** Tells people that an action which was asked for did not happen. One finding per execution, however often it ends. */
const page = async (
  context: SignerContext,
  tx: DatabaseTransaction,
  row: ExecutionRow,
  end: ExecutionEnd,
  severity: 'Critical' | 'High',
): Promise<void> => {
  const trigger = await readTrigger(tx, row)
  const action = cleanText(row.actionId, 80)
  const target = cleanText(context.getPolicy(row.actionId)?.target ?? row.target ?? 'unknown', 80)
  const asked = trigger
    ? `${cleanText(trigger.name, 120)} (${trigger.botId}/${trigger.alertId}, block ${trigger.blockNumber})`
    : 'a finding that does not exist'
  const what = end.status === 'failed' ? 'failed' : 'was refused'
  await recordSelfFinding(tx, {
    alertId: end.status === 'failed' ? 'EXECUTION-FAILED' : 'EXECUTION-REFUSED',
    name: `The action ${action} ${what}`,
    description: `${action} on ${target} (chain ${row.chainId}), asked for by ${asked}, ${what}: ${cleanText(end.reason, 500)} Act by hand; execution ${row.id}.`,
    severity,
    uniqueKey: row.id,
    owner: trigger?.owner ?? null,
    protocol: trigger?.protocol ?? null,
    // Refusals can come with every finding of an attack: those of one target are one alert.
    addresses: end.status === 'refused' && /^0x[0-9a-f]{40}$/i.test(target) ? [target] : [],
    metadata: {
      action,
      target,
      chain: String(row.chainId),
      execution: row.id,
      finding: cleanText(row.findingId, 80),
      code: end.code,
      reason: cleanText(end.reason, 500),
      ...heardBy(context.getPolicy(row.actionId)),
    },
  })
}

/**
 * Notes in the signer's own book that an execution which it proposed or signed for is over, before its row says so: set
 * back, it is not taken up again. Others leave nothing behind that could be used twice.
 */
export const noteEnd = async (
  { ledger }: Pick<SignerContext, 'ledger'>,
  row: Pick<ExecutionRow, 'id'>,
  code: string,
): Promise<void> => {
  if (!ledger.isKnown(row.id) || ledger.endOf(row.id) !== undefined) return
  await ledger.append({ kind: 'ended', execution: row.id, atMs: Date.now(), code })
}

/**
 * Ends an execution that did not bring its effect about: logged, counted, and in the same transaction told to people
 * where they must know. Returns false, and changes nothing, when it is in another status by now.
 */
export const endExecution = async (
  context: SignerContext,
  row: ExecutionRow,
  end: ExecutionEnd,
): Promise<boolean> => {
  const { code, reason, status, simulation } = end
  const severity = gravityOf(context, row, end)
  const moved = await moveExecution(context.db, row, {
    from: end.from,
    patch: {
      status,
      reasonCode: code,
      reason,
      ...(simulation ? { simulation: { ...simulation } } : {}),
    },
    event: status,
    detail: { code, reason, ...(status === 'refused' ? { simulation: simulation ?? null } : {}) },
    also: async (tx) => {
      if (severity) await page(context, tx, row, end, severity)
      if (status === 'refused') await noteEnd(context, row, code)
    },
  })
  if (!moved) return false
  const fields = { execution: row.id, action: row.actionId, code }
  if (status === 'failed') {
    await context.ledger.append({ kind: 'failed', execution: row.id, atMs: Date.now(), code })
    context.metrics.onFailed(row.actionId, code)
    context.log.error(fields, `The action failed: ${reason}`)
  } else {
    context.metrics.onRefused(row.actionId, code)
    context.log.warn(fields, `Refused: ${reason}`)
  }
  return true
}
