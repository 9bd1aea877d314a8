import type { Address, BotContext, BotThing, Hex } from 'tocsin'
import { parseAbi } from 'viem/utils'
import type { Grade } from '../governed-calls/index.ts'
import type { TimelockParameters } from './parameters.ts'
import type { Step } from './readEvents.ts'

export type TimelockContext = BotContext<TimelockParameters>
export type TimelockThing = BotThing<TimelockParameters>

/** A queued operation as the bot keeps it. */
export type Operation = {
  readonly id: Hex
  readonly queuedAtS: number
  readonly queuedIn: number
  readonly readyAtS: number
  readonly grade: Grade
  readonly summary: string
  readonly variant: Step['variant']
}

const prefix = (thing: TimelockThing): string => `op:${thing.name}:`
const keyOf = (thing: TimelockThing, id: Hex): string => `${prefix(thing)}${id}`

export const findOperation = (
  ctx: TimelockContext,
  thing: TimelockThing,
  id: Hex,
): Operation | undefined => ctx.state.get<Operation>(keyOf(thing, id))

export const listOperations = (ctx: TimelockContext, thing: TimelockThing): readonly Operation[] =>
  ctx.state.keys(prefix(thing)).flatMap((key) => ctx.state.get<Operation>(key) ?? [])

export const forget = (ctx: TimelockContext, thing: TimelockThing, id: Hex): void => {
  if (findOperation(ctx, thing, id)) ctx.state.delete(keyOf(thing, id))
}

/** Keeps an operation; of too many the least dangerous goes, then the oldest. */
export const keep = (ctx: TimelockContext, thing: TimelockThing, operation: Operation): void => {
  ctx.state.set(keyOf(thing, operation.id), operation)
  const all = listOperations(ctx, thing)
  const excess = all.length - thing.parameters.maxOperations
  if (excess <= 0) return
  const order = [...all].sort((a, b) => a.grade - b.grade || a.queuedAtS - b.queuedAtS)
  for (const { id } of order.slice(0, excess)) forget(ctx, thing, id)
}

/** When an operation has to be told of once more. */
export const noticeAtS = ({ parameters }: TimelockThing, operation: Operation): number => {
  const { queuedAtS, readyAtS } = operation
  const half = queuedAtS + Math.ceil((readyAtS - queuedAtS) / 2)
  return Math.max(half, readyAtS - parameters.noticeS)
}

export const staleAtS = ({ parameters }: TimelockThing, operation: Operation): number =>
  operation.readyAtS + parameters.staleS

const stampAbi = parseAbi([
  'function getTimestamp(bytes32 id) view returns (uint256)',
  'function queuedTransactions(bytes32 txHash) view returns (bool)',
])

/** Whether the chain had an operation in the queue before this block; undefined when the timelock does not say. */
export const wasQueued = async (
  ctx: TimelockContext,
  timelock: Address,
  { id, variant }: Step,
): Promise<{ readonly isQueued: boolean; readonly readyAtS: number } | undefined> => {
  const isCompound = variant === 'compound'
  const answer = await ctx.read.call<bigint | boolean>({
    address: timelock,
    abi: stampAbi,
    functionName: isCompound ? 'queuedTransactions' : 'getTimestamp',
    args: [id],
    at: 'parent',
  })
  if (!answer.ok) return undefined
  if (typeof answer.value === 'boolean') return { isQueued: answer.value, readyAtS: 0 }
  // 0: unknown, 1: done. Anything else is the time from which on it may be executed.
  return { isQueued: answer.value > 1n, readyAtS: Number(answer.value) }
}
