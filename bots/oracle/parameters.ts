import { z } from 'zod'

const reviewBy = '2027-05-31'
const bps = (most: number) => z.int().min(1).max(most)

export const oracleParameters = z
  .strictObject({
    deviationBps: bps(100_000).default(500).meta({
      description:
        'Further than this from both the average and the present price of a pool of the same pair, or from another oracle of it (bps).',
      source: 'published oracle rules: more than 5 % pages',
      reviewBy,
      quieter: 'higher',
    }),
    highBps: bps(1_000_000).default(1_000).meta({
      description:
        'From more than this on a deviation or a jump is High or Medium, see the runbook (bps).',
      source: 'published oracle rules: spot against average above 10 %',
      reviewBy,
    }),
    criticalBps: bps(10_000_000).default(2_000).meta({
      description: 'From more than this on a deviation is Critical and a jump High (bps).',
      source: 'own choice: lending markets lend up to 80 to 90 % of a value',
      reviewBy,
    }),
    twapS: z.int().min(60).max(86_400).default(1_800).meta({
      description: "Span of the pools' average price (seconds of block time).",
      source: 'the usual span of Uniswap v3 averages in oracles: half an hour',
      reviewBy,
    }),
    stalePercent: z.int().min(100).max(10_000).default(110).meta({
      description: 'Stale when the last update is older than this part of the heartbeat (%).',
      source: 'published oracle rules: heartbeat plus 10 %',
      reviewBy,
    }),
    learnedPercent: z.int().min(100).max(10_000).default(200).meta({
      description:
        'The same of the longest gap between its own updates, when no heartbeat is given (%).',
      source: 'own choice: what was never seen in so many updates, with as much room again',
      reviewBy,
    }),
    minLearnedS: z.int().min(60).max(604_800).default(3_600).meta({
      description: 'A heartbeat that is learned is never taken to be shorter than this (seconds).',
      source:
        'published heartbeats of feeds for lending markets: an hour is the shortest usual one',
      reviewBy,
    }),
    minUpdates: z.int().min(2).max(64).default(8).meta({
      description: 'Updates that must have been seen before a heartbeat is learned from them.',
      source: 'own choice: a day of a feed that speaks every three hours',
      reviewBy,
    }),
    pairBlocks: z.int().min(2).max(100_000).default(5).meta({
      description:
        'A pool whose price agrees with the answer within 1 % for so many blocks is taken for the same pair, unless `base` and `quote` say it. Never at prices near 1.',
      source: 'own choice: prices of two pairs agree by chance in about one of a thousand cases',
      reviewBy,
    }),
    trustS: z.int().min(0).max(31_536_000).default(86_400).meta({
      description:
        'Until a pair found that way has stood for so long, its deviations are one severity lower (s).',
      source: 'own choice: a day of prices tells two pairs apart',
      reviewBy,
    }),
  })
  .refine((value) => value.deviationBps <= value.highBps && value.highBps <= value.criticalBps, {
    path: ['highBps'],
    message: 'must lie between deviationBps and criticalBps',
  })

export type OracleParameters = z.infer<typeof oracleParameters>
