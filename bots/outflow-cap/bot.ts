import {
  type Address,
  addressTopic,
  type BotBlock,
  type ChainTransaction,
  defineBot,
  type Finding,
  type Hex,
} from 'tocsin'
import { erc20Abi, erc4626Abi } from '../../abis/index.ts'
import { addOutflow, EMPTY_HISTORY, type History, summarise } from './history.ts'
import { type CapContext, type CapThing, type Holder, holdersOf } from './holders.ts'
import { isBeyondCap, judgeOutflow } from './judgeOutflow.ts'
import {
  isReceipted,
  isTrade,
  measureOutflows,
  type Outflow,
  TRANSFER,
  UNWRAP,
  WRAP,
} from './measureOutflow.ts'
import { outflowCapParameters } from './parameters.ts'
import { type Breach, reportBreach } from './report.ts'

/** Lines of things whose tokens nobody named: so many histories are kept, the first that came. */
const MAX_UNNAMED = 64
const historyKey = (thing: CapThing, token: Address | 'native', holder: Address): string =>
  `cap:${thing.name}:${token}:${holder}`

const hasNative = ({ kind }: CapThing): boolean => kind === 'bridge' || kind === 'treasury'
const nativeKey = (thing: CapThing): string => `native:${thing.name}`

/** Own things, and what the labels call one's own, are no strangers: value that goes there has not left. */
const isOwn = (ctx: CapContext, address: Address | undefined): boolean => {
  if (address === undefined) return false
  return (
    ctx.thingAt(address) !== undefined || (ctx.labels.get(address)?.tags.includes('own') ?? false)
  )
}

const balanceAt = async (
  ctx: CapContext,
  token: Address,
  holder: Address,
  at: 'block' | 'parent',
): Promise<bigint | undefined> => {
  const answer = await ctx.read.call<bigint>({
    address: token,
    abi: erc20Abi,
    functionName: 'balanceOf',
    args: [holder],
    at,
  })
  return answer.ok ? answer.value : undefined
}

/** The value of a share held over the block: holders took out what was theirs, or the books do not know of it. */
const holdsShares = async (ctx: CapContext, thing: CapThing): Promise<boolean> => {
  const ask = (functionName: string, at: 'block' | 'parent') =>
    ctx.read.call<bigint>({ address: thing.address, abi: erc4626Abi, functionName, at })
  const [oldAssets, oldShares, assets, shares] = await Promise.all([
    ask('totalAssets', 'parent'),
    ask('totalSupply', 'parent'),
    ask('totalAssets', 'block'),
    ask('totalSupply', 'block'),
  ])
  if (!oldAssets.ok || !oldShares.ok || !assets.ok || !shares.ok) return false
  if (oldShares.value <= 0n || oldAssets.value <= 0n) return false
  return (
    assets.value * oldShares.value * 10_000n >=
    oldAssets.value * shares.value * BigInt(10_000 - thing.parameters.shareToleranceBps)
  )
}

const receiverOf = async (
  ctx: CapContext,
  { to, tx }: Flow,
  history: History,
): Promise<Breach['receiver']> => {
  if (to === undefined) return undefined
  const [now, before] = await Promise.all([ctx.read.code(to), ctx.read.code(to, 'parent')])
  const isFresh = before === '0x' && (now !== '0x' || tx.contractAddress === to)
  return {
    address: to,
    kind: isFresh ? 'contract of this block' : now === '0x' ? 'account' : 'contract',
    isFirst: !history.receivers.includes(to),
  }
}

type Flow = Outflow & {
  readonly holder: Holder
  readonly tx: ChainTransaction
  /** What this block's earlier transactions took off, or brought. */
  readonly earlier: bigint
  /** All of the block. */
  readonly total: bigint
}

const examineFlow = async (
  ctx: CapContext,
  flow: Flow,
  history: History,
): Promise<Finding | undefined> => {
  const { holder, tx, token, net } = flow
  const { thing } = holder
  const summary = summarise(history, ctx.block.timestampS, thing.parameters.historyDays)
  if (!isBeyondCap(net, summary, thing.parameters) || isOwn(ctx, flow.to)) return undefined
  const before = await balanceAt(ctx, token, holder.address, 'parent')
  if (before === undefined) return undefined
  const held = before - flow.earlier
  if (!holder.tokens) {
    // Anybody can write logs about this address; balances of a token that does not hold to them are bait.
    const after = await balanceAt(ctx, token, holder.address, 'block')
    const gap = after === undefined ? net : before - flow.total - after
    if ((gap < 0n ? -gap : gap) * 10n > net) return undefined
  }
  const isMatched =
    thing.kind === 'vault' ? await holdsShares(ctx, thing) : isReceipted(tx, holder, net)
  const receiver = await receiverOf(ctx, flow, history)
  const severity = judgeOutflow(
    {
      units: net,
      held,
      history: summary,
      isMatched,
      isFreshContract: receiver?.kind === 'contract of this block',
      isMeasured: holder.tokens !== undefined,
    },
    thing.parameters,
  )
  if (!severity) return undefined
  return reportBreach(ctx, {
    thing,
    token,
    units: net,
    held,
    history: summary,
    severity,
    isMatched,
    receiver,
    caller: tx.from,
    txHash: tx.hash,
  })
}

/** The flows of all holders in the block, each with what came before it. */
const flowsOf = (block: BotBlock, holders: readonly Holder[]): readonly Flow[] =>
  holders.flatMap((holder) => {
    const sums = new Map<Address, bigint>()
    const flows: Omit<Flow, 'total'>[] = []
    for (const tx of block.transactions) {
      const moved = measureOutflows(tx, holder)
      const isPaid = holder.thing.kind === 'pool' && isTrade(tx, holder, moved)
      for (const one of moved) {
        const earlier = sums.get(one.token) ?? 0n
        if (one.net > 0n && !isPaid) flows.push({ ...one, holder, tx, earlier })
        sums.set(one.token, earlier + one.net)
      }
    }
    return (
      flows
        .map((flow) => ({ ...flow, total: sums.get(flow.token) ?? 0n }))
        // Otherwise most of it came in, or came back, in the same block.
        .filter(({ net, total }) => total * 2n >= net)
    )
  })

/** Of a thing whose tokens nobody named: a token that it really holds, while there is room. Logs alone are bait. */
const isNew = async (ctx: CapContext, { holder, token }: Flow): Promise<boolean> => {
  if (holder.tokens) return true
  if (ctx.state.keys(`cap:${holder.thing.name}:`).length >= MAX_UNNAMED) return false
  return ((await balanceAt(ctx, token, holder.address, 'parent')) ?? 0n) > 0n
}

const examineTokens = async (ctx: CapContext, block: BotBlock): Promise<readonly Finding[]> => {
  const senders = new Set(block.logs.flatMap(({ topics }) => topics.slice(1, 3)))
  const emitters = new Set(block.logs.map(({ address }) => address))
  const holders = await holdersOf(
    ctx,
    (thing) => senders.has(addressTopic(thing.address)) || emitters.has(thing.address),
  )
  const findings: Finding[] = []
  for (const flow of flowsOf(block, holders)) {
    const { holder, token, net, to } = flow
    const key = historyKey(holder.thing, token, holder.address)
    const known = ctx.state.get<History>(key)
    if (!known && !(await isNew(ctx, flow))) continue
    const history = known ?? EMPTY_HISTORY
    const finding = await examineFlow(ctx, flow, history)
    if (finding) findings.push(finding)
    const { historyDays } = holder.thing.parameters
    const next = addOutflow(history, net, to, ctx.block.timestampS, historyDays)
    if (next !== known) ctx.state.set(key, next)
  }
  return findings
}

/** Native coin shows in balances only: what a block took is one outflow. */
const examineNative = async (
  ctx: CapContext,
  block: BotBlock,
  thing: CapThing,
): Promise<readonly Finding[]> => {
  const read = ctx.reads<bigint>(nativeKey(thing))
  if (!read.ok) return []
  const before = ctx.state.get<bigint>(nativeKey(thing))
  if (before === read.value) return []
  ctx.state.set(nativeKey(thing), read.value)
  if (before === undefined || before < read.value) return []
  const units = before - read.value
  const key = historyKey(thing, 'native', thing.address)
  const history = ctx.state.get<History>(key) ?? EMPTY_HISTORY
  const { historyDays } = thing.parameters
  const summary = summarise(history, ctx.block.timestampS, historyDays)
  ctx.state.set(key, addOutflow(history, units, undefined, ctx.block.timestampS, historyDays))
  const severity = judgeOutflow(
    {
      units,
      held: before,
      history: summary,
      isMatched: false,
      isFreshContract: false,
      isMeasured: true,
    },
    thing.parameters,
  )
  if (!severity) return []
  const calls = block.transactions.filter(
    ({ from, to, status }) =>
      status === 'success' && (from === thing.address || to === thing.address),
  )
  const [only] = calls.length === 1 ? calls : []
  return [
    await reportBreach(ctx, {
      thing,
      token: undefined,
      units,
      held: before,
      history: summary,
      severity,
      isMatched: false,
      receiver: undefined,
      caller: only?.from,
      txHash: only?.hash,
    }),
  ]
}

const examine = async (block: BotBlock, ctx: CapContext): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  if (block.logs.length > 0) findings.push(...(await examineTokens(ctx, block)))
  for (const thing of ctx.things)
    if (hasNative(thing)) findings.push(...(await examineNative(ctx, block, thing)))
  return findings
}

/**
 * Single outflows against the largest of the past: how value leaves, beside tvl-drop, which says that it is gone. State
 * for each token of a thing: one number pair for each of `historyDays` days and 32 receivers; of things whose tokens
 * nobody named, the first 64 tokens.
 */
export const outflowCap = defineBot({
  id: 'outflow-cap',
  version: '1.0.0',
  summary:
    'One transaction takes far more out of a vault, pool, treasury, lending market or bridge than any before.',
  parameters: outflowCapParameters,
  kinds: ['vault', 'pool', 'treasury', 'lending-market', 'bridge'],
  alerts: [
    {
      id: 'OUTFLOW-ABOVE-CAP',
      title: 'Outflow far above the largest so far',
      kind: 'event',
      severity: 'High',
    },
  ],
  needs: ({ things }) => {
    const topics = things.map(({ address }): Hex => addressTopic(address))
    const markets = things.filter(({ kind }) => kind === 'lending-market')
    const natives = things.filter(hasNative)
    return {
      logs: [
        ...(topics.length > 0
          ? [{ topics: [[TRANSFER, UNWRAP, WRAP], topics] }, { topics: [TRANSFER, null, topics] }]
          : []),
        { address: markets.map(({ address }) => address) },
      ],
      calls: natives.map(({ address }) => ({ to: address })),
      reads: natives.map(
        (thing) => ({ kind: 'balance', key: nativeKey(thing), address: thing.address }) as const,
      ),
      everyBlock: natives.length > 0,
    }
  },
  handleBlock: examine,
})
