import { type Finding, formatAmount } from 'tocsin'
import type { SilenceContext } from './voice.ts'

const SPAN_S = 600
const MIN_SAMPLES = 20
const GWEI = 1_000_000_000n

type Said = Pick<Finding, 'alertId' | 'name' | 'description' | 'metadata' | 'condition'>

const say = (said: Said): Finding => ({
  ...said,
  severity: said.condition === 'ended' ? 'Info' : 'Low',
  type: 'Degraded',
  uniqueKey: 'chain',
})

/** How long the chain stood still before this block, when that is unusual (s). */
export const findStop = (
  ctx: SilenceContext,
): { readonly gapS: number; readonly usualS: number } | undefined => {
  const times = ctx.window('gaps', { keepS: SPAN_S })
  const lastS = ctx.state.get<number>('clock')
  const nowS = ctx.block.timestampS
  ctx.state.set('clock', nowS)
  if (lastS === undefined) return undefined
  const gapS = nowS - lastS
  const { stuckS, stuckFactor } = ctx.parameters
  if (gapS > stuckS) {
    // The samples of before lie outside of the span that ends now, so they were summed up while they were at hand.
    const usualS = ctx.state.get<number>('usual')
    if (usualS !== undefined && gapS > stuckFactor * usualS) return { gapS, usualS }
  }
  times.add(BigInt(gapS))
  if (ctx.block.number % MIN_SAMPLES === 0 && times.count(SPAN_S) >= MIN_SAMPLES) {
    const usual = Number(times.quantile(SPAN_S, 0.5) ?? 0n)
    if (usual !== ctx.state.get<number>('usual')) ctx.state.set('usual', usual)
  }
  return undefined
}

export const reportStop = (
  ctx: SilenceContext,
  { gapS, usualS }: { readonly gapS: number; readonly usualS: number },
): Finding =>
  say({
    alertId: 'STUCK-BLOCK',
    name: `No block for ${gapS} s`,
    description: `${ctx.chain.name}: between block ${ctx.block.number - 1} and ${ctx.block.number} lie ${gapS} s of block time, usually ${usualS} s. Deadlines and prices may have passed meanwhile.`,
    metadata: {
      gapS: String(gapS),
      usualS: String(usualS),
      thresholdS: String(Math.max(ctx.parameters.stuckS, ctx.parameters.stuckFactor * usualS)),
    },
  })

/** Empty blocks in a row, where most are not. */
export const judgeEmpty = (ctx: SilenceContext): readonly Finding[] => {
  const { emptyBlocks } = ctx.parameters
  const isEmpty = ctx.block.gasUsed === 0n
  const used = ctx.window('used', { keepS: SPAN_S })
  const run = ctx.state.get<number>('empty') ?? 0
  if (!isEmpty) {
    used.add(1n)
    if (run > 0) ctx.state.delete('empty')
    return run >= emptyBlocks && ctx.state.get('emptyTold') ? endEmpty(ctx, run) : []
  }
  const next = Math.min(1_000_000, run + 1)
  ctx.state.set('empty', next)
  if (next <= emptyBlocks) used.add(0n)
  if (next !== emptyBlocks) return []
  const samples = used.samples(SPAN_S).slice(0, -emptyBlocks)
  const full = samples.filter(({ value }) => value > 0n).length
  if (samples.length < MIN_SAMPLES || full * 10 < samples.length * 9) return []
  ctx.state.set('emptyTold', true)
  return [
    say({
      alertId: 'EMPTY-BLOCKS',
      name: 'Empty blocks in a row',
      description: `${ctx.chain.name}: the last ${emptyBlocks} blocks hold no transaction, where ${full} of ${samples.length} before them did. Answers that are sent now may not be mined.`,
      metadata: { empty: String(emptyBlocks), fullBefore: `${full} of ${samples.length}` },
      condition: 'holds',
    }),
  ]
}

const endEmpty = (ctx: SilenceContext, run: number): readonly Finding[] => {
  ctx.state.delete('emptyTold')
  return [
    say({
      alertId: 'EMPTY-BLOCKS',
      name: 'Blocks are no longer empty',
      description: `${ctx.chain.name}: a block with transactions came after ${run} empty ones.`,
      metadata: { empty: String(run) },
      condition: 'ended',
    }),
  ]
}

/** The base fee against that of ten minutes ago. */
export const judgeFee = (ctx: SilenceContext): readonly Finding[] => {
  const fee = ctx.block.baseFeePerGasWei
  if (fee === undefined) return []
  const { feeFactor, minFeeGwei } = ctx.parameters
  const fees = ctx.window('fees', { keepS: 2 * SPAN_S })
  const last = fees.last()
  const before = fees.before(SPAN_S)?.value
  if (!last || ctx.block.timestampS - last.timestampS >= 60) fees.add(fee)
  const told = ctx.state.get<bigint>('fee')
  if (told !== undefined) {
    if (fee * 2n > told) return []
    ctx.state.delete('fee')
    return [
      say({
        alertId: 'FEE-SPIKE',
        name: 'Base fee fell again',
        description: `${ctx.chain.name}: the base fee is ${formatAmount(fee, 9, 'gwei')}.`,
        metadata: { feeWei: fee.toString() },
        condition: 'ended',
      }),
    ]
  }
  const isSpike =
    before !== undefined &&
    before > 0n &&
    fee >= BigInt(minFeeGwei) * GWEI &&
    fee > before * BigInt(feeFactor)
  if (!isSpike) return []
  ctx.state.set('fee', fee)
  return [
    say({
      alertId: 'FEE-SPIKE',
      name: 'Base fee rose fast',
      description: `${ctx.chain.name}: the base fee is ${formatAmount(fee, 9, 'gwei')}, ten minutes ago it was ${formatAmount(before, 9, 'gwei')}. Check that automatic answers may pay that much.`,
      metadata: {
        feeWei: fee.toString(),
        beforeWei: before.toString(),
        thresholdFactor: String(feeFactor),
      },
      condition: 'holds',
    }),
  ]
}
