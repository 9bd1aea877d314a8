import { isTocsinError } from '../../base/index.ts'
import type { ChainBlock, ChainSource } from '../../chain/types.ts'
import { mergeBotParameters } from '../../config/index.ts'
import type { ChainConfig, Config } from '../../config/types.ts'
import { runLanes } from '../../engine/light.ts'
import type { BotDefinition, Label } from '../../engine/types.ts'
import { createLogger } from '../../telemetry/light.ts'
import type { Incident } from '../backtest/incidentScore.ts'
import { bindChosen, TIMEOUT_MS } from '../backtest/openRange.ts'
import { createSetTally, createSpan } from '../backtest/setTally.ts'
import { between, compareExact, type Exact, formatExact, parseExact } from './exact.ts'
import { type Direction, measureDirection, type Proposal, propose, type Trial } from './propose.ts'
import type { Recording } from './recordRange.ts'
import { chooseValues, type Tunable, toParameter } from './tunables.ts'

/** Most sets of parameters that run side by side. */
const MOST_LANES = 48
const MOST_VALUES = 24
const ROUNDS = 2
const VALUES_BETWEEN = 7

export type TuneOptions = {
  readonly config: Config
  readonly chain: ChainConfig
  readonly definitions: readonly BotDefinition<unknown>[]
  readonly bot: BotDefinition<unknown>
  readonly from: number
  readonly to: number
  /** Only for this thing; its parameters are changed then. */
  readonly thing: string | undefined
  /** Only pages of this alert count. */
  readonly alertId: string | undefined
  readonly incidents: readonly Incident[] | undefined
  readonly graceBlocks: number
  readonly pagesPerWeek: number
}

export type Tuned = {
  readonly tunable: Tunable
  readonly present: Exact
  readonly quieter: Direction | undefined
  /** Ascending by value. */
  readonly trials: readonly Trial[]
  readonly proposal: Proposal
}

type Candidate = { readonly tunable: Tunable; readonly value: Exact; readonly config: Config }

/** The watchlist with one parameter changed; undefined where the bot's schema refuses it. */
const withParameter = (
  { config, bot, thing }: Pick<TuneOptions, 'config' | 'bot' | 'thing'>,
  name: string,
  value: string | number,
): Config | undefined => {
  const { id } = bot
  const own = config.bots[id] ?? { enabled: true, parameters: {} }
  const next: Config =
    thing === undefined
      ? {
          ...config,
          bots: {
            ...config.bots,
            [id]: { ...own, enabled: true, parameters: { ...own.parameters, [name]: value } },
          },
        }
      : {
          ...config,
          watch: config.watch.map((one) =>
            one.name === thing
              ? { ...one, bots: { ...one.bots, [id]: { ...one.bots[id], [name]: value } } }
              : one,
          ),
        }
  try {
    mergeBotParameters(bot, next)
    for (const one of next.watch)
      if (bot.kinds.includes(one.kind)) mergeBotParameters(bot, next, one)
    return next
  } catch (error) {
    if (isTocsinError(error) && error.code === 'config.invalid') return undefined
    throw error
  }
}

/** The value that holds now. */
const presentOf = (
  { config, bot, thing }: Pick<TuneOptions, 'config' | 'bot' | 'thing'>,
  tunable: Tunable,
): Exact => {
  const watched = config.watch.find(({ name }) => name === thing)
  const merged = mergeBotParameters(bot, config, watched) as Readonly<Record<string, unknown>>
  return parseExact(String(merged[tunable.name])) ?? tunable.fallback
}

/** A bot that reads others' findings is deaf without them. */
export const botsBeside = ({
  config,
  bot,
}: Pick<TuneOptions, 'config' | 'bot'>): readonly string[] =>
  bot.handleAlert
    ? [...new Set([...Object.keys(config.bots).filter((id) => config.bots[id]?.enabled), bot.id])]
    : [bot.id]

/** Runs candidates side by side over the blocks. */
const tryAll = async (
  options: TuneOptions,
  candidates: readonly Candidate[],
  feed: {
    readonly blocks: AsyncIterable<ChainBlock>
    readonly source: ChainSource
    readonly labels: readonly Label[]
    readonly traces: boolean
    readonly onBlock: (blocks: number) => void
  },
): Promise<{ readonly trials: readonly Trial[]; readonly days: number }> => {
  const { bot, chain, definitions, from, to, thing, alertId, incidents, graceBlocks } = options
  const names = botsBeside(options)
  const lanes = candidates.map(({ config }) => bindChosen(config, definitions, names, chain))
  const tallies = candidates.map(({ config }, at) =>
    createSetTally({
      config,
      bots: (lanes[at] ?? []).filter(({ definition }) => definition.id === bot.id),
      from,
      to,
      incidents,
      graceBlocks,
    }),
  )
  const span = createSpan()
  await runLanes({
    ...feed,
    chain,
    lanes,
    dataPatienceMs: TIMEOUT_MS,
    log: createLogger({ service: 'tune', level: 'fatal' }),
    onBlock: (block, done, { blocks }) => {
      span.add(block)
      for (const [at, { findings }] of done.entries())
        for (const finding of findings)
          if (
            finding.botId === bot.id &&
            (thing === undefined || finding.thing === thing) &&
            (alertId === undefined || finding.alertId === alertId)
          )
            tallies[at]?.add(finding)
      feed.onBlock(blocks)
    },
  })
  const trials = candidates.map(({ value }, at): Trial => {
    const report = tallies[at]?.report(span.days())
    const pages = report?.pages.alerts ?? 0
    const precision = report?.detection?.precision
    return {
      value,
      findings: report?.findings ?? 0,
      pages,
      noise: precision === undefined ? pages : Math.round(pages * (1 - precision)),
      duplicates: report?.duplicates ?? 0,
      recall: report?.detection?.recall,
    }
  })
  return { trials, days: span.days() }
}

const sorted = (trials: readonly Trial[]): readonly Trial[] =>
  [...trials].sort((a, b) => compareExact(a.value, b.value))

/**
 * Tries values of parameters over one range, fetched once: a coarse grid first, then twice between the last value that
 * stays within the wanted rate and the first that does not, out of memory.
 */
export const tuneBot = async (
  options: TuneOptions,
  tunables: readonly Tunable[],
  feed: {
    readonly recording: Recording
    readonly labels: readonly Label[]
    readonly traces: boolean
    readonly onBlock: (round: number, blocks: number) => void
    /** Values to try instead of those that suggest themselves. */
    readonly values?: readonly Exact[]
  },
): Promise<{
  readonly tuned: readonly Tuned[]
  readonly days: number
  /** False: the range did not fit into memory, so the first grid is all there is. */
  readonly isRefined: boolean
}> => {
  const { recording, labels, traces } = feed
  const candidatesOf = (tunable: Tunable, values: readonly Exact[]): readonly Candidate[] =>
    values.flatMap((value) => {
      const config = withParameter(options, tunable.name, toParameter(tunable, value))
      return config ? [{ tunable, value, config }] : []
    })
  const count = Math.min(MOST_VALUES, Math.floor(MOST_LANES / tunables.length))
  const presents = new Map(tunables.map((tunable) => [tunable, presentOf(options, tunable)]))
  const presentFor = (tunable: Tunable): Exact => presents.get(tunable) ?? tunable.fallback
  let next = tunables.flatMap((tunable) => {
    const present = presentFor(tunable)
    const values = feed.values
      ? [...feed.values.filter((value) => compareExact(value, present) !== 0), present]
      : chooseValues(tunable, present, count)
    return candidatesOf(tunable, values)
  })
  const found = new Map<Tunable, Trial[]>(tunables.map((tunable) => [tunable, []]))
  let days = 0
  let isRefined = true
  const judge = (tunable: Tunable): Tuned => {
    const trials = sorted(found.get(tunable) ?? [])
    const isSilent = trials.every(({ pages }) => pages === 0)
    const quieter = isSilent ? undefined : (tunable.quieter ?? measureDirection(trials))
    const most = (options.pagesPerWeek * days) / 7
    const proposal = quieter
      ? propose(trials, quieter, most)
      : { chosen: undefined, beyond: undefined }
    return { tunable, present: presentFor(tunable), quieter, trials, proposal }
  }
  for (let round = 0; round <= ROUNDS && next.length > 0; round++) {
    const blocks = round === 0 ? recording.blocks : recording.replay()
    if (!blocks) {
      isRefined = false
      break
    }
    const result = await tryAll(options, next, {
      blocks,
      source: recording.source,
      labels,
      traces,
      onBlock: (done) => feed.onBlock(round, done),
    })
    days = result.days
    for (const [at, { tunable }] of next.entries()) {
      const trial = result.trials[at]
      if (trial) found.get(tunable)?.push(trial)
    }
    next = tunables.flatMap((tunable) => {
      const { chosen, beyond } = judge(tunable).proposal
      if (!chosen || !beyond) return []
      const [low, high] = [chosen.value, beyond.value].sort(compareExact) as [Exact, Exact]
      const tried = new Set((found.get(tunable) ?? []).map(({ value }) => formatExact(value)))
      const values = between(low, high, VALUES_BETWEEN, tunable.isWhole)
      return candidatesOf(
        tunable,
        values.filter((value) => !tried.has(formatExact(value))),
      )
    })
  }
  return { tuned: tunables.map(judge), days, isRefined }
}
