import { type BotBlock, cleanText, defineBot, type Finding, type Hex, type ThingKind } from 'tocsin'
import { toEventSelector } from 'viem/utils'
import { findStop, judgeEmpty, judgeFee, reportStop } from './judgeChain.ts'
import { silenceParameters } from './parameters.ts'
import {
  BURST_S,
  hear,
  isSeasoned,
  limitOf,
  newVoice,
  type SilenceContext,
  type SilenceThing,
  type Voice,
} from './voice.ts'

/** Of tokens and pools strangers decide when they speak; with them only the chain is watched. */
const SPEAKERS: readonly ThingKind[] = [
  'contract',
  'proxy',
  'vault',
  'lending-market',
  'bridge',
  'oracle',
]
const MAX_VOICES = 8

const keyOf = (thing: SilenceThing, topic: Hex): string => `voice:${thing.name}:${topic}`

const voicesOf = (ctx: SilenceContext, thing: SilenceThing): readonly Hex[] =>
  ctx.state.get<readonly Hex[]>(`voices:${thing.name}`) ?? []

const nameOf = (thing: SilenceThing, topic: Hex): string => {
  const item = thing.abi?.find((one) => one.type === 'event' && toEventSelector(one) === topic)
  return item?.type === 'event' ? cleanText(item.name, 60) : `event ${topic.slice(0, 10)}…`
}

const report = (
  thing: SilenceThing,
  topic: Hex,
  nowS: number,
  facts: Pick<Finding, 'severity' | 'condition'> & {
    readonly voice: Voice
    readonly limitS: number
  },
): Finding => {
  const { voice, limitS, severity, condition } = facts
  const [name, event] = [cleanText(thing.name, 60), nameOf(thing, topic)]
  const silentS = nowS - voice.lastS
  return {
    alertId: 'SILENT',
    name: condition === 'ended' ? `${name} speaks again` : `${name} is silent`,
    description:
      condition === 'ended'
        ? `${name}: ${event} came again after ${silentS} s.`
        : `${name}: ${event} has not come for ${silentS} s; by its own habit it does within ${limitS} s.`,
    severity,
    type: 'Degraded',
    thing: thing.name,
    ...(thing.protocol === undefined ? {} : { protocol: thing.protocol }),
    metadata: {
      event,
      topic,
      silentS: String(silentS),
      thresholdS: String(limitS),
      lastS: String(voice.lastS),
      gaps: String(voice.gaps.length),
    },
    addresses: [thing.address],
    uniqueKey: `${thing.name}:${topic}`,
    ...(condition ? { condition } : {}),
  }
}

/** The earliest time at which any voice may be called silent; until then none is looked at. */
const schedule = (ctx: SilenceContext, dueS: number): void => {
  const next = ctx.state.get<number>('next')
  if (next === undefined || dueS < next) ctx.state.set('next', dueS)
}

const hearAll = (ctx: SilenceContext, block: BotBlock): readonly Finding[] => {
  const heard = new Set<string>()
  const findings: Finding[] = []
  for (const { address, topics } of block.logs) {
    const [topic] = topics
    if (topic === undefined || heard.has(`${address}${topic}`)) continue
    heard.add(`${address}${topic}`)
    const thing = ctx.thingAt(address)
    if (thing) findings.push(...hearOne(ctx, thing, topic))
  }
  return findings
}

const hearOne = (ctx: SilenceContext, thing: SilenceThing, topic: Hex): readonly Finding[] => {
  const nowS = ctx.block.timestampS
  const key = keyOf(thing, topic)
  const known = ctx.state.get<Voice>(key)
  if (!known) {
    const voices = voicesOf(ctx, thing)
    if (voices.length >= MAX_VOICES) return []
    ctx.state.set(`voices:${thing.name}`, [...voices, topic])
    ctx.state.set(key, newVoice(nowS))
    return []
  }
  if (known.told === undefined && nowS - known.lastS < BURST_S) return []
  const voice = hear(known, nowS)
  ctx.state.set(key, voice)
  const limitS = limitOf(voice, thing.parameters)
  if (limitS !== undefined) schedule(ctx, nowS + limitS)
  if (known.told === undefined) return []
  return [
    report(thing, topic, nowS, {
      severity: 'Info',
      condition: 'ended',
      voice: known,
      limitS: limitS ?? 0,
    }),
  ]
}

/** Low until the habit is two days old; then Medium, and High from three times on where others depend on it. */
const grade = (
  thing: SilenceThing,
  voice: Voice,
  nowS: number,
  limitS: number,
): NonNullable<Voice['told']> => {
  if (!isSeasoned(voice, nowS)) return 'Low'
  const isVital = thing.kind === 'bridge' || thing.kind === 'oracle'
  return isVital && nowS - voice.lastS > 3 * limitS ? 'High' : 'Medium'
}

/** One voice: whether its silence is news, and when to look again (s); undefined when there is no need. */
const listenTo = (
  ctx: SilenceContext,
  thing: SilenceThing,
  topic: Hex,
): { readonly finding?: Finding; readonly dueS: number | undefined } => {
  const nowS = ctx.block.timestampS
  const voice = ctx.state.get<Voice>(keyOf(thing, topic))
  const limitS = voice && limitOf(voice, thing.parameters)
  if (!voice || limitS === undefined) return { dueS: undefined }
  const isSilent = nowS - voice.lastS > limitS
  const dueS = voice.lastS + (isSilent ? 3 * limitS : limitS)
  const due = { dueS: dueS >= nowS ? dueS : undefined }
  const severity = isSilent ? grade(thing, voice, nowS, limitS) : undefined
  if (severity === undefined || severity === voice.told || voice.told === 'High') return due
  ctx.state.set(keyOf(thing, topic), { ...voice, told: severity })
  const facts = { severity, condition: 'holds', voice, limitS } as const
  return { ...due, finding: report(thing, topic, nowS, facts) }
}

/** Every voice of every thing; what is due later is remembered as one time. */
const listen = (ctx: SilenceContext): readonly Finding[] => {
  const next = ctx.state.get<number>('next')
  if (next === undefined || ctx.block.timestampS <= next) return []
  const heard = ctx.things.flatMap((thing) =>
    voicesOf(ctx, thing).map((topic) => listenTo(ctx, thing, topic)),
  )
  const dues = heard.flatMap(({ dueS }) => dueS ?? [])
  if (dues.length === 0) ctx.state.delete('next')
  else ctx.state.set('next', Math.min(...dues))
  return heard.flatMap(({ finding }) => finding ?? [])
}

/** While the chain stands still nobody can speak: that time does not count. */
const forgive = (ctx: SilenceContext, gapS: number): void => {
  for (const thing of ctx.things)
    for (const topic of voicesOf(ctx, thing)) {
      const voice = ctx.state.get<Voice>(keyOf(thing, topic))
      if (voice) ctx.state.set(keyOf(thing, topic), { ...voice, lastS: voice.lastS + gapS })
    }
  const next = ctx.state.get<number>('next')
  if (next !== undefined) ctx.state.set('next', next + gapS)
}

/**
 * What block time can tell of silence: of the chain, and of things that usually speak. Keeps for each thing eight
 * events of 32 gaps and eight days, and of the chain the blocks of ten minutes.
 */
export const silence = defineBot({
  id: 'silence',
  version: '1.0.0',
  summary:
    'The chain stands still, or something that usually emits an event has not for much longer than its habit.',
  parameters: silenceParameters,
  kinds: [...SPEAKERS, 'token', 'pool'],
  alerts: [
    { id: 'STUCK-BLOCK', title: 'Long gap between two blocks', kind: 'event', severity: 'Low' },
    { id: 'EMPTY-BLOCKS', title: 'Empty blocks in a row', kind: 'condition', severity: 'Low' },
    { id: 'FEE-SPIKE', title: 'Base fee rose fast', kind: 'condition', severity: 'Low' },
    { id: 'SILENT', title: 'A usual event does not come', kind: 'condition', severity: 'High' },
  ],
  needs: ({ things }) => {
    const speakers = things.filter(({ kind }) => SPEAKERS.includes(kind))
    return {
      // Silence is a block in which nothing is said.
      everyBlock: true,
      logs: speakers.length > 0 ? [{ address: speakers.map(({ address }) => address) }] : [],
    }
  },
  handleBlock: (block, ctx) => {
    const stop = findStop(ctx)
    if (stop) forgive(ctx, stop.gapS)
    return [
      ...(stop ? [reportStop(ctx, stop)] : []),
      ...judgeEmpty(ctx),
      ...judgeFee(ctx),
      ...hearAll(ctx, block),
      ...listen(ctx),
    ]
  },
})
