import { and, asc, desc, eq, gt, inArray } from 'drizzle-orm'
import { Webhook } from 'standardwebhooks'
import { backoffMs, createLoop, type Loop, messageOf, stableHash } from '../../base/index.ts'
import { tables } from '../../store/index.ts'
import { checkInForce } from '../checkFile.ts'
import { endExecution, noteEnd } from '../endExecution.ts'
import { appendExecutionLog } from '../executionLog.ts'
import { type ExecutionRow, type FindingRow, moveExecution } from '../executionStore.ts'
import type { PolicyFault } from '../parsePolicy.ts'
import { readHalt } from '../people/killSwitch.ts'
import type { Signers } from '../policySignature.ts'
import { isAtLeast } from '../severity.ts'
import type { SignerContext } from '../signerContext.ts'
import { callDesk, readDesk } from './callDesk.ts'
import { type DeskPolicy, readDeskPolicies, readDeskSecret } from './deskPolicy.ts'

const PAUSE_MS = 500
const FILES_MS = 3_000
/** A desk is no chain: its executions stand under none. */
const NO_CHAIN = 0

const fits = (desk: DeskPolicy, finding: FindingRow): boolean =>
  (finding.condition === null || finding.condition === 'holds') &&
  desk.triggers.some(
    (trigger) =>
      trigger.bot === finding.botId &&
      (trigger.alertIds === undefined || trigger.alertIds.includes(finding.alertId)) &&
      (trigger.things === undefined ||
        (finding.thing !== null && trigger.things.includes(finding.thing))) &&
      isAtLeast(finding.severity, trigger.minSeverity),
  )

/** Fresh findings that may stop this desk, oldest first. */
const listFresh = async (
  { db }: SignerContext,
  desk: DeskPolicy,
): Promise<readonly FindingRow[]> => {
  const { finding } = tables
  const rows = await db
    .select()
    .from(finding)
    .where(
      and(
        inArray(finding.botId, [...new Set(desk.triggers.map(({ bot }) => bot))]),
        inArray(finding.status, ['provisional', 'final']),
        gt(finding.createdAt, new Date(Date.now() - desk.freshnessS * 1000)),
      ),
    )
    .orderBy(asc(finding.seq))
    .limit(200)
  const oldestS = Date.now() / 1000 - desk.freshnessS
  return rows.filter((row) => row.blockTimestampS >= oldestS && fits(desk, row))
}

/** When this desk was called (ms), by the database and by the signer's own ledger: rows that were taken away still count. */
const listCalls = (
  { ledger }: SignerContext,
  desk: DeskPolicy,
  runs: readonly ExecutionRow[],
): readonly number[] => {
  const calls = new Map<string, number>()
  for (const { id, sendingAt } of runs) if (sendingAt) calls.set(id, sendingAt.getTime())
  for (const { action, chain, execution, atMs } of ledger.claims())
    if (action === desk.id && chain === NO_CHAIN) calls.set(execution, atMs)
  return [...calls.values()]
}

/** Whether its limits allow one more call. */
const isAllowed = (desk: DeskPolicy, calls: readonly number[]): boolean => {
  const within = (seconds: number): number =>
    calls.filter((atMs) => Date.now() - atMs < seconds * 1000).length
  return within(desk.cooldownS) === 0 && within(desk.limits.windowS) < desk.limits.maxPerWindow
}

/** Commits the decision before anything is called: `sending`, or `observed`. */
const claim = async (
  context: SignerContext,
  desk: DeskPolicy,
  finding: FindingRow,
): Promise<void> => {
  const mode = context.mode === 'auto' ? desk.mode : 'observe'
  const idempotencyKey = stableHash('desk', desk.id, desk.hash, finding.id)
  const id = `x_${idempotencyKey.slice(0, 24)}`
  const now = new Date()
  await context.db.transaction(async (tx) => {
    if (await readHalt(tx)) return
    const status = mode === 'auto' ? 'sending' : 'observed'
    const rows = await tx
      .insert(tables.execution)
      .values({
        id,
        idempotencyKey,
        actionId: desk.id,
        policyHash: desk.hash,
        mode,
        chainId: NO_CHAIN,
        findingId: finding.id,
        thing: finding.thing,
        status,
        target: new URL(desk.url).origin,
        triggeredAtS: finding.blockTimestampS,
        ...(mode === 'auto' ? { sendingAt: now, broadcastAt: now } : {}),
      })
      .onConflictDoNothing()
      .returning({ id: tables.execution.id })
    if (rows.length === 0) return
    const detail = { desk: desk.id, policyHash: desk.hash, finding: finding.id, url: desk.url }
    await appendExecutionLog(tx, id, status, detail)
    if (mode !== 'auto') return
    // In the signer's own book before the commit, and so before the desk is called.
    await context.ledger.append({
      kind: 'claimed',
      execution: id,
      atMs: now.getTime(),
      action: desk.id,
      chain: NO_CHAIN,
      target: '0x0',
      costWei: 0n,
      triggeredAtS: finding.blockTimestampS,
    })
  })
}

const decide = async (context: SignerContext, desk: DeskPolicy): Promise<void> => {
  if (context.isHalted() || checkInForce(context, desk, Date.now())) return
  const fresh = await listFresh(context, desk)
  if (fresh.length === 0) return
  const { execution } = tables
  const runs = await context.db
    .select()
    .from(execution)
    .where(and(eq(execution.actionId, desk.id), eq(execution.chainId, NO_CHAIN)))
    .orderBy(desc(execution.requestedAt))
    .limit(1_000)
  const answered = new Set(runs.map(({ findingId }) => findingId))
  const finding = fresh.find(({ id }) => !answered.has(id))
  if (finding && isAllowed(desk, listCalls(context, desk, runs)))
    await claim(context, desk, finding)
}

type Memory = Map<string, { tries: number; nextAt: number; reason: string }>

/** One try to bring a called desk to a standstill; the same id each time, also after a restart. */
const pursue = async (
  context: SignerContext,
  desk: DeskPolicy,
  row: ExecutionRow,
  memory: Memory,
): Promise<void> => {
  const known = memory.get(row.id) ?? { tries: 0, nextAt: 0, reason: '' }
  memory.set(row.id, known)
  if (Date.now() < known.nextAt) return
  const succeed = (detail: object): Promise<boolean> =>
    moveExecution(context.db, row, {
      from: ['sending', 'sent'],
      patch: { status: 'succeeded', minedAt: new Date(), finalAt: new Date(), reason: null },
      event: 'succeeded',
      detail,
      also: () => noteEnd(context, row, 'succeeded'),
    })
  // By the signer's own book: a row that is set back calls nobody again.
  const calledAtMs = context.ledger.claimOf(row.id)?.atMs ?? 0
  const lateS = (Date.now() - calledAtMs) / 1000
  const mayCall =
    context.ledger.endOf(row.id) === undefined &&
    checkInForce(context, desk, Date.now()) === undefined
  try {
    const webhook = new Webhook(await readDeskSecret(desk))
    const request = { desk, webhook, id: row.id, signal: context.signal }
    const stands = await readDesk(request)
    if (stands.kind === 'well') {
      await succeed({ tries: known.tries })
      return
    }
    known.reason = stands.reason
    if (mayCall && !context.isHalted() && lateS <= desk.deadlineS) {
      const content = {
        type: 'tocsin.halt',
        id: row.id,
        policy: desk.id,
        finding: row.findingId,
        requestedAt: row.requestedAt.toISOString(),
      }
      const answer = await callDesk(request, content)
      known.tries++
      if (answer.kind === 'not_yet') known.reason = answer.reason
      else if ((await readDesk(request)).kind === 'well') {
        await succeed({ tries: known.tries })
        return
      }
    }
  } catch (error) {
    // The library's words may quote the secret.
    known.reason = error instanceof TypeError ? messageOf(error) : 'its secret cannot be used'
  }
  known.nextAt = Date.now() + backoffMs(known.tries, 250, 15_000)
  if (lateS <= desk.deadlineS) return
  memory.delete(row.id)
  const reason = `The desk does not stand still ${desk.deadlineS} s after it was called: ${known.reason}.`
  await endExecution(context, row, {
    from: ['sending', 'sent'],
    status: 'failed',
    code: 'deadline',
    reason,
  })
}

/** Ends what this signer did not decide, or what belongs to a desk whose file is gone or changed. */
const endForeign = (
  context: SignerContext,
  row: ExecutionRow,
  desk: DeskPolicy | undefined,
): Promise<boolean> =>
  endExecution(context, row, {
    from: ['sending', 'sent'],
    status: 'failed',
    code: desk ? 'forged' : 'policy_missing',
    reason: desk
      ? 'The signer did not decide this call.'
      : 'The policy of the desk is gone or was changed while it was called.',
  })

export type Desks = Loop & {
  readonly faults: () => readonly PolicyFault[]
  readonly list: () => readonly DeskPolicy[]
}

/** The lane for desks: beside those of the chains, and never in their way. */
export const startDesks = (
  context: SignerContext,
  folder: string,
  options: {
    readonly signers?: Signers
    /** A file, or who signed it, is another than before. */
    readonly onChange?: () => void
  } = {},
): Desks => {
  const memory: Memory = new Map()
  let desks: readonly DeskPolicy[] = []
  let faults: readonly PolicyFault[] = []
  let readAt = 0
  const refresh = async (): Promise<void> => {
    if (Date.now() - readAt < FILES_MS) return
    const found = await readDeskPolicies(folder, options.signers)
    const stampOf = (list: readonly DeskPolicy[]): string =>
      JSON.stringify(list.map(({ hash, signedBy }) => [hash, signedBy]))
    const isNews = stampOf(found.desks) !== stampOf(desks)
    desks = found.desks
    faults = found.faults
    readAt = Date.now()
    if (isNews) options.onChange?.()
  }
  const turn = async (): Promise<void> => {
    await refresh()
    if (!context.isHolder()) return
    for (const desk of desks) await decide(context, desk)
    const { execution } = tables
    const open = await context.db
      .select()
      .from(execution)
      .where(and(eq(execution.chainId, NO_CHAIN), inArray(execution.status, ['sending', 'sent'])))
      .limit(50)
    await Promise.all(
      open.map(async (row) => {
        const desk = desks.find(({ id, hash }) => id === row.actionId && hash === row.policyHash)
        const isOwn = context.ledger
          .claims()
          .some(({ execution, action }) => execution === row.id && action === row.actionId)
        if (desk && isOwn) await pursue(context, desk, row, memory)
        else await endForeign(context, row, desk)
      }),
    )
  }
  const loop = createLoop(turn, {
    pauseMs: PAUSE_MS,
    onError: (error) =>
      context.log.error({ error: messageOf(error) }, 'A turn of the lane for desks failed.'),
  })
  return { ...loop, faults: () => faults, list: () => desks }
}
