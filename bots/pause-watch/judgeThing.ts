import { type Address, type Finding, type FindingSeverity, showAddress } from 'tocsin'
import type { Change, Page } from './book.ts'
import type { PauseContext, PauseState, PauseThing } from './probe.ts'
import { type AlertId, report, showTime } from './report.ts'

const DAY_S = 86_400

export type Judged = { readonly page: Page; readonly findings: readonly Finding[] }

/** Begins, worsens or ends a condition. Told once for each severity. */
export const follow = (
  ctx: PauseContext,
  thing: PauseThing,
  page: Page,
  alertId: AlertId,
  now:
    | {
        readonly severity: FindingSeverity
        readonly what: string
        readonly txHash?: Finding['txHash'] | undefined
        readonly metadata?: Readonly<Record<string, string>>
      }
    | undefined,
): Judged => {
  const known = page.open[alertId]
  if (!now && known === undefined) return { page, findings: [] }
  if (!now) {
    const { [alertId]: _, ...open } = page.open
    const what =
      alertId === 'PAUSE-MISSING' || page.isPaused ? 'this no longer holds.' : 'it runs again.'
    const ended = { alertId, severity: 'Info', what, condition: 'ended', page } as const
    return { page: { ...page, open }, findings: [report(ctx, thing, ended)] }
  }
  if (known === now.severity) return { page, findings: [] }
  const next = { ...page, open: { ...page.open, [alertId]: now.severity } }
  return {
    page: next,
    findings: [report(ctx, thing, { alertId, ...now, condition: 'holds', page: next })],
  }
}

const GOVERNING = ['multisig', 'timelock', 'governor', 'treasury']

const isOwn = (ctx: PauseContext, thing: PauseThing, account: Address): boolean =>
  thing.parameters.responders.includes(account) ||
  (ctx.labels.get(account)?.tags.includes('own') ?? false)

/** Who paused, or a Safe or timelock of the watchlist; but what our own answer has shut nobody else opens unseen. */
const mayLift = (
  ctx: PauseContext,
  thing: PauseThing,
  pausedBy: Address,
  by: Address | undefined,
): boolean => {
  if (by === undefined || by === pausedBy) return by === pausedBy
  if (isOwn(ctx, thing, pausedBy)) return isOwn(ctx, thing, by)
  return isOwn(ctx, thing, by) || GOVERNING.includes(ctx.thingAt(by)?.kind ?? '')
}

/** What a change itself says: undone, flapping, or made without an event. */
export const judgeChange = (
  ctx: PauseContext,
  thing: PauseThing,
  before: Page,
  page: Page,
  change: Change,
  hasEvent: boolean,
): readonly Finding[] => {
  const { undoneS, flapChanges } = thing.parameters
  const findings: Finding[] = []
  const lasted = ctx.block.timestampS - before.sinceS
  const wasDue = before.untilS !== undefined && before.untilS <= ctx.block.timestampS
  if (!hasEvent && !wasDue)
    findings.push(
      report(ctx, thing, {
        alertId: 'PAUSE-SILENT',
        severity: change.isPaused ? 'Medium' : 'High',
        what: `it is ${change.isPaused ? 'paused' : 'no longer paused'}, and no event told of it.`,
        page,
      }),
    )
  if (hasEvent && !change.isPaused && lasted < undoneS && before.by !== undefined) {
    const isRight = mayLift(ctx, thing, before.by, change.by)
    findings.push(
      report(ctx, thing, {
        alertId: 'PAUSE-UNDONE',
        severity: isRight ? 'Medium' : 'High',
        what: `its pause by ${showAddress(ctx, before.by)} was lifted after ${lasted} s.`,
        txHash: change.txHash,
        page,
        metadata: { pausedBy: before.by, lastedS: String(lasted), thresholdS: String(undoneS) },
      }),
    )
  }
  const changes = ctx.window(`changes:${thing.name}`, { keepS: DAY_S })
  changes.add(1n)
  // Exactly then: what goes on flapping is not told at every turn.
  if (changes.count(DAY_S) === flapChanges)
    findings.push(
      report(ctx, thing, {
        alertId: 'PAUSE-FLAPPING',
        severity: 'Medium',
        what: `it was paused and unpaused ${flapChanges} times within a day.`,
        txHash: change.txHash,
        page,
        metadata: { changes: String(flapChanges) },
      }),
    )
  return findings
}

/** The states that time makes: paused, for long, and soon no longer. */
export const judgeStanding = (ctx: PauseContext, thing: PauseThing, before: Page): Judged => {
  const { longS, expiringS, maxPauseS } = thing.parameters
  const now = ctx.block.timestampS
  const since = `paused since ${showTime(before.sinceS)}`
  const lasted = now - before.sinceS
  const until = before.untilS ?? (maxPauseS > 0 ? before.sinceS + maxPauseS : undefined)
  const left = before.isPaused && until !== undefined ? until - now : undefined
  const expiring = left !== undefined && left > 0 && left < expiringS
  const steps: readonly (readonly [AlertId, Parameters<typeof follow>[4]])[] = [
    ['PAUSED', before.isPaused ? { severity: 'Info', what: `it is ${since}.` } : undefined],
    [
      'PAUSED-LONG',
      before.isPaused && lasted > longS
        ? {
            severity: 'Medium',
            what: `it is ${since}, for more than ${longS} s.`,
            metadata: { lastedS: String(lasted), thresholdS: String(longS) },
          }
        : undefined,
    ],
    [
      'PAUSE-EXPIRING',
      expiring && until !== undefined
        ? {
            severity: left * 6 < expiringS ? 'High' : 'Medium',
            what: `its pause lapses at ${showTime(until)}.`,
            metadata: {
              until: showTime(until),
              leftS: String(left),
              thresholdS: String(expiringS),
            },
          }
        : undefined,
    ],
  ]
  let page = before
  const findings: Finding[] = []
  for (const [alertId, standing] of steps) {
    const step = follow(ctx, thing, page, alertId, standing)
    page = step.page
    findings.push(...step.findings)
  }
  return { page, findings }
}

/** Told once: the time in which it can be paused is over. */
export const judgeWindow = (
  ctx: PauseContext,
  thing: PauseThing,
  page: Page,
  state: PauseState,
): Judged => {
  const end = state.windowEndS
  if (end === undefined || end > ctx.block.timestampS || page.open['PAUSE-IMPOSSIBLE'])
    return { page, findings: [] }
  const next = { ...page, open: { ...page.open, 'PAUSE-IMPOSSIBLE': 'Low' } }
  const what = `the time in which it can be paused ended at ${showTime(end)}.`
  return {
    page: next,
    findings: [
      report(ctx, thing, { alertId: 'PAUSE-IMPOSSIBLE', severity: 'Low', what, page: next }),
    ],
  }
}
