import { type Address, cleanText, type Finding, type FindingSeverity } from 'tocsin'
import type { Passage } from './events.ts'
import type { Verdict } from './judgeOpen.ts'
import type { BridgeContext, BridgeThing, Open } from './types.ts'

const MAX_SHOWN = 10

const whole = (value: unknown, most = 80): string => cleanText(String(value), most)
const addressOf = (value: string | null | undefined): readonly Address[] =>
  value && /^0x[0-9a-f]{40}$/.test(value) ? [value as Address] : []

const showOpen = (open: Open): string =>
  [
    open.event,
    open.id === null ? '' : `id ${whole(open.id)}`,
    open.amount === null ? '' : `amount ${open.amount} (smallest units)`,
    open.recipient === null ? '' : `to ${open.recipient}`,
    `in ${open.tx}`,
  ]
    .filter((part) => part !== '')
    .join(', ')

const finish = (
  thing: BridgeThing,
  parts: Pick<Finding, 'alertId' | 'name' | 'description' | 'severity'> & Partial<Finding>,
): Finding => ({
  type: parts.severity === 'Info' ? 'Info' : 'Suspicious',
  ...parts,
  description: cleanText(parts.description, 900),
  thing: thing.name,
  ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
  metadata: {
    ...(thing.remote ? { remoteChain: thing.remote.chain, remote: thing.remote.address } : {}),
    ...parts.metadata,
  },
  addresses: [...new Set([thing.address, ...(parts.addresses ?? [])])].slice(0, 12),
})

const where = (thing: BridgeThing): string => thing.remote?.chain ?? 'the other side'

/** A release for which the other side, past its time, shows no lock; not final there yet. */
export const reportUnseen = (
  thing: BridgeThing,
  { open, key }: Verdict,
  severity: FindingSeverity,
): Finding =>
  finish(thing, {
    alertId: 'BRIDGE-LOCK-NOT-SEEN',
    name: `Release without a lock: ${thing.name}`,
    description: `${thing.name} released what ${where(thing)} shows no lock for: ${showOpen(open)}. ${where(thing)} is past that time, but not final there yet.`,
    severity,
    uniqueKey: `${thing.name}:${key}`,
    txHash: open.tx,
    metadata: { ...evidence([open]), stage: 'not final' },
    addresses: addressOf(open.recipient),
  })

const evidence = (all: readonly Open[]): Record<string, string> => {
  const amounts = all.flatMap(({ amount }) => (amount === null ? [] : [BigInt(amount)]))
  return {
    releases: String(all.length),
    ...(amounts.length > 0
      ? { amountUnits: amounts.reduce((sum, one) => sum + one, 0n).toString() }
      : {}),
    ...Object.fromEntries(
      all.slice(0, MAX_SHOWN).map((open, index) => [`release.${index + 1}`, showOpen(open)]),
    ),
  }
}

/** Releases that nothing was locked for. */
export const reportUnbacked = (
  thing: BridgeThing,
  all: readonly Open[],
  severity: FindingSeverity,
  view: { readonly head: number; readonly finalized: number } | undefined,
): Finding => {
  const newest = all.at(-1)
  return finish(thing, {
    alertId: 'BRIDGE-UNBACKED',
    name: `Released without a lock: ${thing.name}`,
    description: `${thing.name} released ${all.length === 1 ? 'once' : `${all.length} times`} what was never locked on ${where(thing)}${newest ? `, last: ${showOpen(newest)}` : ''}.${severity === 'Critical' ? '' : ' The lock may be older than the watch of the other side.'}`,
    severity,
    condition: 'holds',
    metadata: {
      ...evidence(all),
      ...(view
        ? { remoteHead: String(view.head), remoteFinalized: String(view.finalized) }
        : { seenIn: 'the same chain' }),
    },
    addresses: all.flatMap(({ recipient }) => addressOf(recipient)),
    ...(newest ? { txHash: newest.tx } : {}),
  })
}

/** The other side does not say. */
export const reportUnknown = (
  thing: BridgeThing,
  waiting: readonly Verdict[],
  isWatched: boolean,
): Finding =>
  finish(thing, {
    alertId: 'BRIDGE-UNBACKED',
    name: `Releases cannot be compared: ${thing.name}`,
    description: `${waiting.length} releases of ${thing.name} cannot be compared with their locks: ${where(thing)} is behind or silent (${waiting[0]?.why ?? ''}).`,
    severity: isWatched ? 'Medium' : 'Low',
    type: 'Degraded',
    condition: 'unknown',
    metadata: evidence(waiting.map(({ open }) => open)),
  })

/** All releases that were told of have their locks, or are old. */
export const reportEnded = (ctx: BridgeContext, thing: BridgeThing): Finding =>
  finish(thing, {
    alertId: 'BRIDGE-UNBACKED',
    name: `Releases and locks agree: ${thing.name}`,
    description: `${thing.name}: at block ${ctx.block.number} no release is left that lacks a lock or could not be compared.`,
    severity: 'Info',
    condition: 'ended',
  })

const showPassage = ({ event, id, amount, recipient }: Passage): string =>
  [
    event,
    id === undefined ? '' : `id ${whole(id)}`,
    amount === undefined ? '' : `amount ${amount} (smallest units)`,
    recipient === undefined ? '' : `to ${recipient}`,
  ]
    .filter((part) => part !== '')
    .join(', ')

const ofPassage = (
  thing: BridgeThing,
  passage: Passage,
): Pick<Finding, 'metadata' | 'txHash' | 'uniqueKey' | 'addresses'> => ({
  txHash: passage.log.txHash,
  uniqueKey: `${thing.name}:${passage.log.logIndex}`,
  addresses: addressOf(passage.recipient),
  metadata: {
    event: passage.event,
    ...(passage.id === undefined ? {} : { id: whole(passage.id) }),
    ...(passage.amount === undefined ? {} : { amountUnits: passage.amount.toString() }),
    ...(passage.recipient === undefined ? {} : { recipient: passage.recipient }),
  },
})

/** One message was let through twice. */
export const reportRepeated = (thing: BridgeThing, passage: Passage, before: string): Finding =>
  finish(thing, {
    ...ofPassage(thing, passage),
    alertId: 'BRIDGE-RELEASE-REPEATED',
    name: `Released twice: ${thing.name}`,
    description: `${thing.name} released a second time for one message: ${showPassage(passage)}. The first time was in ${before}.`,
    severity: 'Critical',
    metadata: { ...ofPassage(thing, passage).metadata, firstTx: before },
  })

/** A running number left its row. */
export const reportJump = (thing: BridgeThing, passage: Passage, highest: bigint): Finding =>
  finish(thing, {
    ...ofPassage(thing, passage),
    alertId: 'BRIDGE-ID-JUMP',
    name: `Message number jumped: ${thing.name}`,
    description: `${thing.name} released message ${whole(passage.id)}; the highest before was ${highest}: ${showPassage(passage)}.`,
    severity: 'High',
    metadata: { ...ofPassage(thing, passage).metadata, highest: highest.toString() },
  })

/** More came out than went in. */
export const reportMismatch = (
  thing: BridgeThing,
  open: Open,
  lock: { readonly amount: bigint; readonly tx: string },
): Finding =>
  finish(thing, {
    alertId: 'BRIDGE-MISMATCH',
    name: `Released more than was locked: ${thing.name}`,
    description: `${thing.name} released ${open.amount} for message ${whole(open.id)}, for which ${lock.amount} were locked on ${where(thing)}.`,
    severity: 'Critical',
    uniqueKey: `${thing.name}:${open.id}`,
    txHash: open.tx,
    metadata: {
      ...evidence([open]),
      lockedUnits: lock.amount.toString(),
      lockTx: lock.tx,
    },
    addresses: addressOf(open.recipient),
  })
