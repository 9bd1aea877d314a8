import type { BotContext, BotThing } from 'tocsin'
import type { SilenceParameters } from './parameters.ts'

export type SilenceContext = BotContext<SilenceParameters>
export type SilenceThing = BotThing<SilenceParameters>

const DAY_S = 86_400
const KEPT_GAPS = 32
const KEPT_DAYS = 8
/** What is said within a minute counts once, and is written once. */
export const BURST_S = 60

/** The habit of one event of one thing: 32 gaps and eight days' longest, whatever the traffic. */
export type Voice = {
  readonly lastS: number
  readonly gaps: readonly number[]
  readonly days: readonly (readonly [day: number, longestS: number])[]
  readonly firstDay: number
  /** Severity with which its silence was told, if it was. */
  readonly told: 'Low' | 'Medium' | 'High' | undefined
}

export const newVoice = (nowS: number): Voice => ({
  lastS: nowS,
  gaps: [],
  days: [],
  firstDay: Math.floor(nowS / DAY_S),
  told: undefined,
})

/** It spoke. What was called silence is no part of the habit. */
export const hear = (voice: Voice, nowS: number): Voice => {
  const gap = nowS - voice.lastS
  const today = Math.floor(nowS / DAY_S)
  if (voice.told !== undefined) return { ...voice, lastS: nowS, told: undefined }
  const [, longest = 0] = voice.days.find(([day]) => day === today) ?? []
  return {
    ...voice,
    lastS: nowS,
    gaps: [...voice.gaps, gap].slice(-KEPT_GAPS),
    days: [
      ...voice.days.filter(([day]) => day !== today && day > today - KEPT_DAYS),
      [today, Math.max(longest, gap)] as const,
    ],
  }
}

/** Silence of more than this is unusual (s); undefined while there is no habit. */
export const limitOf = (voice: Voice, limits: SilenceParameters): number | undefined => {
  if (voice.gaps.length < limits.minGaps) return undefined
  const sorted = [...voice.gaps].sort((a, b) => a - b)
  const quantile = sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0
  const longest = Math.max(...voice.days.map(([, gap]) => gap), 0)
  return Math.max(limits.minSilenceS, limits.gapFactor * quantile, limits.longestFactor * longest)
}

/** Habits of less than two days know neither night nor weekend. */
export const isSeasoned = (voice: Voice, nowS: number): boolean =>
  Math.floor(nowS / DAY_S) - voice.firstDay >= 2
