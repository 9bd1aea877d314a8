import type { Address, BotContext, BotThing } from 'tocsin'
import type { Grade } from '../governed-calls/index.ts'
import type { GovernanceParameters } from './parameters.ts'

export type GovernanceContext = BotContext<GovernanceParameters>
export type GovernorThing = BotThing<GovernanceParameters>

/** What a governor counts in; `foreign` is a clock that this chain's blocks do not show, such as the parent chain's. */
export type Clock = 'blocks' | 'seconds' | 'foreign'

/** A proposal as the bot keeps it. */
export type Proposal = {
  readonly id: string
  readonly proposer: Address
  readonly createdIn: number
  readonly createdAtS: number
  readonly clock: Clock
  /** Made before the watch began: neither its calls nor its first votes are known. */
  readonly isAdopted: boolean
  /** Of the vote token; 18 when it does not say. */
  readonly decimals: number
  readonly start: bigint
  readonly end: bigint
  readonly grade: Grade
  readonly summary: string
  readonly for: bigint
  readonly against: bigint
  readonly abstain: bigint
  /** 0: not known. */
  readonly quorum: bigint
  /** Votes for it that were gained shortly before. */
  readonly fresh: bigint
  /** 0: nothing told. 1: a part of the quorum. 2: all of it. */
  readonly freshTold: 0 | 1 | 2
  readonly isLateTold: boolean
  /** Hashes of the code that it would call, run or install. */
  readonly codes: Readonly<Record<Address, string>>
}

const MAX_DELAY_BLOCKS = 2_000_000n
const MAX_DELAY_S = 15_552_000n
const distance = (a: bigint, b: bigint): bigint => (a > b ? a - b : b - a)

/** Which clock the start of a vote was read from. */
export const clockOf = (
  start: bigint,
  block: { readonly number: number; readonly timestampS: number },
): Clock => {
  if (distance(start, BigInt(block.timestampS)) <= MAX_DELAY_S) return 'seconds'
  return distance(start, BigInt(block.number)) <= MAX_DELAY_BLOCKS ? 'blocks' : 'foreign'
}

/** What the governor's clock shows in this block; undefined when that cannot be told. */
export const nowOf = (ctx: GovernanceContext, { clock }: Proposal): bigint | undefined =>
  clock === 'foreign'
    ? undefined
    : BigInt(clock === 'seconds' ? ctx.block.timestampS : ctx.block.number)

/** From when on the rest of the voting period is at most `bps` of it. */
export const lastPart = ({ start, end }: Proposal, bps: number): bigint =>
  end - ((end - start) * BigInt(bps)) / 10_000n

const prefix = (thing: GovernorThing): string => `p:${thing.name}:`
const keyOf = (thing: GovernorThing, id: string): string => `${prefix(thing)}${id}`

export const findProposal = (
  ctx: GovernanceContext,
  thing: GovernorThing,
  id: string,
): Proposal | undefined => ctx.state.get<Proposal>(keyOf(thing, id))

export const listProposals = (ctx: GovernanceContext, thing: GovernorThing): readonly Proposal[] =>
  ctx.state.keys(prefix(thing)).flatMap((key) => ctx.state.get<Proposal>(key) ?? [])

export const forget = (ctx: GovernanceContext, thing: GovernorThing, id: string): void => {
  if (findProposal(ctx, thing, id)) ctx.state.delete(keyOf(thing, id))
}

export const update = (ctx: GovernanceContext, thing: GovernorThing, proposal: Proposal): void =>
  ctx.state.set(keyOf(thing, proposal.id), proposal)

/** Keeps a new proposal; of too many the least dangerous goes, then the oldest. */
export const keep = (ctx: GovernanceContext, thing: GovernorThing, proposal: Proposal): void => {
  update(ctx, thing, proposal)
  const all = listProposals(ctx, thing)
  const excess = all.length - thing.parameters.maxProposals
  if (excess <= 0) return
  const order = [...all].sort((a, b) => a.grade - b.grade || a.createdAtS - b.createdAtS)
  for (const { id } of order.slice(0, excess)) forget(ctx, thing, id)
}
