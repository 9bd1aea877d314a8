import {
  addressTopic,
  type BotBlock,
  defineBot,
  type Finding,
  type FindingSeverity,
  isUniswapPool,
} from 'tocsin'
import { beatS, compareLine, remember } from './compareLine.ts'
import { checkThing, createGauge } from './createGauge.ts'
import { type Episode, followEpisode, type Standing } from './followEpisode.ts'
import type { Gauge, Line, Reading, TvlContext, TvlThing } from './gauge.ts'
import { type Drop, judgeDrop, type Verdict, type WindowDrop } from './judgeDrop.ts'
import { tvlDropParameters } from './parameters.ts'
import { reportBlockDrop, reportState, reportWindowDrop, unitOf } from './report.ts'
import { examineDrain, markTold } from './slowDrain.ts'

const RANK: Readonly<Record<FindingSeverity, number>> = {
  Info: 0,
  Low: 1,
  Medium: 2,
  High: 3,
  Critical: 4,
}

type Judged<D> = { readonly line: Line; readonly drop: D }

const worst = <D extends Drop>(all: readonly Judged<D>[]): Judged<D> | undefined =>
  all.reduce<Judged<D> | undefined>((best, one) => {
    if (!best) return one
    const byRank = RANK[one.drop.severity] - RANK[best.drop.severity]
    return byRank > 0 || (byRank === 0 && one.drop.dropBps > best.drop.dropBps) ? one : best
  }, undefined)

const concerns = (thing: TvlThing, block: BotBlock): boolean => {
  const topic = addressTopic(thing.address)
  return block.logs.some(
    (log) => log.address === thing.address || log.topics[1] === topic || log.topics[2] === topic,
  )
}

const standingOf = (
  verdicts: readonly Verdict[],
  failed: readonly string[],
  window: WindowDrop | undefined,
): Standing => {
  if (window) {
    const level = Math.max(...verdicts.map((verdict) => verdict.window?.level ?? 0))
    return { kind: 'drop', level, severity: window.severity }
  }
  if (failed.length > 0) return { kind: 'unknown' }
  return { kind: verdicts.some((verdict) => verdict.isNear) ? 'near' : 'well' }
}

const judgeReading = async (
  ctx: TvlContext,
  block: BotBlock,
  thing: TvlThing,
  { lines, failed }: Reading,
  isSeasoned: boolean,
): Promise<readonly Finding[]> => {
  const { dropBps, oneBlockDropBps, stepBps, minUnits } = thing.parameters
  const limits = { dropBps, oneBlockDropBps, stepBps, minUnits: BigInt(minUnits) }
  const judged = lines.map((line) => ({
    line,
    verdict: judgeDrop(compareLine(ctx, thing, line, isSeasoned), limits),
  }))
  remember(ctx, thing, lines)
  const inBlock = worst(
    judged.flatMap(({ line, verdict }) => (verdict.block ? [{ line, drop: verdict.block }] : [])),
  )
  const inWindow = worst(
    judged.flatMap(({ line, verdict }) => (verdict.window ? [{ line, drop: verdict.window }] : [])),
  )
  const findings: Finding[] = []
  if (inBlock) findings.push(await reportBlockDrop(ctx, block, thing, inBlock.line, inBlock.drop))

  const key = `episode:${thing.name}`
  const episode = ctx.state.get<Episode>(key)
  const verdicts = judged.map(({ verdict }) => verdict)
  const step = followEpisode(episode, standingOf(verdicts, failed, inWindow?.drop))
  if (step.episode === undefined && episode !== undefined) ctx.state.delete(key)
  else if (step.episode !== undefined && step.episode !== episode) ctx.state.set(key, step.episode)
  if (step.say)
    findings.push(
      inWindow && step.say.condition === 'holds'
        ? await reportWindowDrop(ctx, thing, inWindow.line, {
            ...inWindow.drop,
            severity: step.say.severity,
          })
        : reportState(thing, step.say, failed),
    )
  if (inBlock || step.episode?.status === 'holds') markTold(ctx, thing)
  findings.push(...(await examineDrain(ctx, block, thing, lines)))
  return findings
}

const examine = async (
  gauge: Gauge,
  ctx: TvlContext,
  block: BotBlock,
): Promise<readonly Finding[]> => {
  const { thing } = gauge
  const sinceKey = `since:${thing.name}`
  const since = ctx.state.get<{ readonly block: number; readonly lookedS: number }>(sinceKey)
  const isDue =
    since === undefined ||
    !gauge.isLazy ||
    concerns(thing, block) ||
    ctx.block.timestampS - since.lookedS >= beatS(thing) ||
    ctx.state.get(`episode:${thing.name}`) !== undefined
  if (!isDue) return []
  const reading = await gauge.measure(ctx)
  if (since === undefined || gauge.isLazy)
    ctx.state.set(sinceKey, { block: since?.block ?? block.number, lookedS: ctx.block.timestampS })
  // Names and decimals are at hand before they are wanted in a hurry.
  if (since === undefined) for (const line of reading.lines) await unitOf(ctx, thing, line)
  const seen = block.number - (since?.block ?? block.number)
  return judgeReading(ctx, block, thing, reading, seen >= thing.parameters.minSamples)
}

/**
 * Value leaving a vault, pool, treasury, lending market or bridge: in one block, within an hour, or in small steps within
 * a day. State: for each value the changes of two hours and 96 values of a day; of those who got or gave, 32 in each of
 * twelve parts of two days.
 */
export const tvlDrop = defineBot({
  id: 'tvl-drop',
  version: '1.0.0',
  summary:
    'The value in a vault, pool, treasury, lending market or bridge drops in one block, within an hour, or slowly within a day.',
  parameters: tvlDropParameters,
  kinds: ['vault', 'pool', 'treasury', 'lending-market', 'bridge'],
  accepts: (thing) => thing.kind !== 'pool' || isUniswapPool(thing),
  alerts: [
    {
      id: 'TVL-DROP',
      title: 'Value dropped within the window',
      kind: 'condition',
      severity: 'Critical',
    },
    { id: 'TVL-DROP-BLOCK', title: 'Value lost in one block', kind: 'event', severity: 'Critical' },
    {
      id: 'TVL-DRAIN-SLOW',
      title: 'Value leaves in small steps',
      kind: 'condition',
      severity: 'High',
    },
  ],
  needs: ({ things }) => {
    for (const thing of things) checkThing(thing)
    const gauges = things.map(createGauge)
    return {
      everyBlock: true,
      logs: gauges.flatMap((gauge) => gauge.logs),
      reads: gauges.flatMap((gauge) => gauge.reads),
    }
  },
  handleBlock: async (block, ctx) => {
    const findings: Finding[] = []
    for (const thing of ctx.things)
      findings.push(...(await examine(createGauge(thing), ctx, block)))
    return findings
  },
})
