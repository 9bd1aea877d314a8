import type { Address, Hex } from '../../base/index.ts'
import type { EngineBot, FindingRow } from '../../engine/index.ts'
import { createSpread, type Spread } from './spread.ts'

/** A labelled incident whose transactions were found on the chain. */
export type Incident = {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly loss: number | undefined
  readonly txs: readonly Hex[]
  readonly things: readonly string[]
  readonly addresses: readonly Address[]
  readonly bots: readonly string[]
  readonly alerts: readonly string[]
}

type Hit = { readonly block: number; readonly alertId: string; isPaged: boolean }

export type IncidentReport = {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly loss: number | undefined
  readonly things: readonly string[]
  readonly isPaged: boolean
  /** Who found it first, and so on; a bot once. `delay` and `lead` in blocks. */
  readonly foundBy: readonly {
    readonly bot: string
    readonly alertId: string
    readonly block: number
    readonly delay: number
    readonly lead: number | undefined
  }[]
  /** Bots that were expected to find it and did not. */
  readonly missedBy: readonly string[]
}

/** How well a bot, or all together, found what was labelled. */
export type Detection = {
  readonly expected: number
  readonly found: number
  /** Found among expected; undefined where nothing was expected. */
  readonly recall: number | undefined
  /** Pages that belong to an incident among all pages; undefined without pages. */
  readonly precision: number | undefined
  /** The same of findings of any severity. */
  readonly findingPrecision: number | undefined
  /** Blocks from the incident's first block to the first finding. */
  readonly delay: Spread | undefined
  /** Blocks from the first finding to the loss; negative: too late. */
  readonly lead: Spread | undefined
}

export type IncidentScore = {
  readonly note: (finding: FindingRow, isGrave: boolean, isPage: boolean) => boolean
  readonly of: (bot: string) => Detection
  readonly all: () => Detection
  readonly incidents: () => readonly IncidentReport[]
  readonly delays: () => readonly (readonly [number, number])[]
}

type Counts = { pages: number; truePages: number; findings: number; trueFindings: number }
const ALL = ''

const expects = ({ definition, things }: EngineBot, incident: Incident): boolean => {
  if (incident.bots.length > 0) return incident.bots.includes(definition.id)
  if (incident.alerts.length > 0)
    return definition.alerts.some(({ id }) => incident.alerts.includes(id))
  return incident.things.length === 0 || things.some(({ name }) => incident.things.includes(name))
}

const belongs = (finding: FindingRow, incident: Incident, graceBlocks: number): boolean => {
  const { blockNumber, thing, txHash } = finding
  if (txHash !== null && incident.txs.includes(txHash)) return true
  if (blockNumber < incident.from || blockNumber > incident.to + graceBlocks) return false
  if (incident.things.length === 0) return true
  if (thing !== null) return incident.things.includes(thing)
  return finding.addresses.some((address) => incident.addresses.includes(address))
}

const counts = (finding: FindingRow, { bots, alerts }: Incident): boolean =>
  (bots.length === 0 || bots.includes(finding.botId)) &&
  (alerts.length === 0 || alerts.includes(finding.alertId))

/**
 * Holds findings against labelled incidents. A finding belongs to an incident on the same thing from its first block to
 * `graceBlocks` after its last; one that belongs to none is a false alarm.
 */
export const createIncidentScore = (options: {
  readonly incidents: readonly Incident[]
  readonly bots: readonly EngineBot[]
  readonly graceBlocks: number
}): IncidentScore => {
  const { incidents, bots, graceBlocks } = options
  const hits = incidents.map(() => new Map<string, Hit>())
  const tallies = new Map<string, Counts>()
  const tallyOf = (bot: string): Counts => {
    const known = tallies.get(bot)
    if (known) return known
    const made = { pages: 0, truePages: 0, findings: 0, trueFindings: 0 }
    tallies.set(bot, made)
    return made
  }
  const firstOf = (index: number, bot: string): Hit | undefined => {
    const found = hits[index]
    if (bot !== ALL) return found?.get(bot)
    return [...(found?.values() ?? [])].sort((a, b) => a.block - b.block)[0]
  }
  const detectionOf = (bot: string, expected: readonly number[]): Detection => {
    const { pages, truePages, findings, trueFindings } = tallyOf(bot)
    const [delay, lead] = [createSpread(), createSpread()]
    let found = 0
    for (const index of expected) {
      const hit = firstOf(index, bot)
      const incident = incidents[index]
      if (!hit || !incident) continue
      found++
      delay.add(hit.block - incident.from)
      if (incident.loss !== undefined) lead.add(incident.loss - hit.block)
    }
    return {
      expected: expected.length,
      found,
      recall: expected.length > 0 ? found / expected.length : undefined,
      precision: pages > 0 ? truePages / pages : undefined,
      findingPrecision: findings > 0 ? trueFindings / findings : undefined,
      delay: delay.result(),
      lead: lead.result(),
    }
  }
  const expectedOf = (bot: string): readonly number[] => {
    const bound = bots.find(({ definition }) => definition.id === bot)
    return bound
      ? [...incidents.keys()].filter((at) => expects(bound, incidents[at] as Incident))
      : []
  }
  return {
    note: (finding, isGrave, isPage) => {
      const isOver = finding.condition === 'ended' || finding.condition === 'unknown'
      let isTrue = false
      for (const [index, incident] of incidents.entries()) {
        if (!belongs(finding, incident, graceBlocks)) continue
        isTrue = true
        if (isOver || !counts(finding, incident)) continue
        const known = hits[index]?.get(finding.botId)
        if (known) known.isPaged ||= isGrave
        else
          hits[index]?.set(finding.botId, {
            block: finding.blockNumber,
            alertId: finding.alertId,
            isPaged: isGrave,
          })
      }
      if (finding.condition === 'ended') return isTrue
      for (const tally of [tallyOf(finding.botId), tallyOf(ALL)]) {
        tally.findings++
        if (isTrue) tally.trueFindings++
        if (isPage) tally.pages++
        if (isPage && isTrue) tally.truePages++
      }
      return isTrue
    },
    of: (bot) => detectionOf(bot, expectedOf(bot)),
    all: () => detectionOf(ALL, [...incidents.keys()]),
    incidents: () =>
      incidents.map((incident, index) => {
        const found = [...(hits[index] ?? [])].sort((a, b) => a[1].block - b[1].block)
        const { name, from, to, loss, things } = incident
        return {
          name,
          from,
          to,
          loss,
          things,
          isPaged: found.some(([, { isPaged }]) => isPaged),
          foundBy: found.map(([bot, { block, alertId }]) => ({
            bot,
            alertId,
            block,
            delay: block - from,
            lead: loss === undefined ? undefined : loss - block,
          })),
          missedBy: bots
            .filter((bot) => expects(bot, incident) && !hits[index]?.has(bot.definition.id))
            .map(({ definition }) => definition.id),
        }
      }),
    delays: () => {
      const spread = createSpread()
      for (const [index, { from }] of incidents.entries()) {
        const hit = firstOf(index, ALL)
        if (hit) spread.add(hit.block - from)
      }
      return spread.values()
    },
  }
}
