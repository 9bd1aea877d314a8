import { type BotBlock, defineBot, type Finding, requireAbi } from 'tocsin'
import { bpsOfPpm, judgePull, judgeWindow, ppmOf } from './judgePull.ts'
import { LIQUIDITY_TOPICS, readLiquidityEvents } from './liquidityEvents.ts'
import { liquidityPullParameters } from './parameters.ts'
import { measurePool, type PoolThing, type PullContext, poolTokens } from './pool.ts'
import { reportDrain, reportPull } from './report.ts'

/** What the window form has said and not taken back. */
type Drain = { readonly bps: number; readonly isCritical: boolean }

type Outcome = { readonly finding: Finding | undefined; readonly hasShrunk: boolean }
const NOTHING: Outcome = { finding: undefined, hasShrunk: false }

const examineBlock = async (
  ctx: PullContext,
  block: BotBlock,
  thing: PoolThing,
): Promise<Outcome> => {
  const events = readLiquidityEvents(
    thing.variant,
    block.logs.filter((log) => log.address === thing.address),
  )
  if (events.length === 0) return NOTHING
  const removal = await measurePool(ctx, thing, events)
  if (!removal) return NOTHING
  const ppm = ppmOf(removal)
  if (ppm !== 0n) ctx.window(`net:${thing.name}`, { keepS: thing.parameters.windowS }).add(ppm)
  // Names and decimals are at hand before they are wanted in a hurry.
  await poolTokens(ctx, thing)
  const pull = judgePull(removal, thing.parameters)
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
  const window = ctx.window(`net:${thing.name}`, { keepS: windowS })
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

/** Liquidity leaving a Uniswap v2 or v3 pool: in one block, or bit by bit within an hour. */
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
    for (const thing of things) requireAbi('liquidity-pull', thing, { events: ['Mint', 'Burn'] })
    return {
      everyBlock: true,
      logs: things.flatMap((thing) =>
        thing.kind === 'pool'
          ? [{ address: thing.address, topics: [LIQUIDITY_TOPICS[thing.variant]] }]
          : [],
      ),
    }
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
