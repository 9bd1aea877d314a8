import { type Address, type Hex, readToken, stableHash } from 'tocsin'
import { governorAbi } from '../../abis/index.ts'
import { isCode } from '../governed-calls/index.ts'
import {
  clockOf,
  type GovernanceContext,
  type GovernorThing,
  keep,
  type Proposal,
} from './proposals.ts'
import { readVoteToken } from './readVotes.ts'

/** Most contracts whose code is remembered of a proposal. */
const MAX_CODES = 8

const decimalsOf = async (ctx: GovernanceContext, thing: GovernorThing): Promise<number> => {
  const token = await readVoteToken(ctx, thing)
  return (token && (await readToken(ctx, token)).decimals) ?? 18
}

/** Hashes of the code at some addresses; of those that have any. */
export const readCodes = async (
  ctx: GovernanceContext,
  addresses: readonly Address[],
  at: 'block' | 'parent' = 'block',
): Promise<Readonly<Record<Address, string>>> => {
  const codes: Record<Address, string> = {}
  for (const address of addresses.slice(0, MAX_CODES)) {
    const code: Hex = await ctx.read.code(address, at)
    if (isCode(code)) codes[address] = stableHash(code)
  }
  return codes
}

/** A proposal without votes yet, as the bot keeps it from now on. */
export const newProposal = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  given: Pick<Proposal, 'id' | 'proposer' | 'start' | 'end' | 'grade' | 'summary'> & {
    readonly codes?: Proposal['codes']
    readonly isAdopted?: boolean
  },
): Promise<Proposal> => ({
  isAdopted: false,
  codes: {},
  ...given,
  createdIn: ctx.block.number,
  createdAtS: ctx.block.timestampS,
  clock: clockOf(given.start, ctx.block),
  decimals: await decimalsOf(ctx, thing),
  for: 0n,
  against: 0n,
  abstain: 0n,
  quorum: 0n,
  fresh: 0n,
  freshTold: 0,
  isLateTold: false,
})

const ZERO: Address = '0x0000000000000000000000000000000000000000'

/** When the vote on a proposal began, as the governor says; 0 for none, undefined when it does not say. */
export const readSnapshot = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  id: string,
  at: 'block' | 'parent',
): Promise<bigint | undefined> => {
  const answer = await ctx.read.call<bigint>({
    address: thing.address,
    abi: governorAbi,
    functionName: 'proposalSnapshot',
    args: [BigInt(id)],
    at,
  })
  return answer.ok ? answer.value : undefined
}

/** Takes up a proposal that was made before the watch began; undefined when the governor does not tell of it. */
export const adoptProposal = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  id: string,
): Promise<Proposal | undefined> => {
  const start = await readSnapshot(ctx, thing, id, 'block')
  if (start === undefined || start === 0n) return undefined
  const end = await ctx.read.call<bigint>({
    address: thing.address,
    abi: governorAbi,
    functionName: 'proposalDeadline',
    args: [BigInt(id)],
  })
  const proposal = await newProposal(ctx, thing, {
    id,
    proposer: ZERO,
    start,
    end: end.ok ? end.value : start,
    grade: 1,
    summary: '',
    isAdopted: true,
  })
  keep(ctx, thing, proposal)
  return proposal
}
