import {
  type Address,
  type BotBlock,
  type CallTrace,
  type ConditionStanding,
  defineBot,
  type Finding,
  followCondition,
} from 'tocsin'
import { followFailures, retireFunctions } from './failures.ts'
import { type ClosedHour, countHour, HOUR_S } from './hours.ts'
import { activityParameters } from './parameters.ts'
import { reportFailing, reportHour } from './report.ts'
import type { ActivityContext, ActivityThing, Touched } from './types.ts'

const standingOf = (kind: 'drop' | 'surge', { measures }: ClosedHour): ConditionStanding => {
  const near = kind === 'drop' ? 'low' : 'high'
  if (measures.some(({ standing }) => standing === kind))
    return { kind: 'holds', severity: kind === 'drop' ? 'Medium' : 'Low' }
  return { kind: measures.some(({ standing }) => standing === near) ? 'near' : 'well' }
}

const judgeHour = (
  ctx: ActivityContext,
  thing: ActivityThing,
  hour: ClosedHour,
): readonly Finding[] =>
  (['drop', 'surge'] as const).flatMap((kind) => {
    const word = followCondition(ctx.state, `${kind}:${thing.name}`, standingOf(kind, hour))
    return word ? [reportHour(thing, kind, hour, word)] : []
  })

type Share = { readonly touched: Touched; readonly calls: CallTrace[] }

/** What of the block concerns each thing; a transaction counts once, by call or by event. */
const shareOut = (block: BotBlock): ReadonlyMap<Address, Share> => {
  const senders = new Map(block.transactions.map((tx) => [tx.hash, tx.from]))
  const shares = new Map<Address, Share & { readonly seen: Set<string> }>()
  const take = (address: Address, txHash: `0x${string}`) => {
    let share = shares.get(address)
    if (!share) {
      share = { touched: { transactions: 0, users: new Set() }, calls: [], seen: new Set() }
      shares.set(address, share)
    }
    const sender = senders.get(txHash)
    if (sender === undefined || share.seen.has(txHash)) return share
    share.seen.add(txHash)
    share.touched.transactions++
    share.touched.users.add(sender)
    return share
  }
  for (const call of block.calls)
    if (call.to !== null && call.path.length === 0) take(call.to, call.txHash).calls.push(call)
  for (const log of block.logs) take(log.address, log.txHash)
  return shares
}

/**
 * How much a thing is used, and whether what used to work works. Bounded: of each thing one kilobyte for the open hour
 * (users in a sketch, whatever their number), twice 168 hours of 8 counts (about 20 kB), and 64 functions of at most
 * half a kilobyte: 55 kB in all, however many users and blocks there are.
 */
export const activity = defineBot({
  id: 'activity',
  version: '1.0.0',
  summary:
    'Users or transactions are missing for the hour of the week, or calls of a function fail that used to work.',
  parameters: activityParameters,
  kinds: ['contract', 'proxy', 'token', 'vault', 'pool', 'lending-market', 'bridge'],
  alerts: [
    {
      id: 'ACTIVITY-DROP',
      title: 'Users or transactions missing',
      kind: 'condition',
      severity: 'Medium',
    },
    {
      id: 'ACTIVITY-SURGE',
      title: 'Far more users or transactions than usual',
      kind: 'condition',
      severity: 'Low',
    },
    {
      id: 'FUNCTION-FAILING',
      title: 'Calls of a function fail that used to work',
      kind: 'condition',
      severity: 'Medium',
    },
  ],
  needs: ({ things }) => ({
    // An hour ends whether or not anybody did anything.
    everyBlock: true,
    logs: things.map(({ address }) => ({ address })),
    calls: things.map(({ address }) => ({ to: address })),
  }),
  handleBlock: async (block, ctx) => {
    const hour = Math.floor(block.timestampS / HOUR_S)
    const isSameHour = ctx.state.get<number>('hour') === hour
    if (isSameHour && block.transactions.length === 0) return []
    if (!isSameHour) ctx.state.set('hour', hour)
    const shares = shareOut(block)
    const findings: Finding[] = []
    for (const thing of ctx.things) {
      const share = shares.get(thing.address)
      if (isSameHour && !share) continue
      const closed = countHour(ctx, thing, share?.touched)
      if (closed) findings.push(...judgeHour(ctx, thing, closed))
      const failing = [
        ...(closed ? retireFunctions(ctx, thing) : []),
        ...followFailures(ctx, thing, share?.calls ?? []),
      ]
      for (const one of failing) findings.push(await reportFailing(ctx, thing, one))
    }
    return findings
  },
})
