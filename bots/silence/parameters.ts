import { z } from 'zod'

const reviewBy = '2027-05-31'

export const silenceParameters = z.strictObject({
  minSilenceS: z.int().min(60).max(2_592_000).default(3_600).meta({
    description: 'Silence shorter than this is never told (seconds of block time).',
    source: 'own choice: an hour; oracles have their own heartbeat and their own bot',
    reviewBy,
    quieter: 'higher',
  }),
  gapFactor: z.int().min(2).max(100).default(4).meta({
    description: 'Silence of more than this many times the 95 % quantile of the last 32 gaps.',
    source: 'own choice: gaps of keepers and users have long tails',
    reviewBy,
    quieter: 'higher',
  }),
  longestFactor: z.int().min(1).max(100).default(2).meta({
    description: '… and of more than this many times the longest gap of the last eight days.',
    source: 'own choice: so that nights and weekends are part of the habit',
    reviewBy,
  }),
  minGaps: z.int().min(3).max(32).default(20).meta({
    description: 'Gaps that must have been seen before a habit is one.',
    source: 'own choice: a quantile of 95 % needs twenty',
    reviewBy,
  }),
  stuckS: z.int().min(5).max(86_400).default(60).meta({
    description: 'A gap between two blocks shorter than this is never told (seconds).',
    source: 'own choice: five missed slots of Ethereum, which happen',
    reviewBy,
  }),
  stuckFactor: z.int().min(2).max(10_000).default(10).meta({
    description: 'A gap between two blocks of this many times the median of the last ten minutes.',
    source:
      'own choice: two minutes on Ethereum, twenty seconds of two-second chains fall to stuckS',
    reviewBy,
    quieter: 'higher',
  }),
  emptyBlocks: z.int().min(2).max(1_000).default(10).meta({
    description: 'Empty blocks in a row, where nine of ten usually are not.',
    source:
      'own choice: single builders make one or two; ten are censorship or a sequencer in trouble',
    reviewBy,
  }),
  feeFactor: z.int().min(2).max(10_000).default(10).meta({
    description: 'Base fee of this many times that of ten minutes ago.',
    source: 'own choice: full blocks for four minutes raise it that far on Ethereum',
    reviewBy,
    quieter: 'higher',
  }),
  minFeeGwei: z.int().min(0).max(1_000_000).default(20).meta({
    description: 'Base fees below this are never told (gwei).',
    source: 'own choice: the fee that automatic answers are usually prepared to pay',
    reviewBy,
  }),
})

export type SilenceParameters = z.infer<typeof silenceParameters>
