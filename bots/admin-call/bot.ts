import {
  type BotBlock,
  type CallTrace,
  type ChainTransaction,
  defineBot,
  type Finding,
  type Hex,
} from 'tocsin'
import {
  type Announced,
  findAnnouncedCall,
  findAnnouncedEvent,
  findAnnouncedSlot,
  followQueues,
  queueTopics,
} from './announced.ts'
import { beaconNeeds, readBeacon } from './beacon.ts'
import { findForeignCode } from './foreignCode.ts'
import { listFunctions } from './functions.ts'
import { priceNeeds, readMarketPrices, withPrices } from './marketPrices.ts'
import { mergeChanges } from './mergeChanges.ts'
import { adminCallParameters } from './parameters.ts'
import { adminTopics, readEvents } from './readEvents.ts'
import {
  reportCall,
  reportEvent,
  reportProbe,
  reportSafeChange,
  reportSlot,
  type Setting,
} from './report.ts'
import { hasActed, SAFE_TOPICS, type SafeChange, safeChanges } from './safeState.ts'
import { readSlots, type SlotChange, showWord, slotReads } from './slots.ts'
import type { AdminCall, AdminContext, AdminEvent, AdminThing } from './types.ts'
import { hasFailedInside, unwrapCalls, WRAPPERS } from './unwrapCalls.ts'

/** Calls that change the state of the thing itself: plain ones, and its own delegatecalls to itself (multicall). */
const changesState = ({ type, from, to }: CallTrace): boolean =>
  type === 'CALL' || (type === 'DELEGATECALL' && from === to)

/** Plain calls that the Safes, timelocks and governors of the watchlist carried, where no trace shows them. */
const innerCalls = (
  ctx: AdminContext,
  block: BotBlock,
  byHash: ReadonlyMap<Hex, ChainTransaction>,
): readonly CallTrace[] =>
  block.traced
    ? []
    : block.calls.flatMap((call) => {
        const carrier = call.to === null ? undefined : ctx.thingAt(call.to)
        if (
          !carrier ||
          call.reverted ||
          !WRAPPERS[carrier.kind]?.includes(call.input.slice(0, 10) as Hex)
        )
          return []
        if (hasFailedInside(carrier.address, byHash.get(call.txHash))) return []
        return unwrapCalls(carrier.kind, call)
      })

const callsOf = (
  thing: AdminThing,
  block: BotBlock,
  inner: readonly CallTrace[],
): readonly AdminCall[] => {
  const own = block.calls.filter((call) => call.to === thing.address && changesState(call))
  const carried = inner.filter((call) => call.to === thing.address)
  if (own.length + carried.length === 0) return []
  const rules = listFunctions(thing, thing.parameters)
  const match = (calls: readonly CallTrace[], isUnwrapped: boolean): readonly AdminCall[] =>
    calls.flatMap((call) => {
      const rule = rules.get(call.input.slice(0, 10).toLowerCase() as Hex)
      return rule ? [{ call, rule, isUnwrapped }] : []
    })
  return [...match(own, false), ...match(carried, true)]
}

/** Who knocks under many names shall not drown out the rest. */
const MAX_PROBES = 10

const probesOf = (
  calls: readonly AdminCall[],
): readonly (readonly [AdminCall, ...AdminCall[]])[] => {
  const groups = new Map<string, [AdminCall, ...AdminCall[]]>()
  for (const one of calls) {
    const key = `${one.call.from}:${one.rule.selector}`
    const group = groups.get(key)
    if (group) group.push(one)
    else groups.set(key, [one])
  }
  return [...groups.values()].slice(0, MAX_PROBES)
}

/** What the slot says to the last event of its kind in the block. */
const judgeSlot = (
  event: AdminEvent,
  events: readonly AdminEvent[],
  held: ReadonlyMap<string, string>,
  told: readonly { readonly event: string; readonly argument: string }[],
): 'agrees' | 'differs' | 'unread' => {
  const match = told.find((one) => one.event === event.name)
  const word = match && held.get(match.event)
  if (!match || word === undefined || events.findLast(({ name }) => name === event.name) !== event)
    return 'unread'
  return String(event.args[match.argument]).toLowerCase() === word ? 'agrees' : 'differs'
}

/** All that a block tells of one thing. */
type Gathered = {
  readonly ctx: AdminContext
  readonly thing: AdminThing
  readonly events: readonly AdminEvent[]
  readonly calls: readonly AdminCall[]
  /** Transactions of a Safe itself. */
  readonly carriers: readonly CallTrace[]
  readonly slots: Awaited<ReturnType<typeof slotFacts>>
  /** Events that the storage gives the lie. */
  readonly lies: readonly AdminEvent[]
  readonly silent: readonly SafeChange[]
  readonly settingOf: (txHash: Hex | undefined) => Setting
  readonly announced: ReadonlyMap<Hex, readonly Announced[]>
  readonly rules: ReturnType<typeof listFunctions>
}

const carriersOf = (thing: AdminThing, block: BotBlock): readonly CallTrace[] =>
  thing.kind === 'multisig'
    ? block.calls.filter(
        (call) =>
          call.to === thing.address &&
          !call.reverted &&
          WRAPPERS['multisig']?.includes(call.input.slice(0, 10) as Hex),
      )
    : []

/** The findings of one transaction, and the slots that they do not explain. */
const examineTransaction = async (
  all: Gathered,
  txHash: Hex,
  slots: readonly SlotChange[],
): Promise<{ readonly findings: readonly Finding[]; readonly open: readonly SlotChange[] }> => {
  const setting = all.settingOf(txHash)
  const queued = all.announced.get(txHash) ?? []
  const own = all.events.filter(({ log }) => log.txHash === txHash)
  const made = all.calls.filter(({ call }) => !call.reverted && call.txHash === txHash)
  const merged = mergeChanges(own, made)
  const findings: Finding[] = []
  let open = slots
  for (const [ordinal, { event, call }] of merged.events.entries()) {
    const slot = all.lies.includes(event)
      ? 'differs'
      : judgeSlot(event, all.events, all.slots.held, all.slots.told)
    if (slot === 'agrees') open = open.filter((change) => change.slot.told?.event !== event.name)
    const announced = findAnnouncedEvent(queued, event, all.rules)
    findings.push(
      await reportEvent(setting, event, call, { ordinal, others: own, slot, announced }),
    )
  }
  for (const call of merged.silent) {
    // A silent call explains the slot that its function is for, and slots that only the watchlist knows.
    const explained = open.filter(
      ({ slot }) => !slot.told || call.rule.explains.includes(slot.told.event),
    )
    open = open.filter((change) => !explained.includes(change))
    findings.push(reportCall(setting, call, explained, findAnnouncedCall(queued, call)))
  }
  return { findings, open }
}

const judge = async (all: Gathered): Promise<readonly Finding[]> => {
  const { thing, events, calls, carriers, settingOf } = all
  const findings: Finding[] = []
  let open: readonly SlotChange[] = all.slots.changes
  for (const txHash of new Set([
    ...events.map(({ log }) => log.txHash),
    ...calls.filter(({ call }) => !call.reverted).map(({ call }) => call.txHash),
  ])) {
    const examined = await examineTransaction(all, txHash, open)
    findings.push(...examined.findings)
    open = examined.open
  }
  const queued = [...all.announced.values()].flat()
  for (const change of open)
    findings.push(
      reportSlot(settingOf(undefined), change, findAnnouncedSlot(queued, thing, change.after)),
    )
  for (const change of all.silent) findings.push(reportSafeChange(settingOf(undefined), change))
  for (const call of carriers)
    findings.push(...(await findForeignCode(settingOf(call.txHash), call)))
  for (const group of probesOf(calls.filter(({ call }) => call.reverted)))
    if (!thing.parameters.allowedCallers.includes(group[0].call.from))
      findings.push(reportProbe(settingOf(group[0].call.txHash), group))
  return findings
}

const NO_RULES: Gathered['rules'] = new Map()

/** Whether this block created the thing: factories do so from within a call. */
const isNew = async (ctx: AdminContext, { address }: AdminThing): Promise<boolean> =>
  ctx.block.number > 0 &&
  (await ctx.read.code(address, 'parent')) === '0x' &&
  (await ctx.read.code(address)) !== '0x'

const examine = async (
  ctx: AdminContext,
  block: BotBlock,
  thing: AdminThing,
  inner: readonly CallTrace[],
  byHash: ReadonlyMap<Hex, ChainTransaction>,
  announced: ReadonlyMap<Hex, readonly Announced[]>,
): Promise<readonly Finding[]> => {
  const slots = await slotFacts(ctx, thing)
  const beacon = await readBeacon(ctx, slots.values, block.logs)
  const events = await withPrices(ctx, thing, [
    ...readEvents(thing, block.logs),
    ...beacon.map(({ event }) => event),
    ...(await readMarketPrices(ctx, thing, block.logs)),
  ])
  const calls = callsOf(thing, block, inner)
  const carriers = carriersOf(thing, block)
  const isActing = thing.kind === 'multisig' && hasActed(thing, block, carriers)
  const silent = isActing ? await safeChanges(ctx, thing, events) : []
  if ([events, calls, carriers, slots.changes, silent].every(({ length }) => length === 0))
    return []
  const isBorn = events.length > 0 && (await isNew(ctx, thing))
  const settingOf = (txHash: Hex | undefined): Setting => {
    const tx = txHash && byHash.get(txHash)
    const graceEnd =
      thing.deployBlock === undefined ? -1 : thing.deployBlock + thing.parameters.graceBlocks
    const isSetUp = isBorn || block.number <= graceEnd || tx?.contractAddress === thing.address
    return { ctx, thing, tx, isSetUp }
  }
  return judge({
    ctx,
    thing,
    events,
    calls,
    carriers,
    slots,
    lies: beacon.flatMap(({ event, isTrue }) => (isTrue ? [] : [event])),
    silent,
    settingOf,
    announced,
    rules: announced.size > 0 ? listFunctions(thing, thing.parameters) : NO_RULES,
  })
}

/** A slot that holds nothing is not in use, and says nothing of what events tell. */
const slotFacts = async (ctx: AdminContext, thing: AdminThing) => {
  const { changes, values } = await readSlots(ctx, thing)
  const told = values.flatMap(({ slot }) => slot.told ?? [])
  const held = new Map(
    values.flatMap(({ slot, after }) =>
      slot.told && BigInt(after) !== 0n ? [[slot.told.event, showWord(after)] as const] : [],
    ),
  )
  return { changes, held, told, values }
}

/**
 * Who may do what to a contract, and whose code it runs: every change, told by an event or not; what a watched timelock
 * or governor carried as it had stood in its queue is told as announced. Keeps 64 queued operations of each of those,
 * and the watched slots.
 */
export const adminCall = defineBot({
  id: 'admin-call',
  version: '1.0.0',
  summary:
    'Ownership, roles, proxies, Safes, governance settings or pauses change, or an admin function is called.',
  parameters: adminCallParameters,
  kinds: [
    'contract',
    'proxy',
    'token',
    'vault',
    'lending-market',
    'multisig',
    'governor',
    'timelock',
    'oracle',
    'bridge',
  ],
  alerts: [
    { id: 'OWNER-CHANGED', title: 'Owner or admin changed', kind: 'event', severity: 'Critical' },
    {
      id: 'ROLE-CHANGED',
      title: 'Role granted, revoked or re-administered',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'PROXY-CHANGED',
      title: 'Proxy upgraded, or its admin or beacon changed',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'REINITIALISED',
      title: 'Contract initialised again',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'PAUSE-CHANGED',
      title: 'Contract paused or unpaused',
      kind: 'event',
      severity: 'Medium',
    },
    {
      id: 'MULTISIG-CHANGED',
      title: 'Owners, threshold, modules or guard of a Safe changed',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'MULTISIG-DELEGATECALL',
      title: 'Safe ran foreign code as its own',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'GOVERNANCE-CHANGED',
      title: 'Setting of a governor or timelock changed',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'PRICE-SOURCE-CHANGED',
      title: 'Prices come from somewhere else',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'ADMIN-EVENT',
      title: 'Event that the watchlist asks for',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'ADMIN-CALL',
      title: 'Admin function called without an event',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'ADMIN-SLOT-CHANGED',
      title: 'Storage slot changed silently',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'ADMIN-CALL-FAILED',
      title: 'Admin function tried and refused',
      kind: 'event',
      severity: 'Low',
    },
  ],
  needs: ({ things }) => {
    const traced = things.filter(({ parameters }) => parameters.traces !== 'never')
    const isAlways = traced.some(({ parameters }) => parameters.traces === 'always')
    const reads = things.flatMap(slotReads)
    return {
      everyBlock: reads.length > 0,
      logs: [
        ...things.map((thing) => ({
          address: thing.address,
          topics: [
            [
              ...adminTopics(thing),
              ...queueTopics(thing),
              ...(thing.kind === 'multisig' ? SAFE_TOPICS : []),
            ],
          ],
        })),
        ...beaconNeeds(things),
        ...priceNeeds(things),
      ],
      calls: things.map((thing) => ({
        to: thing.address,
        selectors: [
          ...listFunctions(thing, thing.parameters).keys(),
          ...(WRAPPERS[thing.kind] ?? []),
        ],
      })),
      reads,
      ...(traced.length > 0
        ? {
            traces: {
              mode: isAlways ? 'always' : 'whenTouched',
              addresses: traced.map(({ address }) => address),
            } as const,
          }
        : {}),
    }
  },
  handleBlock: async (block, ctx) => {
    const byHash = new Map(block.transactions.map((tx) => [tx.hash, tx]))
    const inner = innerCalls(ctx, block, byHash)
    const announced = await followQueues(ctx, block)
    const findings: Finding[] = []
    for (const thing of ctx.things)
      findings.push(...(await examine(ctx, block, thing, inner, byHash, announced)))
    return findings
  },
})
