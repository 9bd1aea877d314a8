import {
  type Address,
  addressTopic,
  type BotBlock,
  type ChainLog,
  defineBot,
  type Finding,
  gapBps,
  type Hex,
  isUniswapPool,
  POOL_PRICE_TOPIC,
  priceOfLog,
  priceOfReserves,
  priceOfRoot,
  requireAbi,
  reservesOf,
  trackPrice,
} from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { uniswapV2PairAbi, uniswapV3PoolAbi } from '../../abis/index.ts'
import { judgeBlock } from './judgeBlock.ts'
import { priceManipulationParameters } from './parameters.ts'
import { byTransaction, type Step, touchedBy } from './pricePath.ts'
import {
  type PoolThing,
  type PriceContext,
  reportOffAverage,
  reportSkew,
  reportVerdict,
} from './report.ts'

const SYNC = POOL_PRICE_TOPIC['uniswap-v2']
/** What a pair emits right after a `Sync` that has a reason. */
const REASONS: readonly Hex[] = [
  toEventSelector('Swap(address,uint256,uint256,uint256,uint256,address)'),
  toEventSelector('Mint(address,uint256,uint256)'),
  toEventSelector('Burn(address,uint256,uint256,address)'),
]

/** The price is off its average, and people know it, or were told of the block in which it began. */
type Off = {
  readonly severity: 'Low' | 'Medium'
  readonly isTold: boolean
  /** Who moved the price most in the block in which it began. */
  readonly mover: Address | undefined
  readonly isUsed: boolean
}

type Reserves = readonly [bigint, bigint]

const startPrice = async (ctx: PriceContext, thing: PoolThing): Promise<bigint | undefined> => {
  const base = { address: thing.address, at: 'parent' } as const
  if (thing.variant === 'uniswap-v2') {
    const answer = await ctx.read.call<readonly [bigint, bigint, number]>({
      ...base,
      abi: uniswapV2PairAbi,
      functionName: 'getReserves',
    })
    return answer.ok ? priceOfReserves(answer.value[0], answer.value[1]) : undefined
  }
  const answer = await ctx.read.call<readonly [bigint, ...unknown[]]>({
    ...base,
    abi: uniswapV3PoolAbi,
    functionName: 'slot0',
  })
  return answer.ok ? priceOfRoot(answer.value[0]) : undefined
}

/** What a pair counted with before this block. */
const reservesBefore = async (
  ctx: PriceContext,
  thing: PoolThing,
): Promise<Reserves | undefined> => {
  const known = ctx.state.get<Reserves>(`reserves:${thing.name}`)
  if (known) return known
  const answer = await ctx.read.call<readonly [bigint, bigint, number]>({
    address: thing.address,
    abi: uniswapV2PairAbi,
    functionName: 'getReserves',
    at: 'parent',
  })
  return answer.ok ? [answer.value[0], answer.value[1]] : undefined
}

const senderOf = (block: BotBlock, hash: Hex | undefined): Address | undefined =>
  block.transactions.find((tx) => tx.hash === hash)?.from

const hasTopic = ({ topics: [topic] }: ChainLog, wanted: readonly Hex[]): boolean =>
  topic !== undefined && wanted.includes(topic)

/** Reserves that fell by `sync()` alone. */
const findSkew = async (
  ctx: PriceContext,
  block: BotBlock,
  thing: PoolThing,
  logs: readonly ChainLog[],
): Promise<readonly Finding[]> => {
  const findings: Finding[] = []
  let reserves = await reservesBefore(ctx, thing)
  for (const [place, log] of logs.entries()) {
    if (log.topics[0] !== SYNC) continue
    const now = reservesOf(log.data)
    const next = logs[place + 1]
    const hasReason = next?.txHash === log.txHash && hasTopic(next, REASONS)
    if (!hasReason && reserves)
      for (const index of [0, 1] as const) {
        const [before, after] = [reserves[index], now[index]]
        if ((before - after) * 10_000n <= before * BigInt(thing.parameters.skewBps)) continue
        const { txHash, logIndex } = log
        const sender = senderOf(block, txHash)
        findings.push(
          await reportSkew(ctx, thing, { index, before, after, txHash, logIndex, sender }),
        )
      }
    reserves = now
  }
  if (reserves) ctx.state.set(`reserves:${thing.name}`, reserves)
  return findings
}

/** The step that moved the price most, and the sender of its transaction. */
const moverOf = (block: BotBlock, start: bigint, steps: readonly Step[]) => {
  let before = start
  let most: { readonly bps: number; readonly txHash: Hex } | undefined
  for (const group of byTransaction(steps)) {
    const last = group.at(-1)
    if (!last) continue
    const bps = gapBps(before, last.price)
    if (!most || bps > most.bps) most = { bps, txHash: last.txHash }
    before = last.price
  }
  return { txHash: most?.txHash, mover: senderOf(block, most?.txHash) }
}

/** The condition form: the price at the end of the block against its average. */
const followAverage = async (
  ctx: PriceContext,
  block: BotBlock,
  thing: PoolThing,
  facts: {
    readonly start: bigint | undefined
    readonly steps: readonly Step[]
    readonly isTold: boolean
  },
): Promise<readonly Finding[]> => {
  const { twapS, offTwapBps, minBlocks } = thing.parameters
  const track = trackPrice(ctx, thing.name, twapS)
  const price = track.last()
  const average = track.average()
  if (price === undefined || average === undefined || track.blocks() < minBlocks) return []
  const key = `off:${thing.name}`
  const off = ctx.state.get<Off>(key)
  const bps = gapBps(price, average)
  const say = { price, average, bps } as const
  if (off && bps * 2 <= offTwapBps) {
    ctx.state.delete(key)
    if (!off.isTold) return []
    const ended = { severity: 'Info', condition: 'ended', txHash: undefined } as const
    return [await reportOffAverage(ctx, thing, { ...say, ...ended, mover: undefined })]
  }
  // Only a block that moved the price makes it worse: the average alone does not.
  if (bps <= offTwapBps || facts.start === undefined || facts.steps.length === 0) return []
  const severity = bps > 2 * offTwapBps ? 'Medium' : 'Low'
  if (off && (off.severity === 'Medium' || severity === 'Low')) return []
  const { mover, txHash } = moverOf(block, facts.start, facts.steps)
  const isSilent = facts.isTold || (off !== undefined && !off.isTold)
  ctx.state.set(key, { severity, isTold: !isSilent, mover, isUsed: facts.isTold })
  if (isSilent) return []
  return [
    await reportOffAverage(ctx, thing, { ...say, severity, condition: 'holds', mover, txHash }),
  ]
}

/** Whoever moved the price far lets a lending market or an oracle act on it in a later block. */
const findLaterUse = async (
  ctx: PriceContext,
  block: BotBlock,
  thing: PoolThing,
): Promise<Finding | undefined> => {
  const key = `off:${thing.name}`
  const off = ctx.state.get<Off>(key)
  if (!off?.mover || off.isUsed || off.severity !== 'Medium') return undefined
  const { twapS, offTwapBps } = thing.parameters
  const track = trackPrice(ctx, thing.name, twapS)
  const [price, average] = [track.last(), track.average()]
  if (price === undefined || average === undefined) return undefined
  const bps = gapBps(price, average)
  if (bps <= 2 * offTwapBps) return undefined
  const pricing = dependentsOf(ctx, ['lending-market', 'oracle'])
  for (const tx of block.transactions) {
    if (tx.from !== off.mover) continue
    const victim = tx.logs.reduce<Address | undefined>(
      (found, log) => found ?? touchedBy(log, pricing),
      undefined,
    )
    if (!victim) continue
    ctx.state.set(key, { ...off, isUsed: true })
    const path = {
      start: average,
      peak: price,
      end: price,
      peakBps: bps,
      endBps: bps,
      isRoundTrip: false,
      movedAt: 0,
      lastAt: 0,
    }
    return reportVerdict(ctx, thing, {
      kind: 'manipulation',
      severity: 'High',
      path,
      thresholdBps: 2 * offTwapBps,
      tx,
      backTx: undefined,
      victim,
      victimTx: tx.hash,
    })
  }
  return undefined
}

const dependentsOf = (
  ctx: PriceContext,
  kinds: readonly string[] = ['vault', 'lending-market', 'oracle'],
): ReadonlyMap<Hex, Address> =>
  new Map(
    ctx.things
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ address }) => [addressTopic(address), address]),
  )

const examine = async (
  ctx: PriceContext,
  block: BotBlock,
  thing: PoolThing,
  logs: readonly ChainLog[],
): Promise<readonly Finding[]> => {
  const { variant, parameters } = thing
  const track = trackPrice(ctx, thing.name, parameters.twapS)
  const steps = logs.flatMap((log): readonly Step[] => {
    const price = priceOfLog(variant, log)
    const { txHash, txIndex, logIndex } = log
    return price === undefined ? [] : [{ price, txHash, txIndex, logIndex }]
  })
  const findings: Finding[] = []
  const last = steps.at(-1)
  let start = track.last()
  if (last) {
    start ??= (await startPrice(ctx, thing)) ?? steps[0]?.price ?? last.price
    const { transactions } = block
    const scene = { start, steps, transactions, dependents: dependentsOf(ctx) }
    for (const verdict of judgeBlock(scene, parameters))
      findings.push(await reportVerdict(ctx, thing, verdict))
    if (variant === 'uniswap-v2') findings.push(...(await findSkew(ctx, block, thing, logs)))
    track.record(last.price)
  }
  const isTold = findings.some(({ severity }) => severity === 'High' || severity === 'Critical')
  if (!isTold) {
    const later = await findLaterUse(ctx, block, thing)
    if (later) findings.push(later)
  }
  findings.push(...(await followAverage(ctx, block, thing, { start, steps, isTold })))
  return findings
}

/**
 * The price of Uniswap v2 and v3 pools: moved within a block to use it, off its average, or made by a vanished reserve.
 * State per pool: its price with about 130 samples, two reserves, two tokens, one episode.
 */
export const priceManipulation = defineBot({
  id: 'price-manipulation',
  version: '1.0.0',
  summary:
    "A pool's price is moved within a block while something watched relies on it, or stands far off its average.",
  parameters: priceManipulationParameters,
  kinds: ['pool', 'vault', 'lending-market', 'oracle'],
  accepts: (thing) => thing.kind !== 'pool' || isUniswapPool(thing),
  alerts: [
    {
      id: 'PRICE-MANIPULATION',
      title: 'Price moved to use it',
      kind: 'event',
      severity: 'Critical',
    },
    { id: 'RESERVES-SKEW', title: 'A reserve vanished', kind: 'event', severity: 'Critical' },
    {
      id: 'SANDWICH',
      title: 'Trade of a watched thing sandwiched',
      kind: 'event',
      severity: 'Medium',
    },
    { id: 'PRICE-OFF-TWAP', title: 'Price off its average', kind: 'condition', severity: 'Medium' },
    {
      id: 'PRICE-ROUND-TRIP',
      title: 'Price moved and brought back',
      kind: 'event',
      severity: 'Info',
    },
  ],
  needs: ({ things }) => {
    const pools = things.flatMap((thing) => (thing.kind === 'pool' ? [thing] : []))
    for (const thing of pools)
      requireAbi('price-manipulation', thing, {
        events: [thing.variant === 'uniswap-v2' ? 'Sync' : 'Swap'],
      })
    if (pools.length === 0) return {}
    return {
      everyBlock: true,
      logs: [
        ...pools.map(({ address, variant }) => ({
          address,
          topics: [variant === 'uniswap-v2' ? [SYNC, ...REASONS] : [POOL_PRICE_TOPIC[variant]]],
        })),
        ...things.flatMap(({ kind, address }) => (kind === 'pool' ? [] : [{ address }])),
      ],
    }
  },
  handleBlock: async (block, ctx) => {
    const logs = new Map<Address, ChainLog[]>()
    for (const log of block.logs) {
      const known = logs.get(log.address)
      if (known) known.push(log)
      else logs.set(log.address, [log])
    }
    const findings: Finding[] = []
    for (const thing of ctx.things) {
      if (thing.kind !== 'pool') continue
      const own = logs.get(thing.address)
      if (own || ctx.state.get(`off:${thing.name}`) !== undefined)
        findings.push(...(await examine(ctx, block, thing, own ?? [])))
    }
    return findings
  },
})
