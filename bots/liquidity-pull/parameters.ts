import { z } from 'zod'

const reviewBy = '2027-05-31'

export const liquidityPullParameters = z
  .strictObject({
    removeBps: z.int().min(1).max(10_000).default(500).meta({
      description:
        'More than this part of the liquidity removed in one block, net of what came back in it (bps).',
      source: 'the usual operating rule: more than 5 % of a pool',
      reviewBy,
      quieter: 'higher',
    }),
    criticalBps: z.int().min(1).max(10_000).default(2_000).meta({
      description: 'From more than this on it is Critical (bps).',
      source: 'own choice: four times removeBps; published rules page at 10 to 30 %',
      reviewBy,
    }),
    windowS: z.int().min(60).max(604_800).default(3_600).meta({
      description: 'Span of the window form (seconds of block time).',
      source: 'published rules speak of an hour',
      reviewBy,
    }),
    returnS: z.int().min(60).max(604_800).default(86_400).meta({
      description:
        'What leaves a pool that is no smaller than so long ago came and went: Medium at most, unless it is more than half (seconds of block time).',
      source: 'own choice: providers who come for a day; a launch that is pulled is more than half',
      reviewBy,
    }),
    windowFactor: z.int().min(1).max(100).default(2).meta({
      description:
        'Window form: net removals of more than this many times removeBps within the window.',
      source: 'own choice: many small pulls are worth twice a single one',
      reviewBy,
    }),
  })
  .refine((value) => value.criticalBps >= value.removeBps, {
    path: ['criticalBps'],
    message: 'must not be less than removeBps',
  })

export type LiquidityPullParameters = z.infer<typeof liquidityPullParameters>
