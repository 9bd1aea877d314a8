import {
  type Address,
  addressOfWord,
  type BotBlock,
  type ChainLog,
  defineBot,
  type Finding,
} from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { type Change, groupOf, type Incident, keepPage, type Page, pageOf } from './book.ts'
import { follow, judgeChange, judgeStanding, judgeWindow } from './judgeThing.ts'
import { pauseWatchParameters } from './parameters.ts'
import { canPause, findProbe, type PauseContext, type PauseThing, readPause } from './probe.ts'
import { type AlertId, TITLES } from './report.ts'

const PAUSABLE = ['contract', 'proxy', 'vault', 'token', 'lending-market', 'bridge'] as const
const isPausable = ({ kind }: { readonly kind: string }): boolean =>
  (PAUSABLE as readonly string[]).includes(kind)

/** Every so often (s) the contracts are asked again, for what no event tells. */
const LOOK_EVERY_S = 600
/** A contract without any pause is asked again this often (s): it may be upgraded. */
const PROBE_EVERY_S = 86_400

const topic = (signature: string) => toEventSelector(`event ${signature}`)
const PAUSES = [
  topic('Paused(address)'),
  topic('Paused()'),
  topic('Pause()'),
  topic('Paused(uint256)'),
  topic('Stopped()'),
]
const UNPAUSES = [
  topic('Unpaused(address)'),
  topic('Unpaused()'),
  topic('Unpause()'),
  topic('Resumed()'),
]

const actorOf = (block: BotBlock, log: ChainLog | undefined): Address | undefined => {
  if (!log) return undefined
  const word = log.topics[1] ?? (log.data.length === 66 ? log.data : '0x')
  const tx = block.transactions.find(({ hash }) => hash === log.txHash)
  return addressOfWord(word) ?? tx?.from
}

/** The first look: what is so already is no change. */
const meet = async (ctx: PauseContext, thing: PauseThing): Promise<void> => {
  const key = `deaf:${thing.name}`
  const asked = ctx.state.get<number>(key)
  if (asked !== undefined && ctx.block.timestampS - asked < PROBE_EVERY_S) return
  const probe = await findProbe(ctx, thing)
  const state = canPause(probe) ? await readPause(ctx, thing, probe) : undefined
  if (!state) return ctx.state.set(key, ctx.block.timestampS)
  const { timestampS: sinceS } = ctx.block
  keepPage(ctx, thing, { probe, ...state, sinceS, by: undefined, open: {} })
}

/** The first look at a thing, or the first after it began to answer. */
const begin = async (
  ctx: PauseContext,
  thing: PauseThing,
  hasEvent: boolean,
): Promise<readonly Finding[]> => {
  // An event of something that did not answer is reason to ask again.
  if (hasEvent) ctx.state.delete(`deaf:${thing.name}`)
  await meet(ctx, thing)
  const met = pageOf(ctx, thing)
  return met ? settle(ctx, thing, met) : []
}

/** What the contract says now beside what it said last. */
const look = async (
  ctx: PauseContext,
  block: BotBlock,
  thing: PauseThing,
  known: Page,
  logs: readonly ChainLog[],
): Promise<{ readonly page: Page; readonly findings: readonly Finding[] }> => {
  const state = await readPause(ctx, thing, known.probe)
  if (!state) return { page: known, findings: [] }
  const { isPaused, untilS } = state
  if (isPaused === known.isPaused) {
    const page = untilS === known.untilS ? known : { ...known, untilS }
    return judgeWindow(ctx, thing, page, state)
  }
  const topics = isPaused ? PAUSES : UNPAUSES
  const log = logs.findLast(({ topics: [first] }) => topics.includes(first ?? '0x'))
  const change: Change = { isPaused, by: actorOf(block, log), txHash: log?.txHash }
  const page = { ...known, isPaused, untilS, by: change.by, sinceS: block.timestampS }
  const findings = judgeChange(ctx, thing, known, page, change, log !== undefined)
  if (isPaused) beginIncident(ctx, thing, change.by)
  const window = judgeWindow(ctx, thing, page, state)
  return { page: window.page, findings: [...findings, ...window.findings] }
}

const examine = async (
  ctx: PauseContext,
  block: BotBlock,
  thing: PauseThing,
  isLook: boolean,
): Promise<readonly Finding[]> => {
  const logs = block.logs.filter(({ address }) => address === thing.address)
  const known = pageOf(ctx, thing)
  if (!known) return begin(ctx, thing, logs.length > 0)
  const isDue = logs.length > 0 || isLook || lapses(ctx, known)
  const { page, findings } = isDue
    ? await look(ctx, block, thing, known, logs)
    : { page: known, findings: [] }
  return [...findings, ...settle(ctx, thing, page, known)]
}

const lapses = (ctx: PauseContext, page: Page): boolean =>
  page.isPaused && page.untilS !== undefined && page.untilS <= ctx.block.timestampS

const settle = (
  ctx: PauseContext,
  thing: PauseThing,
  page: Page,
  known?: Page,
): readonly Finding[] => {
  const standing = judgeStanding(ctx, thing, page)
  if (standing.page !== known) keepPage(ctx, thing, standing.page)
  return standing.findings
}

const beginIncident = (ctx: PauseContext, thing: PauseThing, by: Address | undefined): void => {
  const group = groupOf(thing)
  if (group === undefined || ctx.state.get(`incident:${group}`) !== undefined) return
  const incident: Incident = { block: ctx.block.number, thing: thing.name, by }
  ctx.state.set(`incident:${group}`, incident)
}

/** Siblings that did not follow a pause within the blocks that they are given. */
const followIncident = (
  ctx: PauseContext,
  group: string,
  members: readonly PauseThing[],
): readonly Finding[] => {
  const incident = ctx.state.get<Incident>(`incident:${group}`)
  if (!incident) return []
  const pages = members.flatMap((thing) => {
    const page = pageOf(ctx, thing)
    return page ? [{ thing, page }] : []
  })
  const paused = pages.filter(({ page }) => page.isPaused)
  if (paused.length === 0) ctx.state.delete(`incident:${group}`)
  const first = members.find(({ name }) => name === incident.thing)
  const isOwn =
    incident.by !== undefined &&
    ((first?.parameters.responders.includes(incident.by) ?? false) ||
      (ctx.labels.get(incident.by)?.tags.includes('own') ?? false))
  const isMost = paused.length * 2 > pages.length
  return pages.flatMap(({ thing, page }) => {
    const isDue = ctx.block.number - incident.block >= thing.parameters.missingBlocks
    const isMissing = paused.length > 0 && !page.isPaused && isDue
    const step = follow(
      ctx,
      thing,
      page,
      'PAUSE-MISSING',
      isMissing
        ? {
            severity: isOwn || isMost ? 'High' : 'Medium',
            what: `it still runs, though ${paused.length} of ${pages.length} things of its group are paused.`,
            metadata: {
              paused: paused
                .map((one) => one.thing.name)
                .join(', ')
                .slice(0, 300),
              sinceBlock: String(incident.block),
              thresholdBlocks: String(thing.parameters.missingBlocks),
            },
          }
        : undefined,
    )
    if (step.page !== page) keepPage(ctx, thing, step.page)
    return step.findings
  })
}

const SEVERITY: Readonly<Record<AlertId, readonly ['event' | 'condition', Finding['severity']]>> = {
  PAUSED: ['condition', 'Info'],
  'PAUSED-LONG': ['condition', 'Medium'],
  'PAUSE-MISSING': ['condition', 'High'],
  'PAUSE-UNDONE': ['event', 'High'],
  'PAUSE-EXPIRING': ['condition', 'High'],
  'PAUSE-FLAPPING': ['event', 'Medium'],
  'PAUSE-SILENT': ['event', 'High'],
  'PAUSE-IMPOSSIBLE': ['event', 'Low'],
}

/**
 * What is paused, since when, and whether that is as it should be. Keeps for each thing one page and the changes of a
 * day, for each group one incident. Asks at the first look, after events, and every ten minutes.
 */
export const pauseWatch = defineBot({
  id: 'pause-watch',
  version: '1.0.0',
  summary:
    'Which things are paused and since when: siblings that did not follow, pauses undone, lapsing, flapping, or lasting long.',
  parameters: pauseWatchParameters,
  // Those that govern are never asked whether they are paused: they are known when they lift a pause.
  kinds: [...PAUSABLE, 'multisig', 'timelock', 'governor', 'treasury'],
  alerts: (Object.keys(SEVERITY) as AlertId[]).map((id) => {
    const [kind, severity] = SEVERITY[id]
    return { id, title: TITLES[id], kind, severity }
  }),
  needs: ({ things }) => {
    const address = things.filter(isPausable).map((thing) => thing.address)
    if (address.length === 0) return {}
    // Time passes in blocks without events too; nothing is read in them.
    return { everyBlock: true, logs: [{ address, topics: [[...PAUSES, ...UNPAUSES]] }] }
  },
  handleBlock: async (block, ctx) => {
    const looked = ctx.state.get<number>('looked') ?? 0
    const groups = new Map<string, PauseThing[]>()
    const things = ctx.things.filter(isPausable)
    for (const thing of things) {
      const group = groupOf(thing)
      if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), thing])
    }
    const isLook = block.timestampS - looked >= LOOK_EVERY_S
    if (isLook) ctx.state.set('looked', block.timestampS)
    const findings: Finding[] = []
    for (const thing of things) findings.push(...(await examine(ctx, block, thing, isLook)))
    for (const [group, members] of groups)
      if (members.length > 1) findings.push(...followIncident(ctx, group, members))
    return findings
  },
})
