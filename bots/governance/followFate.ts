import { type Address, type BotBlock, decodeCall, type Finding, type FindingSeverity } from 'tocsin'
import { governorAbi } from '../../abis/index.ts'
import { type Examined, examineCalls } from '../governed-calls/index.ts'
import { readCodes, readSnapshot } from './adoptProposal.ts'
import {
  findProposal,
  forget,
  type GovernanceContext,
  type GovernorThing,
  type Proposal,
} from './proposals.ts'
import { EXECUTE, type Fate, type Vote, zipCalls } from './readEvents.ts'
import { readExecutor } from './readVotes.ts'
import { type Breach, reportBreach, reportCancelled, reportExecuted } from './report.ts'

/** Contracts whose code is another than when the proposal was made. */
const changedCodes = async (
  ctx: GovernanceContext,
  proposal: Proposal,
): Promise<readonly Address[]> => {
  const addresses = Object.keys(proposal.codes) as Address[]
  if (addresses.length === 0 || proposal.createdIn === ctx.block.number) return []
  const parent = await readCodes(ctx, addresses, 'parent')
  const now = await readCodes(ctx, addresses)
  return addresses.filter(
    // A proposal may remove a contract; the code before it must be what was voted on.
    (address) =>
      parent[address] !== proposal.codes[address] ||
      (now[address] !== undefined && now[address] !== proposal.codes[address]),
  )
}

/** What an executing call says that a proposal does, when its creation was not seen. */
const readCalls = async (
  ctx: GovernanceContext,
  block: BotBlock,
  thing: GovernorThing,
  fate: Fate,
): Promise<Examined | undefined> => {
  const call = block.calls.find(
    ({ to, txHash, input, reverted }) =>
      to === thing.address && txHash === fate.txHash && !reverted && input.startsWith(EXECUTE),
  )
  const args = call && decodeCall(governorAbi, call.input)?.args
  if (!args) return undefined
  const calls = zipCalls(args['targets'], args['values'], args['calldatas'])
  return examineCalls(ctx, calls, await readExecutor(ctx, thing), thing.parameters)
}

const isOneBlock = (
  block: BotBlock,
  proposal: Proposal,
  fate: Fate,
  votes: readonly Vote[],
): boolean => {
  if (proposal.createdIn === block.number && !proposal.isAdopted) return true
  const now = votes.reduce(
    (sum, { id, side, weight }) => (id === fate.id && side === 'for' ? sum + weight : sum),
    0n,
  )
  return now > 0n && now * 2n >= proposal.for
}

const unknownFate = async (
  ctx: GovernanceContext,
  block: BotBlock,
  thing: GovernorThing,
  fate: Fate,
): Promise<readonly Finding[]> => {
  if (fate.what !== 'executed') return []
  const snapshot = await readSnapshot(ctx, thing, fate.id, 'parent')
  const examined = await readCalls(ctx, block, thing, fate)
  const grade = examined?.grade ?? 1
  const common = { id: fate.id, txHash: fate.txHash, proposal: undefined, examined }
  if (snapshot !== undefined && snapshot > 0n) {
    const severity: FindingSeverity = grade >= 2 ? 'Medium' : 'Low'
    return [reportExecuted(thing, { ...common, severity })]
  }
  const breach: Breach = snapshot === 0n ? 'unreported' : 'untold'
  const severity: FindingSeverity =
    breach === 'untold' ? 'Medium' : grade >= 2 ? 'Critical' : 'High'
  return [reportBreach(thing, { ...common, what: 'executed', breach, severity, changed: [] })]
}

/** What a proposal does was told when it was made, unless the watch began later. */
const executedSeverity = ({ isAdopted }: Proposal, grade: number): FindingSeverity => {
  if (isAdopted) return grade >= 2 ? 'Medium' : 'Low'
  return grade >= 2 ? 'Low' : 'Info'
}

/** A proposal is queued, executed or cancelled: whether that is how it should be. */
export const followFate = async (
  ctx: GovernanceContext,
  block: BotBlock,
  thing: GovernorThing,
  fate: Fate,
  votes: readonly Vote[],
): Promise<readonly Finding[]> => {
  const proposal = findProposal(ctx, thing, fate.id)
  if (!proposal) return unknownFate(ctx, block, thing, fate)
  if (fate.what === 'cancelled') {
    forget(ctx, thing, fate.id)
    return [reportCancelled(thing, proposal, fate.txHash)]
  }
  const { what, id, txHash } = fate
  const changed = await changedCodes(ctx, proposal)
  const examined = proposal.isAdopted ? await readCalls(ctx, block, thing, fate) : undefined
  const grade = examined?.grade ?? (proposal.isAdopted ? 2 : proposal.grade)
  const common = { id, txHash, proposal, examined }
  const breaches: Finding[] = []
  if (changed.length > 0)
    breaches.push(
      reportBreach(thing, {
        ...common,
        what,
        breach: 'code-changed',
        severity: 'Critical',
        changed,
      }),
    )
  if (isOneBlock(block, proposal, fate, votes))
    breaches.push(
      reportBreach(thing, {
        ...common,
        what,
        breach: 'one-block',
        severity: grade >= 2 ? 'Critical' : 'High',
        changed: [],
      }),
    )
  if (what === 'queued') return breaches
  forget(ctx, thing, id)
  if (breaches.length > 0) return breaches
  const severity = executedSeverity(proposal, grade)
  return [reportExecuted(thing, { ...common, severity })]
}
