import {
  type Address,
  bpsOf,
  cleanText,
  type Finding,
  type FindingSeverity,
  formatAmount,
  formatBps,
  type Hex,
  showAddress,
} from 'tocsin'
import { type Examined, SEVERITY } from '../governed-calls/index.ts'
import { type GovernanceContext, type GovernorThing, nowOf, type Proposal } from './proposals.ts'
import type { Created, Vote } from './readEvents.ts'
import type { Freshness } from './readVotes.ts'

/** Identifiers of OpenZeppelin are hashes of 77 digits; Compound counts. */
const brief = (id: string): string => (id.length > 12 ? `${id.slice(0, 6)}…${id.slice(-4)}` : id)
const would = (summary: string): string =>
  summary === '' ? 'Nothing in it is dangerous by itself.' : `It would ${summary}.`
const votes = (units: bigint, { decimals }: Pick<Proposal, 'decimals'>): string =>
  formatAmount(units, decimals)

const unitOf = ({ clock }: Pick<Proposal, 'clock'>): string =>
  clock === 'seconds' ? 'second' : clock === 'blocks' ? 'block' : "unit of the governor's clock"

const finish = (
  thing: GovernorThing,
  parts: Pick<Finding, 'alertId' | 'name' | 'description' | 'severity'> & {
    readonly metadata: Readonly<Record<string, string>>
    readonly uniqueKey: string
    readonly txHash?: Hex
    readonly addresses?: readonly (Address | undefined)[]
    readonly condition?: 'holds' | 'ended'
  },
): Finding => ({
  ...parts,
  description: cleanText(parts.description, 900),
  type: parts.severity === 'Info' || parts.severity === 'Low' ? 'Info' : 'Suspicious',
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  addresses: [
    ...new Set([thing.address, ...(parts.addresses ?? []).filter((one) => one !== undefined)]),
  ].slice(0, 12),
})

const facts = (proposal: Proposal): Record<string, string> => ({
  proposal: proposal.id,
  proposer: proposal.proposer,
  voteStart: proposal.start.toString(),
  voteEnd: proposal.end.toString(),
  clock: proposal.clock,
  danger: SEVERITY[proposal.grade],
})

const tally = (proposal: Proposal): Record<string, string> => ({
  votesFor: proposal.for.toString(),
  votesAgainst: proposal.against.toString(),
  votesAbstain: proposal.abstain.toString(),
  ...(proposal.quorum > 0n ? { quorum: proposal.quorum.toString() } : {}),
  voteDecimals: String(proposal.decimals),
})

export type ProposerVotes = Freshness & { readonly now: bigint; readonly quorum: bigint }

export const reportCreated = (
  ctx: GovernanceContext,
  thing: GovernorThing,
  event: Created,
  given: {
    readonly proposal: Proposal
    readonly examined: Examined
    readonly severity: FindingSeverity
    readonly power: ProposerVotes | undefined
    readonly isFresh: boolean
  },
): Finding => {
  const { proposal, examined, severity, power, isFresh } = given
  const title = cleanText(event.description, 160)
  const said = title === '' ? '' : ` It is called "${title}".`
  const newly = isFresh ? ' The proposer got most of its votes only just now.' : ''
  return finish(thing, {
    alertId: 'PROPOSAL-CREATED',
    name: `Proposal ${brief(proposal.id)}: ${thing.name}`,
    description: `${thing.name}: ${showAddress(ctx, event.proposer)} proposed ${brief(proposal.id)}. ${would(examined.summary)}${newly}${said} The vote ends at ${unitOf(proposal)} ${proposal.end}.`,
    severity,
    uniqueKey: `${thing.name}:${proposal.id}`,
    txHash: event.txHash,
    metadata: {
      ...facts(proposal),
      ...examined.evidence,
      title,
      ...(power
        ? {
            proposerVotes: power.now.toString(),
            proposerVotesBefore: power.before.toString(),
            proposerFresh: isFresh ? 'yes' : 'no',
            ...(power.quorum > 0n
              ? {
                  quorum: power.quorum.toString(),
                  proposerCanCarryIt: power.now >= power.quorum ? 'yes' : 'no',
                }
              : {}),
          }
        : {}),
      tx: event.txHash,
    },
    addresses: [event.proposer, ...examined.addresses],
  })
}

export const reportFresh = (
  ctx: GovernanceContext,
  thing: GovernorThing,
  vote: Vote,
  given: {
    readonly proposal: Proposal
    readonly freshness: Freshness
    readonly severity: FindingSeverity
    readonly threshold: string
  },
): Finding => {
  const { proposal, freshness, severity, threshold } = given
  const share = formatBps(bpsOf(proposal.fresh, proposal.quorum))
  const how =
    freshness.how === 'same transaction'
      ? 'in the very transaction of the vote'
      : freshness.how === 'block before'
        ? 'in the very block of the vote'
        : 'just before the snapshot'
  return finish(thing, {
    alertId: 'FLASH-VOTE',
    name: `Votes gained just before the vote: ${thing.name}`,
    description: `${thing.name}: ${showAddress(ctx, vote.voter)} voted for proposal ${brief(proposal.id)} with ${votes(vote.weight, proposal)} votes, of which ${votes(freshness.fresh, proposal)} were gained ${how}. Such votes make ${share} of the quorum by now. ${would(proposal.summary)}`,
    severity,
    uniqueKey: `${thing.name}:${proposal.id}:${proposal.freshTold}`,
    txHash: vote.txHash,
    metadata: {
      ...facts(proposal),
      ...tally(proposal),
      voter: vote.voter,
      weight: vote.weight.toString(),
      votesBefore: freshness.before.toString(),
      freshVotes: freshness.fresh.toString(),
      freshVotesInAll: proposal.fresh.toString(),
      freshOfQuorum: share,
      seenBy: freshness.how,
      threshold,
      tx: vote.txHash,
    },
    addresses: [vote.voter, proposal.proposer],
  })
}

export const reportLate = (
  ctx: GovernanceContext,
  thing: GovernorThing,
  vote: Vote,
  given: {
    readonly before: Proposal
    readonly after: Proposal
    readonly what: 'quorum' | 'result'
    readonly severity: FindingSeverity
  },
): Finding => {
  const { before, after, what, severity } = given
  const left = after.end - (nowOf(ctx, after) ?? after.end)
  return finish(thing, {
    alertId: 'LATE-SWING',
    name: `Vote turned at the last moment: ${thing.name}`,
    description: `${thing.name}: proposal ${brief(after.id)} ${what === 'quorum' ? 'reached its quorum' : 'turned from lost to won'} with ${left} ${unitOf(after)}s left, by ${votes(vote.weight, after)} votes of ${showAddress(ctx, vote.voter)}. ${would(after.summary)}`,
    severity,
    uniqueKey: `${thing.name}:${after.id}`,
    txHash: vote.txHash,
    metadata: {
      ...facts(after),
      ...tally(after),
      turned: what,
      votesForBefore: before.for.toString(),
      voter: vote.voter,
      weight: vote.weight.toString(),
      left: left.toString(),
      threshold: `the last ${formatBps(thing.parameters.lateBps)} of the voting period`,
      tx: vote.txHash,
    },
    addresses: [vote.voter, after.proposer],
  })
}

/** Dangerous proposals whose vote is about to close; `ended` when there is none. */
export const reportClosing = (
  ctx: GovernanceContext,
  thing: GovernorThing,
  closing: readonly Proposal[],
): Finding => {
  const [first, ...rest] = [...closing].sort(
    (a, b) => b.grade - a.grade || (a.end < b.end ? -1 : 1),
  )
  if (!first)
    return finish(thing, {
      alertId: 'VOTE-CLOSING',
      name: `No vote on a dangerous proposal is closing: ${thing.name}`,
      description: `${thing.name}: no vote on a dangerous proposal is about to close any more.`,
      severity: 'Info',
      uniqueKey: `${thing.name}:closing`,
      condition: 'ended',
      metadata: {},
    })
  const left = first.end - (nowOf(ctx, first) ?? first.end)
  return finish(thing, {
    alertId: 'VOTE-CLOSING',
    name: `Vote on a dangerous proposal closes: ${thing.name}`,
    description: `${thing.name}: the vote on proposal ${brief(first.id)} closes in ${left} ${unitOf(first)}s. ${would(first.summary)} For: ${votes(first.for, first)}, against: ${votes(first.against, first)}.${rest.length > 0 ? ` ${rest.length} more close.` : ''}`,
    severity: SEVERITY[first.grade],
    uniqueKey: `${thing.name}:closing`,
    condition: 'holds',
    metadata: {
      ...facts(first),
      ...tally(first),
      deadline: `${unitOf(first)} ${first.end}`,
      left: left.toString(),
      closing: closing
        .slice(0, 10)
        .map(({ id, end }) => `${brief(id)} at ${end}`)
        .join('; '),
    },
    addresses: [first.proposer],
  })
}

export const reportCancelled = (thing: GovernorThing, proposal: Proposal, txHash: Hex): Finding =>
  finish(thing, {
    alertId: 'PROPOSAL-CANCELLED',
    name: `Proposal ${brief(proposal.id)} cancelled: ${thing.name}`,
    description: `${thing.name}: proposal ${brief(proposal.id)} was cancelled.`,
    severity: 'Info',
    uniqueKey: `${thing.name}:${proposal.id}`,
    txHash,
    metadata: { ...facts(proposal), ...tally(proposal), tx: txHash },
  })

export type Breach = 'code-changed' | 'one-block' | 'unreported' | 'untold'

const BREACH: Readonly<Record<Breach, string>> = {
  'code-changed': 'although the code that it calls or installs is not the code that was voted on',
  'one-block': 'in the block in which it was proposed or the votes were cast: nobody could object',
  unreported: 'that nobody had proposed: the governor knows no such vote',
  untold: 'whose creation was not seen and that the governor tells nothing of',
}

/** A proposal ran, or is queued, in a way that a vote should not allow. */
export const reportBreach = (
  thing: GovernorThing,
  given: {
    readonly id: string
    readonly txHash: Hex
    readonly what: 'queued' | 'executed'
    readonly breach: Breach
    readonly severity: FindingSeverity
    readonly proposal: Proposal | undefined
    readonly examined: Examined | undefined
    readonly changed: readonly Address[]
  },
): Finding => {
  const { id, txHash, what, breach, severity, proposal, examined, changed } = given
  const summary = examined?.summary ?? proposal?.summary ?? ''
  return finish(thing, {
    alertId: 'PROPOSAL-BREACH',
    name: `Proposal ${brief(id)} ${what} out of order: ${thing.name}`,
    description: `${thing.name}: proposal ${brief(id)} was ${what} ${BREACH[breach]}. ${would(summary)}${changed.length > 0 ? ` Changed: ${changed.join(', ')}.` : ''}`,
    severity,
    uniqueKey: `${thing.name}:${id}:${breach}`,
    txHash,
    metadata: {
      ...(proposal ? { ...facts(proposal), ...tally(proposal) } : { proposal: id }),
      ...examined?.evidence,
      breach,
      ...(changed.length > 0 ? { changedCode: changed.join(', ') } : {}),
      tx: txHash,
    },
    addresses: [proposal?.proposer, ...changed, ...(examined?.addresses ?? [])],
  })
}

export const reportExecuted = (
  thing: GovernorThing,
  given: {
    readonly id: string
    readonly txHash: Hex
    readonly severity: FindingSeverity
    readonly proposal: Proposal | undefined
    readonly examined: Examined | undefined
  },
): Finding => {
  const { id, txHash, severity, proposal, examined } = given
  const summary = examined?.summary ?? proposal?.summary ?? ''
  return finish(thing, {
    alertId: 'PROPOSAL-EXECUTED',
    name: `Proposal ${brief(id)} executed: ${thing.name}`,
    description: `${thing.name}: proposal ${brief(id)}${proposal ? '' : ', made before the watch began,'} was executed. ${would(summary).replace('It would', 'It was to')}`,
    severity,
    uniqueKey: `${thing.name}:${id}`,
    txHash,
    metadata: {
      ...(proposal ? { ...facts(proposal), ...tally(proposal) } : { proposal: id }),
      ...examined?.evidence,
      tx: txHash,
    },
    addresses: [proposal?.proposer, ...(examined?.addresses ?? [])],
  })
}
