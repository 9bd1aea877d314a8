import { type BotBlock, defineBot, EVERY_KIND, type Finding, type FindingSeverity } from 'tocsin'
import { examineCalls, type Grade, SEVERITY } from '../governed-calls/index.ts'
import { newProposal, readCodes } from './adoptProposal.ts'
import { countVotes } from './countVotes.ts'
import { followFate } from './followFate.ts'
import { governanceParameters } from './parameters.ts'
import {
  clockOf,
  findProposal,
  forget,
  type GovernanceContext,
  type GovernorThing,
  keep,
  lastPart,
  listProposals,
  nowOf,
  type Proposal,
  update,
} from './proposals.ts'
import { type Created, EXECUTE, governorTopics, readEvents } from './readEvents.ts'
import { readExecutor, readProposer } from './readVotes.ts'
import { reportClosing, reportCreated } from './report.ts'

/** Dangerous enough to be waited for. */
const DANGEROUS: Grade = 2

/** A proposer whose votes are fresh raises what is dangerous anyway. */
const severityOf = (
  grade: Grade,
  isFresh: boolean,
  power: { readonly now: bigint; readonly quorum: bigint } | undefined,
): FindingSeverity => {
  if (!isFresh || !power) return SEVERITY[grade]
  if (grade === 3) return 'Critical'
  const canCarryIt = power.quorum > 0n && power.now >= power.quorum
  return grade === 2 && canCarryIt ? 'High' : SEVERITY[grade]
}

const create = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  event: Created,
): Promise<Finding> => {
  const executor = await readExecutor(ctx, thing)
  const examined = await examineCalls(ctx, event.calls, executor, thing.parameters)
  const proposal = await newProposal(ctx, thing, {
    id: event.id,
    proposer: event.proposer,
    start: event.start,
    end: event.end,
    grade: examined.grade,
    summary: examined.summary,
    codes: examined.grade >= DANGEROUS ? await readCodes(ctx, examined.addresses) : {},
  })
  keep(ctx, thing, proposal)
  const power = await readProposer(ctx, thing, event.proposer, clockOf(event.start, ctx.block))
  const isFresh = power !== undefined && power.fresh * 2n > power.now
  const severity = severityOf(examined.grade, isFresh, power)
  return reportCreated(ctx, thing, event, { proposal, examined, severity, power, isFresh })
}

/** When something has to be looked at although no governor says anything: a block, or a time. */
const DUE = 'due'
type Due = { readonly block: number | null; readonly atS: number | null }

const isDue = (ctx: GovernanceContext): boolean => {
  const due = ctx.state.get<Due>(DUE)
  if (!due) return false
  const { number, timestampS } = ctx.block
  return (due.block !== null && number >= due.block) || (due.atS !== null && timestampS >= due.atS)
}

const watchVotes = (ctx: GovernanceContext, thing: GovernorThing): readonly Finding[] => {
  const { staleS, closingBps } = thing.parameters
  for (const { id, createdAtS } of listProposals(ctx, thing))
    if (ctx.block.timestampS >= createdAtS + staleS) forget(ctx, thing, id)
  const closing = listProposals(ctx, thing).filter((proposal) => {
    const now = nowOf(ctx, proposal)
    return (
      proposal.grade >= DANGEROUS &&
      now !== undefined &&
      now >= lastPart(proposal, closingBps) &&
      now <= proposal.end
    )
  })
  const key = `told:${thing.name}`
  const told = ctx.state.get<readonly string[]>(key) ?? []
  const ids = closing.map(({ id }) => id).sort()
  if (ids.join() === told.join()) return []
  if (ids.length === 0) ctx.state.delete(key)
  else ctx.state.set(key, ids)
  // One that is over while others still close changes nothing for those who watch.
  const isNews = ids.length === 0 || ids.some((id) => !told.includes(id))
  return isNews ? [reportClosing(ctx, thing, closing)] : []
}

/** The next moments of a proposal in its own clock. */
const momentsOf = (ctx: GovernanceContext, thing: GovernorThing, proposal: Proposal): bigint[] => {
  const now = nowOf(ctx, proposal)
  if (now === undefined || proposal.grade < DANGEROUS) return []
  return [lastPart(proposal, thing.parameters.closingBps), proposal.end + 1n].filter(
    (moment) => moment > now,
  )
}

const earliest = (moments: readonly bigint[]): number | null => {
  const first = moments.reduce<bigint | undefined>(
    (least, one) => (least === undefined || one < least ? one : least),
    undefined,
  )
  return first === undefined || first > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(first)
}

const plan = (ctx: GovernanceContext, governors: readonly GovernorThing[]): void => {
  const open = governors.flatMap((thing) =>
    listProposals(ctx, thing).map((proposal) => ({
      clock: proposal.clock,
      moments: momentsOf(ctx, thing, proposal),
      staleAtS: BigInt(proposal.createdAtS + thing.parameters.staleS),
    })),
  )
  const due: Due = {
    block: earliest(open.flatMap(({ clock, moments }) => (clock === 'blocks' ? moments : []))),
    atS: earliest(
      open.flatMap(({ clock, moments, staleAtS }) => [
        staleAtS,
        ...(clock === 'seconds' ? moments : []),
      ]),
    ),
  }
  const known = ctx.state.get<Due>(DUE)
  if (due.block === null && due.atS === null) {
    if (known) ctx.state.delete(DUE)
  } else if (known?.block !== due.block || known.atS !== due.atS) ctx.state.set(DUE, due)
}

const examineGovernor = async (
  ctx: GovernanceContext,
  block: BotBlock,
  thing: GovernorThing,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  const events = readEvents(thing.address, block.logs)
  const votes = events.flatMap((event) => (event.what === 'vote' ? [event] : []))
  for (const event of events) {
    if (event.what === 'created') findings.push(await create(ctx, thing, event))
    if (event.what === 'extended') {
      const proposal = findProposal(ctx, thing, event.id)
      if (proposal) update(ctx, thing, { ...proposal, end: event.end })
    }
  }
  if (votes.length > 0) {
    const byHash = new Map(block.transactions.map((tx) => [tx.hash, tx]))
    findings.push(...(await countVotes(ctx, thing, votes, byHash)))
  }
  for (const event of events)
    if (event.what === 'queued' || event.what === 'executed' || event.what === 'cancelled')
      findings.push(...(await followFate(ctx, block, thing, event, votes)))
  findings.push(...watchVotes(ctx, thing))
  return findings
}

/**
 * What is put to the vote, and how the vote goes. Looks at every kind of thing, but only to read calls by the ABIs of the
 * watchlist: it wakes for governors alone. Keeps `maxProposals` open proposals of each governor, at most 2 kB each.
 */
export const governance = defineBot({
  id: 'governance',
  version: '1.0.0',
  summary:
    'A governor gets a proposal, counts votes that were gained just before, or executes what was not voted on.',
  parameters: governanceParameters,
  kinds: EVERY_KIND,
  alerts: [
    { id: 'PROPOSAL-CREATED', title: 'Proposal made', kind: 'event', severity: 'Critical' },
    {
      id: 'FLASH-VOTE',
      title: 'Votes gained just before they were cast',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'VOTE-CLOSING',
      title: 'Vote on a dangerous proposal is about to close',
      kind: 'condition',
      severity: 'High',
    },
    {
      id: 'LATE-SWING',
      title: 'Vote turned at the last moment',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'PROPOSAL-BREACH',
      title: 'Proposal queued or executed out of order',
      kind: 'event',
      severity: 'Critical',
    },
    { id: 'PROPOSAL-EXECUTED', title: 'Proposal executed', kind: 'event', severity: 'Medium' },
    { id: 'PROPOSAL-CANCELLED', title: 'Proposal cancelled', kind: 'event', severity: 'Info' },
  ],
  needs: ({ things }) => {
    const governors = things.filter(({ kind }) => kind === 'governor')
    return {
      everyBlock: true,
      ...(governors.length > 0
        ? {
            logs: [{ address: governors.map(({ address }) => address), topics: [governorTopics] }],
            calls: governors.map(({ address }) => ({ to: address, selectors: [EXECUTE] })),
          }
        : {}),
    }
  },
  handleBlock: async (block, ctx) => {
    if (block.logs.length === 0 && !isDue(ctx)) return []
    const governors = ctx.things.filter(({ kind }) => kind === 'governor')
    const findings: Finding[] = []
    for (const thing of governors) findings.push(...(await examineGovernor(ctx, block, thing)))
    plan(ctx, governors)
    return findings
  },
})
