import type { BotBlock, Finding } from 'tocsin'
import { parseAbi } from 'viem/utils'
import { type Flow, largestOf, type Move } from './readFlow.ts'
import { report, type Supply, showPart } from './report.ts'
import { BPS, type MintContext, type MintThing, partOf } from './types.ts'

const poolAbi = parseAbi(['function token0() view returns (address)'])

/** Burns of somebody else's units: neither the sender's nor the called contract's. */
const foreignBurns = (flow: Flow, block: BotBlock): readonly Move[] =>
  flow.burns.filter(({ holder, log }) => {
    const tx = block.transactions.find(({ hash }) => hash === log.txHash)
    return tx !== undefined && tx.from !== holder && tx.to !== holder
  })

/** A pool's holdings burned under it move its price; a large part of the supply burned is worth a look. */
export const judgeBurns = async (
  ctx: MintContext,
  block: BotBlock,
  thing: MintThing,
  flow: Flow,
  supply: Supply,
): Promise<readonly Finding[]> => {
  const { burnBps, poolBurnBps } = thing.parameters
  const findings: Finding[] = []
  const large = foreignBurns(flow, block).filter(
    ({ units }) => partOf(units, supply.before) > poolBurnBps * BPS,
  )
  for (const [ordinal, move] of large.slice(0, 4).entries()) {
    const pool = await ctx.read.call({ address: move.holder, abi: poolAbi, functionName: 'token0' })
    if (!pool.ok) continue
    const part = partOf(move.units, supply.before)
    findings.push(
      await report(ctx, thing, {
        alertId: 'BURN-ANOMALY',
        severity: 'High',
        what: `${showPart(part)} of the supply were burned out of a pool that did not ask for it.`,
        supply,
        move,
        metadata: { partBps: String(Math.floor(part / BPS)), thresholdBps: String(poolBurnBps) },
        uniqueKey: `${thing.name}:pool:${ordinal}`,
      }),
    )
  }
  if (findings.length > 0) return findings
  const lost = partOf(supply.before - supply.after, supply.before)
  if (lost <= burnBps * BPS || flow.burns.length === 0) return findings
  return [
    await report(ctx, thing, {
      alertId: 'BURN-ANOMALY',
      severity: lost > 5_000 * BPS ? 'Medium' : 'Low',
      what: `${showPart(lost)} of the supply were burned in one block.`,
      supply,
      move: largestOf(flow.burns),
      metadata: { partBps: String(Math.floor(lost / BPS)), thresholdBps: String(burnBps) },
      uniqueKey: `${thing.name}:burn`,
    }),
  ]
}
