import { type Address, type ChainTransaction, decodeLog } from 'tocsin'
import { parseAbi } from 'viem/utils'
import { compoundGovernorAbi, erc20Abi, governorAbi, votesEventsAbi } from '../../abis/index.ts'
import type { GovernanceContext, GovernorThing, Proposal } from './proposals.ts'

const votesAbi = parseAbi([
  'function token() view returns (address)',
  'function getVotes(address account) view returns (uint256)',
  'function getCurrentVotes(address account) view returns (uint256)',
  'function getPastVotes(address account, uint256 timepoint) view returns (uint256)',
  'function getPriorVotes(address account, uint256 blockNumber) view returns (uint256)',
  'function getPastTotalSupply(uint256 timepoint) view returns (uint256)',
  'function balanceOf(address account) view returns (uint256)',
])
const ZERO = '0x0000000000000000000000000000000000000000'

type Read = Parameters<GovernanceContext['read']['call']>[0]

const answerOf = async <T>(ctx: GovernanceContext, request: Read): Promise<T | undefined> => {
  const answer = await ctx.read.call<T>(request)
  return answer.ok ? answer.value : undefined
}

const addressFrom = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  abi: Read['abi'],
  functionName: string,
): Promise<Address | undefined> => {
  const value = await answerOf<string>(ctx, { address: thing.address, abi, functionName })
  return typeof value === 'string' && value !== ZERO ? (value.toLowerCase() as Address) : undefined
}

/** The token that votes: asked once. */
export const readVoteToken = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
): Promise<Address | undefined> => {
  const key = `token:${thing.name}`
  const known = ctx.state.get<Address>(key)
  if (known) return known
  const token =
    (await addressFrom(ctx, thing, votesAbi, 'token')) ??
    (await addressFrom(ctx, thing, compoundGovernorAbi, 'comp'))
  if (token) ctx.state.set(key, token)
  return token
}

/** Who makes the calls of a governor: its timelock, else itself. */
export const readExecutor = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
): Promise<Address> => (await addressFrom(ctx, thing, governorAbi, 'timelock')) ?? thing.address

/** Votes that a proposal needs; 0 when the governor does not say. */
export const readQuorum = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  timepoint: bigint,
): Promise<bigint> =>
  (await answerOf<bigint>(ctx, {
    address: thing.address,
    abi: governorAbi,
    functionName: 'quorum',
    args: [timepoint],
  })) ??
  (await answerOf<bigint>(ctx, {
    address: thing.address,
    abi: compoundGovernorAbi,
    functionName: 'quorumVotes',
  })) ??
  0n

export type Freshness = {
  /** Votes gained within the span, and how that is known. */
  readonly fresh: bigint
  readonly before: bigint
  readonly how: 'past votes' | 'same transaction' | 'block before'
}

const pastVotes = async (
  ctx: GovernanceContext,
  token: Address,
  account: Address,
  timepoint: bigint,
): Promise<bigint | undefined> => {
  for (const functionName of ['getPastVotes', 'getPriorVotes']) {
    const votes = await answerOf<bigint>(ctx, {
      address: token,
      abi: votesAbi,
      functionName,
      args: [account, timepoint],
    })
    if (votes !== undefined) return votes
  }
  return undefined
}

/** What a transaction brought an account in votes or tokens: the largest of it. */
const gainedIn = (tx: ChainTransaction | undefined, account: Address): bigint => {
  let most = 0n
  for (const log of tx?.logs ?? []) {
    const votes = decodeLog(votesEventsAbi, log)
    const gained =
      votes?.name === 'DelegateVotesChanged' &&
      String(votes.args['delegate']).toLowerCase() === account
        ? (votes.args['newVotes'] as bigint) - (votes.args['previousVotes'] as bigint)
        : undefined
    const transfer = decodeLog(erc20Abi, log)
    const received =
      transfer?.name === 'Transfer' && String(transfer.args['to']).toLowerCase() === account
        ? (transfer.args['value'] as bigint)
        : undefined
    for (const value of [gained, received]) if (value !== undefined && value > most) most = value
  }
  return most
}

const freshFrom = (weight: bigint, before: bigint, how: Freshness['how']): Freshness => ({
  fresh: weight > before ? weight - before : 0n,
  before,
  how,
})

/** What an account votes with now; its balance where the token knows no votes. */
const readCurrent = async (
  ctx: GovernanceContext,
  token: Address,
  account: Address,
  at: 'block' | 'parent',
): Promise<bigint | undefined> => {
  for (const functionName of ['getVotes', 'getCurrentVotes', 'balanceOf']) {
    const votes = await answerOf<bigint>(ctx, {
      address: token,
      abi: votesAbi,
      functionName,
      args: [account],
      at,
    })
    if (votes !== undefined) return votes
  }
  return undefined
}

type FreshnessFacts = {
  readonly account: Address
  readonly weight: bigint
  /** Of the proposal, or what the clock shows when there is none yet. */
  readonly snapshot: bigint
  readonly clock: Proposal['clock']
  readonly tx: ChainTransaction | undefined
}

const readPast = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  token: Address,
  { account, weight, snapshot, clock }: FreshnessFacts,
): Promise<Freshness | 'nobody had any' | undefined> => {
  const { freshBlocks, freshS } = thing.parameters
  const then = snapshot - BigInt(clock === 'seconds' ? freshS : freshBlocks)
  if (then <= 0n) return undefined
  const before = await pastVotes(ctx, token, account, then)
  if (before === undefined) return undefined
  const supply = await answerOf<bigint>(ctx, {
    address: token,
    abi: votesAbi,
    functionName: 'getPastTotalSupply',
    args: [then],
  })
  // A token that nobody had yet: everybody's votes are new.
  return supply === 0n ? 'nobody had any' : freshFrom(weight, before, 'past votes')
}

/**
 * How much of a weight was gained shortly before the snapshot. Governors that take no snapshot are judged by the
 * transaction of the vote and by the block before. Undefined when it cannot be told, or the votes have only begun.
 */
export const readFreshness = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  facts: FreshnessFacts,
): Promise<Freshness | undefined> => {
  const token = await readVoteToken(ctx, thing)
  const past = token && (await readPast(ctx, thing, token, facts))
  if (past) return past === 'nobody had any' ? undefined : past
  const { account, weight, tx } = facts
  const gained = gainedIn(tx, account)
  if (gained > 0n)
    return freshFrom(weight, weight > gained ? weight - gained : 0n, 'same transaction')
  if (!token) return undefined
  const before = await readCurrent(ctx, token, account, 'parent')
  return before === undefined ? undefined : freshFrom(weight, before, 'block before')
}

/** What the proposer can vote with, how much of it is fresh, and what the quorum is; undefined when it cannot be told. */
export const readProposer = async (
  ctx: GovernanceContext,
  thing: GovernorThing,
  account: Address,
  clock: Proposal['clock'],
): Promise<(Freshness & { readonly now: bigint; readonly quorum: bigint }) | undefined> => {
  const token = await readVoteToken(ctx, thing)
  if (!token || clock === 'foreign') return undefined
  const now = await readCurrent(ctx, token, account, 'block')
  if (now === undefined || now === 0n) return undefined
  const timepoint = BigInt(clock === 'seconds' ? ctx.block.timestampS : ctx.block.number)
  const freshness = await readFreshness(ctx, thing, {
    account,
    weight: now,
    snapshot: timepoint,
    clock,
    tx: undefined,
  })
  if (!freshness) return undefined
  return { ...freshness, now, quorum: await readQuorum(ctx, thing, timepoint - 1n) }
}
