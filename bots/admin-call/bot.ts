import {
  type BotBlock,
  type CallTrace,
  type ChainTransaction,
  defineBot,
  type Finding,
  type Hex,
} from 'tocsin'
import { listFunctions } from './functions.ts'
import { mergeChanges } from './mergeChanges.ts'
import { adminCallParameters } from './parameters.ts'
import { adminTopics, readEvents } from './readEvents.ts'
import {
  reportCall,
  reportDelegatecall,
  reportEvent,
  reportProbe,
  reportSlot,
  type Setting,
} from './report.ts'
import { readSlots, type SlotChange, showWord, slotReads } from './slots.ts'
import type { AdminCall, AdminContext, AdminEvent, AdminThing } from './types.ts'
import { hasFailedInside, unwrapCalls, unwrapInput, WRAPPERS } from './unwrapCalls.ts'

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

const delegatecalls = (setting: Setting, calls: readonly CallTrace[]): readonly Finding[] =>
  calls.flatMap((call) => {
    const [outer] = unwrapInput('multisig', call.input)
    const isForeign =
      outer?.operation === 1 && !setting.thing.parameters.delegateTargets.includes(outer.to)
    return outer && isForeign ? [reportDelegatecall(setting, outer.to, call)] : []
  })

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

const examine = async (
  ctx: AdminContext,
  block: BotBlock,
  thing: AdminThing,
  inner: readonly CallTrace[],
  byHash: ReadonlyMap<Hex, ChainTransaction>,
): Promise<readonly Finding[]> => {
  const { changes, held, told } = await slotFacts(ctx, thing)
  const events = readEvents(thing, block.logs)
  const calls = callsOf(thing, block, inner)
  const carriers =
    thing.kind === 'multisig'
      ? block.calls.filter(
          (call) =>
            call.to === thing.address &&
            !call.reverted &&
            WRAPPERS['multisig']?.includes(call.input.slice(0, 10) as Hex),
        )
      : []
  if (events.length + calls.length + carriers.length + changes.length === 0) return []

  const findings: Finding[] = []
  const settingOf = (txHash: Hex | undefined): Setting => {
    const tx = txHash && byHash.get(txHash)
    const graceEnd =
      thing.deployBlock === undefined ? -1 : thing.deployBlock + thing.parameters.graceBlocks
    const isSetUp = block.number <= graceEnd || tx?.contractAddress === thing.address
    return { ctx, thing, tx, isSetUp }
  }
  let open: readonly SlotChange[] = changes
  const done = calls.filter(({ call }) => !call.reverted)
  for (const txHash of new Set([
    ...events.map(({ log }) => log.txHash),
    ...done.map(({ call }) => call.txHash),
  ])) {
    const setting = settingOf(txHash)
    const own = events.filter(({ log }) => log.txHash === txHash)
    const merged = mergeChanges(
      own,
      done.filter(({ call }) => call.txHash === txHash),
    )
    for (const [ordinal, { event, call }] of merged.events.entries()) {
      const slot = judgeSlot(event, events, held, told)
      if (slot === 'agrees') open = open.filter((change) => change.slot.told?.event !== event.name)
      findings.push(await reportEvent(setting, event, call, { ordinal, others: own, slot }))
    }
    for (const call of merged.silent) {
      // A silent call explains the slot that its function is for, and slots that only the watchlist knows.
      const explained = open.filter(
        ({ slot }) => !slot.told || call.rule.explains.includes(slot.told.event),
      )
      open = open.filter((change) => !explained.includes(change))
      findings.push(reportCall(setting, call, explained))
    }
  }
  for (const change of open) findings.push(reportSlot(settingOf(undefined), change))
  for (const call of carriers) findings.push(...delegatecalls(settingOf(call.txHash), [call]))
  for (const group of probesOf(calls.filter(({ call }) => call.reverted)))
    if (!thing.parameters.allowedCallers.includes(group[0].call.from))
      findings.push(reportProbe(settingOf(group[0].call.txHash), group))
  return findings
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
  return { changes, held, told }
}

/** Who may do what to a contract, and whose code it runs: every change, told by an event or not. */
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
    { id: 'PAUSE-CHANGED', title: 'Contract paused or unpaused', kind: 'event', severity: 'High' },
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
      logs: things.map((thing) => ({ address: thing.address, topics: [adminTopics(thing)] })),
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
    const findings: Finding[] = []
    for (const thing of ctx.things)
      findings.push(...(await examine(ctx, block, thing, inner, byHash)))
    return findings
  },
})
