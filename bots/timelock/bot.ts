import { type BotBlock, defineBot, EVERY_KIND, type Finding, type FindingSeverity } from 'tocsin'
import { type Examined, examineCalls, type Grade } from '../governed-calls/index.ts'
import {
  findOperation,
  forget,
  keep,
  listOperations,
  noticeAtS,
  type Operation,
  staleAtS,
  type TimelockContext,
  type TimelockThing,
  wasQueued,
} from './operations.ts'
import { timelockParameters } from './parameters.ts'
import { readEvents, type Step, timelockTopics } from './readEvents.ts'
import {
  type Breach,
  reportBreach,
  reportCancelled,
  reportDue,
  reportExecuted,
  reportQueued,
} from './report.ts'

/** Dangerous enough to be waited for. */
const DANGEROUS: Grade = 2

const queue = (
  ctx: TimelockContext,
  thing: TimelockThing,
  step: Step,
  examined: Examined,
): Finding => {
  const operation: Operation = {
    id: step.id,
    queuedAtS: ctx.block.timestampS,
    queuedIn: ctx.block.number,
    readyAtS: step.readyAtS,
    grade: examined.grade,
    summary: examined.summary,
    variant: step.variant,
  }
  keep(ctx, thing, operation)
  return reportQueued(thing, step, operation, examined)
}

const AT_ONCE: Readonly<Record<Grade, FindingSeverity>> = {
  0: 'Low',
  1: 'Low',
  2: 'High',
  3: 'Critical',
}

/** Whether an execution kept to the delay, and if not, how it did not. */
const findBreach = async (
  ctx: TimelockContext,
  thing: TimelockThing,
  step: Step,
  operation: Operation | undefined,
): Promise<Breach | undefined> => {
  const { timestampS, number } = ctx.block
  if (operation) {
    if (timestampS < operation.readyAtS) return 'early'
    return operation.queuedIn === number ? 'at-once' : undefined
  }
  const queued = await wasQueued(ctx, thing.address, step)
  if (!queued) return 'untold'
  if (!queued.isQueued) return 'not-queued'
  return timestampS < queued.readyAtS ? 'early' : undefined
}

const severityOf = (breach: Breach, grade: Grade): FindingSeverity => {
  if (breach === 'at-once') return AT_ONCE[grade]
  if (breach === 'untold') return grade >= DANGEROUS ? 'Medium' : 'Low'
  return 'Critical'
}

/** What ran after its delay was told before; what was queued before the watch began was not. */
const executedSeverity = (operation: Operation | undefined, grade: Grade): FindingSeverity =>
  operation || grade === 0 ? 'Info' : grade >= DANGEROUS ? 'Medium' : 'Low'

const follow = async (ctx: TimelockContext, thing: TimelockThing, step: Step): Promise<Finding> => {
  const operation = findOperation(ctx, thing, step.id)
  if (step.what === 'cancelled') {
    forget(ctx, thing, step.id)
    return reportCancelled(thing, step, operation)
  }
  const examined = await examineCalls(ctx, step.calls, thing.address, thing.parameters)
  if (step.what === 'queued') return queue(ctx, thing, step, examined)
  forget(ctx, thing, step.id)
  const breach = await findBreach(ctx, thing, step, operation)
  // After the execution a balance may be gone and a delay cut already: what was judged before counts.
  const grade = operation && operation.grade > examined.grade ? operation.grade : examined.grade
  return breach
    ? reportBreach(thing, step, {
        breach,
        operation,
        examined,
        severity: severityOf(breach, grade),
      })
    : reportExecuted(thing, step, {
        operation,
        examined,
        severity: executedSeverity(operation, grade),
      })
}

/** When something has to be looked at although the timelock says nothing. One number for all timelocks. */
const DUE = 'due'

const watchQueue = (ctx: TimelockContext, thing: TimelockThing): readonly Finding[] => {
  const { timestampS } = ctx.block
  for (const operation of listOperations(ctx, thing))
    if (timestampS >= staleAtS(thing, operation)) forget(ctx, thing, operation.id)
  const due = listOperations(ctx, thing).filter(
    (operation) => operation.grade >= DANGEROUS && timestampS >= noticeAtS(thing, operation),
  )
  const key = `told:${thing.name}`
  const told = ctx.state.get<readonly string[]>(key) ?? []
  const ids = due.map(({ id }) => id).sort()
  if (ids.join() === told.join()) return []
  if (ids.length === 0) ctx.state.delete(key)
  else ctx.state.set(key, ids)
  // One that is gone while others still wait changes nothing for those who watch.
  const isNews = ids.length === 0 || ids.some((id) => !told.includes(id))
  return isNews ? [reportDue(ctx, thing, due)] : []
}

const plan = (ctx: TimelockContext, timelocks: readonly TimelockThing[]): void => {
  const times = timelocks.flatMap((thing) =>
    listOperations(ctx, thing).flatMap((operation) =>
      [noticeAtS(thing, operation), staleAtS(thing, operation)].filter(
        (atS) => atS > ctx.block.timestampS,
      ),
    ),
  )
  const next = times.length > 0 ? Math.min(...times) : undefined
  if (next === ctx.state.get<number>(DUE)) return
  if (next === undefined) ctx.state.delete(DUE)
  else ctx.state.set(DUE, next)
}

const examine = async (block: BotBlock, ctx: TimelockContext): Promise<readonly Finding[]> => {
  const dueAtS = ctx.state.get<number>(DUE)
  if (block.logs.length === 0 && (dueAtS === undefined || block.timestampS < dueAtS)) return []
  const timelocks = ctx.things.filter(({ kind }) => kind === 'timelock')
  const findings: Finding[] = []
  for (const thing of timelocks) {
    for (const step of readEvents(thing.address, block.logs, block.timestampS))
      findings.push(await follow(ctx, thing, step))
    findings.push(...watchQueue(ctx, thing))
  }
  plan(ctx, timelocks)
  return findings
}

/**
 * What passes through a timelock: queued, due, executed, cancelled, and executed past the queue. Looks at every kind of
 * thing, but only to read calls by the ABIs of the watchlist: it wakes for timelocks alone. Keeps `maxOperations`
 * operations of each timelock, some 400 bytes each.
 */
export const timelock = defineBot({
  id: 'timelock',
  version: '1.0.0',
  summary:
    'A timelock has an operation queued, due, executed or cancelled, or executes one that was not queued or not ready.',
  parameters: timelockParameters,
  kinds: EVERY_KIND,
  alerts: [
    { id: 'OPERATION-QUEUED', title: 'Operation queued', kind: 'event', severity: 'High' },
    {
      id: 'OPERATION-DUE',
      title: 'Dangerous operation can soon be executed',
      kind: 'condition',
      severity: 'High',
    },
    { id: 'OPERATION-EXECUTED', title: 'Operation executed', kind: 'event', severity: 'Medium' },
    { id: 'OPERATION-CANCELLED', title: 'Operation cancelled', kind: 'event', severity: 'Low' },
    {
      id: 'OPERATION-UNQUEUED',
      title: 'Operation executed past the queue or before its time',
      kind: 'event',
      severity: 'Critical',
    },
  ],
  needs: ({ things }) => {
    const timelocks = things.filter(({ kind }) => kind === 'timelock')
    return {
      everyBlock: true,
      ...(timelocks.length > 0
        ? {
            logs: [{ address: timelocks.map(({ address }) => address), topics: [timelockTopics] }],
          }
        : {}),
    }
  },
  handleBlock: examine,
})
