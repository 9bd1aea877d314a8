import {
  type Address,
  type BotBlock,
  bpsOf,
  type CallTrace,
  defineBot,
  type Finding,
  type FindingSeverity,
  type Hex,
} from 'tocsin'
import { findConsumer, findReentries, type Reentry } from './frames.ts'
import { type Loss, measureLoss } from './measure.ts'
import { reentrancyParameters } from './parameters.ts'
import { type Case, reportReading, reportReentry } from './report.ts'
import type { ReentrancyContext, ReentrancyThing } from './types.ts'

const DAY_S = 86_400
/** Contracts that come back in which are remembered of each thing. */
const MAX_FAMILIAR = 32

type Visits = Readonly<Record<Address, { readonly txs: number; readonly sinceS: number }>>

const visitsKey = (thing: ReentrancyThing): string => `visits:${thing.name}`

const isFamiliar = (ctx: ReentrancyContext, thing: ReentrancyThing, who: Address): boolean => {
  if (ctx.thingAt(who) || ctx.labels.get(who)?.tags.includes('own')) return true
  const visit = ctx.state.get<Visits>(visitsKey(thing))?.[who]
  return (
    visit !== undefined &&
    visit.txs >= thing.parameters.familiarTxs &&
    ctx.block.timestampS - visit.sinceS >= DAY_S
  )
}

/** Remembers who came back in without taking anything; of too many the one with the fewest visits goes. */
const remember = (ctx: ReentrancyContext, thing: ReentrancyThing, who: Address): void => {
  const visits = ctx.state.get<Visits>(visitsKey(thing)) ?? {}
  const known = visits[who]
  // Beyond that nothing more is to be learned.
  if (known && known.txs >= thing.parameters.familiarTxs) return
  const next: Record<Address, Visits[Address]> = {
    ...visits,
    [who]: { txs: (known?.txs ?? 0) + 1, sinceS: known?.sinceS ?? ctx.block.timestampS },
  }
  const all = Object.entries(next) as [Address, Visits[Address]][]
  if (all.length > MAX_FAMILIAR) {
    const [least] = all
      .filter(([address]) => address !== who)
      .sort(([a, x], [b, y]) => x.txs - y.txs || x.sinceS - y.sinceS || (a < b ? -1 : 1))
    if (least) delete next[least[0]]
  }
  ctx.state.set(visitsKey(thing), next)
}

const severityOf = (
  thing: ReentrancyThing,
  losses: readonly Loss[],
  familiar: boolean,
): FindingSeverity => {
  const taken = losses.filter(({ toIntruder }) => toIntruder)
  if (familiar) return 'Low'
  if (taken.length === 0) return 'Medium'
  const isLarge = taken.some(
    ({ amountUnits, beforeUnits }) =>
      beforeUnits > 0n && bpsOf(amountUnits, beforeUnits) >= thing.parameters.criticalBps,
  )
  return isLarge ? 'Critical' : 'High'
}

const examineTransaction = async (
  ctx: ReentrancyContext,
  block: BotBlock,
  thing: ReentrancyThing,
  txHash: Hex,
  calls: readonly CallTrace[],
): Promise<readonly Finding[]> => {
  const reentries = findReentries(thing.address, calls, thing.parameters.ignoreFunctions)
  const tx = block.transactions.find(({ hash }) => hash === txHash)
  const isReading = ({ inner }: Reentry): boolean => inner.type === 'STATICCALL'
  const findings: Finding[] = []

  const [first, ...more] = reentries.filter((one) => !isReading(one))
  if (first) {
    const intruders = new Set<string>([first, ...more].map(({ inner }) => inner.from))
    if (tx) intruders.add(tx.from)
    const losses = await measureLoss(ctx, thing.address, tx, intruders)
    const familiar = [first, ...more].every(({ inner }) => isFamiliar(ctx, thing, inner.from))
    const severity = severityOf(thing, losses, familiar)
    if (!losses.some(({ toIntruder }) => toIntruder))
      for (const { inner } of [first, ...more]) remember(ctx, thing, inner.from)
    const one: Case = {
      txHash,
      sender: tx?.from,
      reentries: [first, ...more],
      losses,
      severity,
      isFamiliar: familiar,
    }
    findings.push(reportReentry(ctx, thing, one))
  }

  const readings = reentries.filter(isReading)
  for (const reading of readings) {
    // Whoever acts on what it reads there is what makes it dangerous; a protocol's own parts look at each other all day.
    const consumer = findConsumer(
      reading,
      calls,
      (address) => address !== thing.address && ctx.thingAt(address) !== undefined,
    )
    if (!consumer) continue
    const one: Case = {
      txHash,
      sender: tx?.from,
      reentries: [reading],
      losses: [],
      severity: isConsumerOwn(ctx, thing, consumer, reading) ? 'Low' : 'High',
      isFamiliar: false,
    }
    findings.push(reportReading(ctx, thing, one, consumer))
    break
  }
  return findings
}

/** The thing itself called the consumer: it does its own business there. A stranger in between is the sign. */
const isConsumerOwn = (
  ctx: ReentrancyContext,
  thing: ReentrancyThing,
  consumer: CallTrace,
  { outer }: Reentry,
): boolean =>
  consumer.from === thing.address ||
  consumer.from === outer.to ||
  ctx.thingAt(consumer.from) !== undefined

const examine = async (block: BotBlock, ctx: ReentrancyContext): Promise<readonly Finding[]> => {
  if (!block.traced) return []
  const byTx = new Map<Hex, CallTrace[]>()
  for (const call of block.calls) {
    const list = byTx.get(call.txHash)
    if (list) list.push(call)
    else byTx.set(call.txHash, [call])
  }
  const findings: Finding[] = []
  for (const [txHash, calls] of byTx) {
    if (calls.length < 2) continue
    for (const thing of ctx.things)
      if (thing.parameters.traces !== 'never')
        findings.push(...(await examineTransaction(ctx, block, thing, txHash, calls)))
  }
  return findings
}

/**
 * A contract that is entered again, by way of somebody else, before it is done. From call traces of the blocks that
 * changed its state; keeps for each thing 32 contracts that come back in as a rule, some 60 bytes each.
 */
export const reentrancy = defineBot({
  id: 'reentrancy',
  version: '1.0.0',
  summary:
    'A contract is entered again by way of a stranger, or read by others, while it is at work.',
  parameters: reentrancyParameters,
  kinds: ['vault', 'pool', 'lending-market', 'bridge', 'contract', 'proxy'],
  // Uniswap's own pools lock themselves, and are touched in nearly every block: traces of them would cost for nothing.
  accepts: (thing) => thing.kind !== 'pool' || thing.variant === 'curve',
  alerts: [
    { id: 'REENTRANCY', title: 'Entered again while at work', kind: 'event', severity: 'Critical' },
    {
      id: 'READ-ONLY-REENTRANCY',
      title: 'Read by others while at work',
      kind: 'event',
      severity: 'High',
    },
  ],
  needs: ({ things }) => {
    const traced = things.filter(({ parameters }) => parameters.traces !== 'never')
    if (traced.length === 0) return {}
    return {
      calls: traced.map(({ address }) => ({ to: address })),
      traces: { mode: 'whenTouched', addresses: traced.map(({ address }) => address) },
    }
  },
  handleBlock: examine,
})
