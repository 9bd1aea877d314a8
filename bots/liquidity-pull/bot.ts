import {
  type BotBlock,
  type BotWindow,
  type ChainLog,
  defineBot,
  type Finding,
  type LogNeed,
  requireAbi,
} from 'tocsin'
import { CURVE_TOPICS, readCurveEvents } from './curve.ts'
import { bpsOfPpm, judgePull, judgeWindow, ppmOf } from './judgePull.ts'
import { LIQUIDITY_TOPICS, type LiquidityEvent, readLiquidityEvents } from './liquidityEvents.ts'
import { liquidityPullParameters } from './parameters.ts'
import { measurePool, type PoolThing, type PullContext, poolTokens } from './pool.ts'
import { reportDrain, reportPull } from './report.ts'
import { MODIFY_LIQUIDITY, poolIdOf, readV4Events } from './uniswapV4.ts'

/** What the window form has said and not taken back. */
type Drain = { readonly bps: number; readonly isCritical: boolean }

type Outcome = { readonly finding: Finding | undefined; readonly hasShrunk: boolean }
const NOTHING: Outcome = { finding: undefined, hasShrunk: false }

/** What each block took out, less what it added, as millionths of what there was. */
const netWindow = (ctx: PullContext, thing: PoolThing): BotWindow => {
  const { windowS, returnS } = thing.parameters
  return ctx.window(`net:${thing.name}`, { keepS: Math.max(windowS, returnS) })
}

const eventsOf = (thing: PoolThing, logs: readonly ChainLog[]): readonly LiquidityEvent[] => {
  if (logs.length === 0) return []
  if (thing.variant === 'curve') return readCurveEvents(logs)
  if (thing.variant === 'uniswap-v4') return readV4Events(poolIdOf(thing), logs)
  return readLiquidityEvents(thing.variant, logs)
}

const needOf = (thing: PoolThing): LogNeed => {
  const { address, variant } = thing
  if (variant === 'curve') return { address, topics: [CURVE_TOPICS] }
  if (variant === 'uniswap-v4') return { address, topics: [MODIFY_LIQUIDITY, poolIdOf(thing)] }
  return { address, topics: [LIQUIDITY_TOPICS[variant]] }
}

const EVENTS: Readonly<Record<PoolThing['variant'], readonly string[]>> = {
  'uniswap-v2': ['Mint', 'Burn'],
  'uniswap-v3': ['Mint', 'Burn'],
  'uniswap-v4': ['ModifyLiquidity'],
  curve: ['RemoveLiquidity'],
}

const examineBlock = async (
  ctx: PullContext,
  block: BotBlock,
  thing: PoolThing,
): Promise<Outcome> => {
  const events = eventsOf(
    thing,
    block.logs.filter((log) => log.address === thing.address),
  )
  if (events.length === 0) return NOTHING
  const removal = await measurePool(ctx, thing, events)
  if (!removal) return NOTHING
  const ppm = ppmOf(removal)
  const window = netWindow(ctx, thing)
  if (ppm !== 0n) window.add(ppm)
  // Names and decimals are at hand before they are wanted in a hurry.
  await poolTokens(ctx, thing)
  const pull = judgePull(removal, thing.parameters, window.sum(thing.parameters.returnS))
  const finding = pull && (await reportPull(ctx, block, thing, { events, removal, pull }))
  return { finding, hasShrunk: ppm > 0n }
}

/** The window form: told once, again when it gets worse by another threshold, and when it is over. */
const examineWindow = (
  ctx: PullContext,
  thing: PoolThing,
  mayTell: boolean,
): Finding | undefined => {
  const { windowS, removeBps } = thing.parameters
  const key = `drain:${thing.name}`
  const window = netWindow(ctx, thing)
  const told = ctx.state.get<Drain>(key)
  const sum = window.sum(windowS)
  const pull = judgeWindow(sum, thing.parameters)
  const blocks = window.count(windowS)
  if (!pull) {
    if (!told) return undefined
    ctx.state.delete(key)
    return reportDrain(thing, {
      pull: { bps: bpsOfPpm(sum), severity: 'Info' },
      blocks,
      condition: 'ended',
    })
  }
  const isCritical = pull.severity === 'Critical'
  const isKnown = told && pull.bps < told.bps + removeBps && (told.isCritical || !isCritical)
  if (isKnown || !mayTell) return undefined
  ctx.state.set(key, { bps: pull.bps, isCritical })
  return reportDrain(thing, { pull, blocks, condition: 'holds' })
}

/** Liquidity leaving a pool of Uniswap v2, v3, v4 or Curve: in one block, or bit by bit within an hour. */
export const liquidityPull = defineBot({
  id: 'liquidity-pull',
  version: '1.0.0',
  summary:
    'Providers take a large part of the liquidity out of a pool, in one block or within an hour.',
  parameters: liquidityPullParameters,
  kinds: ['pool'],
  alerts: [
    {
      id: 'LIQUIDITY-PULL',
      title: 'Liquidity pulled in one block',
      kind: 'event',
      severity: 'Critical',
    },
    {
      id: 'LIQUIDITY-DRAIN',
      title: 'Liquidity leaving within the window',
      kind: 'condition',
      severity: 'Critical',
    },
  ],
  needs: ({ things }) => {
    const pools = things.filter((thing) => thing.kind === 'pool')
    for (const thing of pools)
      requireAbi('liquidity-pull', thing, { events: EVENTS[thing.variant] })
    return { everyBlock: true, logs: pools.map(needOf) }
  },
  handleBlock: async (block, ctx) => {
    const findings: Finding[] = []
    for (const thing of ctx.things) {
      if (thing.kind !== 'pool') continue
      const { finding, hasShrunk } = await examineBlock(ctx, block, thing)
      if (finding) findings.push(finding)
      // What this block's own finding tells is not told twice, and what happened before is told already.
      const drained = examineWindow(ctx, thing, hasShrunk && finding === undefined)
      if (drained) findings.push(drained)
    }
    return findings
  },
})
