import {
  type Address,
  type CallTrace,
  type ChainTransaction,
  cleanText,
  decodeCall,
  type Finding,
  type FindingSeverity,
  showAddress,
  showValue,
} from 'tocsin'
import { isAddress } from 'viem/utils'
import type { Announced } from './announced.ts'
import { type EventRule, findRule, type Who } from './events.ts'
import type { Helper } from './knownCode.ts'
import type { SafeChange } from './safeState.ts'
import { type SlotChange, showWord } from './slots.ts'
import type { AdminCall, AdminContext, AdminEvent, AdminThing } from './types.ts'

const ZERO = '0x0000000000000000000000000000000000000000'
const TYPE: Readonly<Record<FindingSeverity, Finding['type']>> = {
  Critical: 'Suspicious',
  High: 'Suspicious',
  Medium: 'Suspicious',
  Low: 'Info',
  Info: 'Info',
}

/** What is known of the transaction that a change lies in. */
export type Setting = {
  readonly ctx: AdminContext
  readonly thing: AdminThing
  readonly tx: ChainTransaction | undefined
  readonly isSetUp: boolean
}

const whoOf =
  (ctx: AdminContext): Who =>
  (value) =>
    typeof value === 'string' && isAddress(value, { strict: false }) && value !== ZERO
      ? showAddress(ctx, value.toLowerCase() as Address)
      : value === ZERO
        ? 'nobody (the zero address)'
        : 'an unknown address'

const lower = (value: unknown): Address | undefined =>
  typeof value === 'string' && isAddress(value, { strict: false })
    ? (value.toLowerCase() as Address)
    : undefined

/** The call as text: name and arguments, bounded. */
const showCall = ({ rule, call }: AdminCall): string => {
  const args = decodeCall([rule.item], call.input)?.args ?? {}
  const shown = Object.entries(args)
    .slice(0, 10)
    .map(([name, value]) =>
      /^\d+$/.test(name) ? showValue(value) : `${name}: ${showValue(value)}`,
    )
  return cleanText(`${rule.item.name}(${shown.join(', ')})`, 300)
}

/** Who called, when that is certain. */
const callerOf = (
  { thing, tx }: Setting,
  call: CallTrace | undefined,
  actor: Address | undefined,
): Address | undefined => actor ?? call?.from ?? (tx?.to === thing.address ? tx.from : undefined)

const isAllowed = ({ thing, tx }: Setting, caller: Address | undefined): boolean => {
  const { allowedCallers } = thing.parameters
  if (caller !== undefined) return allowedCallers.includes(caller)
  // Without a trace the way in is what is known: a Safe, a timelock, or a signer.
  return (
    tx !== undefined && [tx.from, tx.to].some((one) => one !== null && allowedCallers.includes(one))
  )
}

/** Who signed, and what they called. */
const placeOf = (tx: ChainTransaction | undefined): Record<string, string> =>
  tx ? { sender: tx.from, tx: tx.hash, ...(tx.to ? { entry: tx.to } : {}) } : {}

/** What was announced pages nobody: people were told when it was queued. What only the chain knows of stays Medium. */
const calmed = (severity: FindingSeverity, { wasTold }: Announced): FindingSeverity => {
  if (severity === 'Critical') return 'Medium'
  if (severity === 'High') return wasTold ? 'Low' : 'Medium'
  return severity === 'Medium' && wasTold ? 'Low' : severity
}

const showWait = (seconds: number): string =>
  seconds >= 172_800
    ? `${Math.floor(seconds / 86_400)} days`
    : seconds >= 7_200
      ? `${Math.floor(seconds / 3_600)} hours`
      : `${seconds} s`

const announcement = ({ carrier, id, waitedS, wasTold }: Announced): string =>
  ` Announced: ${carrier.name} had it in its queue for ${wasTold ? '' : 'at least '}${showWait(waitedS)}, as ${carrier.kind === 'governor' ? 'proposal' : 'operation'} ${cleanText(id, 80)}.`

const queueEvidence = (announced: Announced | undefined): Record<string, string> =>
  announced
    ? {
        announcedBy: announced.carrier.name,
        operation: announced.id,
        waitedS: String(announced.waitedS),
        queuedInSight: announced.wasTold ? 'yes' : 'no',
      }
    : {}

const finish = (
  setting: Setting,
  parts: Pick<Finding, 'alertId' | 'name' | 'description' | 'severity'> & {
    readonly uniqueKey: string
    readonly caller: Address | undefined
    readonly metadata: Readonly<Record<string, string>>
    readonly addresses: readonly (Address | undefined)[]
    readonly mayCalm?: boolean
    readonly announced?: Announced | undefined
  },
): Finding => {
  const { thing, tx, isSetUp } = setting
  const { caller, mayCalm = true, announced, addresses, metadata, ...rest } = parts
  const allowed = mayCalm && isAllowed(setting, caller)
  const calm = allowed ? ' By an allowed caller.' : ' Part of the deployment.'
  const isCalm = allowed || (mayCalm && isSetUp)
  const usual = announced ? calmed(rest.severity, announced) : rest.severity
  const severity = isCalm ? 'Info' : usual
  const all = [thing.address, caller, tx?.from, ...addresses].filter((one) => one !== undefined)
  return {
    ...rest,
    description: cleanText(
      `${rest.description}${announced ? announcement(announced) : ''}${isCalm ? calm : ''}`,
      900,
    ),
    severity,
    type: TYPE[severity],
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      ...metadata,
      ...(caller ? { caller } : {}),
      ...placeOf(tx),
      ...queueEvidence(announced),
      ...(allowed ? { allowedCaller: 'yes' } : {}),
      ...(isSetUp ? { setUp: 'yes' } : {}),
    },
    addresses: [...new Set(all)].slice(0, 12),
    ...(tx ? { txHash: tx.hash } : {}),
  }
}

const hasNoCode = async (ctx: AdminContext, address: Address | undefined): Promise<boolean> => {
  if (address === undefined || address === ZERO) return false
  const code = await ctx.read.code(address)
  // 0xef0100 marks an account that delegates to a contract: a key still commands it.
  return code === '0x' || code.startsWith('0xef0100')
}

const UNKNOWN: EventRule = {
  alertId: 'ADMIN-EVENT',
  severity: () => 'High',
  text: () => 'it emitted an event that the watchlist asks for',
}

const textArgs = (args: AdminEvent['args']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(args)
      .slice(0, 12)
      .map(([name, value]) => [`arg.${cleanText(name, 40)}`, showValue(value, 120)]),
  )

type EventFacts = {
  readonly ordinal: number
  /** All events of the thing in the transaction. */
  readonly others: readonly AdminEvent[]
  readonly slot: 'agrees' | 'differs' | 'unread'
  readonly announced: Announced | undefined
}

const ruleOf = ({ name, args }: AdminEvent): EventRule | undefined => findRule(name, args)

const severityOf = async (
  { ctx, thing }: Setting,
  event: AdminEvent,
  { others, slot }: EventFacts,
): Promise<FindingSeverity> => {
  if (slot === 'differs') return 'Critical'
  const { args } = event
  const installed = lower(args['implementation'] ?? args['singleton'])
  if (installed && thing.parameters.allowedImplementations.includes(installed)) return 'Info'
  const isUpgrade = event.name === 'Initialized' && others.some(({ name }) => name === 'Upgraded')
  if (isUpgrade || !event.isDecoded) return 'High'
  const { severity, holder } = ruleOf(event) ?? UNKNOWN
  const usual = severity(args, thing.kind)
  if (!holder || usual === 'Critical') return usual
  return (await hasNoCode(ctx, lower(args[holder]))) ? 'Critical' : usual
}

const textOf = (ctx: AdminContext, event: AdminEvent): string => {
  if (!event.isDecoded)
    return `it emitted an event that looks like ${event.name}, with arguments that do not fit`
  const rule = ruleOf(event)
  if (rule) return rule.text(event.args, whoOf(ctx))
  const args = Object.entries(event.args).slice(0, 8)
  return `it emitted ${event.name}(${args.map(([name, value]) => `${name}: ${showValue(value)}`).join(', ')})`
}

/** One event, with the call that made it and what the slot says to it. */
export const reportEvent = async (
  setting: Setting,
  event: AdminEvent,
  call: AdminCall | undefined,
  facts: EventFacts,
): Promise<Finding> => {
  const { ctx, thing } = setting
  const rule = ruleOf(event) ?? UNKNOWN
  const isForged = facts.slot === 'differs'
  const actor = rule.actor ? lower(event.args[rule.actor]) : undefined
  const forged = isForged
    ? ' The storage slot does not hold what the event says: the log cannot be trusted.'
    : ''
  return finish(setting, {
    alertId: rule.alertId,
    name: `${event.name}: ${thing.name}`,
    description: `${thing.name}: ${textOf(ctx, event)}.${forged}${call ? ` Called: ${showCall(call)}.` : ''}`,
    severity: await severityOf(setting, event, facts),
    uniqueKey: `${thing.name}:${event.name}:${facts.ordinal}`,
    caller: callerOf(setting, call?.call, actor),
    mayCalm: !isForged,
    announced: isForged ? undefined : facts.announced,
    metadata: {
      event: event.name,
      ...textArgs(event.args),
      ...(event.isDecoded ? {} : { decoded: 'no' }),
      ...(call ? { function: call.rule.signature, call: showCall(call) } : {}),
      ...(facts.slot === 'unread' ? {} : { confirmedBySlot: isForged ? 'no' : 'yes' }),
    },
    addresses: Object.values(event.args).map(lower),
  })
}

/** A call that went through and that no event tells of. */
export const reportCall = (
  setting: Setting,
  admin: AdminCall,
  slots: readonly SlotChange[],
  announced: Announced | undefined,
): Finding => {
  const { thing, ctx } = setting
  const { call, rule } = admin
  const isTop = call.path.length === 0
  const changed = slots.map(
    ({ slot, before, after }) => `${slot.name}: ${showWord(before)} -> ${showWord(after)}`,
  )
  const severity = slots.some(({ slot }) => slot.told) ? 'Critical' : rule.severity
  return finish(setting, {
    alertId: 'ADMIN-CALL',
    name: `${rule.item.name}: ${thing.name}`,
    description: `${thing.name}: ${showAddress(ctx, call.from)} called ${showCall(admin)}${isTop ? '' : ' from within another call'}, and no event tells of it.${changed.length > 0 ? ` Storage changed: ${changed.join('; ')}.` : ''}`,
    severity,
    uniqueKey: `${thing.name}:${rule.selector}:${call.path.join('.') || 'top'}${admin.isUnwrapped ? ':unwrapped' : ''}`,
    caller: call.from,
    announced,
    metadata: {
      function: rule.signature,
      selector: rule.selector,
      call: showCall(admin),
      source: rule.source,
      seenIn: admin.isUnwrapped ? 'calldata' : isTop ? 'transaction' : 'trace',
      ...(changed.length > 0 ? { slots: changed.join('; ') } : {}),
    },
    addresses: [],
  })
}

/** Calls of one sender that reverted: somebody tried the door. */
export const reportProbe = (
  setting: Setting,
  calls: readonly [AdminCall, ...AdminCall[]],
): Finding => {
  const { thing, ctx } = setting
  const [{ call, rule }] = calls
  const times = calls.length > 1 ? `${calls.length} times` : 'once'
  return finish(setting, {
    alertId: 'ADMIN-CALL-FAILED',
    name: `${rule.item.name} refused: ${thing.name}`,
    description: `${thing.name}: ${showAddress(ctx, call.from)} tried ${showCall(calls[0])} ${times} and was refused.`,
    severity: 'Low',
    uniqueKey: `${thing.name}:${rule.selector}:${call.from}`,
    caller: call.from,
    metadata: {
      function: rule.signature,
      selector: rule.selector,
      call: showCall(calls[0]),
      times: String(calls.length),
    },
    addresses: [],
  })
}

/** A slot changed, and neither event nor call tells why. */
export const reportSlot = (
  setting: Setting,
  { slot, before, after }: SlotChange,
  announced: Announced | undefined,
): Finding => {
  const { thing } = setting
  const isExpected = thing.parameters.allowedImplementations.includes(showWord(after))
  return finish(setting, {
    alertId: 'ADMIN-SLOT-CHANGED',
    name: `${slot.name} changed silently: ${thing.name}`,
    description: `${thing.name}: the storage slot "${cleanText(slot.name, 40)}" went from ${showWord(before)} to ${showWord(after)}, and no event tells of it.`,
    severity: isExpected ? 'Info' : slot.told ? 'Critical' : 'High',
    uniqueKey: `${thing.name}:slot:${slot.slot}`,
    caller: undefined,
    mayCalm: false,
    announced,
    metadata: { slotName: slot.name, slot: slot.slot, before, after },
    addresses: slot.told ? [lower(showWord(after))] : [],
  })
}

/** Who commands a Safe changed, and no event of the Safe tells of it: foreign code wrote its storage. */
export const reportSafeChange = (
  setting: Setting,
  { what, before, after }: SafeChange,
): Finding => {
  const { thing } = setting
  const named = after.match(/0x[0-9a-f]{40}\b/g) ?? []
  return finish(setting, {
    alertId: 'ADMIN-SLOT-CHANGED',
    name: `${what} changed silently: ${thing.name}`,
    description: `${thing.name}: ${what} of the Safe went from ${before || 'none'} to ${after || 'none'}, and no event tells of it: code that it ran as its own wrote that.`,
    severity: 'Critical',
    uniqueKey: `${thing.name}:safe:${what}`,
    caller: undefined,
    mayCalm: false,
    metadata: { what, before: before.slice(0, 500), after: after.slice(0, 500) },
    addresses: named.filter((one) => !before.includes(one)).map(lower),
  })
}

/** A Safe ran foreign code as its own; `part` of a batch. */
export const reportDelegatecall = (
  setting: Setting,
  target: Address,
  call: CallTrace,
  { helper, part }: { readonly helper?: Helper | undefined; readonly part?: number },
): Finding => {
  const { thing, ctx } = setting
  const danger = helper
    ? `It is the Safe's own ${helper.name}, which changes neither owners nor singleton.`
    : 'That code may change owners and singleton without any event.'
  return finish(setting, {
    alertId: 'MULTISIG-DELEGATECALL',
    name: `delegatecall: ${thing.name}`,
    description: `${thing.name}: the Safe ran the code of ${showAddress(ctx, target)} as its own${part === undefined ? '' : ', within a batch'}. ${danger}`,
    severity: helper ? 'Low' : 'High',
    uniqueKey: `${thing.name}:delegatecall:${call.path.join('.') || 'top'}${part === undefined ? '' : `:${part}`}`,
    caller: call.from,
    mayCalm: false,
    metadata: {
      target,
      selector: call.input.slice(0, 10),
      ...(helper ? { helper: helper.name } : {}),
      ...(part === undefined ? {} : { part: String(part + 1) }),
    },
    addresses: [target],
  })
}
