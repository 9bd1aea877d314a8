import { z } from 'zod'

const reviewBy = '2027-05-31'
const bps = (most: number) => z.int().min(1).max(most)

export const priceManipulationParameters = z
  .strictObject({
    touchedBps: bps(100_000).default(200).meta({
      description:
        'A price moved by more than this and back, with a watched thing touched in between, is High (bps).',
      source:
        'published rules for flash-loan attacks: a watched contract touched and a move above 2 %',
      reviewBy,
    }),
    moveBps: bps(1_000_000).default(1_000).meta({
      description:
        'From more than this on that is Critical; a price moved so far to stay, with a watched thing touched after it in the same transaction, is High (bps).',
      source: 'published oracle rules: spot against average above 10 % pages',
      reviewBy,
      quieter: 'higher',
    }),
    criticalBps: bps(10_000_000).default(3_000).meta({
      description:
        'A price moved further than this to stay, then a watched thing touched, is Critical (bps).',
      source: 'own choice: three times moveBps',
      reviewBy,
      quieter: 'higher',
    }),
    sandwichBps: bps(100_000).default(100).meta({
      description:
        "A watched thing's trade between two of somebody who moved the price by more than this and back (bps).",
      source: 'own choice: the usual slippage limit of a trade is 0.5 to 1 %',
      reviewBy,
    }),
    twapS: z.int().min(60).max(86_400).default(1_800).meta({
      description: 'Span of the average price (seconds of block time).',
      source: 'the usual span of Uniswap v3 averages in oracles: half an hour',
      reviewBy,
    }),
    offTwapBps: bps(1_000_000).default(1_000).meta({
      description:
        'At the end of a block the price is further than this from its average: Low, from twice as much on Medium (bps).',
      source: 'published oracle rules: spot against average above 10 %',
      reviewBy,
      quieter: 'higher',
    }),
    minBlocks: z.int().min(1).max(10_000).default(3).meta({
      description: 'Blocks since the first price of a pool before the average is compared with.',
      source: 'own choice: the first blocks after a start are no average',
      reviewBy,
    }),
    roundTripBps: bps(10_000_000).default(2_000).meta({
      description:
        'A price moved further than this and back in one transaction that touched nothing watched is noted as Info (bps).',
      source: 'own choice: an amplifier for other signals, no alarm',
      reviewBy,
      quieter: 'higher',
    }),
    skewBps: z.int().min(1).max(9_999).default(1_000).meta({
      description:
        'A reserve of a v2 pair that fell by more than this by sync() alone, without swap or withdrawal, is High; by more than half Critical (bps).',
      source: 'own choice: negative rebases of ordinary tokens stay below 10 %',
      reviewBy,
    }),
  })
  .refine((value) => value.touchedBps <= value.moveBps && value.moveBps <= value.criticalBps, {
    path: ['moveBps'],
    message: 'must lie between touchedBps and criticalBps',
  })

export type PriceManipulationParameters = z.infer<typeof priceManipulationParameters>
