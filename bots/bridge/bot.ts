import { type BotBlock, type BotThing, defineBot, type Finding, type FindingSeverity } from 'tocsin'
import { listMappings, type Mapping, type Passage, readPassage } from './events.ts'
import {
  addOpen,
  forgetOld,
  isWaiting,
  judgeOpen,
  listOpen,
  lookAcross,
  rest,
  type Side,
  type Verdict,
} from './judgeOpen.ts'
import { enterLock, setInRing, sinceKey } from './ledger.ts'
import { type BridgeParameters, bridgeParameters } from './parameters.ts'
import {
  reportEnded,
  reportJump,
  reportMismatch,
  reportRepeated,
  reportUnbacked,
  reportUnknown,
  reportUnseen,
} from './report.ts'
import { sameChainSide } from './sameChain.ts'
import { isFair } from './scale.ts'
import type { BridgeContext, BridgeThing, Open } from './types.ts'

/** Events of withdrawals that take a week by design. */
const SLOW = ['WithdrawalFinalized', 'ETHBridgeFinalized', 'ERC20BridgeFinalized']
/** Larger ones are hashes, not running numbers. */
const LARGEST_NUMBER = 1n << 48n
/** So many running numbers must be known before a jump is one. */
const MIN_NUMBERS = 5

const isBridge = (thing: { readonly kind: string }): thing is BridgeThing => thing.kind === 'bridge'

/** What one bridge's own events tell, without the other side: one message twice, a number out of its row. */
const judgeAlone = (
  ctx: BridgeContext,
  thing: BridgeThing,
  passage: Passage,
): readonly Finding[] => {
  const { id } = passage
  if (id === undefined) return []
  const findings: Finding[] = []
  const key = `released:${thing.name}:${passage.event}:${id}`
  const before = ctx.state.get<string>(key)
  if (before !== undefined) findings.push(reportRepeated(thing, passage, before))
  setInRing(
    ctx,
    `released:${thing.name}`,
    thing.parameters.maxLocks,
    key,
    before ?? passage.log.txHash,
  )

  const number = /^\d+$/.test(id) ? BigInt(id) : undefined
  if (number === undefined || number > LARGEST_NUMBER) return findings
  const known = ctx.state.get<{ highest: string; seen: number }>(`number:${thing.name}`)
  const highest = known ? BigInt(known.highest) : 0n
  const { jumpBps, minJump } = thing.parameters
  const share = (highest * BigInt(jumpBps)) / 10_000n
  const limit = highest + (share > BigInt(minJump) ? share : BigInt(minJump))
  if (known && known.seen >= MIN_NUMBERS && number > limit)
    findings.push(reportJump(thing, passage, highest))
  ctx.state.set(`number:${thing.name}`, {
    highest: (number > highest ? number : highest).toString(),
    seen: Math.min((known?.seen ?? 0) + 1, MIN_NUMBERS),
  })
  return findings
}

const openOf = (
  ctx: BridgeContext,
  { id, token, amount, recipient, event, log }: Passage,
): Open => ({
  id: id ?? null,
  token: token ?? null,
  amount: amount?.toString() ?? null,
  recipient: recipient ?? null,
  event,
  tx: log.txHash,
  block: ctx.block.number,
  atS: ctx.block.timestampS,
  lock: null,
  told: 0,
  isSlow: SLOW.includes(event),
})

/** Whether a release is to be compared: it is of the chain that the watchlist names, and of something. */
const isCompared = (thing: BridgeThing, passage: Passage): boolean => {
  if (!thing.remote || passage.amount === 0n) return false
  const { domain } = thing.remote
  return (
    domain === undefined || passage.domain === undefined || domain.toLowerCase() === passage.domain
  )
}

const severityOf = (
  thing: BridgeThing,
  side: Side,
  open: Open,
  usual: FindingSeverity,
): FindingSeverity => {
  const { warmupS, slowWarmupS } = thing.parameters
  const ageS = open.atS - (side.sinceS ?? open.atS)
  return ageS < (open.isSlow ? slowWarmupS : warmupS) ? 'Medium' : usual
}

const mismatch = (
  ctx: BridgeContext,
  thing: BridgeThing,
  { open, lock, isNew }: Verdict,
): readonly Finding[] => {
  if (!isNew || !lock?.byId || lock.amount === undefined || open.amount === null) return []
  return isFair(ctx, thing, lock.amount, BigInt(open.amount))
    ? []
    : [reportMismatch(thing, open, { amount: lock.amount, tx: lock.tx })]
}

/** What is told of one bridge as a whole: it has released what was not locked, it cannot be told, or all is well. */
const tellCondition = (
  ctx: BridgeContext,
  thing: BridgeThing,
  side: Side,
  verdicts: readonly Verdict[],
): readonly Finding[] => {
  const key = `told:${thing.name}`
  const told = ctx.state.get<'holds' | 'unknown'>(key)
  const unbacked = verdicts.filter(({ what }) => what === 'unbacked')
  const unknown = verdicts.filter(({ what }) => what === 'unknown')
  if (unbacked.length > 0) {
    ctx.state.set(key, 'holds')
    if (told === 'holds' && !unbacked.some(({ isNew }) => isNew)) return []
    const severities = unbacked.map(({ open }) => severityOf(thing, side, open, 'Critical'))
    return [
      reportUnbacked(
        thing,
        unbacked.map(({ open }) => open),
        severities.includes('Critical') ? 'Critical' : 'Medium',
        side.view && {
          head: side.view.head.number,
          finalized: side.view.finalized?.number ?? 0,
        },
      ),
    ]
  }
  if (unknown.length > 0) {
    if (told === 'unknown') return []
    ctx.state.set(key, 'unknown')
    return [reportUnknown(thing, unknown, side.view !== undefined && side.sinceS !== undefined)]
  }
  // Sticky: what cannot be told goes on so until each release in question was compared.
  const isOver = verdicts.every(({ what }) => what === 'matched')
  if (told === undefined || !isOver) return []
  ctx.state.delete(key)
  return [reportEnded(ctx, thing)]
}

const compare = async (ctx: BridgeContext, thing: BridgeThing): Promise<readonly Finding[]> => {
  if (!isWaiting(ctx, thing)) return []
  const all = listOpen(ctx, thing)
  if (all.length === 0 && ctx.state.get(`told:${thing.name}`) === undefined) {
    rest(ctx, thing)
    return []
  }
  const waiting = all.map(([, open]) => open)
  const side =
    thing.remote?.chain === ctx.chain.name
      ? sameChainSide(ctx, thing, waiting)
      : await lookAcross(ctx, thing, waiting)
  const verdicts = all.map((one) => judgeOpen(ctx, thing, side, one))
  const findings = verdicts.flatMap((verdict) => mismatch(ctx, thing, verdict))
  for (const verdict of verdicts)
    if (verdict.what === 'unseen' && verdict.isNew)
      findings.push(reportUnseen(thing, verdict, severityOf(thing, side, verdict.open, 'High')))
  findings.push(...tellCondition(ctx, thing, side, verdicts))
  forgetOld(ctx, thing)
  return findings
}

type Events = ReadonlyMap<BridgeThing['address'], readonly Mapping[]>
const mappings = new WeakMap<object, Events>()

/** Events by address: of each bridge, and of the other side where that is on this chain. */
const mappingsOf = (things: readonly BotThing<BridgeParameters>[], chain: string): Events => {
  const known = mappings.get(things)
  if (known) return known
  const bridges = things.filter(isBridge)
  const found = new Map<BridgeThing['address'], readonly Mapping[]>()
  for (const thing of bridges) found.set(thing.address, listMappings(thing))
  for (const thing of bridges) {
    const other = thing.remote?.address as BridgeThing['address'] | undefined
    if (other && thing.remote?.chain === chain && !found.has(other))
      found.set(other, listMappings(thing))
  }
  mappings.set(things, found)
  return found
}

/** Keeps a lock or a release; what a release tells by itself is told. */
const enter = (
  ctx: BridgeContext,
  bridges: readonly BridgeThing[],
  passage: Passage,
): readonly Finding[] => {
  const { address } = passage.log
  const thing = bridges.find((one) => one.address === address)
  if (passage.role === 'lock') {
    const owner = thing ?? bridges.find(({ remote }) => remote?.address === address)
    if (owner) enterLock(ctx, address, passage, owner.parameters.maxLocks)
    return []
  }
  if (!thing) return []
  if (isCompared(thing, passage)) addOpen(ctx, thing, openOf(ctx, passage))
  return judgeAlone(ctx, thing, passage)
}

const examine = async (block: BotBlock, ctx: BridgeContext): Promise<readonly Finding[]> => {
  const bridges = ctx.things.filter(isBridge)
  const events = mappingsOf(ctx.things, ctx.chain.name)
  const findings: Finding[] = []
  for (const address of events.keys())
    if (ctx.state.get(sinceKey(address)) === undefined)
      ctx.state.set(sinceKey(address), ctx.block.timestampS)
  for (const log of block.logs) {
    const passage = readPassage(events.get(log.address) ?? [], log)
    if (passage) findings.push(...enter(ctx, bridges, passage))
  }
  for (const thing of bridges) findings.push(...(await compare(ctx, thing)))
  return findings
}

/**
 * What a bridge lets out against what went in on its other side: matched by message id, else by token, amount and
 * recipient. Both sides are bridges of the watchlist; each keeps its locks in its own state, which the other reads at
 * that chain's committed cursor and which is rolled back with it. A chain that is behind or silent gives `unknown`.
 * Keeps `maxLocks` locks and releases of each bridge (some 300 bytes each) and `maxOpen` releases that wait.
 */
export const bridge = defineBot({
  id: 'bridge',
  version: '1.0.0',
  summary: 'A bridge lets out what was not locked on its other side, or one message twice.',
  parameters: bridgeParameters,
  kinds: ['bridge'],
  alerts: [
    {
      id: 'BRIDGE-UNBACKED',
      title: 'Released without a lock',
      kind: 'condition',
      severity: 'Critical',
    },
    {
      id: 'BRIDGE-LOCK-NOT-SEEN',
      title: 'No lock seen for a release yet',
      kind: 'event',
      severity: 'High',
    },
    {
      id: 'BRIDGE-MISMATCH',
      title: 'Released more than was locked',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'BRIDGE-RELEASE-REPEATED',
      title: 'One message released twice',
      kind: 'event',
      severity: 'Critical',
    },
    { id: 'BRIDGE-ID-JUMP', title: 'Message number jumped', kind: 'event', severity: 'High' },
  ],
  needs: ({ things, chain }) => ({
    everyBlock: true,
    logs: [...mappingsOf(things, chain.name)].map(([address, all]) => ({
      address,
      topics: [[...new Set(all.map(({ topic }) => topic))]],
    })),
  }),
  handleBlock: examine,
})
