import type { Address, BotBlock, ChainLog, Hex } from 'tocsin'
import { parseAbi, toFunctionSelector } from 'viem/utils'
import { proxyAdminAbi } from '../../abis/index.ts'
import { governorTopics, readEvents as readProposals } from '../governance/readEvents.ts'
import type { RawCall } from '../governed-calls/index.ts'
import { readEvents as readSteps, type Step, timelockTopics } from '../timelock/readEvents.ts'
import { EVENT_RULES } from './events.ts'
import type { FunctionRule } from './functions.ts'
import type { AdminCall, AdminContext, AdminEvent, AdminThing } from './types.ts'

/** A call that a watched timelock or governor made, and that had stood in its queue. */
export type Announced = {
  readonly carrier: AdminThing
  readonly id: string
  readonly target: Address
  readonly input: Hex
  /** From the queue to the execution (block seconds); at least, where the bot did not see it queued. */
  readonly waitedS: number
  /** The bot was there when it was queued: people were told. */
  readonly wasTold: boolean
}

/** What is kept of a queued operation, and of a proposal the calls that reach watched things. */
type Queued = {
  readonly atS: number
  readonly in: number
  readonly readyAtS: number
  readonly calls?: readonly { readonly target: Address; readonly input: Hex }[]
}

/** Bounds of the state: so many queued operations of each timelock and governor, … */
const MAX_QUEUED = 64
/** … so many calls of a proposal, and so much of the calldata of each (hexadecimal digits). */
const MAX_CALLS = 8
const MAX_INPUT = 1_034

const topicsByKind: Readonly<Record<string, readonly Hex[]>> = {
  timelock: timelockTopics,
  governor: governorTopics,
}

/** Topics of a timelock or governor that tell of queued and executed operations. */
export const queueTopics = (thing: AdminThing): readonly Hex[] => topicsByKind[thing.kind] ?? []

const prefix = (thing: AdminThing): string => `queued:${thing.name}:`

const keep = (ctx: AdminContext, thing: AdminThing, id: string, queued: Queued): void => {
  ctx.state.set(`${prefix(thing)}${id}`, queued)
  const all = ctx.state.keys(prefix(thing))
  if (all.length <= MAX_QUEUED) return
  const oldest = all
    .map((key) => ({ key, atS: ctx.state.get<Queued>(key)?.atS ?? 0 }))
    .sort((a, b) => a.atS - b.atS || (a.key < b.key ? -1 : 1))
  for (const { key } of oldest.slice(0, all.length - MAX_QUEUED)) ctx.state.delete(key)
}

const take = (ctx: AdminContext, thing: AdminThing, id: string): Queued | undefined => {
  const key = `${prefix(thing)}${id}`
  const queued = ctx.state.get<Queued>(key)
  if (queued) ctx.state.delete(key)
  return queued
}

const timelockReads = parseAbi([
  'function getTimestamp(bytes32 id) view returns (uint256)',
  'function getMinDelay() view returns (uint256)',
  'function queuedTransactions(bytes32 txHash) view returns (bool)',
  'function delay() view returns (uint256)',
])

/** How long an operation has stood in the queue at least, by what the chain held before this block (s). */
const readWait = async (
  ctx: AdminContext,
  timelock: Address,
  { id, variant, readyAtS }: Step,
): Promise<number | undefined> => {
  const ask = async (functionName: string, args: readonly unknown[] = []): Promise<bigint> => {
    const answer = await ctx.read.call<bigint | boolean>({
      address: timelock,
      abi: timelockReads,
      functionName,
      args,
      at: 'parent',
    })
    return answer.ok ? BigInt(answer.value) : 0n
  }
  const isCompound = variant === 'compound'
  const stamp = await ask(isCompound ? 'queuedTransactions' : 'getTimestamp', [id])
  // 0: not queued. Of OpenZeppelin's, 1: done; anything else is the time from which on it may be executed.
  if (stamp === 0n || (!isCompound && stamp === 1n)) return undefined
  const dueS = isCompound ? readyAtS : Number(stamp)
  const delayS = Number(await ask(isCompound ? 'delay' : 'getMinDelay'))
  return dueS > ctx.block.timestampS ? undefined : ctx.block.timestampS - dueS + delayS
}

const followTimelock = async (
  ctx: AdminContext,
  thing: AdminThing,
  logs: readonly ChainLog[],
  found: Map<Hex, Announced[]>,
): Promise<void> => {
  const { number, timestampS } = ctx.block
  for (const step of readSteps(thing.address, logs, timestampS)) {
    if (step.what === 'queued') {
      keep(ctx, thing, step.id, { atS: timestampS, in: number, readyAtS: step.readyAtS })
      continue
    }
    const queued = take(ctx, thing, step.id)
    if (step.what === 'cancelled') continue
    const isEarly = queued && (queued.in === number || timestampS < queued.readyAtS)
    const waitedS = queued ? timestampS - queued.atS : await readWait(ctx, thing.address, step)
    if (isEarly || waitedS === undefined || waitedS < thing.parameters.minNoticeS) continue
    add(found, step.txHash, step.calls, {
      carrier: thing,
      id: step.id,
      waitedS,
      wasTold: queued !== undefined,
    })
  }
}

const add = (
  found: Map<Hex, Announced[]>,
  txHash: Hex,
  calls: readonly Pick<RawCall, 'target' | 'input'>[],
  of: Pick<Announced, 'carrier' | 'id' | 'waitedS' | 'wasTold'>,
): void => {
  const list = found.get(txHash) ?? []
  found.set(txHash, list)
  for (const { target, input } of calls) list.push({ ...of, target, input })
}

/** Of a proposal those calls that reach something watched, in bounds. */
const reaching = (ctx: AdminContext, calls: readonly RawCall[]): NonNullable<Queued['calls']> =>
  calls
    .filter(
      ({ target, input }) =>
        ctx.thingAt(target) !== undefined ||
        ctx.things.some(({ address }) => input.includes(address.slice(2))),
    )
    .slice(0, MAX_CALLS)
    .map(({ target, input }) => ({ target, input: input.slice(0, MAX_INPUT) as Hex }))

const followGovernor = (
  ctx: AdminContext,
  thing: AdminThing,
  logs: readonly ChainLog[],
  found: Map<Hex, Announced[]>,
): void => {
  const { number, timestampS } = ctx.block
  for (const event of readProposals(thing.address, logs)) {
    if (event.what === 'created') {
      const calls = reaching(ctx, event.calls)
      if (calls.length > 0)
        keep(ctx, thing, event.id, { atS: timestampS, in: number, readyAtS: timestampS, calls })
      continue
    }
    if (event.what !== 'executed' && event.what !== 'cancelled') continue
    const queued = take(ctx, thing, event.id)
    if (event.what === 'cancelled' || !queued || queued.in === number) continue
    const waitedS = timestampS - queued.atS
    if (waitedS < thing.parameters.minNoticeS) continue
    const of = { carrier: thing, id: event.id, waitedS, wasTold: true }
    add(found, event.txHash, queued.calls ?? [], of)
  }
}

/**
 * Follows the queues of watched timelocks and governors, and gives by transaction the calls that were made after they
 * had been announced. Keeps 64 operations of each (a proposal with 8 calls of half a kilobyte); of one that was
 * forgotten, or queued before the watch began, a timelock itself is asked.
 */
export const followQueues = async (
  ctx: AdminContext,
  block: BotBlock,
): Promise<ReadonlyMap<Hex, readonly Announced[]>> => {
  const found = new Map<Hex, Announced[]>()
  for (const thing of ctx.things) {
    if (thing.kind !== 'timelock' && thing.kind !== 'governor') continue
    const logs = block.logs.filter(({ address }) => address === thing.address)
    if (logs.length === 0) continue
    if (thing.kind === 'timelock') await followTimelock(ctx, thing, logs, found)
    else followGovernor(ctx, thing, logs, found)
  }
  return found
}

const BY_PROXY_ADMIN: Readonly<Record<string, readonly string[]>> = {
  upgrade: ['Upgraded'],
  upgradeAndCall: ['Upgraded', 'Initialized'],
  changeProxyAdmin: ['AdminChanged'],
}
const ofProxyAdmin = new Map(
  proxyAdminAbi.map((item) => [toFunctionSelector(item), BY_PROXY_ADMIN[item.name] ?? []]),
)
/** Functions that may call an initialiser on the way. */
const MAY_INITIALISE = ['upgradeToAndCall', 'diamondCut']
const BEFORE = /^(previous|old)/
const ZERO = '0'.repeat(40)

/** Values of an event that the call must have carried: what holds from now on, not what held before, nor who did it. */
const wordsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'bigint' || typeof value === 'number')
    return [BigInt(value).toString(16).padStart(64, '0')]
  if (typeof value === 'string') {
    if (/^0x[0-9a-fA-F]{40}$/.test(value)) return [value.slice(2).toLowerCase()]
    return /^0x[0-9a-fA-F]{64}$/.test(value) ? [value.slice(2).toLowerCase()] : []
  }
  if (Array.isArray(value)) return value.flatMap(wordsOf)
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, one]) => (key === 'action' ? [] : wordsOf(one)))
  return []
}

const emits = (one: Announced, rule: FunctionRule | undefined, event: AdminEvent): boolean => {
  const selector = one.input.slice(0, 10).toLowerCase() as Hex
  const byAdmin = one.target === event.log.address ? undefined : ofProxyAdmin.get(selector)
  if (byAdmin) return byAdmin.includes(event.name)
  if (!rule || rule.explains.length === 0) return wordsIn(event).length > 0
  return (
    rule.explains.includes(event.name) ||
    (event.name === 'Initialized' && MAY_INITIALISE.includes(rule.item.name)) ||
    (event.name === 'BeaconImplementation' && rule.explains.includes('Upgraded'))
  )
}

const wordsIn = ({ name, args }: AdminEvent): readonly string[] => {
  const actor = Object.hasOwn(EVENT_RULES, name) ? EVENT_RULES[name]?.actor : undefined
  return Object.entries(args).flatMap(([key, value]) =>
    BEFORE.test(key) || key === actor || key === 'version' ? [] : wordsOf(value),
  )
}

/** A shorter delay takes the announcement away from all that follows: it stays what it is. */
const isDelayCut = ({ name, args }: AdminEvent): boolean =>
  name === 'MinDelayChange' && Number(args['newDuration']) < Number(args['oldDuration'])

/** The announced call that made just this change; undefined when there is none. */
export const findAnnouncedEvent = (
  all: readonly Announced[],
  event: AdminEvent,
  rules: ReadonlyMap<Hex, FunctionRule>,
): Announced | undefined =>
  all.find((one) => {
    const at = event.log.address.slice(2)
    const input = one.input.toLowerCase()
    if (one.target !== event.log.address && !input.includes(at)) return false
    if (isDelayCut(event) || !event.isDecoded) return false
    const rule = rules.get(input.slice(0, 10) as Hex)
    if (!emits(one, rule, event)) return false
    const known = [ZERO, at, one.target.slice(2), one.carrier.address.slice(2)]
    return wordsIn(event).every((word) => input.includes(word) || known.includes(word))
  })

/** The announced call that is just this one. */
export const findAnnouncedCall = (
  all: readonly Announced[],
  { call }: AdminCall,
): Announced | undefined =>
  all.find(({ target, input }) => target === call.to && input.toLowerCase() === call.input)

/** The announced call that carried what a slot of the thing now holds. */
export const findAnnouncedSlot = (
  all: readonly Announced[],
  thing: AdminThing,
  after: Hex,
): Announced | undefined => {
  const held = after.slice(2).toLowerCase()
  if (BigInt(after) === 0n) return undefined
  return all.find(
    ({ target, input }) =>
      (target === thing.address || input.includes(thing.address.slice(2))) &&
      input.toLowerCase().includes(held),
  )
}
