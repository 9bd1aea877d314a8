import { cleanText, type Sev } from '../../base/index.ts'
import type { ChainBlock } from '../../chain/types.ts'
import type { Config } from '../../config/types.ts'
import type { EngineBot, FindingRow } from '../../engine/index.ts'
import { createAlertLedger, type Folded } from './alertLedger.ts'
import {
  createIncidentScore,
  type Detection,
  type Incident,
  type IncidentReport,
} from './incidentScore.ts'
import { createSpread, type Spread, type SpreadCounter } from './spread.ts'
import { judgeFinding, type WouldBe } from './wouldBe.ts'

export type BotReport = {
  readonly bot: string
  readonly findings: number
  /** Findings by alert. */
  readonly alerts: Readonly<Record<string, number>>
  readonly pages: number
  /** By block time; undefined where the range has no length. */
  readonly pagesPerDay: number | undefined
  /** Findings that were folded into an alert that was open already. */
  readonly duplicates: number
  /** Blocks from the first word of any bot about a thing to the first of this one, for each story of it. */
  readonly behind: Spread | undefined
  /** Pages by day (UTC), days without one are left out. */
  readonly days: Readonly<Record<string, number>>
  /** Only with labelled incidents. */
  readonly detection: Detection | undefined
}

/** What one set of parameters would have brought. */
export type SetReport = {
  readonly findings: number
  readonly severities: Readonly<Record<Sev, number>>
  readonly pages: { readonly SEV1: number; readonly SEV2: number; readonly alerts: number }
  readonly pagesPerDay: number | undefined
  readonly duplicates: number
  readonly bots: readonly BotReport[]
  readonly actions: Readonly<Record<string, number>>
  readonly failures: readonly {
    readonly bot: string
    readonly blocks: number
    readonly first: string
  }[]
  readonly incidents: readonly IncidentReport[] | undefined
  readonly detection: Detection | undefined
  /** Findings by part of the range and severity, for plots. */
  readonly bins: readonly Readonly<Record<Sev, number>>[]
  /** Blocks to detection with how often: of the incidents where some are labelled, else behind the first word. */
  readonly delays: readonly (readonly [number, number])[]
  /** The gravest, bounded. */
  readonly told: readonly Told[]
}

export type Told = {
  readonly block: number
  readonly timestampS: number
  readonly bot: string
  readonly alertId: string
  readonly sev: Sev
  readonly thing: string | null
  readonly description: string
  readonly txHash: string | null
}

export type Counted = { readonly wouldBe: WouldBe; readonly folded: Folded }

export type SetTally = {
  readonly add: (finding: FindingRow) => Counted
  readonly addFailure: (botId: string, block: number, faults: readonly string[]) => void
  readonly report: (spanDays: number) => SetReport
}

const BINS = 96
/** Findings about one thing with more than this between them are of two stories (seconds of block time). */
const STORY_GAP_S = 3_600
const MOST_TOLD = 500

type BotTally = {
  findings: number
  pages: number
  duplicates: number
  readonly alerts: Map<string, number>
  readonly days: Map<string, number>
  readonly behind: SpreadCounter
}

const none = (): Record<Sev, number> => ({ SEV1: 0, SEV2: 0, SEV3: 0, SEV4: 0 })
const count = (map: Map<string, number>, key: string): void => {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** Follows stories: what is told about one thing without an hour's silence. Keeps one per thing. */
const createStories = () => {
  const stories = new Map<string, { first: number; lastS: number; bots: Set<string> }>()
  /** Blocks behind the first word, at a bot's own first one; else undefined. */
  return ({ botId, thing, blockNumber, blockTimestampS }: FindingRow): number | undefined => {
    if (thing === null) return undefined
    let story = stories.get(thing)
    if (!story || blockTimestampS - story.lastS > STORY_GAP_S) {
      story = { first: blockNumber, lastS: blockTimestampS, bots: new Set() }
      stories.set(thing, story)
    }
    story.lastS = blockTimestampS
    if (story.bots.has(botId)) return undefined
    story.bots.add(botId)
    return blockNumber - story.first
  }
}

/** Counts what one set of bots and parameters finds while a backtest runs. Memory does not grow with the range. */
export const createSetTally = (options: {
  readonly config: Config
  readonly bots: readonly EngineBot[]
  readonly from: number
  readonly to: number
  readonly incidents: readonly Incident[] | undefined
  readonly graceBlocks: number
}): SetTally => {
  const { config, bots, from, to, incidents, graceBlocks } = options
  const score = incidents && createIncidentScore({ incidents, bots, graceBlocks })
  const ledger = createAlertLedger()
  const followStory = createStories()
  const perBot = new Map<string, BotTally>()
  const botOf = (id: string): BotTally => {
    const known = perBot.get(id)
    if (known) return known
    const made: BotTally = {
      findings: 0,
      pages: 0,
      duplicates: 0,
      alerts: new Map(),
      days: new Map(),
      behind: createSpread(),
    }
    perBot.set(id, made)
    return made
  }
  for (const { definition } of bots) botOf(definition.id)
  const severities = none()
  const actions = new Map<string, number>()
  const failures = new Map<string, { blocks: number; first: string }>()
  const bins = Array.from({ length: Math.min(BINS, to - from + 1) }, none)
  const behind = createSpread()
  const told: Told[] = []
  let pages = 0

  const keep = ({ finding, sev }: WouldBe): void => {
    if (told.length >= MOST_TOLD) return
    told.push({
      block: finding.blockNumber,
      timestampS: finding.blockTimestampS,
      bot: finding.botId,
      alertId: finding.alertId,
      sev,
      thing: finding.thing,
      description: cleanText(finding.description, 400),
      txHash: finding.txHash,
    })
  }
  return {
    add: (finding) => {
      const wouldBe = judgeFinding(config, finding)
      const folded = ledger.fold(wouldBe)
      const { sev } = wouldBe
      const tally = botOf(finding.botId)
      tally.findings++
      count(tally.alerts, finding.alertId)
      const isOver = finding.condition === 'ended'
      if (!isOver) severities[sev]++
      const at = Math.floor(((finding.blockNumber - from) / (to - from + 1)) * bins.length)
      const bin = bins[at]
      if (bin && !isOver) bin[sev]++
      if (folded.kind === 'duplicate') tally.duplicates++
      if (folded.isPage) {
        tally.pages++
        pages++
        count(tally.days, new Date(finding.blockTimestampS * 1_000).toISOString().slice(0, 10))
        keep(wouldBe)
      }
      const late = isOver ? undefined : followStory(finding)
      if (late !== undefined) {
        tally.behind.add(late)
        behind.add(late)
      }
      score?.note(finding, sev === 'SEV1' || sev === 'SEV2', folded.isPage)
      for (const action of wouldBe.actions) count(actions, action)
      return { wouldBe, folded }
    },
    addFailure: (botId, block, faults) => {
      const known = failures.get(botId)
      if (known) known.blocks++
      else
        failures.set(botId, {
          blocks: 1,
          first: `block ${block}: ${cleanText(faults[0] ?? '', 200)}`,
        })
    },
    report: (spanDays) => {
      const perDay = (number: number): number | undefined =>
        spanDays > 0 ? number / spanDays : undefined
      const all = [...perBot]
      const sum = (of: (tally: BotTally) => number): number =>
        all.reduce((total, [, tally]) => total + of(tally), 0)
      return {
        findings: sum((tally) => tally.findings),
        severities,
        pages: { SEV1: severities.SEV1, SEV2: severities.SEV2, alerts: pages },
        pagesPerDay: perDay(pages),
        duplicates: sum((tally) => tally.duplicates),
        bots: all.map(([bot, tally]) => ({
          bot,
          findings: tally.findings,
          alerts: Object.fromEntries(tally.alerts),
          pages: tally.pages,
          pagesPerDay: perDay(tally.pages),
          duplicates: tally.duplicates,
          behind: tally.behind.result(),
          days: Object.fromEntries(tally.days),
          detection: score?.of(bot),
        })),
        actions: Object.fromEntries(actions),
        failures: [...failures].map(([bot, failure]) => ({ bot, ...failure })),
        incidents: score?.incidents(),
        detection: score?.all(),
        bins,
        delays: score?.delays() ?? behind.values(),
        told,
      }
    },
  }
}

/** Length of a range in days of block time, the last block's own time included. */
export const createSpan = () => {
  let first: ChainBlock['timestampS'] | undefined
  let last = 0
  let blocks = 0
  return {
    add: ({ timestampS }: Pick<ChainBlock, 'timestampS'>): void => {
      first ??= timestampS
      last = timestampS
      blocks++
    },
    days: (): number =>
      first === undefined || blocks < 2 ? 0 : ((last - first) * (blocks / (blocks - 1))) / 86_400,
    firstS: () => first,
    lastS: () => (first === undefined ? undefined : last),
  }
}
