import { cleanText, type Sev } from '../base/index.ts'
import { buildTimeline } from './buildTimeline.ts'
import { countMoney } from './countMoney.ts'
import type { Gap, IncidentRecord, Knowing, Postmortem, Step, Target } from './types.ts'

/** By when each severity is to be acknowledged and mitigated (s), where the incident itself says nothing. */
const TARGETS: Readonly<Record<Sev, { acknowledge: number | null; mitigate: number | null }>> = {
  SEV1: { acknowledge: 300, mitigate: 1_800 },
  SEV2: { acknowledge: 900, mitigate: null },
  SEV3: { acknowledge: 14_400, mitigate: null },
  SEV4: { acknowledge: null, mitigate: null },
}

const secondsBetween = (from: Date, to: Date): number =>
  Math.max(0, Math.round((to.getTime() - from.getTime()) / 1_000))

const targetOf = (
  { incident, at: now }: IncidentRecord,
  what: Target['what'],
  reached: { readonly at: Date | null; readonly by: string | null },
): Target => {
  const due = what === 'acknowledge' ? incident.acknowledgeDueAt : incident.mitigateDueAt
  const usual = TARGETS[incident.severity][what]
  const dueAt =
    due ?? (usual === null ? null : new Date(incident.openedAt.getTime() + usual * 1_000))
  const end = reached.at ?? incident.closedAt ?? now
  return {
    what,
    withinS: dueAt ? secondsBetween(incident.openedAt, dueAt) : null,
    dueAt,
    at: reached.at,
    by: reached.by,
    tookS: reached.at ? secondsBetween(incident.openedAt, reached.at) : null,
    verdict:
      dueAt === null
        ? 'no target'
        : end > dueAt
          ? 'missed'
          : reached.at || incident.closedAt
            ? 'met'
            : 'pending',
  }
}

const firstOf = (record: IncidentRecord, kind: string): { at: Date | null; by: string | null } => {
  const event = record.events.find((each) => each.kind === kind)
  return event ? { at: event.at, by: event.actor } : { at: null, by: null }
}

const earliest = <T extends { at: Date | null }>(candidates: readonly T[]): T | undefined =>
  candidates
    .filter(({ at }) => at !== null)
    .toSorted((a, b) => (a.at?.getTime() ?? 0) - (b.at?.getTime() ?? 0))[0]

const targetsOf = (record: IncidentRecord): readonly Target[] => {
  const { incident, alerts, executions } = record
  const noted = firstOf(record, 'acknowledged')
  const acknowledged = earliest([
    noted,
    { at: incident.firstAcknowledgedAt, by: noted.by ?? incident.acknowledgedBy },
    ...alerts.map((row) => ({ at: row.acknowledgedAt, by: row.acknowledgedBy })),
  ]) ?? { at: null, by: null }
  const mitigated = earliest([
    firstOf(record, 'mitigated'),
    { at: incident.mitigatedAt, by: incident.mitigatedBy },
    ...executions
      .filter(({ status }) => status === 'succeeded')
      .map((row) => ({ at: row.minedAt ?? row.confirmedAt, by: row.actionId })),
    { at: incident.status === 'resolved' ? incident.closedAt : null, by: null },
  ]) ?? { at: null, by: null }
  return [targetOf(record, 'acknowledge', acknowledged), targetOf(record, 'mitigate', mitigated)]
}

const knewOf = (steps: readonly Step[], openedAt: Date): readonly Knowing[] => {
  const first = new Map<string, Knowing>()
  for (const step of steps) {
    const reached = step.kind === 'delivered' || step.kind === 'paged'
    const who = step.actor ?? (reached ? step.channel : undefined)
    if (!who || first.has(who)) continue
    const how = step.actor ? step.kind : `message by ${step.channel}`
    first.set(who, {
      who: cleanText(who, 100),
      at: step.at,
      afterS: secondsBetween(openedAt, step.at),
      how: cleanText(how, 100),
    })
  }
  return [...first.values()]
}

const doneOf = ({ executions, answers }: IncidentRecord): Postmortem['done'] =>
  executions.map((row) => {
    const people = answers.filter(({ executionId }) => executionId === row.id)
    return {
      at: row.requestedAt,
      what: row.actionId,
      who:
        people.map(({ who, decision }) => `${who} (${decision})`).join(', ') ||
        (row.mode === 'auto' ? 'by itself' : 'nobody yet'),
      result: cleanText(
        `${row.status.replace('_', ' ')}${row.reason ? `: ${row.reason}` : ''}`,
        400,
      ),
      tx: row.minedTxHash,
    }
  })

const missedText = (target: Target): string => {
  const word = target.what === 'acknowledge' ? 'Acknowledged' : 'Mitigated'
  return target.at
    ? `${word} ${(target.tookS ?? 0) - (target.withinS ?? 0)} s after its target.`
    : `Not ${word.toLowerCase()} within its target.`
}

const gapsOf = (
  record: IncidentRecord,
  targets: readonly Target[],
  beganAt: Date | null,
): readonly Gap[] => {
  const { incident, alerts, deliveries, events, findings, executions, at: now } = record
  const gaps: Gap[] = []
  const first = findings[0]
  if (beganAt && first) {
    const seconds = secondsBetween(beganAt, first.createdAt)
    if (seconds > 60)
      gaps.push({
        kind: 'detection',
        text: 'The first finding came that long after its block.',
        seconds,
      })
  }
  for (const target of targets)
    if (target.verdict === 'missed')
      gaps.push({
        kind: `missed target: ${target.what}`,
        text: missedText(target),
        seconds: target.tookS === null ? null : target.tookS - (target.withinS ?? 0),
      })
  const acknowledged = targets[0]?.at
  gaps.push({
    kind: 'unacknowledged',
    text: acknowledged ? 'Nobody had it in hand for so long.' : 'Nobody ever took it in hand.',
    seconds: secondsBetween(incident.openedAt, acknowledged ?? incident.closedAt ?? now),
  })
  for (const row of events.filter(({ kind }) => kind === 'unacknowledged'))
    gaps.push({ kind: 'given back', text: cleanText(row.text, 300), seconds: null })
  for (const row of alerts.filter(({ status }) => status === 'unknown'))
    gaps.push({
      kind: 'silent source',
      text: `The source of "${cleanText(row.title, 160)}" does not answer: whether it still holds is unknown.`,
      seconds: secondsBetween(row.updatedAt, row.closedAt ?? now),
    })
  for (const row of events.filter(({ kind }) => kind === 'unknown'))
    gaps.push({ kind: 'silent source', text: cleanText(row.text, 300), seconds: null })
  const dead = deliveries.filter(({ status }) => status === 'dead')
  for (const channel of new Set(dead.map((row) => row.channel))) {
    const own = dead.filter((row) => row.channel === channel)
    gaps.push({
      kind: 'undelivered',
      text: `${own.length} of the messages by ${cleanText(channel, 80)} were refused for good: ${cleanText(own.at(-1)?.lastError ?? 'no reason given', 200)}.`,
      seconds: null,
    })
  }
  if (
    incident.severity === 'SEV1' &&
    deliveries.length === 0 &&
    !events.some(({ kind }) => kind === 'paged' || kind === 'delivered')
  )
    gaps.push({ kind: 'nobody told', text: 'No message about it was ever written.', seconds: null })
  for (const row of executions.filter(({ status }) => status === 'failed' || status === 'refused'))
    gaps.push({
      kind: `action ${row.status}`,
      text: cleanText(`${row.actionId}: ${row.reason ?? 'no reason given'}`, 400),
      seconds: null,
    })
  for (const row of alerts.filter(({ runbook }) => runbook === null).slice(0, 5))
    gaps.push({
      kind: 'no runbook',
      text: `"${cleanText(row.title, 160)}" has no runbook.`,
      seconds: null,
    })
  return gaps
}

/** What a post-mortem begins with: everything that is known without asking anybody. */
export const buildPostmortem = (record: IncidentRecord): Postmortem => {
  const { incident, alerts, findings, chains } = record
  const stamps = findings.filter(({ chainId }) => chainId !== 0).map((row) => row.blockTimestampS)
  const beganAt = stamps.length === 0 ? null : new Date(Math.min(...stamps) * 1_000)
  const timeline = buildTimeline(record)
  const targets = targetsOf(record)
  return {
    schema: 'tocsin.postmortem.v1',
    at: record.at,
    incident: {
      id: incident.id,
      title: cleanText(incident.title, 300),
      subject: cleanText(incident.subject, 200),
      severity: incident.severity,
      status: incident.status,
      owner: incident.owner,
      openedAt: incident.openedAt,
      closedAt: incident.closedAt,
      beganAt,
    },
    targets,
    money: countMoney(record),
    knew: knewOf(timeline, incident.openedAt),
    done: doneOf(record),
    alerts: alerts.map((row) => ({
      id: row.id,
      severity: row.severity,
      title: cleanText(row.title, 300),
      summary: cleanText(row.summary, 1_000),
      bot: row.botId,
      alertId: row.alertId,
      chain: row.chainId === 0 ? 'tocsin' : (chains.get(row.chainId) ?? `chain ${row.chainId}`),
      thing: row.thing,
      runbook: row.runbook,
      openedAt: row.openedAt,
      closedAt: row.closedAt,
      findings: row.findings,
    })),
    gaps: gapsOf(record, targets, beganAt),
    timeline,
    cut: record.cut,
  }
}
