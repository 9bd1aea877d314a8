import { type Address, cleanText, type Finding, type FindingSeverity, type Hex } from 'tocsin'
import { type Examined, SEVERITY } from '../governed-calls/index.ts'
import type { Operation, TimelockContext, TimelockThing } from './operations.ts'
import type { Step } from './readEvents.ts'

const iso = (timeS: number): string => new Date(timeS * 1_000).toISOString()

/** "2 days 3 h", roughly. */
const span = (seconds: number): string => {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} days`
}

const finish = (
  thing: TimelockThing,
  parts: Pick<Finding, 'alertId' | 'name' | 'description' | 'severity'> & {
    readonly metadata: Readonly<Record<string, string>>
    readonly uniqueKey: string
    readonly txHash?: Hex
    readonly addresses?: readonly Address[]
    readonly condition?: 'holds' | 'ended'
  },
): Finding => ({
  ...parts,
  description: cleanText(parts.description, 900),
  type: parts.severity === 'Info' || parts.severity === 'Low' ? 'Info' : 'Suspicious',
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  addresses: [...new Set([thing.address, ...(parts.addresses ?? [])])],
})

const would = ({ summary }: { readonly summary: string }): string =>
  summary === '' ? 'Nothing in it is dangerous by itself.' : `It would ${summary}.`

const operationFacts = ({ id, queuedAtS, readyAtS }: Operation): Record<string, string> => ({
  operation: id,
  queuedAt: iso(queuedAtS),
  readyAt: iso(readyAtS),
  delayS: String(readyAtS - queuedAtS),
})

export const reportQueued = (
  thing: TimelockThing,
  step: Step,
  operation: Operation,
  examined: Examined,
): Finding => {
  const delayS = operation.readyAtS - operation.queuedAtS
  return finish(thing, {
    alertId: 'OPERATION-QUEUED',
    name: `Operation queued: ${thing.name}`,
    description: `${thing.name}: an operation was queued that can be executed from ${iso(operation.readyAtS)} on, in ${span(delayS)}. ${would(examined)}`,
    severity: SEVERITY[examined.grade],
    uniqueKey: `${thing.name}:${step.id}`,
    txHash: step.txHash,
    metadata: { ...operationFacts(operation), ...examined.evidence, tx: step.txHash },
    addresses: examined.addresses,
  })
}

/** An operation that was queued, waited and ran: what it did was told when it was queued. */
export const reportExecuted = (
  thing: TimelockThing,
  step: Step,
  facts: {
    readonly operation: Operation | undefined
    readonly examined: Examined
    readonly severity: FindingSeverity
  },
): Finding => {
  const { operation, examined, severity } = facts
  const known = operation
    ? `that was queued at ${iso(operation.queuedAtS)}`
    : 'that was in the queue already when the watch began'
  return finish(thing, {
    alertId: 'OPERATION-EXECUTED',
    name: `Operation executed: ${thing.name}`,
    description: `${thing.name}: an operation ${known} was executed. ${would(examined).replace('It would', 'It did')}`,
    severity,
    uniqueKey: `${thing.name}:${step.id}`,
    txHash: step.txHash,
    metadata: {
      ...(operation ? operationFacts(operation) : { operation: step.id }),
      ...examined.evidence,
      tx: step.txHash,
    },
    addresses: examined.addresses,
  })
}

export type Breach = 'not-queued' | 'early' | 'at-once' | 'untold'

const BREACH: Readonly<Record<Breach, string>> = {
  'not-queued': 'was executed that had never been queued: the delay protects nothing any more',
  early: 'was executed before its delay had passed',
  'at-once': 'was queued and executed in one block: there is no delay',
  untold: 'was executed, and whether it had been queued cannot be told',
}

export const reportBreach = (
  thing: TimelockThing,
  step: Step,
  facts: {
    readonly breach: Breach
    readonly operation: Operation | undefined
    readonly examined: Examined
    readonly severity: FindingSeverity
  },
): Finding =>
  finish(thing, {
    alertId: 'OPERATION-UNQUEUED',
    name: `Operation without delay: ${thing.name}`,
    description: `${thing.name}: an operation ${BREACH[facts.breach]}. ${would(facts.examined).replace('It would', 'It did')}`,
    severity: facts.severity,
    uniqueKey: `${thing.name}:${step.id}`,
    txHash: step.txHash,
    metadata: {
      ...(facts.operation ? operationFacts(facts.operation) : { operation: step.id }),
      breach: facts.breach,
      ...facts.examined.evidence,
      tx: step.txHash,
    },
    addresses: facts.examined.addresses,
  })

export const reportCancelled = (
  thing: TimelockThing,
  step: Step,
  operation: Operation | undefined,
): Finding =>
  finish(thing, {
    alertId: 'OPERATION-CANCELLED',
    name: `Operation cancelled: ${thing.name}`,
    description: `${thing.name}: a queued operation was cancelled.${operation && operation.summary !== '' ? ` It would have been to ${operation.summary}.` : ''}`,
    severity: operation && operation.grade >= 2 ? 'Low' : 'Info',
    uniqueKey: `${thing.name}:${step.id}`,
    txHash: step.txHash,
    metadata: {
      ...(operation
        ? { ...operationFacts(operation), danger: SEVERITY[operation.grade] }
        : { operation: step.id }),
      tx: step.txHash,
    },
  })

/** Dangerous operations that can soon be executed, or can be already. */
export const reportDue = (
  ctx: TimelockContext,
  thing: TimelockThing,
  due: readonly Operation[],
): Finding => {
  const [first, ...rest] = [...due].sort((a, b) => b.grade - a.grade || a.readyAtS - b.readyAtS)
  if (!first)
    return finish(thing, {
      alertId: 'OPERATION-DUE',
      name: `No dangerous operation is due: ${thing.name}`,
      description: `${thing.name}: no dangerous operation waits for its execution any more.`,
      severity: 'Info',
      uniqueKey: `${thing.name}:due`,
      condition: 'ended',
      metadata: {},
    })
  const { timestampS } = ctx.block
  const leftS = first.readyAtS - timestampS
  const when = leftS > 0 ? `can be executed in ${span(leftS)}` : 'can be executed now'
  return finish(thing, {
    alertId: 'OPERATION-DUE',
    name: `Dangerous operation is due: ${thing.name}`,
    description: `${thing.name}: a queued operation ${when}. ${would(first)}${rest.length > 0 ? ` ${rest.length} more wait.` : ''} Whoever does not want it must cancel it now.`,
    severity: SEVERITY[first.grade],
    uniqueKey: `${thing.name}:due`,
    condition: 'holds',
    metadata: {
      ...operationFacts(first),
      deadline: iso(first.readyAtS),
      danger: SEVERITY[first.grade],
      waiting: due
        .slice(0, 10)
        .map(({ id, readyAtS }) => `${id} from ${iso(readyAtS)}`)
        .join('; '),
    },
  })
}
