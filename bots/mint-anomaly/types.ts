import type { BotContext, BotThing } from 'tocsin'
import type { MintAnomalyParameters } from './parameters.ts'

export type MintContext = BotContext<MintAnomalyParameters>
export type MintThing = BotThing<MintAnomalyParameters>

/** Millionths: fine enough for interest, coarse enough for numbers. Never more than 2^53. */
export const partOf = (part: bigint, whole: bigint): number => {
  if (whole <= 0n) return 0
  const millionths = (part * 1_000_000n) / whole
  return Number(millionths > 1_000_000_000_000n ? 1_000_000_000_000n : millionths)
}

/** Basis points in millionths. */
export const BPS = 100
