import { cleanText, PENDING_PREFIX, type Sev, stableHash } from '../base/index.ts'
import { foldKey } from './foldKey.ts'
import { graver, isGraver, type Routed } from './routeFinding.ts'
import type { AlertChange, AlertRow, FindingRow } from './types.ts'

/** A finding as a member of an alert. */
export type Member = {
  readonly findingId: string
  readonly seq: number
  readonly blockNumber: number
  readonly condition: 'holds' | 'ended' | 'unknown'
  readonly severity: Sev
  retracted: boolean
}

export type Change = {
  readonly kind: AlertChange
  readonly status: AlertRow['status']
  readonly statusBefore: AlertRow['status']
  readonly severity: Sev
  readonly severityBefore: Sev
  readonly channels: readonly string[]
  readonly summary: string
}

/** One alert while a batch is folded into it. */
export type AlertState = {
  readonly row: AlertRow
  readonly isNew: boolean
  /** All members; left out where nothing is taken back, so that folding into a big alert stays cheap. */
  readonly members: Map<string, Member> | undefined
  /** Members to write. */
  readonly touched: Map<string, Member>
  readonly changes: Change[]
  /** Transactions and addresses of the findings that came in: `tx:1:0x…`, `address:1:0x…`. */
  readonly traces?: Set<string>
}

export type AlertBook = {
  /** Takes in a finding as it stands now. Saying the same twice changes nothing. */
  readonly fold: (finding: FindingRow) => void
  readonly states: () => readonly AlertState[]
}

export const isOpen = (row: Pick<AlertRow, 'status'>): boolean =>
  row.status === 'open' || row.status === 'unknown'

/** Its finding does not stand: the block is orphaned, or what was seen pending has become of age or nothing. */
export const isGone = ({ status }: Pick<FindingRow, 'status'>): boolean => status in GONE

/** An event without news for so long closes; a retracted alert is taken up again within this time. */
export const QUIET_MS = 24 * 3_600_000

const ORPHANED =
  'Retracted: the block it was seen in was orphaned, so it did not happen on this chain.'
const GONE: Readonly<Partial<Record<FindingRow['status'], string>>> = {
  retracted: ORPHANED,
  landed:
    'Closed: the transaction that was seen pending was mined, and its block shows nothing of the kind.',
  dropped: 'Closed: the transaction that was seen pending was never mined.',
}
const LATEST_ORPHANED =
  'The block of its latest finding was orphaned, so what had been seen before it counts again.'

/**
 * Folds findings into alerts, in memory. What an alert says is a function of its members that are not retracted, so
 * the order in which retractions and re-detections arrive does not matter.
 */
export const createAlertBook = (options: {
  readonly states: readonly AlertState[]
  readonly now: Date
  readonly route: (finding: FindingRow) => Routed
  readonly runbookFor?: ((botId: string) => string | undefined) | undefined
}): AlertBook => {
  const { now } = options
  const byKey = new Map<string, AlertState[]>()
  for (const state of options.states) {
    byKey.set(state.row.key, [...(byKey.get(state.row.key) ?? []), state])
  }

  const statesOf = (key: string): AlertState[] => {
    const states = byKey.get(key) ?? []
    byKey.set(key, states)
    return states
  }

  const openOf = (key: string): AlertState | undefined =>
    statesOf(key).find((state) => isOpen(state.row))

  const open = (finding: FindingRow, key: string, routed: Routed): AlertState => {
    const state: AlertState = {
      row: newRow(finding, key, routed, now, options.runbookFor?.(finding.botId)),
      isNew: true,
      members: new Map(),
      touched: new Map(),
      changes: [],
      traces: new Set(),
    }
    statesOf(key).push(state)
    return state
  }

  /** Where a finding that is not folded yet belongs; none for the end of something that nobody was told of. */
  const place = (finding: FindingRow, key: string, routed: Routed): AlertState | undefined => {
    const present = openOf(key)
    if (present) return present
    if (conditionOf(finding) === 'ended') return undefined
    const gone = statesOf(key).findLast(
      ({ row }) => row.status === 'retracted' && now.getTime() - row.updatedAt.getTime() < QUIET_MS,
    )
    return gone ?? open(finding, key, routed)
  }

  const add = (state: AlertState, finding: FindingRow, routed: Routed): void => {
    const { row } = state
    const member: Member = {
      findingId: finding.id,
      seq: finding.seq,
      blockNumber: finding.blockNumber,
      condition: conditionOf(finding),
      severity: routed.severity,
      retracted: false,
    }
    state.touched.set(finding.id, member)
    if (state.traces) noteTraces(state.traces, finding)
    const before = { ...row }
    if (state.members) {
      state.members.set(finding.id, member)
      recount(row, state.members)
    } else {
      if (row.findings === 0) forget(row)
      count(row, member)
    }
    if (member.condition !== 'ended') {
      row.channels = [...new Set([...row.channels, ...routed.channels])]
    }
    // What a block shows says more than what was simulated before it.
    const isMined = finding.status !== 'pending' && row.summary.startsWith(PENDING_PREFIX)
    if (isGraver(row.severity, before.severity) || before.findings === 0 || isMined)
      describe(row, finding)
    row.lastFindingAt = now
    row.updatedAt = now
    settle(state, before, textOf(finding))
  }

  const settle = (state: AlertState, before: AlertRow, summary: string): void => {
    const { row } = state
    const next = desiredStatus(row)
    const other = openOf(row.key)
    // A later alert of the key speaks already; this one may come back when that is gone.
    const taken = (next === 'open' || next === 'unknown') && other !== undefined && other !== state
    if (taken && !isOpen(before)) return
    row.status = next
    const kind = changeOf(state, before)
    if (kind === undefined) return
    row.updatedAt = now
    row.closedAt = isOpen(row) ? null : now
    if (isOpen(row) && !isOpen(before)) {
      row.acknowledgedAt = null
      row.acknowledgedBy = null
    }
    if (next === 'resolved') row.closedBy ??= 'condition'
    else row.closedBy = null
    state.changes.push({
      kind,
      status: row.status,
      statusBefore: before.status,
      summary,
      severity: row.severity,
      severityBefore: before.severity,
      channels: [...row.channels],
    })
  }

  const retract = (state: AlertState, finding: FindingRow): void => {
    const member = state.members?.get(finding.id)
    if (!state.members || !member || member.retracted) return
    member.retracted = true
    state.touched.set(finding.id, member)
    const before = { ...state.row }
    recount(state.row, state.members)
    state.row.updatedAt = now
    const gone = GONE[finding.status] ?? ORPHANED
    settle(state, before, state.row.findings === 0 ? gone : LATEST_ORPHANED)
  }

  /** When the later alert of a key is gone, an earlier one whose end was taken back holds again. */
  const revive = (key: string): void => {
    if (openOf(key)) return
    for (const state of statesOf(key).toReversed()) {
      const next = desiredStatus(state.row)
      if (next !== 'open' && next !== 'unknown') continue
      settle(state, { ...state.row }, LATEST_ORPHANED)
      return
    }
  }

  const fold = (finding: FindingRow): void => {
    const key = foldKey(finding)
    const known = statesOf(key).filter((state) => state.members?.has(finding.id))
    if (isGone(finding)) {
      for (const state of known) retract(state, finding)
      if (known.length > 0) revive(key)
      return
    }
    if (known.some((state) => state.members?.get(finding.id)?.retracted === false)) return
    const routed = options.route(finding)
    // One that comes back returns to its alert, even beside a later one: that keeps the episodes apart.
    const target = known.at(-1) ?? place(finding, key, routed)
    if (target) add(target, finding, routed)
  }

  return { fold, states: () => [...byKey.values()].flat() }
}

/** Most addresses of one finding, and traces of one alert in a batch, that later alerts may join by. */
const MOST_ADDRESSES = 5
const MOST_TRACES = 50

const noteTraces = (traces: Set<string>, { chainId, txHash, addresses }: FindingRow): void => {
  if (chainId === 0 || traces.size >= MOST_TRACES) return
  if (txHash) traces.add(`tx:${chainId}:${txHash.toLowerCase()}`)
  for (const address of addresses.slice(0, MOST_ADDRESSES))
    traces.add(`address:${chainId}:${address.toLowerCase()}`)
}

const conditionOf = (finding: FindingRow): Member['condition'] => finding.condition ?? 'holds'

const textOf = (finding: FindingRow): string => cleanText(finding.description, 1_000)

const describe = (row: AlertRow, finding: FindingRow): void => {
  row.title = cleanText(finding.name, 200)
  row.summary = textOf(finding)
}

const newRow = (
  finding: FindingRow,
  key: string,
  routed: Routed,
  now: Date,
  runbook: string | undefined,
): AlertRow => ({
  id: `a_${stableHash(key, finding.id).slice(0, 20)}`,
  key,
  kind: finding.alertKind,
  status: 'retracted',
  severity: routed.severity,
  title: cleanText(finding.name, 200),
  summary: textOf(finding),
  botId: finding.botId,
  alertId: finding.alertId,
  chainId: finding.chainId,
  thing: finding.thing,
  owner: finding.owner,
  protocol: finding.protocol,
  runbook: runbook ?? null,
  incidentId: null,
  findings: 0,
  firstBlock: finding.blockNumber,
  lastBlock: finding.blockNumber,
  lastSeq: 0,
  condition: 'holds',
  lastFindingAt: now,
  channels: [],
  changes: 0,
  closedBy: null,
  openedAt: now,
  updatedAt: now,
  closedAt: null,
  acknowledgedAt: null,
  acknowledgedBy: null,
  toldAt: null,
  transitions: [],
  flappingSince: null,
})

/** Adds one member to the figures of an alert. The end of a condition counts for its state alone. */
const count = (row: AlertRow, member: Member): void => {
  const first = row.findings === 0
  if (isLater(member, row)) {
    row.condition = member.condition
    row.lastSeq = member.seq
    row.lastBlock = member.blockNumber
  }
  if (member.condition === 'ended') return
  row.firstBlock = first ? member.blockNumber : Math.min(row.firstBlock, member.blockNumber)
  row.severity = first ? member.severity : graver(row.severity, member.severity)
  row.findings += 1
}

const isLater = (member: Member, row: AlertRow): boolean =>
  member.blockNumber === row.lastBlock
    ? member.seq > row.lastSeq
    : member.blockNumber > row.lastBlock

/** Before every finding: what is counted next speaks last. */
const forget = (row: AlertRow): void => {
  row.findings = 0
  row.lastBlock = -1
  row.lastSeq = -1
}

const recount = (row: AlertRow, members: ReadonlyMap<string, Member>): void => {
  const { lastBlock, lastSeq } = row
  forget(row)
  const active = [...members.values()].filter((member) => !member.retracted)
  for (const member of active) count(row, member)
  if (active.length === 0) Object.assign(row, { lastBlock, lastSeq })
}

const desiredStatus = (row: AlertRow): AlertRow['status'] => {
  if (row.findings === 0) return 'retracted'
  // What a person or the quiet closed stays closed while it has members.
  const closedForGood = row.closedBy !== null && row.closedBy !== 'condition'
  if (closedForGood) return 'resolved'
  if (row.kind === 'event') return 'open'
  return row.condition === 'ended' ? 'resolved' : row.condition === 'unknown' ? 'unknown' : 'open'
}

const changeOf = (state: AlertState, before: AlertRow): AlertChange | undefined => {
  const { row, isNew, changes } = state
  if (isNew && changes.length === 0) return row.status === 'unknown' ? 'unknown' : 'opened'
  if (row.status === before.status) {
    return isOpen(row) && isGraver(row.severity, before.severity) ? 'raised' : undefined
  }
  return row.status === 'open' ? 'reopened' : row.status
}
