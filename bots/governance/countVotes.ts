import {
  type ChainTransaction,
  type Finding,
  type FindingSeverity,
  formatBps,
  type Hex,
} from 'tocsin'
import { adoptProposal } from './adoptProposal.ts'
import {
  findProposal,
  type GovernanceContext,
  type GovernorThing,
  lastPart,
  nowOf,
  type Proposal,
  update,
} from './proposals.ts'
import type { Vote } from './readEvents.ts'
import { type Freshness, readFreshness, readQuorum } from './readVotes.ts'
import { reportFresh, reportLate } from './report.ts'

/** Most votes of a block that are checked for freshness, the largest first. */
const MAX_CHECKS = 16

const freshSeverity = (proposal: Proposal, { how }: Freshness, level: 1 | 2): FindingSeverity => {
  // Nobody knows what an adopted one would do.
  const grade = proposal.isAdopted ? 2 : proposal.grade
  if (level === 1) return grade === 3 ? 'High' : grade === 2 ? 'Medium' : 'Low'
  if (grade === 3) return 'Critical'
  if (grade === 2) return how === 'past votes' ? 'High' : 'Critical'
  return 'Medium'
}

const isPassing = (proposal: Proposal): boolean =>
  proposal.for > proposal.against &&
  proposal.quorum > 0n &&
  proposal.for + proposal.abstain >= proposal.quorum

const judgeLate = (
  ctx: GovernanceContext,
  thing: GovernorThing,
  vote: Vote,
  before: Proposal,
  after: Proposal,
): Finding | undefined => {
  const now = nowOf(ctx, after)
  if (now === undefined || after.isAdopted || after.isLateTold) return undefined
  if (now < lastPart(after, thing.parameters.lateBps)) return undefined
  if (!isPassing(after) || isPassing(before)) return undefined
  const what = before.for + before.abstain < after.quorum ? 'quorum' : 'result'
  const severity = after.grade === 3 ? 'High' : after.grade === 2 ? 'Medium' : 'Low'
  return reportLate(ctx, thing, vote, { before, after, what, severity })
}

const levelOf = (thing: GovernorThing, proposal: Proposal): 0 | 1 | 2 => {
  if (proposal.fresh === 0n || proposal.quorum === 0n) return 0
  if (proposal.fresh >= proposal.quorum) return 2
  return proposal.fresh * 10_000n >= proposal.quorum * BigInt(thing.parameters.freshQuorumBps)
    ? 1
    : 0
}

/** A proposal with its quorum; undefined when nobody knows of it. */
const takeUp = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  id: string,
): Promise<Proposal | undefined> => {
  const found = findProposal(ctx, thing, id) ?? (await adoptProposal(ctx, thing, id))
  if (!found || found.quorum > 0n) return found
  return { ...found, quorum: await readQuorum(ctx, thing, found.start) }
}

/** Whether a vote is worth the reads that tell how old its votes are. */
const isWorthALook = (thing: GovernorThing, vote: Vote, { quorum, freshTold }: Proposal): boolean =>
  vote.side === 'for' &&
  freshTold < 2 &&
  quorum > 0n &&
  vote.weight * 10_000n >= quorum * BigInt(thing.parameters.checkQuorumBps)

type Counted = { readonly proposal: Proposal; readonly findings: readonly Finding[] }

const judgeFresh = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  vote: Vote,
  proposal: Proposal,
  tx: ChainTransaction | undefined,
): Promise<Counted> => {
  const freshness = await readFreshness(ctx, thing, {
    account: vote.voter,
    weight: vote.weight,
    snapshot: proposal.start,
    clock: proposal.clock,
    tx,
  })
  if (!freshness || freshness.fresh === 0n) return { proposal, findings: [] }
  const more = { ...proposal, fresh: proposal.fresh + freshness.fresh }
  const level = levelOf(thing, more)
  if (level === 0 || level <= proposal.freshTold) return { proposal: more, findings: [] }
  const told: Proposal = { ...more, freshTold: level }
  const threshold =
    level === 2 ? 'the whole quorum' : `${formatBps(thing.parameters.freshQuorumBps)} of the quorum`
  const severity = freshSeverity(told, freshness, level)
  return {
    proposal: told,
    findings: [reportFresh(ctx, thing, vote, { proposal: told, freshness, severity, threshold })],
  }
}

const countVote = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  vote: Vote,
  before: Proposal,
  look: { readonly mayLook: boolean; readonly tx: ChainTransaction | undefined },
): Promise<Counted> => {
  const counted: Proposal = { ...before, [vote.side]: before[vote.side] + vote.weight }
  const late = judgeLate(ctx, thing, vote, before, counted)
  const after: Proposal = late ? { ...counted, isLateTold: true } : counted
  const said = late ? [late] : []
  if (!look.mayLook || !isWorthALook(thing, vote, after)) return { proposal: after, findings: said }
  const judged = await judgeFresh(ctx, thing, vote, after, look.tx)
  return { ...judged, findings: [...said, ...judged.findings] }
}

/** Counts the votes of a block; tells of fresh ones, and of votes that turn at the last moment. */
export const countVotes = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  votes: readonly Vote[],
  byHash: ReadonlyMap<Hex, ChainTransaction>,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  const largest = [...votes].sort((a, b) => (a.weight < b.weight ? 1 : -1))
  const checked = new Set(largest.slice(0, MAX_CHECKS))
  const open = new Map<string, Proposal | undefined>()
  for (const vote of votes) {
    if (!open.has(vote.id)) open.set(vote.id, await takeUp(ctx, thing, vote.id))
    const before = open.get(vote.id)
    if (!before || vote.weight === 0n) continue
    const tx = byHash.get(vote.txHash)
    const counted = await countVote(ctx, thing, vote, before, { mayLook: checked.has(vote), tx })
    findings.push(...counted.findings)
    open.set(vote.id, counted.proposal)
  }
  for (const proposal of open.values()) if (proposal) update(ctx, thing, proposal)
  return findings
}
